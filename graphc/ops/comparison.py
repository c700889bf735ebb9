"""Comparisons and the tests for NaN and infinities.

They stand apart because their results are bool, through which no gradient flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import ALL, NUMERIC, bool_
from graphc.ops.definition import NoGradient, Trait
from graphc.ops.families import INF, Elementwise, comparison, unary

equal = comparison(
    "equal",
    summary="x1 == x2; NaN equals nothing.",
    dtypes=ALL,
    reference=np.equal,
    lower=lambda k, a, b: k.eq(a, b),
    traits=Trait.COMMUTATIVE,
    onnx="Equal",
)

not_equal = comparison(
    "not_equal",
    summary="x1 != x2; NaN differs from everything.",
    dtypes=ALL,
    reference=np.not_equal,
    lower=lambda k, a, b: k.ne(a, b),
    traits=Trait.COMMUTATIVE,
)

less = comparison(
    "less",
    summary="x1 < x2.",
    dtypes=ALL,
    reference=np.less,
    lower=lambda k, a, b: k.lt(a, b),
    onnx="Less",
)

less_equal = comparison(
    "less_equal",
    summary="x1 <= x2.",
    dtypes=ALL,
    reference=np.less_equal,
    lower=lambda k, a, b: k.le(a, b),
    onnx="LessOrEqual",
)

greater = comparison(
    "greater",
    summary="x1 > x2.",
    dtypes=ALL,
    reference=np.greater,
    lower=lambda k, a, b: k.lt(b, a),
    onnx="Greater",
)

greater_equal = comparison(
    "greater_equal",
    summary="x1 >= x2.",
    dtypes=ALL,
    reference=np.greater_equal,
    lower=lambda k, a, b: k.le(b, a),
    onnx="GreaterOrEqual",
)


def _float_test(name: str, *, of_integers: bool, lower: Any, **record: Any) -> Elementwise:
    """A test of one operand that integers decide by themselves."""
    return unary(
        name,
        dtypes=NUMERIC,
        result=bool_,
        gradient=NoGradient("its result is a bool"),
        lower=lambda k, x: lower(k, x) if x.dtype.is_float else k.const(of_integers, bool_),
        **record,
    )


isnan = _float_test(
    "isnan",
    summary="Whether x is NaN.",
    reference=np.isnan,
    of_integers=False,
    lower=lambda k, x: k.ne(x, x),
    onnx="IsNaN",
)

isinf = _float_test(
    "isinf",
    summary="Whether x is an infinity.",
    reference=np.isinf,
    of_integers=False,
    lower=lambda k, x: k.eq(k.abs(x), INF),
    onnx="IsInf",
)

isfinite = _float_test(
    "isfinite",
    summary="Whether x is neither an infinity nor NaN.",
    reference=np.isfinite,
    of_integers=True,
    lower=lambda k, x: k.lt(k.abs(x), INF),
)
