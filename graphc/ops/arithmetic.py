"""Arithmetic: the ops that the hardware has, and the sign.

They stand apart from division with its guards: all of these are one instruction or two, and exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import FLOATING, NUMERIC
from graphc.ops.definition import Trait
from graphc.ops.families import Elementwise, binary, unary

add = binary(
    "add",
    summary="x1 + x2; integers wrap.",
    dtypes=NUMERIC,
    reference=np.add,
    gradient=lambda g, x1, x2, y: (g, g),
    lower=lambda k, a, b: k.add(a, b),
    traits=Trait.COMMUTATIVE | Trait.ASSOCIATIVE,
    onnx="Add",
)

subtract = binary(
    "subtract",
    summary="x1 - x2; integers wrap.",
    dtypes=NUMERIC,
    reference=np.subtract,
    gradient=lambda g, x1, x2, y: (g, -g),
    lower=lambda k, a, b: k.sub(a, b),
    onnx="Sub",
)

multiply = binary(
    "multiply",
    summary="x1 * x2; integers wrap.",
    dtypes=NUMERIC,
    reference=np.multiply,
    gradient=lambda g, x1, x2, y: (g * x2, g * x1),
    lower=lambda k, a, b: k.mul(a, b),
    traits=Trait.COMMUTATIVE | Trait.ASSOCIATIVE,
    onnx="Mul",
)

divide = binary(
    "divide",
    summary="x1 / x2 in floating point; integers are converted to float64.",
    dtypes=FLOATING,
    reference=np.divide,
    gradient=lambda g, x1, x2, y: (g / x2, -g * y / x2),
    lower=lambda k, a, b: k.div(a, b),
    onnx="Div",
)

negative = unary(
    "negative",
    summary="-x; integers wrap.",
    dtypes=NUMERIC,
    reference=np.negative,
    gradient=lambda g, x, y: (-g,),
    lower=lambda k, x: k.neg(x),
    traits=Trait.INVOLUTION,
    onnx="Neg",
)

positive = unary(
    "positive",
    summary="x itself.",
    dtypes=NUMERIC,
    reference=np.positive,
    gradient=lambda g, x, y: (g,),
    lower=lambda k, x: x,
    traits=Trait.IDEMPOTENT | Trait.MONOTONE,
    onnx="Identity",
)

abs = unary(
    "abs",
    summary="The magnitude of x; the gradient at 0 is 0.",
    dtypes=NUMERIC,
    reference=np.abs,
    gradient=lambda g, x, y: (g * ops.sign(x),),
    lower=lambda k, x: x if x.dtype.kind == "uint" else k.abs(x),
    traits=Trait.IDEMPOTENT,
    onnx="Abs",
)


def _sign(k: Any, x: Any) -> Any:
    if x.dtype.kind == "uint":
        return k.min(x, 1)
    return k.select(k.lt(0, x), 1, k.select(k.lt(x, 0), -1, k.select(k.eq(x, 0), 0, x)))


sign: Elementwise = unary(
    "sign",
    summary="-1, 0 or 1 as x is negative, zero or positive; NaN for NaN.",
    dtypes=NUMERIC,
    reference=np.sign,
    gradient=lambda g, x, y: (None,),
    lower=_sign,
    traits=Trait.IDEMPOTENT | Trait.MONOTONE,
    onnx="Sign",
)

square = unary(
    "square",
    summary="x * x; integers wrap.",
    dtypes=NUMERIC,
    reference=np.square,
    gradient=lambda g, x, y: (2 * g * x,),
    lower=lambda k, x: k.mul(x, x),
)

reciprocal = unary(
    "reciprocal",
    summary="1 / x.",
    dtypes=FLOATING,
    reference=lambda x: 1 / x,
    gradient=lambda g, x, y: (-g * y * y,),
    lower=lambda k, x: k.div(1, x),
    onnx="Reciprocal",
)
