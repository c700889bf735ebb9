"""The scikit-learn face: its own checks of an estimator, and what an estimator is for — searches, curves, pipelines."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve, validation_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import graphc as gc
from graphc import data
from graphc.sklearn import Classifier, Regressor

FLOWERS = data.iris()
SHUFFLED = np.random.default_rng(0).permutation(len(FLOWERS))
X, Y = FLOWERS.x[SHUFFLED], FLOWERS.y[SHUFFLED]


def quick(**options):
    return Classifier(**{"hidden_layer_sizes": (8,), "epochs": 40, "learning_rate": 0.03, "random_state": 0, **options})


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        Classifier(hidden_layer_sizes=(8,), epochs=40, learning_rate=0.03),
        Regressor(hidden_layer_sizes=(16,), epochs=60, learning_rate=0.03),
    ]
)
def test_it_is_an_estimator(estimator, check):
    check(estimator)


def test_a_grid_search_finds_the_size():
    search = GridSearchCV(quick(batch_size=16), {"hidden_layer_sizes": [(), (8,)], "l2": [0.0, 10.0]}, cv=3)
    search.fit(X, Y)
    assert search.best_params_["l2"] == 0.0
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 4


def test_cross_validation_in_a_pipeline():
    scores = cross_val_score(make_pipeline(StandardScaler(), quick()), X, Y, cv=3)
    assert len(scores) == 3 and scores.mean() > 0.9


def test_learning_and_validation_curves():
    sizes, train, held_out = learning_curve(quick(), X, Y, train_sizes=[0.2, 1.0], cv=3)
    assert list(sizes) == [20, 100] and train.shape == held_out.shape == (2, 3)
    train, held_out = validation_curve(
        quick(epochs=20), X, Y, param_name="hidden_layer_sizes", param_range=[(1,), (16,)], cv=3
    )
    assert train.shape == (2, 3) and train[1].mean() > train[0].mean()


def test_a_builder_declares_the_network():
    def build(features, outputs):
        x = gc.nn.Input((features,))
        return gc.nn.Model(x, gc.nn.Dense(outputs)(gc.nn.Dense(8, "tanh")(x)) + gc.nn.Dense(outputs)(x))

    fitted = quick(build=build).fit(X, Y)
    assert fitted.score(X, Y) > 0.9
    assert fitted.model_.count_params() == 4 * 8 + 8 + 8 * 3 + 3 + 4 * 3 + 3


def test_a_builder_may_end_in_softmax():
    def build(activation):
        return lambda features, outputs: gc.nn.Sequential(
            [gc.nn.Input((features,)), gc.nn.Dense(outputs, activation)], name="linear"
        )

    scores, probabilities = (quick(build=build(activation)).fit(X, Y) for activation in (None, "softmax"))
    np.testing.assert_allclose(scores.predict_proba(X), probabilities.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(scores.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("estimator", [quick(dropout=0.2), Regressor((8,), epochs=5, random_state=0)])
def test_a_fitted_estimator_can_be_pickled(estimator):
    estimator = clone(estimator).fit(X, Y)
    before = gc.nn.seeding.next_seed()
    copied = pickle.loads(pickle.dumps(estimator))
    assert gc.nn.seeding.next_seed() != before
    assert np.array_equal(copied.predict(X), estimator.predict(X))
    assert copied.history_.history == estimator.history_.history


def test_the_random_state_decides_everything_and_leaves_other_seeds_alone():
    def fit_between(random_state):
        gc.nn.set_seed(7)
        fitted = quick(dropout=0.5, epochs=3, batch_size=32, random_state=random_state).fit(X, Y)
        return fitted.predict_proba(X), gc.nn.seeding.next_seed()

    (first, seed_a), (again, seed_b), (other, seed_c) = (fit_between(state) for state in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert seed_a == seed_b == seed_c


def test_it_stops_early():
    fitted = quick(epochs=500, learning_rate=0.1, patience=3).fit(X, Y)
    losses = fitted.history_.history["val_loss"]
    assert fitted.n_iter_ == len(losses) < 500
    assert min(losses[-3:]) >= min(losses)


def test_a_weight_is_a_repetition():
    weights = np.arange(len(X)) % 3
    weighted = quick(epochs=5).fit(X.astype("float64"), Y, sample_weight=weights)
    repeated = quick(epochs=5).fit(np.repeat(X.astype("float64"), weights, axis=0), np.repeat(Y, weights))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_network_computes_in_the_dtype_of_the_data(dtype):
    fitted = quick(epochs=1).fit(X.astype(dtype), Y)
    assert {str(weight.dtype) for weight in fitted.model_.get_weights()} == {dtype}


def test_labels_keep_their_kind():
    names = np.array(["setosa", "versicolor", "virginica"])
    fitted = quick().fit(X, names[Y])
    assert list(fitted.classes_) == list(names)
    assert fitted.score(X, names[Y]) > 0.9


def test_a_regressor_of_several_targets():
    law = data.make_regression(200, n_features=5, n_targets=2, noise=1.0, seed=0)
    targets = law.y / law.y.std(axis=0)
    fitted = Regressor((), learning_rate=0.05, epochs=200, random_state=0).fit(law.x, targets)
    assert fitted.predict(law.x).shape == (200, 2)
    assert fitted.score(law.x, targets) > 0.95


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda: quick().fit(X, np.zeros(len(X), int)), "expected labels of at least two classes, got one class"),
        (lambda: quick().fit(X, Y, np.zeros(len(X))), "expected sample weights ≥ 0, not all zero, got 0 to 0"),
        (lambda: quick().fit(X, Y, -np.ones(len(X))), "expected sample weights ≥ 0, not all zero, got -1 to -1"),
        (
            lambda: quick().fit(X, Y, np.ones(3)),
            "expected one weight for each of 150 samples, got an array of shape (3,)",
        ),
        (lambda: quick(build=lambda features, outputs: None).fit(X, Y), "expected build to return a gc.nn.Model, got"),
        (lambda: quick(optimizer="adamm").fit(X, Y), "nearest: 'adam'"),
        (lambda: quick(activation="rellu").fit(X, Y), "nearest: 'relu'"),
        (lambda: quick(epochs=-1).fit(X, Y), "expected epochs to be an int ≥ 0, got -1"),
    ],
)
def test_refusals(fit, message):
    with pytest.raises(gc.GraphError) as refused:
        fit()
    assert message in str(refused.value)
