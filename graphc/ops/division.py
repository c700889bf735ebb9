"""Floor division and remainder, rounding towards minus infinity as Python and NumPy do.

They stand apart from plain arithmetic because of their guards: integer division by zero gives 0 and
INT_MIN // -1 wraps, so that no kernel can trap; floats follow NumPy's `npy_divmod` case by case.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.dtypes import NUMERIC
from graphc.ops.definition import Reals
from graphc.ops.families import SPECIAL, binary

# Each step of the exact remainder takes the quotient's leading 24 (53) bits away, so that three are enough
# below these limits. Beyond, a last place of x1 is ≥ 2**46 times x2: no remainder says anything, and it is 0.
_REMAINDER_STEPS = 3
_QUOTIENT_LIMIT = {dtypes.float32: 2.0**70, dtypes.float64: 2.0**156}
_BITS = {dtypes.float32: dtypes.int32, dtypes.float64: dtypes.int64}


def _is_negative(k: Any, x: Any) -> Any:
    """The sign bit, which -0.0 has too."""
    return k.lt(k.bitcast(x, _BITS[x.dtype]), 0)


def _signed_zero(k: Any, like: Any) -> Any:
    return k.select(_is_negative(k, like), k.const(-0.0, like.dtype), 0.0)


def _truncated_remainder(k: Any, a: Any, b: Any) -> Any:
    """C's fmod(a, b) for b ≠ 0, exact: a - q*b is representable when q is a/b rounded to an integer.

    An overestimated q leaves a remainder of the wrong sign, which one more b corrects.
    """
    quotient = k.abs(k.div(a, b))
    r = a
    for _ in range(_REMAINDER_STEPS):
        r = k.fma(k.neg(k.trunc(k.div(r, b))), b, r)
    wrong = k.and_(k.ne(r, 0), k.ne(k.lt(r, 0), k.lt(a, 0)))
    r = k.select(wrong, k.add(r, k.select(k.lt(a, 0), k.neg(k.abs(b)), k.abs(b))), r)
    r = k.select(k.lt(quotient, 1), a, r)  # also a finite, b infinite
    vanished = k.and_(k.lt(_QUOTIENT_LIMIT[a.dtype], quotient), k.lt(k.abs(a), float("inf")))
    return k.select(vanished, 0.0, r)


def _float_remainder(k: Any, a: Any, b: Any) -> Any:
    r = _truncated_remainder(k, a, b)
    crosses = k.and_(k.ne(r, 0), k.ne(k.lt(b, 0), k.lt(r, 0)))
    r = k.select(crosses, k.add(r, b), k.select(k.eq(r, 0), _signed_zero(k, b), r))
    return k.select(k.eq(b, 0), float("nan"), r)


def _float_floor_divide(k: Any, a: Any, b: Any) -> Any:
    r = _truncated_remainder(k, a, b)
    quotient = k.div(k.sub(a, r), b)
    crosses = k.and_(k.ne(r, 0), k.ne(k.lt(b, 0), k.lt(r, 0)))
    quotient = k.select(crosses, k.sub(quotient, 1), quotient)
    whole = k.floor(quotient)
    whole = k.select(k.lt(0.5, k.sub(quotient, whole)), k.add(whole, 1), whole)
    whole = k.select(k.eq(quotient, 0), _signed_zero(k, k.div(a, b)), whole)
    return k.select(k.eq(b, 0), k.div(a, b), whole)


def _safe_divisor(k: Any, b: Any) -> Any:
    """`b` where truncating division is defined, else 1: never 0, and never -1, which overflows INT_MIN."""
    bad = k.eq(b, 0)
    return k.select(bad if b.dtype.kind == "uint" else k.or_(bad, k.eq(b, -1)), 1, b)


def _integer_floor_divide(k: Any, a: Any, b: Any) -> Any:
    divisor = _safe_divisor(k, b)
    quotient, zero = k.quot(a, divisor), k.const(0, a.dtype)
    if a.dtype.kind == "uint":
        return k.select(k.eq(b, 0), zero, quotient)
    r = k.rem(a, divisor)
    crosses = k.and_(k.ne(r, 0), k.ne(k.lt(r, 0), k.lt(divisor, 0)))
    quotient = k.select(crosses, k.sub(quotient, 1), quotient)
    return k.select(k.eq(b, 0), zero, k.select(k.eq(b, -1), k.neg(a), quotient))


def _integer_remainder(k: Any, a: Any, b: Any) -> Any:
    divisor = _safe_divisor(k, b)  # a remainder by 1 is 0, as wanted for 0 and -1
    r = k.rem(a, divisor)
    if a.dtype.kind == "uint":
        return r
    crosses = k.and_(k.ne(r, 0), k.ne(k.lt(r, 0), k.lt(divisor, 0)))
    return k.select(crosses, k.add(r, divisor), r)


floor_divide = binary(
    "floor_divide",
    summary="floor(x1 / x2); an integer divided by zero gives 0.",
    dtypes=NUMERIC,
    reference=np.floor_divide,
    gradient=lambda g, x1, x2, y: (None, None),
    lower=lambda k, a, b: (_float_floor_divide if a.dtype.is_float else _integer_floor_divide)(k, a, b),
    domain=(Reals(-1e4, 1e4, also=SPECIAL), Reals(also=SPECIAL)),
)

remainder = binary(
    "remainder",
    summary="x1 - x2 * floor(x1 / x2), with the sign of x2; an integer modulo zero gives 0.",
    dtypes=NUMERIC,
    reference=np.remainder,
    gradient=lambda g, x1, x2, y: (g, -g * ops.floor_divide(x1, x2)),
    lower=lambda k, a, b: (_float_remainder if a.dtype.is_float else _integer_remainder)(k, a, b),
    domain=(Reals(-1e4, 1e4, also=SPECIAL), Reals(also=SPECIAL)),
)
