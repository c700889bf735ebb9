"""Losses: scalars to minimise, each the mean over the batch.

They stand apart from the activations because they check what the labels are.
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
    label = ops.checked_index(ops.astype(labels, uint64), logits.shape[-1])  # unsigned: -1 is no label
    chosen = ops.expand_dims(label, axis=-1) == ops.iota(logits.shape, -1)
    picked = ops.sum(ops.where(chosen, logits, 0), axis=-1)  # not a product: 0 * -inf would be NaN
    return ops.mean(ops.logsumexp(logits, axis=-1) - picked)


def mean_squared_error(predictions: Any, targets: Any) -> Value:
    """The mean of (predictions - targets)**2 over all elements; operands of one shape, result [].

    Shapes must be equal: a broadcast [B, 1] - [B] is the classic mistake. Raises `GraphError`.
    """
    predictions, targets = ops.as_value(predictions), ops.as_value(targets)
    if predictions.shape != targets.shape:
        ops.refuse("mean_squared_error", f"expected operands of one shape, got {predictions.type} and {targets.type}")
    return ops.mean(ops.square(predictions - targets))
