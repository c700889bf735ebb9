"""Leaves: inputs, constants, variables, filled arrays and sizes, and what may stand for a value.

They stand apart because every family starts from them: `as_value` is the one place where a Python scalar,
a NumPy array or a size becomes a value of the graph.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import Dim, Shape, Size
from graphc.dtypes import DType, DTypeLike, as_dtype
from graphc.errors import GraphError
from graphc.ir.value import Literal, TensorType, Value
from graphc.ops.axes import as_shape
from graphc.ops.definition import DTYPE, SHAPE, NoGradient, Op, Trait, refuse

Scalar = bool | int | float

_NO_OPERANDS = NoGradient("it has no operands")


def leaf(name: str, *, summary: str, infer: Any, reference: Any = None) -> Op:
    """An op whose value is a buffer that exists before the program runs."""
    return Op(name, "leaf", summary, infer, reference, _NO_OPERANDS, dtypes=dtypes.ALL, traits=Trait.LEAF)


def source(
    name: str,
    *,
    summary: str,
    infer: Any,
    reference: Any,
    lower: Any,
    accepts: tuple[DType, ...],
    implied: Mapping[str, Any] | None = None,
) -> Op:
    """An op without operands that is computed where it is used and takes no memory."""
    return Op(
        name,
        "leaf",
        summary,
        infer,
        reference,
        _NO_OPERANDS,
        lower=lower,
        dtypes=accepts,
        traits=Trait.SOURCE,
        implied=implied or {},
    )


# input, variable, constant ---------------------------------------------------------------------------


def _input_type(*, name: str, dtype: DType, shape: Shape) -> TensorType:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise GraphError(f"expected a name like 'x', got {name!r}")
    return TensorType(dtype, shape)


_input = leaf("input", summary="An array that the caller passes.", infer=_input_type)


def input(name: str, shape: int | Sequence[Size], dtype: DTypeLike = "float32") -> Value:
    """An array that the caller of the program passes: `name` is an identifier, `shape` ints ≥ 0 and dims.

    Raises `GraphError` for a bad name, shape or dtype.
    """
    return _input(name=name, dtype=checked_dtype("input", dtype), shape=as_shape("input", shape))


# `state` is the holder of the array: anything with `dtype` and `shape`.
variable = leaf(
    "variable",
    summary="State that lives in the program; read as an array, written by an update.",
    infer=lambda *, name, state: TensorType(state.dtype, state.shape),
)

_constant = leaf(
    "constant",
    summary="An array that is part of the program.",
    infer=lambda *, value: TensorType(as_dtype(value.array.dtype), value.array.shape),
    reference=lambda *, value: value.array,
)


def constant(array: Any, dtype: DTypeLike | None = None) -> Value:
    """An array that is part of the program, copied now; one element of rank 0 becomes a `full`.

    Without `dtype` it is NumPy's for `array`. Raises `GraphError` for a dtype that graphc has not.
    """
    try:
        copy = np.asarray(array)
    except ValueError as error:
        refuse("constant", f"expected an array or a number, got {describe(array)} ({error})")
    if copy.dtype == object:
        refuse("constant", f"expected an array or a number, got {describe(array)}")
    type = checked_dtype("constant", copy.dtype if dtype is None else dtype)
    copy = copy.astype(type.numpy)
    return full((), copy.item(), type) if copy.ndim == 0 else _constant(value=Literal(copy))


# full ------------------------------------------------------------------------------------------------


def _full_type(*, value: Scalar, dtype: DType, shape: Shape) -> TensorType:
    return TensorType(dtype, shape)


_full = source(
    "full",
    summary="One number in every element.",
    infer=_full_type,
    reference=lambda *, value, dtype, shape: np.full(shape, value, dtype.numpy),
    lower=lambda k, *, value, dtype, shape: k.const(value, dtype),
    accepts=dtypes.ALL,
    implied={**SHAPE, **DTYPE},
)


def full(shape: int | Sequence[Size], fill_value: Scalar, dtype: DTypeLike | None = None) -> Value:
    """`fill_value` in every element; dtype bool, int64 or float64 by its Python type unless given.

    Infinities and NaN are IEEE's. Raises `GraphError` for a number that the dtype cannot hold.
    """
    if isinstance(fill_value, np.generic | np.ndarray) and fill_value.ndim == 0:
        dtype, fill_value = fill_value.dtype if dtype is None else dtype, fill_value.item()
    if not isinstance(fill_value, bool | int | float):
        refuse("full", f"expected a number, got {describe(fill_value)}")
    type = checked_dtype("full", np.result_type(fill_value) if dtype is None else dtype)
    return _full(value=_number("full", fill_value, type), dtype=type, shape=as_shape("full", shape))


def _number(function: str, value: Scalar, dtype: DType) -> Scalar:
    """`value` as the Python number that `dtype` holds, so that equal constants have equal attributes."""
    if dtype.kind == "bool":
        return bool(value)
    if dtype.is_float:
        rounded = float(value) if dtype is dtypes.float64 else _as_float32(float(value))
        return math.nan if math.isnan(rounded) else rounded
    limits = np.iinfo(dtype.numpy)
    if not math.isfinite(value) or int(value) != value or not limits.min <= value <= limits.max:
        refuse(function, f"expected a number that {dtype.name} holds, got {value!r}")
    return int(value)


def _as_float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def zeros(shape: int | Sequence[Size], dtype: DTypeLike = "float64") -> Value:
    """0 in every element."""
    return full(shape, 0, dtype)


def ones(shape: int | Sequence[Size], dtype: DTypeLike = "float64") -> Value:
    """1 in every element."""
    return full(shape, 1, dtype)


def full_like(x: Any, fill_value: Scalar, dtype: DTypeLike | None = None) -> Value:
    """`fill_value` in the shape of x, in the dtype of x unless given."""
    x = as_value(x)
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


def zeros_like(x: Any, dtype: DTypeLike | None = None) -> Value:
    """0 in the shape of x, in the dtype of x unless given."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: DTypeLike | None = None) -> Value:
    """1 in the shape of x, in the dtype of x unless given."""
    return full_like(x, 1, dtype)


