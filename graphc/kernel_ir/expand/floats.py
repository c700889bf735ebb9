"""What the expansions know of the two float formats, and the bit tricks built on it.

It stands apart from the functions so that each of them shows its mathematics only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc import dtypes
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr, const

INF = float("inf")
NAN = float("nan")


@dataclass(frozen=True)
class Format:
    """A binary interchange format of IEEE 754 and the integer of its width."""

    dtype: DType
    integer: DType
    fraction: int  # explicit bits of the significand
    bias: int

    @property
    def magic(self) -> float:
        """Added to a small float, it leaves the nearest integer in the low bits of the significand."""
        return 1.5 * 2.0**self.fraction

    @property
    def smallest_normal(self) -> float:
        return 2.0 ** (1 - self.bias)

    @property
    def sign_bit(self) -> int:
        return -(2 ** (8 * self.integer.itemsize - 1))


FORMATS = {
    dtypes.float32: Format(dtypes.float32, dtypes.int32, 23, 127),
    dtypes.float64: Format(dtypes.float64, dtypes.int64, 52, 1023),
}


def format_of(x: Expr) -> Format:
    """The format of a float expression."""
    return FORMATS[x.dtype]


def bits(x: Expr) -> Expr:
    """The representation of a float as a signed integer."""
    return k.bitcast(x, format_of(x).integer)


def polynomial(x: Expr, coefficients: Sequence[float]) -> Expr:
    """Horner's rule with fma; the constant term comes first."""
    result = const(coefficients[-1], x.dtype)
    for c in reversed(coefficients[:-1]):
        result = k.fma(result, x, const(c, x.dtype))
    return result


def with_sign(magnitude: Expr, signed: Expr) -> Expr:
    """`magnitude`, which is not negative unless `signed` is, with the sign of `signed` (also of a zero)."""
    fmt = format_of(signed)
    sign = k.and_(bits(signed), const(fmt.sign_bit, fmt.integer))
    return k.bitcast(k.or_(bits(magnitude), sign), fmt.dtype)


def split_exponent(x: Expr) -> tuple[Expr, Expr]:
    """(m, e) with x = m * 2^e, sqrt(1/2) ≤ m < sqrt(2) and e an integer of x's integer type.

    For positive finite x, subnormals included. Other arguments give some finite pair.
    """
    fmt = format_of(x)
    tiny = k.lt(x, fmt.smallest_normal)
    scaled = k.select(tiny, x * 2.0 ** (fmt.fraction + 1), x)
    m, e = split_normal_exponent(scaled)
    return m, e - k.select(tiny, const(fmt.fraction + 1, fmt.integer), const(0, fmt.integer))


def split_normal_exponent(x: Expr) -> tuple[Expr, Expr]:
    """As `split_exponent`, for positive normal x."""
    fmt = format_of(x)
    root = 0x3F3504F3 if fmt.fraction == 23 else 0x3FE6A09E667F3BCD  # bits of sqrt(1/2)
    representation = bits(x)
    fraction = const(fmt.fraction, fmt.integer)
    e = k.shr(representation - root, fraction)
    return k.bitcast(representation - k.shl(e, fraction), fmt.dtype), e
