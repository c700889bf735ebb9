"""Where the extremum of an axis is: argmax and argmin.

They stand apart from the extrema because their result is an index; it is found as the smallest index that
attains the extremum, so that a kernel folds it like any other minimum, with the same result for any threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.dtypes import NUMERIC, int64
from graphc.ir.value import TensorType, Value
from graphc.ops.axes import one_axis
from graphc.ops.definition import NoGradient, Op
from graphc.ops.leaves import as_value, size_of
from graphc.ops.reduction import max_op, min_op, reduce, refuse_empty, spread


def _position(extremum: Op) -> Callable[..., Value]:
    """The first index along `axis` where x is the extremum or NaN."""

    def decompose(x: Value, *, axis: int) -> Value:
        y = spread(reduce(extremum, x, (axis,)), x.shape, (axis,))
        found = ops.logical_or(x == y, ops.isnan(x))
        index = ops.where(found, ops.iota(x.shape, axis), size_of(x.shape[axis]))
        return reduce(min_op, index, (axis,))

    return decompose


def _index_type(x: TensorType, *, axis: int) -> TensorType:
    return TensorType(int64, x.shape[:axis] + x.shape[axis + 1 :])


def _search(name: str, summary: str, reference: Callable[..., np.ndarray], extremum: Op, onnx: str) -> Op:
    return Op(
        name,
        "reduction",
        summary,
        _index_type,
        lambda x, *, axis: np.asarray(reference(x, axis=axis), np.int64),
        NoGradient("its result is an index"),
        decompose=_position(extremum),
        dtypes=NUMERIC,
        onnx=onnx,
    )


_argmax = _search("argmax", "The first index of the largest element, or of NaN.", np.argmax, max_op, "ArgMax")
_argmin = _search("argmin", "The first index of the smallest element, or of NaN.", np.argmin, min_op, "ArgMin")


def _find(op: Op, x: Any, axis: int | None, keepdims: bool) -> Value:
    x = as_value(x)
    if x.dtype is dtypes.bool_:
        x = ops.astype(x, dtypes.uint8)
    rank = x.ndim
    if axis is None:
        x, place = ops.reshape(x, (x.size,)), 0
    else:
        place = one_axis(op.name, axis, rank)
    refuse_empty(op.name, x, (place,))
    y = op(x, axis=place)
    if not keepdims:
        return y
    return ops.reshape(y, (1,) * rank) if axis is None else ops.expand_dims(y, axis=place)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Value:
    """The index of the largest element along `axis`, i64; for None, that in the flattened array.

    The first of equal ones; NaN counts as the largest. Refuses an axis of size 0.
    """
    return _find(_argmax, x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Value:
    """The index of the smallest element along `axis`, i64; for None, that in the flattened array.

    The first of equal ones; NaN counts as the smallest. Refuses an axis of size 0.
    """
    return _find(_argmin, x, axis, keepdims)
