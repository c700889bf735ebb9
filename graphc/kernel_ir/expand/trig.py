"""sin and cos by one odd polynomial on [-π/2, π/2]: x = n π + r, sin x = (-1)^n sin r.

cos x = sin(x + π/2) takes n - 1/2 for n, so that both share everything. n * π_high is a multiple of
2^-52, as is the small difference to x: the first step of the reduction is exact for every n.
"""

from __future__ import annotations

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expand.floats import NAN, bits, format_of, polynomial
from graphc.kernel_ir.expand.pairs import exact_sum, product
from graphc.kernel_ir.expr import Expr, const

# π in three doubles (159 bits); the sum of the first two is π to 107 bits.
_PI = (3.141592653589793116, 1.2246467991473532072e-16, -2.9947698097183396659e-33)
_LIMIT = 2.0**45  # |x| up to which x / π is rounded to the right integer with room to spare
# (sin r - r) / r³ over r² on |r| ≤ π/2 * 1.001
_TAIL_F32 = (
    -0.16666659491808541374, 0.0083330646114897282921, -0.00019809474924760505286, 2.6054815138091402637e-6,
)  # fmt: skip
# the same, negated
_TAIL_F64 = (
    0.16666666666666665552, -0.0083333333333331923141, 0.00019841269841208476998, -2.7557319211006610555e-6,
    2.5052106860536755016e-8, -1.6058939074942450621e-10, 7.6429747124138899881e-13, -2.7209947232686775508e-15,
)  # fmt: skip


def sin(x: Expr) -> Expr:
    """f32: ≤ 1 ulp, f64: ≤ 2.5 ulp, for |x| ≤ 2^45, NaN beyond; sin(-0) is -0. f32 computes in f64."""
    return _sine(x, 0.0)


def cos(x: Expr) -> Expr:
    """f32: ≤ 1 ulp, f64: ≤ 2.5 ulp, for |x| ≤ 2^45, NaN beyond. f32 computes in f64."""
    return _sine(x, 0.5)


def _sine(x: Expr, turn: float) -> Expr:
    """sin(x + turn π); turn is 0 or 1/2."""
    double = dtypes.float64
    wide = k.cast(x, double)
    n, sign = _half_turns(wide, turn)
    first = k.fma(n, const(-_PI[0], double), wide)
    if x.dtype is dtypes.float32:
        r = k.fma(n, const(-_PI[1], double), first)
        z = r * r
        unsigned = r * k.fma(z, polynomial(z, _TAIL_F32), const(1.0, double))
    else:
        second, rest = product(n, const(_PI[1], double))
        r, error = exact_sum(first, k.neg(second))
        z = r * r
        # what r lacks, negated; it enters with the derivative, 1 - r²/2
        lost = k.fma(n, const(_PI[2], double), rest) - error
        correction = lost * k.fma(z, const(-0.5, double), const(1.0, double))
        unsigned = r - k.fma(r * z, polynomial(z, _TAIL_F64), correction)
    result = k.cast(k.bitcast(k.xor(bits(unsigned), sign), double), x.dtype)
    return k.select(k.le(k.abs(x), _LIMIT), result, const(NAN, x.dtype))


def _half_turns(x: Expr, turn: float) -> tuple[Expr, Expr]:
    """(n, sign): n, an integer less `turn`, for which |x - n π| is smallest, and the sign bit of its parity."""
    magic = format_of(x).magic
    inverse = const(1 / _PI[0], x.dtype)
    # the magic number is an integer only: a half goes in before it
    shifted = k.fma(x, inverse, const(turn, x.dtype)) + magic if turn else k.fma(x, inverse, const(magic, x.dtype))
    n = shifted - magic
    return (n - turn if turn else n), k.shl(bits(shifted), const(63, dtypes.int64))
