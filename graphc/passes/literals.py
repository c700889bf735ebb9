"""Literals: values of op `full`, read as Python numbers, and arithmetic on them.

They stand apart because both the matcher (patterns with numbers) and constant folding need them, and the
matcher must not depend on a pass.
"""

from __future__ import annotations

import math

import numpy as np

from graphc.dims import Shape
from graphc.dtypes import DType
from graphc.ir.value import Value
from graphc.ops.definition import op_of
from graphc.ops.leaves import Scalar, full


def number_of(value: Value) -> Scalar | None:
    """The number in every element of `value`, if it is a `full`."""
    return value.attrs["value"] if value.op.name == "full" else None


def refilled(literal: Value, shape: Shape) -> Value:
    """The same number in every element of another shape."""
    return full(shape, literal.attrs["value"], literal.dtype)


def same_number(a: Scalar, b: Scalar) -> bool:
    """Equal, with zeros of different sign and NaNs told apart from each other and from the rest."""
    if a != b:
        return a != a and b != b
    return a != 0 or math.copysign(1.0, a) == math.copysign(1.0, b)


def is_normal(number: float, dtype: DType) -> bool:
    """Whether scaling by `number` in `dtype` can only round: it is no zero, subnormal, infinity or NaN there."""
    limits = np.finfo(dtype.numpy)
    return float(limits.tiny) <= abs(number) <= float(limits.max)


def fold_elementwise(value: Value) -> Value | None:
    """The `full` that an elementwise op over `full` operands amounts to, in the op's own NumPy meaning; else None."""
    op = op_of(value)
    if not (op.family == "elementwise" and op.reference) or any(o.op.name != "full" for o in value.operands):
        return None
    operands = (np.full((), o.attrs["value"], o.dtype.numpy) for o in value.operands)
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(op.reference(*operands, **value.attrs))
    except (ArithmeticError, ValueError, TypeError, IndexError):
        return None  # what cannot be computed now is left to fail, or not, when the program runs
    if result.dtype != value.dtype.numpy or result.shape != ():
        return None
    return full(value.shape, result.item(), value.dtype)
