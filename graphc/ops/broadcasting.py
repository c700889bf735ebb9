"""Broadcasting and promotion: operands as the user wrote them become values of one shape and one dtype.

It stands apart so that ops and passes only ever see equal shapes: what is repeated or converted is a value
of its own, `broadcast_to` or `astype`, that the printed graph shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dims, dtypes, ops
from graphc.dims import Dim, Shape, Size
from graphc.dtypes import DType
from graphc.errors import GraphError
from graphc.ir.value import Value
from graphc.ops.definition import refuse
from graphc.ops.leaves import as_value, full


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape: aligned at the last axis, 1 gives way; raises `GraphError` without a position.

    Two symbolic sizes agree only if they are equal for all values of their symbols.
    """
    rank = max((len(s) for s in shapes), default=0)
    result: list[Size] = [1] * rank
    for shape in shapes:
        for axis, size in enumerate(shape, rank - len(shape)):
            if result[axis] == 1:
                result[axis] = size
            elif size not in (1, result[axis]):
                texts = [dims.shape_text(s) for s in dict.fromkeys(shapes) if s]
                raise GraphError(f"expected shapes that broadcast together, got {_listed(texts)}")
    return tuple(result)


def promoted(*operands: Any, function: str = "promotion") -> tuple[Value, ...]:
    """The operands as values of one dtype: the Array API's, NumPy's where the standard is silent.

    Python scalars and sizes are weak: they take the dtype of the others. Raises `GraphError`.
    """
    known = tuple(o if _is_python_scalar(o) or isinstance(o, Dim) else as_value(o) for o in operands)
    dtype = dtypes.promote(*(1 if isinstance(o, Dim) else o.dtype if isinstance(o, Value) else o for o in known))
    return tuple(converted(function, o, dtype) for o in known)


def converted(function: str, operand: Any, dtype: DType) -> Value:
    """One operand as a value of `dtype`; a Python number must fit in it."""
    if not _is_python_scalar(operand):
        return ops.astype(as_value(operand), dtype)
    if dtype.is_integer and not np.iinfo(dtype.numpy).min <= operand <= np.iinfo(dtype.numpy).max:
        refuse(function, f"expected a number that {dtype.name} holds, got {operand}")
    return full((), operand, dtype)


def broadcast(function: str, *values: Value) -> tuple[Value, ...]:
    """The values in their common shape; a filled scalar is filled anew. Raises `GraphError`."""
    if all(v.shape == values[0].shape for v in values):
        return values
    try:
        shape = broadcast_shapes(*(v.shape for v in values))
    except GraphError as error:
        refuse(function, str(error))
    return tuple(_repeat(v, shape) for v in values)


def _repeat(value: Value, shape: Shape) -> Value:
    if value.op.name == "full":
        return full(shape, value.attrs["value"], value.dtype)
    return ops.broadcast_to(value, shape)


def _is_python_scalar(operand: Any) -> bool:
    return isinstance(operand, bool | int | float) and not isinstance(operand, np.generic)


def _listed(texts: list[str]) -> str:
    return " and ".join((", ".join(texts[:-1]), texts[-1])) if len(texts) > 1 else texts[0]
