"""pow(x, y) = exp(y log |x|), with the special cases of C99 Annex F.

The logarithm needs about ten bits more than the result: float32 computes in float64, float64 in pairs.
"""

from __future__ import annotations

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expand.exp import wide_expm1_parts
from graphc.kernel_ir.expand.floats import (
    INF,
    NAN,
    bits,
    format_of,
    polynomial,
    split_exponent,
    split_normal_exponent,
    with_sign,
)
from graphc.kernel_ir.expand.pairs import ordered_sum, pair_product, product, quotient
from graphc.kernel_ir.expr import Expr, const

# (log(1 + f) - f + f²/2) / f³ on [sqrt(1/2) - 1, sqrt(2) - 1], to 2^-40
_LOG_TAIL = (
    0.33333333320412337111, -0.25000000187159938343, 0.20000002984447404876, -0.16666645663609839954,
    0.14285491715788470397, -0.12500740587117188916, 0.11118683810661878317, -0.099915468637890688763,
    0.089628702630260486098, -0.082921861135684580914, 0.086978111902940668632, -0.085256153195851890042,
    0.043950021463064793379,
)  # fmt: skip
# (exp(r) - 1 - r) / r² on |r| ≤ ln2 / 2, to 2^-32
_EXP_TAIL = (
    0.50000000446633461148, 0.16666666367069956644, 0.041666358600085412075, 0.0083333897984391068145,
    0.0013940823224820490686, 0.00019845893328990464934,
)  # fmt: skip
# (atanh(s)/s - 1 - z/3) / z² over z = s² on |s| ≤ (sqrt(2) - 1) / (sqrt(2) + 1)
_ATANH_TAIL = (
    0.2000000000000117278, 0.14285714285027218241, 0.11111111264172749588, 0.090908918004660092543,
    0.076933969294353688813, 0.066279703721003322851, 0.066023475361272228816,
)  # fmt: skip
_LN2 = 0.69314718055994530942
# fdlibm's split serves here too: e * high is exact for |e| ≤ 2^20, the rest is a pair
_LN2_PARTS = (6.93147180369123816490e-01, 1.90821492927058770002e-10, 1.1612227229362532e-26)
_THIRD = (1 / 3, 1.8503717077085943e-17)


def pow(x: Expr, y: Expr) -> Expr:
    """f32: ≤ 1 ulp, f64: ≤ 2.5 ulp, over all x and y."""
    magnitude = _magnitude_f32(x, y) if x.dtype is dtypes.float32 else _magnitude_f64(x, y)
    return _special_cases(x, y, magnitude)


def _magnitude_f32(x: Expr, y: Expr) -> Expr:
    """|x|^y for finite y and finite |x| > 0, in float64, where every float32 is normal."""
    wide = dtypes.float64
    m, exponent = split_normal_exponent(k.abs(k.cast(x, wide)))
    f = m - 1.0
    log_m = k.fma(f * f, k.fma(f, polynomial(f, _LOG_TAIL), const(-0.5, wide)), f)
    product = k.cast(y, wide) * k.fma(k.cast(exponent, wide), const(_LN2, wide), log_m)
    product = k.min(k.max(product, -104.0), 89.0)
    fmt = format_of(product)
    magic = fmt.magic + fmt.bias
    shifted = k.fma(product, const(1 / _LN2, wide), const(magic, wide))
    r = k.fma(shifted - magic, const(-_LN2, wide), product)
    scale = k.bitcast(k.shl(bits(shifted), const(fmt.fraction, fmt.integer)), wide)
    q = k.fma(r * r, polynomial(r, _EXP_TAIL), r)
    return k.cast(k.fma(q, scale, scale), x.dtype)


def _magnitude_f64(x: Expr, y: Expr) -> Expr:
    """|x|^y for finite |x| > 0, by a logarithm of about 2^-65 relative error."""
    m, exponent = split_exponent(k.abs(x))
    e = k.cast(exponent, x.dtype)
    # s = (m - 1) / (m + 1); log m = 2 s (1 + z/3 + z² T(z)), z = s²
    denominator = m + 1.0
    s = quotient(m - 1.0, (denominator, m - (denominator - 1.0)))
    z = pair_product(s, s)
    tail = z[0] * z[0] * polynomial(z[0], _ATANH_TAIL)
    third = pair_product(z, (const(_THIRD[0], x.dtype), const(_THIRD[1], x.dtype)))
    inner = ordered_sum(third[0], tail)
    twice = (s[0] + s[0], s[1] + s[1])
    rest = pair_product(twice, (inner[0], inner[1] + third[1]))
    log_m = ordered_sum(twice[0], rest[0])
    high, low, lowest = (const(c, x.dtype) for c in _LN2_PARTS)
    total = ordered_sum(e * high, log_m[0])
    middle = product(e, low)
    small = (middle[1] + e * lowest) + (total[1] + log_m[1] + rest[1] + twice[1])
    log_x = ordered_sum(total[0], middle[0])
    log_x = ordered_sum(log_x[0], log_x[1] + small)
    # a y beyond ±2^70 over- or underflows for every |x| ≠ 1, and would overflow in the product
    bounded = k.min(k.max(y, -(2.0**70)), 2.0**70)
    scaled = product(bounded, log_x[0])
    in_range = k.lt(k.abs(scaled[0]), 1000.0)
    correction = k.select(in_range, k.fma(bounded, log_x[1], scaled[1]), const(0.0, x.dtype))
    q, power = wide_expm1_parts(scaled[0], correction)
    return k.fma(q, power, power) * power


def _special_cases(x: Expr, y: Expr, magnitude: Expr) -> Expr:
    """C99 F.9.4.4, in the order in which later rules overrule earlier ones."""
    zero, one, infinity = (const(c, x.dtype) for c in (0.0, 1.0, INF))
    nan = const(NAN, x.dtype)
    size = k.abs(x)
    grows = k.xor(k.eq(size, infinity), k.lt(y, zero))
    result = k.select(k.or_(k.eq(size, zero), k.eq(size, infinity)), k.select(grows, infinity, zero), magnitude)
    result = k.select(k.eq(size, one), one, result)
    half = y * 0.5
    integer = k.eq(k.trunc(y), y)
    odd = k.and_(integer, k.ne(k.trunc(half), half))
    result = k.select(odd, with_sign(result, x), result)
    invalid = k.and_(k.and_(k.lt(x, zero), k.lt(const(-INF, x.dtype), x)), k.not_(integer))
    invalid = k.or_(invalid, k.or_(k.ne(x, x), k.ne(y, y)))
    result = k.select(invalid, nan, result)
    return k.select(k.or_(k.eq(y, zero), k.eq(x, one)), one, result)
