"""Log-sum-exp and the softmaxes: stable by subtracting the maximum before the exponential.

They stand apart as the ops that the stabilising pass produces, and as the shape "two reductions over one
row" that fusion turns into one kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import FLOATING, float64
from graphc.ir.value import Value
from graphc.ops.definition import Op, Reals
from graphc.ops.families import INF, reduction
from graphc.ops.leaves import as_value
from graphc.ops.reduction import Axis, max_op, reduce, reduced_axes, spread, sum

_LOGITS = (Reals(-30, 30),)


def _finite_maximum(x: Value, axes: tuple[int, ...]) -> Value:
    """The largest element, or 0 where that is infinite: inf - inf would be NaN."""
    largest = reduce(max_op, x, axes)
    return ops.where(ops.isfinite(largest), largest, 0)


# logsumexp --------------------------------------------------------------------------------------------


def _exponentials(x: Value, axes: tuple[int, ...]) -> Value:
    return ops.exp(x - spread(_finite_maximum(x, axes), x.shape, axes))


def _logsumexp(x: Value, *, axes: tuple[int, ...]) -> Value:
    return ops.log(sum(_exponentials(x, axes), axis=axes)) + _finite_maximum(x, axes)


def _logsumexp_reference(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
    largest = np.max(x, axis=axes, keepdims=True, initial=-INF)
    shift = np.where(np.isfinite(largest), largest, 0)
    return np.asarray(np.log(np.sum(np.exp(x - shift), axis=axes)) + np.squeeze(shift, axes), x.dtype)


def _logsumexp_gradient(g: Value, x: Value, y: Value, axes: tuple[int, ...]) -> tuple[Value]:
    # the softmax, spelled with the exponentials and the sum of the forward pass, to be shared with it
    e = _exponentials(x, axes)
    total = sum(e, axis=axes)
    scale = g * ops.where(total > 0, 1 / total, 0)
    return (e * spread(scale, x.shape, axes),)


_logsumexp_op = reduction(
    "logsumexp",
    summary="log(sum(exp(x))) along axes without overflow; -inf of nothing.",
    dtypes=FLOATING,
    reference=_logsumexp_reference,
    gradient=_logsumexp_gradient,
    decompose=_logsumexp,
    domain=(Reals(-30, 30, also=(-INF, 1000.0)),),
    onnx="ReduceLogSumExp",
)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Value:
    """log(sum(exp(x))) along `axis` (all axes for None), without overflow; its gradient is the softmax."""
    x = _as_logits(x)
    axes = reduced_axes("logsumexp", axis, x.ndim)
    return reduce(_logsumexp_op, x, axes, keepdims) if axes else x


# softmax and log_softmax ------------------------------------------------------------------------------


def _shifted(x: Value, axes: tuple[int, ...]) -> Value:
    return x - spread(reduce(max_op, x, axes), x.shape, axes)


def _softmax(x: Value, *, axes: tuple[int, ...]) -> Value:
    e = _exponentials(x, axes)
    return e * spread(1 / sum(e, axis=axes), x.shape, axes)  # one division for each row


def _log_softmax(x: Value, *, axes: tuple[int, ...]) -> Value:
    shifted = _shifted(x, axes)
    return shifted - spread(ops.log(sum(ops.exp(shifted), axis=axes)), x.shape, axes)


def _softmax_reference(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
    e = np.exp(x - np.max(x, axis=axes, keepdims=True, initial=-INF))
    return e / np.sum(e, axis=axes, keepdims=True)


def _log_softmax_reference(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
    shifted = x - np.max(x, axis=axes, keepdims=True, initial=-INF)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axes, keepdims=True))


def _softmax_gradient(g: Value, x: Value, y: Value, axes: tuple[int, ...]) -> tuple[Value]:
    return (y * (g - spread(sum(g * y, axis=axes), x.shape, axes)),)


def _log_softmax_gradient(g: Value, x: Value, y: Value, axes: tuple[int, ...]) -> tuple[Value]:
    return (g - ops.exp(y) * spread(sum(g, axis=axes), x.shape, axes),)


_softmax_op = reduction(
    "softmax",
    summary="exp(x) / sum(exp(x)) along axes, without overflow.",
    dtypes=FLOATING,
    reference=_softmax_reference,
    gradient=_softmax_gradient,
    decompose=_softmax,
    keeps_axes=True,
    domain=_LOGITS,
    onnx="Softmax",
)

_log_softmax_op = reduction(
    "log_softmax",
    summary="x - log(sum(exp(x))) along axes, without overflow.",
    dtypes=FLOATING,
    reference=_log_softmax_reference,
    gradient=_log_softmax_gradient,
    decompose=_log_softmax,
    keeps_axes=True,
    domain=_LOGITS,
    onnx="LogSoftmax",
)


def softmax(x: Any, axis: Axis = -1) -> Value:
    """exp(x) / sum(exp(x)) along `axis`, one or several (all for None): positive and summing to 1."""
    return _along(_softmax_op, x, axis)


def log_softmax(x: Any, axis: Axis = -1) -> Value:
    """The logarithm of `softmax`, exact where that underflows."""
    return _along(_log_softmax_op, x, axis)


def _along(op: Op, x: Any, axis: Axis) -> Value:
    x = _as_logits(x)
    return op(x, axes=reduced_axes(op.name, axis, x.ndim))


def _as_logits(x: Any) -> Value:
    x = as_value(x)
    return x if x.dtype.is_float else ops.astype(x, float64)
