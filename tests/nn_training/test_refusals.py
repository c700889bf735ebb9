"""What bad input gets: one sentence with the user's line, before any step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import graphc as gc
from graphc import nn

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
T = X.sum(axis=1, keepdims=True)
LABELS = (T[:, 0] > 0).astype("int64")


def model(loss="mse", units=1, activation=None, **kwargs):
    nn.set_seed(0)
    made = nn.Sequential([nn.Input((4,), name="features"), nn.Dense(units, activation, name="out")], name="net")
    made.compile(kwargs.pop("optimizer", "sgd"), loss, **kwargs)
    return made


def classifier():
    return model("sparse_categorical_crossentropy", 3, "softmax")


def with_nan(array):
    array = array.copy()
    array[7, 2] = np.nan
    return array


class Pairs:
    """A data set of the samples X with these labels."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return X[i], self.labels[i]


CASES = {
    "lengths": (lambda: model().fit(X, T[:19]), "expected as many rows in y as in x, got 19 and 20"),
    "no y": (lambda: model().fit(X), "fit: expected y, the targets, got None"),
    "no x": (lambda: model().fit(), "fit: expected x, the data, got None"),
    "no y to evaluate": (lambda: model().evaluate(X), "evaluate: expected y, the targets, got None"),
    "empty": (lambda: model().fit(X[:0], T[:0]), "fit: expected at least one sample, got none"),
    "features": (
        lambda: model().fit(X[:, :3], T),
        "net: expected an array of shape [batch, 4] for input 'features', got [samples, 3]",
    ),
    "prediction": (
        lambda: model().predict(X[None]),
        "expected an array of shape [batch, 4] for input 'features', got [samples, 20, 4]",
    ),
    "label too large": (
        lambda: classifier().fit(X, LABELS + 2),
        "fit: expected labels in [0, 3), for the 3 classes of output 'out', got 3",
    ),
    "label negative": (lambda: classifier().evaluate(X, LABELS - 1), "expected labels in [0, 3)"),
    "NaN in x": (lambda: model().fit(with_nan(X), T), "expected finite numbers in x, got nan at [7, 2]"),
    "infinity in y": (lambda: model().fit(X, np.where(T > 0, T, np.inf)), "expected finite numbers in y, got"),
    "label in a generator": (
        lambda: classifier().fit(iter([(X, LABELS), (X, LABELS - 1)])),
        "fit: expected labels in [0, 3), for the 3 classes of output 'out', got -1",
    ),
    "label in a data set": (lambda: classifier().evaluate(Pairs(LABELS + 2)), "expected labels in [0, 3)"),
    "label to validate with": (
        lambda: classifier().fit(X, LABELS, validation_data=(X, LABELS + 2)),
        "validation_data: expected labels in [0, 3)",
    ),
    "NaN in a generator": (
        lambda: model().fit(iter([(X, T), (with_nan(X), T)])),
        "expected finite numbers in x, got nan at [7, 2]",
    ),
    "no samples to validate with": (
        lambda: model().fit(X, T, validation_data=(X[:0], T[:0])),
        "validation_data: expected at least one sample, got none",
    ),
    "strings": (lambda: classifier().fit(X, LABELS.astype(str)), "expected y to hold numbers, got strings (np.unique"),
    "frame": (
        lambda: model().fit(pd.DataFrame({"a": [1.0], "b": ["x"], "c": [1.0], "d": [2.0]}), T[:1]),
        "expected columns of numbers in x, got 'b' without",
    ),
    "target shape": (lambda: model().fit(X, X[:, :2]), "expected targets of shape [batch, 1]"),
    "one-hot for labels": (lambda: classifier().fit(X, np.eye(3)[LABELS]), "expected labels of shape [batch]"),
    "loss": (lambda: model("mean_squared_eror"), "expected the name of a loss (nearest: 'mean_squared_error')"),
    "metric": (lambda: model(metrics=["acuracy"]), "expected the name of a metric (nearest: 'accuracy')"),
    "optimizer": (lambda: model(optimizer="adm"), "expected the name of an optimizer (nearest: 'adam')"),
    "loss of no output": (lambda: model({"uot": "mse"}).fit(X, T), "(nearest: 'out'), got 'uot'"),
    "no loss": (lambda: model(None).fit(X, T), "expected a loss to train or to evaluate with, got none"),
    "split": (lambda: model().fit(X, T, validation_split=1.5), "expected validation_split in [0, 1), got 1.5"),
    "empty split": (
        lambda: model().fit(X, T, validation_split=0.999),
        "expected a validation_split that leaves samples on both sides, got 0.999 of 20: 0 to train with and 20",
    ),
    "both": (
        lambda: model().fit(X, T, validation_split=0.5, validation_data=(X, T)),
        "expected validation_split or validation_data, got both",
    ),
    "split of a generator": (
        lambda: model().fit(iter([(X, T)]), validation_split=0.5),
        "expected arrays for validation_split, got an iterable",
    ),
    "y beside a generator": (
        lambda: model().fit(iter([(X, T)]), T),
        "expected y and sample_weight inside of the batches",
    ),
    "generator of x": (
        lambda: model().fit(iter([X])),
        "expected batches (x, y) or (x, y, sample_weight), got x without y",
    ),
    "empty generator": (lambda: model().fit(iter([])), "expected at least one batch, got an iterable without any"),
    "batch size": (lambda: model().fit(X, T, batch_size=0), "net: expected batch_size to be an int ≥ 1, got 0"),
    "epochs": (lambda: model().fit(X, T, epochs=1.5), "net: expected epochs to be an int ≥ 0, got 1.5"),
    "verbose": (lambda: model().fit(X, T, verbose=7), "expected 0 (silent), 1 (bar), 2 (one line an epoch) or 'auto'"),
    "weights": (lambda: model().fit(X, T, sample_weight=np.ones(3)), "expected as many rows in sample_weight as in x"),
    "dict": (lambda: model().fit({"feature": X}, T), "expected x with the keys 'features', got 'feature'"),
    "class weights": (lambda: model().fit(X, T, class_weight=[1, 2]), "expected class_weight to be a dict"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_refused_in_one_sentence(name):
    act, message = CASES[name]
    with pytest.raises(gc.GraphError) as caught:
        act()
    assert message in str(caught.value), caught.value
    assert str(caught.value).startswith("test_refusals.py:"), caught.value
    assert "\n" not in str(caught.value)


def test_nothing_works_before_compile():
    made = nn.Sequential([nn.Input((4,)), nn.Dense(1)])
    for act in (lambda: made.fit(X, T), lambda: made.evaluate(X, T), lambda: made.train_on_batch(X, T)):
        with pytest.raises(gc.GraphError, match=r"expected compile\(optimizer=…, loss=…\) before training"):
            act()
    assert made.predict(X).shape == (20, 1)


def test_a_refused_fit_leaves_the_model_as_it_was():
    made = classifier()
    before = made.get_weights()
    with pytest.raises(gc.GraphError):
        made.fit(X, LABELS + 2, verbose=0)
    for old, new in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


class Logarithm(nn.Layer):
    def call(self, x):
        return gc.log(x)


def diverging():
    nn.set_seed(0)
    layers = [nn.Dense(3, name="first"), Logarithm(name="logs"), nn.Dense(1, name="last")]
    made = nn.Sequential([nn.Input((4,)), *layers])
    made.compile("sgd", "mse")
    return made


def test_debug_nan_names_the_layer_and_keeps_the_weights():
    made = diverging()
    before = made.get_weights()
    with pytest.raises(gc.GraphError) as caught:
        made.fit(X, T, verbose=0, debug_nan=True)
    wanted = "first in the output of layer 'logs' (Logarithm) (epoch 1, batch 1)"
    assert wanted in str(caught.value)
    for old, new in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_that_are_not_finite_are_refused():
    made = model()
    made.layers[0].kernel.value = np.full((4, 1), np.nan, "float32")
    with pytest.raises(
        gc.GraphError, match="expected finite weights to start from, got NaN or infinity in 'out/kernel'"
    ):
        made.fit(X, T, verbose=0)


def test_debug_nan_names_gradients_and_weights():
    grown = model(optimizer=nn.optimizers.SGD(1e38))
    with pytest.raises(gc.GraphError, match=r"first in the weight 'out/kernel' of layer 'out'|first in the output of"):
        grown.fit(X, T, verbose=0, epochs=9, debug_nan=True)
    assert all(np.isfinite(w).all() for w in grown.get_weights()[1:])

    x = nn.Input((4,))
    zero = nn.Dense(1, kernel_initializer="zeros", use_bias=False, name="zero")(x)
    root = nn.Model(x, gc.sqrt(gc.square(zero)) + 1.0)
    root.compile("sgd", "mse")
    with pytest.raises(gc.GraphError, match="first in the gradient of 'zero/kernel'"):
        root.fit(X, T, verbose=0, debug_nan=True)


def test_debug_nan_trains_as_without():
    plain, watched = model(), model()
    plain.fit(X, T, epochs=2, verbose=0, shuffle=False)
    watched.fit(X, T, epochs=2, verbose=0, shuffle=False, debug_nan=True)
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
