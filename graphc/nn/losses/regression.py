"""Losses of numbers: squared and absolute errors, what is robust between them, and the angle.

They stand apart from the losses of classes, whose targets are labels or probabilities. Formulas: Keras 3.
"""

from __future__ import annotations

import math
from typing import Any

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.losses.base import Loss, mean_over_last

_EPSILON = 1e-7


class MeanSquaredError(Loss):
    """The mean of (y_true - y_pred)² over the last axis."""

    def call(self, y_true: Value, y_pred: Value) -> Value:
        return mean_over_last(ops.square(y_true - y_pred))


class MeanAbsoluteError(Loss):
    """The mean of |y_true - y_pred| over the last axis."""

    def call(self, y_true: Value, y_pred: Value) -> Value:
        return mean_over_last(ops.abs(y_true - y_pred))


class Huber(Loss):
    """e²/2 for errors up to `delta`, delta * |e| - delta²/2 beyond; the mean over the last axis.

    Source: Huber, Robust estimation of a location parameter (1964).
    """

    def __init__(self, delta: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        if not delta > 0:
            ops.refuse(self.name, f"expected delta > 0, got {delta!r}")
        self.delta = delta

    def call(self, y_true: Value, y_pred: Value) -> Value:
        error = ops.abs(y_pred - y_true)
        near, far = 0.5 * ops.square(error), self.delta * error - 0.5 * self.delta**2
        return mean_over_last(ops.where(error <= self.delta, near, far))


class LogCosh(Loss):
    """The mean of log cosh(y_pred - y_true) over the last axis, without overflow."""

    def call(self, y_true: Value, y_pred: Value) -> Value:
        error = y_pred - y_true
        return mean_over_last(error + ops.softplus(-2 * error) - math.log(2))


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between y_true and y_pred along `axis`: -1 where they point the same way."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        return -ops.sum(self._unit(y_true) * self._unit(y_pred), axis=self.axis)

    def _unit(self, x: Value) -> Value:
        squares = ops.sum(ops.square(x), axis=self.axis, keepdims=True)
        return x * ops.rsqrt(ops.maximum(squares, _EPSILON**2))
