"""tanh, as expm1(2x) / (expm1(2x) + 2) of |x|.

It needs one division; the form never exceeds 1, because the rounded denominator exceeds the numerator.
"""

from __future__ import annotations

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expand.exp import narrow_half_expm1_parts
from graphc.kernel_ir.expand.floats import with_sign
from graphc.kernel_ir.expr import Expr, const

_SATURATED = {dtypes.float32: 9.1, dtypes.float64: 19.1}  # tanh of more rounds to 1


def tanh(x: Expr) -> Expr:
    """f32: ≤ 2.75 ulp, f64: ≤ 3 ulp, over all x; |tanh(x)| ≤ 1, tanh(-0) is -0. 20 (f32) and 25 (f64)
    instructions."""
    q, s = narrow_half_expm1_parts(k.min(k.abs(x), _SATURATED[x.dtype]))
    half = k.fma(q, s, k.fma(s, const(0.5, x.dtype), const(-0.5, x.dtype)))  # expm1(2|x|) / 2
    return with_sign(half / (half + 1.0), x)
