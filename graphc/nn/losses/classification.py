"""Losses of classes: cross entropies, hinges and the Kullback–Leibler divergence.

They stand apart for their numerics: a prediction that is a softmax or a sigmoid is taken back to its logits, so
that small probabilities cost no digits; other probabilities are clipped to [1e-7, 1 - 1e-7]. Formulas: Keras 3.
"""

from __future__ import annotations

from typing import Any

from graphc import ops
from graphc.dims import shape_text
from graphc.ir.value import Value
from graphc.nn.losses.base import Loss, mean_over_last
from graphc.nn.losses.functions import picked

_EPSILON = 1e-7


class _CrossEntropy(Loss):
    """What the cross entropies share: predictions that are logits, or made from them."""

    def __init__(self, from_logits: bool = False, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.from_logits, self.axis = from_logits, axis

    def logits(self, y_pred: Value, activation: str) -> Value | None:
        """The logits of the predictions, if they are known."""
        if self.from_logits:
            return y_pred
        op, axes = y_pred.op.name, y_pred.attrs.get("axes", (self.axis % max(y_pred.ndim, 1),))
        return y_pred.operands[0] if op == activation and axes == (self.axis % y_pred.ndim,) else None


class _SmoothedCrossEntropy(_CrossEntropy):
    """Cross entropies whose targets are probabilities, which `label_smoothing` moves away from 0 and 1."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, **kwargs: Any):
        super().__init__(from_logits, axis, **kwargs)
        if not 0 <= label_smoothing <= 1:
            ops.refuse(self.name, f"expected label_smoothing in [0, 1], got {label_smoothing!r}")
        self.label_smoothing = label_smoothing


class BinaryCrossentropy(_SmoothedCrossEntropy):
    """-t log p - (1-t) log(1-p), the mean over the last axis: one or several independent yes-or-no targets.

    Smoothing moves each target by `label_smoothing` of its distance from 1/2.
    """

    def call(self, y_true: Value, y_pred: Value) -> Value:
        if self.label_smoothing:
            y_true = y_true * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        x = self.logits(y_pred, "sigmoid")
        if x is not None:
            return mean_over_last(ops.softplus(x) - x * y_true)
        p = ops.clip(y_pred, _EPSILON, 1 - _EPSILON)
        return mean_over_last(-(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p)))


class CategoricalCrossentropy(_SmoothedCrossEntropy):
    """-Σ t log p along `axis`, for targets that are probabilities of classes (one-hot, for instance).

    Smoothing gives `label_smoothing` of the probability to all classes equally.
    """

    def call(self, y_true: Value, y_pred: Value) -> Value:
        if y_pred.ndim < 1 or y_pred.shape[self.axis] == 1:
            ops.refuse(self.name, f"expected predictions of at least two classes, got {y_pred.type}")
        if self.label_smoothing:
            classes = ops.astype(ops.size_of(y_pred.shape[self.axis]), y_pred.dtype)
            y_true = y_true * (1 - self.label_smoothing) + self.label_smoothing / classes
        log_p = _log_probabilities(self.logits(y_pred, "softmax"), y_pred, self.axis)
        return -ops.sum(y_true * log_p, axis=self.axis)


class SparseCategoricalCrossentropy(_CrossEntropy):
    """-log p[label]: y_true integers [batch, …] (or [batch, …, 1]), y_pred [batch, …, classes].

    A label outside [0, classes) stops the program when it runs. Where it is `ignore_class`, the sample does not
    count: the mean is that of the others.
    """

    def __init__(self, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1, **kwargs: Any):
        super().__init__(from_logits, axis, **kwargs)
        self.ignore_class = ignore_class

    def prepare(self, y_true: Value, y_pred: Value) -> tuple[Value, Value]:
        if y_pred.ndim > 0 and self.axis not in (-1, y_pred.ndim - 1):
            y_pred = ops.moveaxis(y_pred, self.axis, -1)
        labels = y_pred.shape[:-1]
        if y_true.ndim == y_pred.ndim and y_true.shape[-1:] == (1,):
            y_true = ops.squeeze(y_true, axis=-1)
        if not y_true.dtype.is_integer:
            ops.refuse(self.name, f"expected integer labels, got {y_true.type}")
        if y_pred.ndim == 0 or y_true.shape != labels:
            wanted = f"labels of shape {shape_text(labels)} for predictions {y_pred.type}"
            ops.refuse(self.name, f"expected {wanted}, got {y_true.type}")
        return y_true, y_pred

    def mask(self, y_true: Value) -> Value | None:
        return None if self.ignore_class is None else y_true != self.ignore_class

    def call(self, y_true: Value, y_pred: Value) -> Value:
        ignored = None if self.ignore_class is None else y_true == self.ignore_class
        x = self.logits(y_pred, "softmax")
        if x is not None:
            values = ops.logsumexp(x, axis=-1) - picked(x, y_true, ignored)
        else:
            values = -picked(_log_probabilities(None, y_pred, -1), y_true, ignored)
        return values if ignored is None else ops.where(ignored, 0, values)


class KLDivergence(Loss):
    """Σ t log(t / p) along the last axis, for targets that are probabilities; both are clipped to [1e-7, 1]."""

    def call(self, y_true: Value, y_pred: Value) -> Value:
        t, p = ops.clip(y_true, _EPSILON, 1), ops.clip(y_pred, _EPSILON, 1)
        return ops.sum(t * ops.log(t / p), axis=-1)


class Hinge(Loss):
    """The mean of max(1 - t y, 0) over the last axis; targets -1 and 1, or 0 and 1, which become those."""

    def call(self, y_true: Value, y_pred: Value) -> Value:
        return mean_over_last(ops.relu(1 - _signs(y_true) * y_pred))


class SquaredHinge(Loss):
    """The mean of max(1 - t y, 0)² over the last axis; targets -1 and 1, or 0 and 1, which become those."""

    def call(self, y_true: Value, y_pred: Value) -> Value:
        return mean_over_last(ops.square(ops.relu(1 - _signs(y_true) * y_pred)))


class CategoricalHinge(Loss):
    """max(largest wrong - right + 1, 0) along the last axis, for one-hot targets."""

    def call(self, y_true: Value, y_pred: Value) -> Value:
        right = ops.sum(y_true * y_pred, axis=-1)
        wrong = ops.max((1 - y_true) * y_pred, axis=-1)
        return ops.relu(wrong - right + 1)


def _log_probabilities(logits: Value | None, y_pred: Value, axis: int) -> Value:
    """log p along `axis`: of the logits where they are known, else of y_pred, scaled to sum 1 and clipped."""
    if logits is not None:
        return ops.log_softmax(logits, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    return ops.log(ops.clip(p, _EPSILON, 1 - _EPSILON))


def _signs(y_true: Value) -> Value:
    """Targets that are all 0 or 1, as -1 and 1."""
    binary = ops.all(ops.logical_or(y_true == 0, y_true == 1))
    return ops.where(binary, 2 * y_true - 1, y_true)
