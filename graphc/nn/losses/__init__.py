"""Losses: functions of predictions and targets, and objects with Keras's names that weigh and average samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir.value import Value
from graphc.nn.losses.base import Loss, mean_over_last
from graphc.nn.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from graphc.nn.losses.functions import binary_cross_entropy, cross_entropy, mean_absolute_error, mean_squared_error
from graphc.nn.losses.regression import CosineSimilarity, Huber, LogCosh, MeanAbsoluteError, MeanSquaredError
from graphc.nn.serialization import resolve

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_cross_entropy",
    "cross_entropy",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
]

ALIASES = {
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "logcosh": LogCosh,
}


class _FunctionLoss(Loss):
    """A user's function of y_true and y_pred as a loss."""

    def __init__(self, function: Callable[[Value, Value], Value], **kwargs: Any):
        super().__init__(**kwargs)
        self.function = function

    def call(self, y_true: Value, y_pred: Value) -> Value:
        return self.function(y_true, y_pred)

    def prepare(self, y_true: Value, y_pred: Value) -> tuple[Value, Value]:
        return y_true, y_pred  # what fits, the function knows


def get(identifier: Any) -> Loss:
    """A loss from itself, its class, a name ("mse", "sparse_categorical_crossentropy"), a config, or a function
    `f(y_true, y_pred)` that gives the loss of each sample. Raises `GraphError`."""

    def wrap(function: Callable[..., Any]) -> Loss:
        return _FunctionLoss(function, name=getattr(function, "__name__", None))

    return resolve(Loss, "a loss", identifier, ALIASES, wrap)
