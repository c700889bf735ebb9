"""Loss: an object that compares what came with what should have come, as `compile(loss=…)` takes it.

It stands apart from the formulas, which say what one sample costs: here samples are weighted and averaged.
"""

from __future__ import annotations

from typing import Any

from graphc import ops
from graphc.dims import shape_text
from graphc.ir.value import Value
from graphc.nn.naming import snake_case
from graphc.nn.serialization import Configured

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")


class Loss(Configured):
    """`loss(y_true, y_pred, sample_weight=None)`: a scalar, with gradients to y_pred.

    y_true and y_pred are of one shape [batch, …], but for an axis of size 1 at the end that one of them lacks.
    `reduction` "sum_over_batch_size" (or "mean") is Σ weight * loss / number of samples, "mean_with_sample_weight"
    divides by Σ weight, "sum" not at all, and "none" (or None) gives the loss of each sample. Names and formulas:
    Keras 3. A subclass writes `call(y_true, y_pred)`, which gives the loss of each sample. Raises `GraphError`.
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None):
        self.name = name or snake_case(type(self).__name__)
        if reduction not in (*REDUCTIONS, None):
            ops.refuse(self.name, f"expected a reduction among {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}")
        self.reduction = reduction

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """The loss of each sample."""
        raise NotImplementedError

    def prepare(self, y_true: Value, y_pred: Value) -> tuple[Value, Value]:
        """Both in the shape and dtype of y_pred. Raises `GraphError`."""
        y_true, y_pred = same_rank(y_true, y_pred)
        if y_true.shape != y_pred.shape:
            wanted = f"targets of shape {shape_text(y_pred.shape)}, that of the predictions"
            ops.refuse(self.name, f"expected {wanted}, got {y_true.type}")
        return ops.astype(y_true, y_pred.dtype), y_pred

    def mask(self, y_true: Value) -> Value | None:
        """Which samples count; None: all."""
        return None

    def samples(self, y_true: Any, y_pred: Any) -> tuple[Value, Value | None]:
        """The loss of each sample and which samples count."""
        y_true, y_pred = ops.as_value(y_true), ops.as_value(y_pred)
        if not y_pred.dtype.is_float:
            ops.refuse(self.name, f"expected floating predictions, got {y_pred.type}")
        y_true, y_pred = self.prepare(y_true, y_pred)
        return self.call(y_true, y_pred), self.mask(y_true)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Value:
        values, mask = self.samples(y_true, y_pred)
        weight = combined_weight(self.name, values, mask, sample_weight)
        if weight is not None:
            values = values * weight
        if self.reduction in ("none", None):
            return values
        total = ops.sum(values)
        if self.reduction == "sum":
            return total
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            weights = ops.sum(weight)
            return total / ops.where(weights == 0, 1, weights)
        if mask is not None:
            return total / ops.maximum(ops.sum(ops.astype(mask, values.dtype)), 1)
        return total / ops.astype(ops.size_of(values.size), values.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def same_rank(y_true: Value, y_pred: Value) -> tuple[Value, Value]:
    """Add or drop an axis of size 1 at the end of one of them, so that [batch] meets [batch, 1]."""
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        return ops.expand_dims(y_true, axis=-1), y_pred
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        return ops.squeeze(y_true, axis=-1), y_pred
    return y_true, y_pred


def combined_weight(name: str, values: Value, mask: Value | None, sample_weight: Any) -> Value | None:
    """The weight of each value: `sample_weight`, 0 where the mask is False; None for 1 everywhere.

    Weights are of the shape of `values` or of its first axes; [batch, 1] serves [batch] too.
    """
    weight = None if mask is None else ops.astype(mask, values.dtype)
    if sample_weight is None:
        return weight
    given = ops.astype(ops.as_value(sample_weight), values.dtype)
    if given.ndim == values.ndim + 1 and given.shape[-1] == 1:
        given = ops.squeeze(given, axis=-1)
    fits = given.ndim <= values.ndim and all(n in (m, 1) for n, m in zip(given.shape, values.shape, strict=False))
    if not fits:
        ops.refuse(name, f"expected weights of shape {shape_text(values.shape)}, got {given.type}")
    given = ops.reshape(given, (*given.shape, *(1,) * (values.ndim - given.ndim)))
    given = ops.broadcast_to(given, values.shape)
    return given if weight is None else given * weight


def mean_over_last(values: Value) -> Value:
    """The mean over the last axis of [batch, …]; values [batch] are one for each sample already."""
    return values if values.ndim < 2 else ops.mean(values, axis=-1)
