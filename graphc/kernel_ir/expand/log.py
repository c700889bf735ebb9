"""log and log1p.

x = m 2^e with m in [sqrt(1/2), sqrt(2)); log x = e ln2 + log(1 + f) with f = m - 1, which is exact.
"""

from __future__ import annotations

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expand.floats import (
    INF,
    NAN,
    format_of,
    polynomial,
    split_exponent,
    split_normal_exponent,
    with_sign,
)
from graphc.kernel_ir.expr import Expr, const

# ln2 in two parts (Cephes logf.c, fdlibm e_log.c): e * high is exact.
LN2 = {
    dtypes.float32: (0.693359375, -2.12194440e-4),
    dtypes.float64: (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}
# (log(1 + f) - f + f²/2) / f³ on [sqrt(1/2) - 1, sqrt(2) - 1]
_TAIL_F32 = (
    0.33333331701919245655, -0.25000820997007779945, 0.20001227388730289742, -0.16623358529845339602,
    0.14201747140760810311, -0.13160163456991186358, 0.12761643318468172425, -0.076346203091986853916,
)  # fmt: skip
# fdlibm e_log.c: log(1+f) - f + f²/2 = s (f²/2 + R(s²)), s = f / (2 + f), R without its leading z.
_LG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip


def log(x: Expr) -> Expr:
    """f32, f64: ≤ 1.5 ulp over all x; log(±0) is -inf, log of less is NaN."""
    m, e = split_exponent(x)
    return _outside(x, x, _combine(m - 1.0, k.cast(e, x.dtype)))


def log1p(x: Expr) -> Expr:
    """f32, f64: ≤ 2 ulp over all x; log1p(-0) is -0, log1p(-1) is -inf.

    u = 1 + x is rounded; what was lost is added to f at u's scale (after fdlibm s_log1p.c).
    """
    fmt = format_of(x)
    u = 1.0 + x
    lost = x - (u - 1.0)
    m, e = split_normal_exponent(u)
    exponent = const(fmt.bias, fmt.integer) - k.min(e, fmt.bias)  # at 2^bias nothing is lost
    scale = k.bitcast(k.shl(exponent, const(fmt.fraction, fmt.integer)), fmt.dtype)
    f = k.fma(lost, scale, m - 1.0)
    return with_sign(_outside(u, x, _combine(f, k.cast(e, x.dtype))), x)


def _combine(f: Expr, e: Expr) -> Expr:
    """log(1 + f) + e ln2, the small terms first."""
    high, low = (const(c, f.dtype) for c in LN2[f.dtype])
    square = f * f
    if f.dtype is dtypes.float32:
        rest = k.fma(square, f * polynomial(f, _TAIL_F32), e * low)
        rest = k.fma(square, const(-0.5, f.dtype), rest)
        return k.fma(e, high, f + rest)
    s = f / (f + 2.0)
    z = s * s
    half_square = square * 0.5
    tail = z * polynomial(z, _LG)
    return k.fma(e, high, f - (half_square - k.fma(s, half_square + tail, e * low)))


def _outside(u: Expr, x: Expr, inside: Expr) -> Expr:
    """`inside` for finite u > 0; -inf for u = 0, NaN below, and x itself where x is +inf or NaN."""
    pole = k.select(k.lt(u, 0.0), const(NAN, u.dtype), const(-INF, u.dtype))
    return k.select(k.lt(x, INF), k.select(k.lt(const(0.0, u.dtype), u), inside, pole), x)
