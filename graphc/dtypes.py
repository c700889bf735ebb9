"""The element types and their promotion.

One table serves the three languages, so that `f32` means the same in a graph, a kernel and a plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphc.errors import GraphError


@dataclass(frozen=True)
class DType:
    """An element type: `name` is NumPy's, `short` is how the texts print it."""

    name: str
    short: str
    kind: str  # "bool", "int", "uint" or "float"
    itemsize: int  # bytes

    @property
    def numpy(self) -> np.dtype:
        return np.dtype(self.name)

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint")

    def __repr__(self) -> str:
        return self.short


bool_ = DType("bool", "bool", "bool", 1)
int8 = DType("int8", "i8", "int", 1)
int16 = DType("int16", "i16", "int", 2)
int32 = DType("int32", "i32", "int", 4)
int64 = DType("int64", "i64", "int", 8)
uint8 = DType("uint8", "u8", "uint", 1)
uint16 = DType("uint16", "u16", "uint", 2)
uint32 = DType("uint32", "u32", "uint", 4)
uint64 = DType("uint64", "u64", "uint", 8)
float32 = DType("float32", "f32", "float", 4)
float64 = DType("float64", "f64", "float", 8)

ALL = (bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64)
BY_NAME = {d.name: d for d in ALL}
BY_SHORT = {d.short: d for d in ALL}

BOOLEAN = (bool_,)
SIGNED = (int8, int16, int32, int64)
UNSIGNED = (uint8, uint16, uint32, uint64)
INTEGER = SIGNED + UNSIGNED
FLOATING = (float32, float64)
NUMERIC = INTEGER + FLOATING

DTypeLike = DType | str | np.dtype | type


def as_dtype(like: DTypeLike) -> DType:
    """The graphc dtype for a name, a NumPy dtype or a Python type; raises `GraphError` for others."""
    if isinstance(like, DType):
        return like
    if isinstance(like, str) and like in BY_SHORT:
        return BY_SHORT[like]
    try:
        name = np.dtype(like).name
    except TypeError:
        name = str(like)
    if name not in BY_NAME:
        raise GraphError(f"expected a dtype among {', '.join(BY_NAME)}, got {name!r}")
    return BY_NAME[name]


def promote(*operands: DType | bool | int | float) -> DType:
    """The common dtype: Array API promotion, NumPy's where the standard is silent; Python scalars are weak."""
    result = np.result_type(*(o.numpy if isinstance(o, DType) else o for o in operands))
    return as_dtype(result)
