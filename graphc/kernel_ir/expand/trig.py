"""sin and cos by one odd polynomial on [-π/2, π/2]: x = n π + r, sin x = (-1)^n sin r.

cos x = sin(x + π/2) takes n - 1/2 for n, so that both share everything. n * π_high is a multiple of
2^-52, as is the small difference to x: the first step of the reduction is exact for every n.
"""

from __future__ import annotations

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr, const
from graphc.kernel_ir.expand.floats import FORMATS, NAN, bits, polynomial, with_sign

# π in three doubles (159 bits); the sum of the first two is π to 107 bits.
_PI = (3.141592653589793116, 1.2246467991473532072e-16, -2.9947698097183396659e-33)
_LIMIT = 2.0**45  # |x| up to which x / π is rounded to the right integer with room to spare
# (r - sin r) / r³ over r² on |r| ≤ π/2 * 1.001
_TAIL = {
    dtypes.float32: (
        0.16666659491808541374, -0.0083330646114897282921, 0.00019809474924760505286, -2.6054815138091402637e-6,
    ),
    dtypes.float64: (
        0.16666666666666665552, -0.0083333333333331923141, 0.00019841269841208476998, -2.7557319211006610555e-6,
        2.5052106860536755016e-8, -1.6058939074942450621e-10, 7.6429747124138899881e-13,
        -2.7209947232686775508e-15,
    ),
}  # fmt: skip


def sin(x: Expr) -> Expr:
    """f32, f64: ≤ 2 ulp for |x| ≤ 2^45, NaN beyond; sin(-0) is -0. f32 reduces in f64."""
    return _sine(x, 0.0)


def cos(x: Expr) -> Expr:
    """f32, f64: ≤ 2 ulp for |x| ≤ 2^45, NaN beyond. f32 reduces in f64."""
    return _sine(x, 0.5)


def _sine(x: Expr, turn: float) -> Expr:
    """sin(x + turn π); turn is 0 or 1/2."""
    double = FORMATS[dtypes.float64]
    wide = k.cast(x, dtypes.float64)
    pi = [const(p, dtypes.float64) for p in _PI]
    if turn:
        shifted = k.fma(wide, const(1 / _PI[0], dtypes.float64), const(turn, dtypes.float64)) + double.magic
        n = shifted - double.magic - turn
    else:
        shifted = k.fma(wide, const(1 / _PI[0], dtypes.float64), const(double.magic, dtypes.float64))
        n = shifted - double.magic
    sign = k.shl(bits(shifted), const(63, dtypes.int64))  # n's parity
    first = k.fma(n, -_PI[0], wide)
    r = k.fma(n, -_PI[1], first)
    signed = k.bitcast(k.xor(bits(r), sign), dtypes.float64)
    if x.dtype is dtypes.float32:
        r = k.cast(signed, x.dtype)
        z = r * r
        result = with_sign(k.fma(k.neg(r * z), polynomial(z, _TAIL[x.dtype]), r), r)
    else:
        # what r lacks, negated; it enters with the derivative, 1 - r²/2
        lost = k.fma(n, pi[2], k.fma(n, pi[1], r - first))
        z = r * r
        correction = lost * k.fma(z, const(-0.5, x.dtype), const(1.0, x.dtype))
        unsigned = r - k.fma(r * z, polynomial(z, _TAIL[x.dtype]), correction)
        result = k.bitcast(k.xor(bits(unsigned), sign), dtypes.float64)
    return k.select(k.le(k.abs(x), _LIMIT), result, const(NAN, x.dtype))
