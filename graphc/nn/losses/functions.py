"""Losses as functions of predictions and targets: scalars to minimise, each the mean over the batch.

They stand apart from the loss objects as the shortest way in the low-level API: no names, no weights.
"""

from __future__ import annotations

from typing import Any

from graphc import ops
from graphc.dims import shape_text
from graphc.dtypes import uint64
from graphc.ir.value import Value


def cross_entropy(logits: Any, labels: Any) -> Value:
    """The mean of -log softmax(logits)[label]: logits float [..., classes], labels integers [...], result [].

    A label outside [0, classes) stops the program when it runs. Raises `GraphError` for shapes and dtypes that
    do not fit.
    """
    logits, labels = ops.as_value(logits), ops.as_value(labels)
    if not logits.dtype.is_float or logits.ndim == 0:
        ops.refuse("cross_entropy", f"expected floating logits of shape [..., classes], got {logits.type}")
    if not labels.dtype.is_integer:
        ops.refuse("cross_entropy", f"expected integer labels, got {labels.type}")
    if labels.shape != logits.shape[:-1]:
        wanted = f"{shape_text(logits.shape[:-1])} for logits {logits.type}"
        ops.refuse("cross_entropy", f"expected labels of shape {wanted}, got {labels.type}")
    return ops.mean(ops.logsumexp(logits, axis=-1) - picked(logits, labels))


def picked(x: Value, labels: Value, ignored: Value | None = None) -> Value:
    """x[..., label]: x [..., classes], labels integers [...], result [...].

    A label outside [0, classes) stops the program when it runs, but where `ignored` is True.
    """
    unsigned = ops.astype(labels, uint64)  # -1 is no label
    if ignored is not None:
        unsigned = ops.where(ignored, 0, unsigned)
    label = ops.checked_index(unsigned, x.shape[-1])
    chosen = ops.expand_dims(label, axis=-1) == ops.iota(x.shape, -1)
    return ops.sum(ops.where(chosen, x, 0), axis=-1)  # not a product: 0 * -inf would be NaN


def mean_squared_error(predictions: Any, targets: Any) -> Value:
    """The mean of (predictions - targets)**2 over all elements; operands of one shape, result [].

    Shapes must be equal: a broadcast [B, 1] - [B] is the classic mistake. Raises `GraphError`.
    """
    predictions, targets = _same_shape("mean_squared_error", predictions, targets)
    return ops.mean(ops.square(predictions - targets))


def mean_absolute_error(predictions: Any, targets: Any) -> Value:
    """The mean of |predictions - targets| over all elements; operands of one shape, result []. Raises `GraphError`."""
    predictions, targets = _same_shape("mean_absolute_error", predictions, targets)
    return ops.mean(ops.abs(predictions - targets))


def binary_cross_entropy(logits: Any, targets: Any) -> Value:
    """The mean of -t log σ(x) - (1-t) log σ(-x) over all elements; operands of one shape, result [].

    Raises `GraphError`.
    """
    logits, targets = _same_shape("binary_cross_entropy", logits, targets)
    return ops.mean(ops.softplus(logits) - logits * ops.astype(targets, logits.dtype))


def _same_shape(function: str, predictions: Any, targets: Any) -> tuple[Value, Value]:
    predictions, targets = ops.as_value(predictions), ops.as_value(targets)
    if predictions.shape != targets.shape:
        ops.refuse(function, f"expected operands of one shape, got {predictions.type} and {targets.type}")
    return predictions, targets
