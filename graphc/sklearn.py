"""`Classifier` and `Regressor`: dense networks as scikit-learn estimators, for its searches, curves and pipelines.

They stand apart from `graphc.nn` because they follow scikit-learn's contract: arguments are only stored, `fit` learns
everything else from the data, and a fitted estimator can be copied and pickled. They pass its `check_estimator`.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import nn
from graphc.errors import GraphError
from graphc.nn import seeding

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_array, check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"expected scikit-learn for graphc.sklearn, got '{missing}': pip install 'scikit-learn>=1.6'"
    ) from None

Array = np.ndarray
Builder = Callable[[int, int], nn.Model]

__all__ = ["Classifier", "Regressor"]


class _Network(BaseEstimator):
    """What both estimators share; subclasses say how targets, losses and outputs look."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Any = "relu",
        *,
        build: Builder | None = None,
        l2: float = 0.0,
        dropout: float = 0.0,
        optimizer: str = "adam",
        learning_rate: float = 0.001,
        batch_size: int = 200,
        epochs: int = 200,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = None,
        verbose: int = 0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.build = build
        self.l2 = l2
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    # what subclasses say ---------------------------------------------------------------------------------

    def _loss(self, model: nn.Model) -> nn.losses.Loss:
        raise NotImplementedError

    # fitting ---------------------------------------------------------------------------------------------

    def _weighted(self, x: Array, y: Array, sample_weight: Any) -> tuple[Array, Array, Array | None]:
        """The samples that have a weight, and their weights, whose mean is 1: those of 2 are as if twice there."""
        if sample_weight is None:
            return x, y, None
        if isinstance(sample_weight, numbers.Number):
            sample_weight = np.full(len(x), sample_weight)
        w = check_array(sample_weight, ensure_2d=False, dtype=x.dtype, input_name="sample_weight")
        if w.shape != (len(x),):
            raise GraphError(
                f"{self}: expected one weight for each of {len(x)} samples, got an array of shape {w.shape}"
            )
        if w.min() < 0 or w.max() == 0:
            raise GraphError(f"{self}: expected sample weights ≥ 0, not all zero, got {w.min():g} to {w.max():g}")
        kept = w > 0
        return x[kept], y[kept], w[kept] / w[kept].mean()

    def _fit(self, x: Array, y: Array, w: Array | None, outputs: int, strata: Array | None) -> None:
        """Train a new model. x (n, features) float32 or float64, y as the loss takes it. Raises `GraphError`."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        parts: list[Any] = [x, y, w]
        callbacks, held_out = [], None
        if self.patience is not None:
            parts, held_out = self._held_out(parts, strata, seed)
            callbacks = [nn.callbacks.EarlyStopping(patience=self.patience, restore_best_weights=True)]
        x, y, w = parts
        self._shape = (x.shape[1], outputs, x.dtype.name)
        with _seeded(seed):
            self.model_ = self._built()
            optimizer = nn.optimizers.get(self.optimizer)
            optimizer.learning_rate = self.learning_rate
            self.model_.compile(optimizer, self._loss(self.model_))
            self.history_ = self.model_.fit(
                x,
                y,
                batch_size=self.batch_size,
                epochs=self.epochs,
                sample_weight=w,
                validation_data=held_out,
                callbacks=callbacks,
                verbose=self.verbose,
            )
        self.n_iter_ = len(self.history_.epoch)

    def _held_out(self, parts: list[Any], strata: Array | None, seed: int) -> tuple[list[Any], tuple[Any, ...]]:
        """The part to train on and the part to stop by, both as (x, y, weights)."""
        rows = np.arange(len(parts[0]))
        kept, held = train_test_split(rows, test_size=self.validation_fraction, random_state=seed, stratify=strata)
        chosen = tuple(part[held] for part in parts if part is not None)
        return [None if part is None else part[kept] for part in parts], chosen

    def _built(self) -> nn.Model:
        """A new model for data of the known shape: [batch, features] → [batch, outputs]."""
        features, outputs, dtype = self._shape
        if self.build is not None:
            model = self.build(features, outputs)
            if not isinstance(model, nn.Model):
                raise GraphError(f"{self}: expected build to return a gc.nn.Model, got {model!r}")
            return model
        sizes = self.hidden_layer_sizes
        penalty = nn.regularizers.L2(self.l2) if self.l2 else None
        layers: list[Any] = [nn.Input((features,), dtype)]
        for units in [sizes] if isinstance(sizes, int | np.integer) else sizes:
            layers.append(nn.Dense(int(units), self.activation, kernel_regularizer=penalty, dtype=dtype))
            if self.dropout:
                layers.append(nn.Dropout(self.dropout, dtype=dtype))
        return nn.Sequential([*layers, nn.Dense(outputs, kernel_regularizer=penalty, dtype=dtype)])

    def _outputs(self, X: Any) -> Array:
        """What the model says of X, float64 (n, outputs)."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return np.asarray(self.model_.predict(x.astype(self._shape[2], copy=False)), np.float64)

    # copies: a model is its weights, the rest is built again ---------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = state["model_"].get_weights()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            with _seeded(0):
                self.model_ = self._built()
                self.model_.build((None, self._shape[0]))
            self.model_.set_weights(state["model_"])


