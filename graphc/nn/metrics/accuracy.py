"""The accuracy family: the share of samples whose class was predicted.

It stands apart because these differ in how targets and predictions are written down, not in what is counted.
Names, arguments and defaults: Keras 3.
"""

from __future__ import annotations

from typing import Any

from graphc import ops
from graphc.dtypes import int64
from graphc.ir.value import Value
from graphc.nn.metrics.base import MeanMetric, same_shape, sparse_labels


class Accuracy(MeanMetric):
    """How often y_pred equals y_true, both of one shape."""

    def values(self, y_true: Value, y_pred: Value) -> Value:
        y_true, y_pred = same_shape(self, y_true, y_pred)
        return _shares(ops.equal(y_true, y_pred))


class BinaryAccuracy(MeanMetric):
    """How often y_pred is above `threshold` where y_true is 1, and not where it is 0; targets of one shape with them.

    For predictions that are logits the threshold is 0.
    """

    def __init__(self, threshold: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.threshold = threshold

    def values(self, y_true: Value, y_pred: Value) -> Value:
        y_true, y_pred = same_shape(self, y_true, y_pred)
        return _shares(ops.astype(y_pred > self.threshold, y_pred.dtype) == ops.astype(y_true, y_pred.dtype))


class CategoricalAccuracy(MeanMetric):
    """How often the largest of y_pred [batch, …, classes] is where that of y_true is, of the same shape."""

    def values(self, y_true: Value, y_pred: Value) -> Value:
        y_true, y_pred = same_shape(self, y_true, y_pred)
        return ops.argmax(y_true, axis=-1) == ops.argmax(y_pred, axis=-1)


class SparseCategoricalAccuracy(MeanMetric):
    """How often the largest of y_pred [batch, …, classes] is at the label y_true [batch, …] or [batch, …, 1]."""

    def values(self, y_true: Value, y_pred: Value) -> Value:
        return ops.astype(sparse_labels(self, y_true, y_pred), int64) == ops.argmax(y_pred, axis=-1)


class TopKCategoricalAccuracy(MeanMetric):
    """How often the class of y_true, one-hot, is among the k largest of y_pred; both [batch, …, classes]."""

    def __init__(self, k: int = 5, **kwargs: Any):
        super().__init__(**kwargs)
        self.k = k

    def values(self, y_true: Value, y_pred: Value) -> Value:
        y_true, y_pred = same_shape(self, y_true, y_pred)
        return _in_top(ops.argmax(y_true, axis=-1), y_pred, self.k)


class SparseTopKCategoricalAccuracy(MeanMetric):
    """How often the label y_true [batch, …] is among the k largest of y_pred [batch, …, classes]."""

    def __init__(self, k: int = 5, **kwargs: Any):
        super().__init__(**kwargs)
        self.k = k

    def values(self, y_true: Value, y_pred: Value) -> Value:
        return _in_top(ops.astype(sparse_labels(self, y_true, y_pred), int64), y_pred, self.k)


def _shares(right: Value) -> Value:
    """The share of right ones along the last axis of [batch, …]; [batch] is one for each sample already."""
    return right if right.ndim < 2 else ops.mean(right, axis=-1)


def _in_top(labels: Value, y_pred: Value, k: int) -> Value:
    """Whether fewer than k scores are above that of the label; equal ones share a place. A label that is no class, or
    a score that is not finite, is not in it."""
    chosen = ops.expand_dims(labels, axis=-1) == ops.iota(y_pred.shape, -1)
    score = ops.sum(ops.where(chosen, y_pred, 0), axis=-1)
    above = ops.sum(y_pred > ops.expand_dims(score, axis=-1), axis=-1)
    known = ops.logical_and(ops.any(chosen, axis=-1), ops.isfinite(score))
    return ops.logical_and(above < k, known)
