"""Metrics: what is measured beside the loss, right over batches of uneven size."""

from __future__ import annotations

from typing import Any

from graphc.ir.value import Value
from graphc.nn import losses
from graphc.nn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from graphc.nn.metrics.base import Mean, MeanMetric, Metric
from graphc.nn.metrics.confusion import AUC, ConfusionMatrix, F1Score, Precision, Recall
from graphc.nn.metrics.regression import (
    LossMetric,
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    RootMeanSquaredError,
)
from graphc.nn.serialization import names_of, resolve

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "ConfusionMatrix",
    "F1Score",
    "LossMetric",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetric",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy_for",
    "get",
]

ALIASES = {
    "acc": Accuracy,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "rmse": RootMeanSquaredError,
}


class _FunctionMetric(MeanMetric):
    """A user's function of y_true and y_pred, averaged over samples."""

    def __init__(self, function: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.function = function

    def values(self, y_true: Value, y_pred: Value) -> Value:
        return self.function(y_true, y_pred)


def get(identifier: Any) -> Metric:
    """A metric from itself, a name ("mae", "auc", or that of a loss), a config, a loss, or a function
    `f(y_true, y_pred)` that gives a number for each sample. Raises `GraphError`.

    "accuracy" here is `Accuracy`, y_pred == y_true; which one of the family fits a model, `accuracy_for` says.
    """
    if isinstance(identifier, losses.Loss):
        return LossMetric(identifier)
    of_losses = {
        name: (lambda loss=loss: LossMetric(loss())) for name, loss in (names_of(losses.Loss) | losses.ALIASES).items()
    }
    own = names_of(Metric) | ALIASES

    def wrap(function: Any) -> Metric:
        return _FunctionMetric(function, name=getattr(function, "__name__", None))

    return resolve(Metric, "a metric", identifier, {**of_losses, **own}, wrap)


def accuracy_for(y_true: Value, y_pred: Value, loss: losses.Loss | None = None, name: str = "accuracy") -> Metric:
    """The accuracy that "accuracy" means for these targets and predictions, and this loss.

    Binary for one output, or for a binary loss (with threshold 0 if that takes logits); sparse for labels; else
    categorical. Keras's rule, but for several binary outputs and for logits, where Keras takes another.
    """
    if isinstance(loss, losses.BinaryCrossentropy) or y_pred.ndim < 2 or y_pred.shape[-1] == 1:
        return BinaryAccuracy(threshold=0.0 if getattr(loss, "from_logits", False) else 0.5, name=name)
    if isinstance(loss, losses.SparseCategoricalCrossentropy) or y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1:
        return SparseCategoricalAccuracy(name=name)
    return CategoricalAccuracy(name=name)
