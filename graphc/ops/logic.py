"""Logical ops on bools, bitwise ops on integers and bools, and shifts.

They stand apart from arithmetic because nothing of them is differentiable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.dtypes import BOOLEAN, INTEGER
from graphc.ops.definition import NoGradient, Reals, Trait
from graphc.ops.families import binary, unary

_DISCRETE = NoGradient("it takes integers or bools")
_LATTICE = Trait.COMMUTATIVE | Trait.ASSOCIATIVE | Trait.IDEMPOTENT

logical_and = binary(
    "logical_and",
    summary="Whether both are true.",
    dtypes=BOOLEAN,
    reference=np.logical_and,
    gradient=_DISCRETE,
    lower=lambda k, a, b: k.and_(a, b),
    traits=_LATTICE,
    onnx="And",
)

logical_or = binary(
    "logical_or",
    summary="Whether one of them is true, or both.",
    dtypes=BOOLEAN,
    reference=np.logical_or,
    gradient=_DISCRETE,
    lower=lambda k, a, b: k.or_(a, b),
    traits=_LATTICE,
    onnx="Or",
)

logical_xor = binary(
    "logical_xor",
    summary="Whether exactly one of them is true.",
    dtypes=BOOLEAN,
    reference=np.logical_xor,
    gradient=_DISCRETE,
    lower=lambda k, a, b: k.xor(a, b),
    traits=Trait.COMMUTATIVE | Trait.ASSOCIATIVE,
    onnx="Xor",
)

logical_not = unary(
    "logical_not",
    summary="Whether x is false.",
    dtypes=BOOLEAN,
    reference=np.logical_not,
    gradient=_DISCRETE,
    lower=lambda k, x: k.not_(x),
    traits=Trait.INVOLUTION,
    onnx="Not",
)

bitwise_and = binary(
    "bitwise_and",
    summary="x1 & x2, bit by bit.",
    dtypes=INTEGER + BOOLEAN,
    reference=np.bitwise_and,
    gradient=_DISCRETE,
    lower=lambda k, a, b: k.and_(a, b),
    traits=_LATTICE,
    onnx="BitwiseAnd",
)

bitwise_or = binary(
    "bitwise_or",
    summary="x1 | x2, bit by bit.",
    dtypes=INTEGER + BOOLEAN,
    reference=np.bitwise_or,
    gradient=_DISCRETE,
    lower=lambda k, a, b: k.or_(a, b),
    traits=_LATTICE,
    onnx="BitwiseOr",
)

bitwise_xor = binary(
    "bitwise_xor",
    summary="x1 ^ x2, bit by bit.",
    dtypes=INTEGER + BOOLEAN,
    reference=np.bitwise_xor,
    gradient=_DISCRETE,
    lower=lambda k, a, b: k.xor(a, b),
    traits=Trait.COMMUTATIVE | Trait.ASSOCIATIVE,
    onnx="BitwiseXor",
)

bitwise_invert = unary(
    "bitwise_invert",
    summary="~x, bit by bit.",
    dtypes=INTEGER + BOOLEAN,
    reference=np.invert,
    gradient=_DISCRETE,
    lower=lambda k, x: k.not_(x),
    traits=Trait.INVOLUTION,
    onnx="BitwiseNot",
)


def _shift(by: Callable[..., Any], beyond: Callable[..., Any]) -> Callable[..., Any]:
    """Shift where the count is in [0, bits); `beyond` elsewhere, negative counts included, as NumPy does."""

    def lower(k: Any, x: Any, count: Any) -> Any:
        inside = k.lt(count, 8 * x.dtype.itemsize)
        if x.dtype.kind == "int":
            inside = k.and_(inside, k.le(0, count))
        safe = k.select(inside, count, 0)
        return k.select(inside, by(k, x, safe), beyond(k, x))

    return lower


bitwise_left_shift = binary(
    "bitwise_left_shift",
    summary="x1 << x2; 0 for a count outside [0, bits).",
    dtypes=INTEGER,
    reference=np.left_shift,
    gradient=_DISCRETE,
    lower=_shift(lambda k, x, n: k.shl(x, n), lambda k, x: k.const(0, x.dtype)),
    domain=(Reals(-100, 100), Reals(-70, 70)),
)

bitwise_right_shift = binary(
    "bitwise_right_shift",
    summary="x1 >> x2, keeping the sign; for a count outside [0, bits) only the sign is left.",
    dtypes=INTEGER,
    reference=np.right_shift,
    gradient=_DISCRETE,
    lower=_shift(
        lambda k, x, n: k.shr(x, n),
        lambda k, x: k.shr(x, 8 * x.dtype.itemsize - 1) if x.dtype.kind == "int" else k.const(0, x.dtype),
    ),
    domain=(Reals(-100, 100), Reals(-70, 70)),
)
