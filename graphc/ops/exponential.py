"""Exponentials and logarithms.

They stand apart because each is one transcendental function, which the kernel IR expands with a
published error bound, or is built from two without overflow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import FLOATING
from graphc.ir.value import Value
from graphc.kernel_ir.expansion import MAX_ULP
from graphc.ops.definition import Reals, Trait
from graphc.ops.families import SPECIAL, binary, unary

exp = unary(
    "exp",
    summary="e to the power of x.",
    dtypes=FLOATING,
    reference=np.exp,
    gradient=lambda g, x, y: (g * y,),
    lower=lambda k, x: k.exp(x),
    domain=(Reals(-80, 80, also=(*SPECIAL, 1000.0, -1000.0)),),
    max_ulp=MAX_ULP["exp"],
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
    onnx="Exp",
)

expm1 = unary(
    "expm1",
    summary="exp(x) - 1, exact to the last places near 0.",
    dtypes=FLOATING,
    reference=np.expm1,
    gradient=lambda g, x, y: (g * (y + 1),),
    lower=lambda k, x: k.expm1(x),
    domain=(Reals(-2, 2, also=(*SPECIAL, 1e-10, 80.0, -80.0, 1000.0)),),
    max_ulp=MAX_ULP["expm1"],
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
)

log = unary(
    "log",
    summary="The natural logarithm; -inf for 0, NaN for x < 0.",
    dtypes=FLOATING,
    reference=np.log,
    gradient=lambda g, x, y: (g / x,),
    lower=lambda k, x: k.log(x),
    domain=(Reals(0.001, 100, also=(*SPECIAL, 1e30, 1e-30)),),
    max_ulp=MAX_ULP["log"],
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
    onnx="Log",
)

log1p = unary(
    "log1p",
    summary="log(1 + x), exact to the last places near 0.",
    dtypes=FLOATING,
    reference=np.log1p,
    gradient=lambda g, x, y: (g / (1 + x),),
    lower=lambda k, x: k.log1p(x),
    domain=(Reals(-0.999, 10, also=(*SPECIAL, 1e-10, 1e30)),),
    max_ulp=MAX_ULP["log1p"],
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
)


def _logaddexp_gradient(g: Value, a: Value, b: Value, y: Value) -> tuple[Value, Value]:
    """sigmoid(a - b) and its complement; equal infinities, whose difference is NaN, share equally."""
    both_infinite = ops.logical_and(a == b, ops.isinf(a))
    difference = ops.where(both_infinite, 0, a - b)
    return g * ops.sigmoid(difference), g * ops.sigmoid(-difference)


def _logaddexp(k: Any, a: Any, b: Any) -> Any:
    distance = k.select(k.eq(a, b), k.const(0, a.dtype), k.abs(k.sub(a, b)))
    return k.add(k.max(a, b), k.log1p(k.exp(k.neg(distance))))


logaddexp = binary(
    "logaddexp",
    summary="log(exp(x1) + exp(x2)) without overflow.",
    dtypes=FLOATING,
    reference=np.logaddexp,
    gradient=_logaddexp_gradient,
    lower=_logaddexp,
    domain=(Reals(0, 20, also=SPECIAL),),  # a result near 0 is the difference of two terms and has no ULP bound
    max_ulp={"float32": 3, "float64": 3},
    traits=Trait.COMMUTATIVE | Trait.EXPENSIVE,
)