# size_of ---------------------------------------------------------------------------------------------

_size_of = source(
    "size_of",
    summary="The value of a size, i64[].",
    infer=lambda *, size: TensorType(dtypes.int64, ()),
    reference=lambda *, size: np.asarray(size, np.int64),
    lower=lambda k, *, size: k.size(size),
    accepts=(dtypes.int64,),
)


def size_of(size: Size) -> Value:
    """The value of `size` as an i64 scalar; a `full` where it is an int."""
    return full((), size, dtypes.int64) if isinstance(size, int) else _size_of(size=size)


# what may stand for a value --------------------------------------------------------------------------


def as_value(x: Any) -> Value:
    """`x` as a value: itself, a number, a NumPy array (copied as a constant) or a size. Raises `GraphError`."""
    if isinstance(x, Value):
        return x
    if isinstance(x, Dim):
        return size_of(x)
    if isinstance(x, bool | int | float) and not isinstance(x, np.generic):
        return full((), x)
    return constant(x)


def checked_dtype(function: str, like: DTypeLike) -> DType:
    """`as_dtype`, which refuses with the user's line."""
    try:
        return as_dtype(like)
    except GraphError as error:
        refuse(function, str(error))


def describe(x: Any) -> str:
    """What came, for an error: the type of a value or of a Python object."""
    if isinstance(x, Value):
        return str(x.type)
    if isinstance(x, np.ndarray | np.generic):
        return f"an array of dtype {x.dtype}"
    return f"{x!r}" if isinstance(x, str | bytes | type(None)) else f"an object of type {type(x).__name__}"
