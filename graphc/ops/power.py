"""Powers and roots.

They stand apart for `pow`, whose integer form is a product by squaring and whose gradient must stay finite
where the base is zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import FLOATING, NUMERIC
from graphc.ir.value import Value
from graphc.kernel_ir.expansion import MAX_ULP
from graphc.ops import broadcasting
from graphc.ops.definition import Reals, Trait, refuse
from graphc.ops.families import SPECIAL, binary, unary

sqrt = unary(
    "sqrt",
    summary="The square root of x; NaN for x < 0.",
    dtypes=FLOATING,
    reference=np.sqrt,
    gradient=lambda g, x, y: (0.5 * g / y,),
    lower=lambda k, x: k.sqrt(x),
    domain=(Reals(0, 100, also=SPECIAL),),
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
    onnx="Sqrt",
)

rsqrt = unary(
    "rsqrt",
    summary="1 / sqrt(x); NaN for x < 0.",
    dtypes=FLOATING,
    reference=lambda x: 1 / np.sqrt(x),
    gradient=lambda g, x, y: (-0.5 * g * y * y * y,),
    lower=lambda k, x: k.div(1, k.sqrt(x)),
    domain=(Reals(0, 100, also=SPECIAL),),
    max_ulp={"float32": 1.5, "float64": 1.5},
    traits=Trait.EXPENSIVE,
)


def _power_reference(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    if base.dtype.kind == "f":
        return np.power(base, exponent)
    return np.where(exponent < 0, 0, np.power(base, np.maximum(exponent, 0))).astype(base.dtype)


def _power_gradient(g: Value, base: Value, exponent: Value, y: Value) -> tuple[Value, Value]:
    """d/dx1 = x2 * x1**(x2-1), but 0 for x2 = 0; d/dx2 = y * log(x1), but 0 for x1 ≤ 0."""
    one_less = ops.where(exponent == 0, 1, exponent - 1)
    positive = base > 0
    log_base = ops.log(ops.where(positive, base, 1))
    return g * exponent * pow(base, one_less), g * ops.where(positive, y * log_base, 0)


def _integer_power(k: Any, base: Any, exponent: Any) -> Any:
    """Right-to-left binary exponentiation over all bits of the exponent; 0 if that is negative."""
    result, zero = k.const(1, base.dtype), k.const(0, base.dtype)
    bits = 8 * base.dtype.itemsize - (base.dtype.kind == "int")
    for bit in range(bits):
        is_set = k.ne(k.and_(exponent, k.const(1 << bit, base.dtype)), zero)
        result = k.select(is_set, k.mul(result, base), result)
        base = k.mul(base, base)
    return result if base.dtype.kind == "uint" else k.select(k.lt(exponent, zero), zero, result)


_pow = binary(
    "pow",
    summary="x1 to the power of x2; integers wrap, and a negative power of an integer gives 0.",
    dtypes=NUMERIC,
    reference=_power_reference,
    gradient=_power_gradient,
    lower=lambda k, a, b: k.pow(a, b) if a.dtype.is_float else _integer_power(k, a, b),
    domain=(Reals(0, 8, also=(*SPECIAL, -2.5)), Reals(also=(*SPECIAL, 0.5, 2.0, 3.0))),
    max_ulp=MAX_ULP["pow"],
    traits=Trait.EXPENSIVE,
    onnx="Pow",
)


def pow(x1: Any, x2: Any) -> Value:
    """x1 to the power of x2, broadcast and promoted; also `x1 ** x2`.

    Raises `GraphError` for an integer to a constant negative power, which has no integer value.
    """
    base, exponent = broadcasting.promoted(x1, x2, function="pow")
    if base.dtype.is_integer and exponent.op.name == "full" and exponent.attrs["value"] < 0:
        refuse("pow", f"expected a power ≥ 0 of integers, got {exponent.attrs['value']}; use astype for a float base")
    return _pow(base, exponent)
