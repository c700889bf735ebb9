"""Metrics of numbers: mean errors and the coefficient of determination.

They stand apart from those of classes. Names, arguments and defaults: Keras 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import float64
from graphc.ir.value import Value
from graphc.nn.losses.base import Loss, mean_over_last
from graphc.nn.metrics.base import MeanMetric, Metric, averaged, same_shape, weight_like


class MeanSquaredError(MeanMetric):
    """The mean of (y_true - y_pred)²."""

    def values(self, y_true: Value, y_pred: Value) -> Value:
        return mean_over_last(ops.square(_error(self, y_true, y_pred)))


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean of (y_true - y_pred)² over all samples."""

    def compute(self, **totals: np.ndarray) -> Any:
        return np.sqrt(super().compute(**totals))


class MeanAbsoluteError(MeanMetric):
    """The mean of |y_true - y_pred|."""

    def values(self, y_true: Value, y_pred: Value) -> Value:
        return mean_over_last(ops.abs(_error(self, y_true, y_pred)))


class LossMetric(Metric):
    """The mean of a loss over all samples, whatever the batches; samples that the loss ignores don't count."""

    def __init__(self, loss: Loss, name: str | None = None):
        super().__init__(name or loss.name)
        self.loss = loss

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        values, mask = self.loss.samples(y_true, y_pred)
        if mask is not None:
            mask = ops.astype(mask, float64)
            weight = mask if weight is None else mask * weight_like(self, weight, values)
        return averaged(self, values, weight)

    def compute(self, **totals: np.ndarray) -> Any:
        return np.float64(totals["total"] / totals["count"]) if totals["count"] else np.float64(0.0)


class R2Score(Metric):
    """1 - Σ(t - y)² / Σ(t - mean t)² for each output of y_pred [batch, outputs] or [batch].

    `class_aggregation` "uniform_average" is the mean of the outputs', "variance_weighted_average" weighs them by
    their variance, None gives all. With `num_regressors` p it is the adjusted one, 1 - (1 - R²)(n - 1) / (n - p - 1).
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
    ):
        super().__init__(name)
        if class_aggregation not in ("uniform_average", "variance_weighted_average", None):
            wanted = "'uniform_average', 'variance_weighted_average' or None"
            self.refuse(f"expected class_aggregation {wanted}, got {class_aggregation!r}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        y_true, y_pred = same_shape(self, y_true, y_pred)
        t, y = ops.astype(y_true, float64), ops.astype(y_pred, float64)
        w = ops.ones_like(t) if weight is None else weight_like(self, weight, t)
        return {
            "targets": ops.sum(w * t, axis=0),
            "squares": ops.sum(w * t * t, axis=0),
            "residuals": ops.sum(w * ops.square(t - y), axis=0),
            "weights": ops.sum(w, axis=0),
            "samples": ops.astype(ops.size_of(t.shape[0]), float64),
        }

    def compute(self, **totals: np.ndarray) -> Any:
        n, mean = totals["weights"], totals["targets"] / totals["weights"]
        variation = totals["squares"] - mean**2 * n
        score = 1 - totals["residuals"] / variation
        if self.class_aggregation == "uniform_average":
            score = np.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = np.sum(score * variation) / np.sum(variation)
        if self.num_regressors:
            samples = totals["samples"]
            score = 1 - (1 - score) * (samples - 1) / (samples - self.num_regressors - 1)
        return np.float64(score) if np.ndim(score) == 0 else score


def _error(metric: Metric, y_true: Value, y_pred: Value) -> Value:
    y_true, y_pred = same_shape(metric, y_true, y_pred)
    return ops.astype(y_true, float64) - ops.astype(y_pred, float64)
