"""`astype`: the same numbers in another dtype.

It stands apart as the only elementwise op with an attribute, and for its promise: no conversion is undefined.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import ALL, DType, DTypeLike
from graphc.ir.value import Value
from graphc.ops.definition import DTYPE, Op, Reals
from graphc.ops.families import SPECIAL
from graphc.ops.leaves import as_value, checked_dtype


def _limits(dtype: DType) -> tuple[float, float]:
    """The least value of an integer dtype and the first beyond it: powers of two, exact in every float."""
    info = np.iinfo(dtype.numpy)
    return float(info.min), float(info.max + 1)


def _lower(k: Any, x: Any, *, dtype: DType) -> Any:
    if not (x.dtype.is_float and dtype.is_integer):
        return k.cast(x, dtype)
    info, (low, beyond) = np.iinfo(dtype.numpy), _limits(dtype)
    whole = k.trunc(x)
    inside = k.and_(k.le(low, whole), k.lt(whole, beyond))
    edge = k.select(k.le(beyond, x), k.const(info.max, dtype), k.select(k.lt(x, low), info.min, k.const(0, dtype)))
    return k.select(inside, k.cast(k.select(inside, whole, 0), dtype), edge)


def _reference(x: np.ndarray, *, dtype: DType) -> np.ndarray:
    with np.errstate(all="ignore"):
        if not (x.dtype.kind == "f" and dtype.is_integer):
            return x.astype(dtype.numpy)
        info, (low, beyond) = np.iinfo(dtype.numpy), _limits(dtype)
        whole = np.trunc(np.where(np.isnan(x), 0, x))
        inside = (whole >= low) & (whole < beyond)
        edge = np.where(whole < 0, info.min, info.max).astype(dtype.numpy)
        return np.where(inside, np.where(inside, whole, 0).astype(dtype.numpy), edge)


def _gradient(g: Value, x: Value, *, y: Value, dtype: DType) -> tuple[Value | None]:
    return (astype(g, x.dtype) if x.dtype.is_float and dtype.is_float else None,)


_astype = Op(
    "astype",
    "elementwise",
    "x in another dtype: floats truncate towards zero and saturate to integers, with 0 for NaN.",
    lambda x, *, dtype: x.with_dtype(dtype),
    _reference,
    _gradient,
    lower=_lower,
    dtypes=ALL,
    domain=(Reals(-300, 300, also=(*SPECIAL, 1e30, -1e30)),),
    onnx="Cast",
    implied=DTYPE,
)


def astype(x: Any, dtype: DTypeLike) -> Value:
    """x in `dtype`; x itself if it has it. A bool is 0 or 1, and what is not 0 becomes True.

    Floats outside an integer dtype saturate, NaN gives 0; integers wrap. Raises `GraphError` for other dtypes.
    """
    x, target = as_value(x), checked_dtype("astype", dtype)
    return x if x.dtype is target else _astype(x, dtype=target)