class Classifier(ClassifierMixin, _Network):
    """A dense network that classifies, trained by cross entropy.

    `hidden_layer_sizes` are the units of its hidden layers (() for a linear model), each with `activation`, an L2
    penalty `l2` and `dropout`. Or `build(features, outputs)` returns a `gc.nn.Model` whose outputs are one score for
    each class, or their softmax. `optimizer` is a name. With `patience`, a share `validation_fraction` is held out and
    training stops when its loss has not become better for so many epochs. The network computes in the dtype of X.
    Fitted: `model_`, `history_`, `classes_`, `n_features_in_`, `n_iter_`. Raises `GraphError` for wrong arguments.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Train on X (n, features) with labels y (n,) of any kind, weighted by `sample_weight` (n,)."""
        x, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        x, y, w = self._weighted(x, y, sample_weight)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise GraphError(f"{self}: expected labels of at least two classes, got one class")
        self._fit(x, labels.astype(np.int64), w, len(self.classes_), labels)
        return self

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, float64 (n, classes), in the order of `classes_`."""
        scores = self._outputs(X)
        if _is_softmax(self.model_):
            return scores / scores.sum(axis=1, keepdims=True)
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> Array:
        """The most probable class of each sample (n,)."""
        scores = self._outputs(X)
        return self.classes_[scores.argmax(axis=1)]

    def _loss(self, model: nn.Model) -> nn.losses.Loss:
        return nn.losses.SparseCategoricalCrossentropy(from_logits=not _is_softmax(model))


class Regressor(RegressorMixin, _Network):
    """A dense network that predicts one or several numbers, trained by the mean squared error.

    Arguments as of `Classifier`; `build(features, outputs)` returns a `gc.nn.Model` whose outputs are the predictions.
    Inputs and targets are taken as they are: StandardScaler in a pipeline and TransformedTargetRegressor scale them.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Train on X (n, features) with targets y (n,) or (n, outputs), weighted by `sample_weight` (n,)."""
        x, y = validate_data(self, X, y, dtype=[np.float64, np.float32], multi_output=True, y_numeric=True)
        x, y, w = self._weighted(x, y, sample_weight)
        self._flat = y.ndim == 1
        targets = y.reshape(len(y), -1).astype(x.dtype)
        self._fit(x, targets, w, targets.shape[1], None)
        return self

    def predict(self, X: Any) -> Array:
        """Predictions, float64, in the shape that y had: (n,) or (n, outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def _loss(self, model: nn.Model) -> nn.losses.Loss:
        return nn.losses.MeanSquaredError()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _is_softmax(model: nn.Model) -> bool:
    outputs = model.declaration(training=False).output_values
    return outputs[0].op.name == "softmax"


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw everything in the block from `seed`; what follows depends on the seeds before, not on this one."""
    following = seeding.next_seed()
    seeding.set_seed(seed)
    try:
        yield
    finally:
        seeding.set_seed(following)
