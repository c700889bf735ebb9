"""exp and expm1, and the parts of them that tanh, erf and pow use.

The reduction is x = n ln2 + r. Where results may be subnormal or overflow, n is even and the power of
two is applied in two halves, so that only the last multiplication rounds; no branch, no table.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expand.floats import bits, format_of, polynomial, with_sign
from graphc.kernel_ir.expr import Expr, const


@dataclass(frozen=True)
class _Table:
    low: float  # exp of less is 0
    high: float  # exp of more is infinite
    ln2_high: float  # few enough bits that n * ln2_high is exact
    ln2_low: float
    wide: tuple[float, ...]  # (exp(r) - 1 - r) / r² on |r| ≤ ln2
    narrow: tuple[float, ...]  # … on |r| ≤ ln2 / 2


# ln2 in two parts: Cephes expf.c, fdlibm e_exp.c.
_TABLES = {
    dtypes.float32: _Table(
        low=-104.0,
        high=89.0,
        ln2_high=0.693359375,
        ln2_low=-2.12194440054690583e-4,
        wide=(
            0.5000000026803306, 0.16666672201479169, 0.04166662109337096, 0.008332627208801626,
            0.0013890429502748812, 0.00020096023301783474, 2.4781136597752846e-05,
        ),
        narrow=(
            0.4999999813293223, 0.16666542684517798, 0.041667203918482153, 0.0083666467913387927,
            0.0013882497503143893,
        ),
    ),
    dtypes.float64: _Table(
        low=-746.0,
        high=710.0,
        ln2_high=6.93147180369123816490e-01,
        ln2_low=1.90821492927058770002e-10,
        wide=(
            0.49999999999999962454, 0.16666666666666744129, 0.041666666666690558411, 0.0083333333333120987437,
            0.0013888888884752886769, 0.00019841269859984746901, 0.000024801590319796737355,
            2.7557312364627587896e-6, 2.7556257182891450841e-7, 2.5053069854494239578e-8,
            2.1055220482613216461e-9, 1.6060903125024582102e-10,
        ),
        narrow=(
            0.50000000000000052777, 0.16666666666666587796, 0.041666666666575386657, 0.0083333333333904139944,
            0.0013888888932051772847, 0.00019841269717600402818, 0.000024801504650377780536,
            2.7557408222599287088e-6, 2.7626298782003316033e-7, 2.505377888850757959e-8,
        ),
    ),
}  # fmt: skip
_LOG2E = 1.4426950408889634074


def exp(x: Expr) -> Expr:
    """f32: ≤ 1.5 ulp, f64: ≤ 2 ulp, over all x. 17 (f32) and 22 (f64) instructions."""
    q, s = wide_expm1_parts(x)
    return k.fma(q, s, s) * s


def expm1(x: Expr) -> Expr:
    """f32, f64: ≤ 2 ulp over all x; expm1(-0) is -0."""
    fmt = format_of(x)
    q, s = wide_expm1_parts(x)
    inverse = k.bitcast(const(2 * fmt.bias << fmt.fraction, fmt.integer) - bits(s), fmt.dtype)
    return with_sign(k.fma(q, s, s - inverse) * s, x)


def wide_expm1_parts(x: Expr, low: Expr | None = None) -> tuple[Expr, Expr]:
    """(q, s) with exp(x + low) = (1 + q) * s * s, |q| < 1 and s a normal power of two; any x.

    `low` is a correction of less than an ulp of x.
    """
    table = _TABLES[x.dtype]
    x = k.min(k.max(x, table.low), table.high)
    r, s = _reduce(x, 2, low)
    return k.fma(r * r, polynomial(r, table.wide), r), s


def narrow_expm1_parts(x: Expr) -> tuple[Expr, Expr]:
    """(q, s) with exp(x) = (1 + q) * s, |q| < 0.5 and s a power of two; exp(x) must be normal and finite."""
    r, s = _reduce(x, 1)
    return k.fma(r * r, polynomial(r, _TABLES[x.dtype].narrow), r), s


def narrow_half_expm1_parts(x: Expr) -> tuple[Expr, Expr]:
    """(h, s) with exp(2 x) = (1 + 2 h) * s, as `narrow_expm1_parts`, without rounding 2 x."""
    r, s = _reduce(x, 0.5)
    doubled = tuple(c * 2.0 ** (i + 1) for i, c in enumerate(_TABLES[x.dtype].narrow))
    return k.fma(r * r, polynomial(r, doubled), r), s


def _reduce(x: Expr, scale: float, low: Expr | None = None) -> tuple[Expr, Expr]:
    """(r, 2^n) with x = n * scale * ln2 + r and |r| ≤ scale * ln2 / 2.

    n comes from adding 1.5 * 2^fraction, which leaves n + bias in the low bits, ready to be shifted.
    """
    fmt, table = format_of(x), _TABLES[x.dtype]
    magic = fmt.magic + fmt.bias
    shifted = k.fma(x, const(_LOG2E / scale, x.dtype), const(magic, x.dtype))
    n = shifted - magic
    r = k.fma(n, const(-scale * table.ln2_high, x.dtype), x)
    r = k.fma(n, const(-scale * table.ln2_low, x.dtype), r)
    if low is not None:
        r = r + low
    return r, k.bitcast(k.shl(bits(shifted), const(fmt.fraction, fmt.integer)), fmt.dtype)
