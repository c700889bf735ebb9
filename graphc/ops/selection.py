"""Choosing between operands, element by element: where, maximum, minimum, clip.

They stand apart for their gradients: what was not chosen gets exactly zero, by `where` and never by a
product with a mask, which would let NaN through.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import ALL, NUMERIC
from graphc.ir.value import Value
from graphc.ops import broadcasting
from graphc.ops.definition import Trait, refuse
from graphc.ops.families import Elementwise, binary, ternary

where: Elementwise = ternary(
    "where",
    summary="x1 where the condition holds, else x2.",
    dtypes=ALL,
    reference=np.where,
    gradient=lambda g, condition, x1, x2, y: (None, where(condition, g, 0), where(condition, 0, g)),
    lower=lambda k, condition, a, b: k.select(condition, a, b),
    selects=True,
    onnx="Where",
)


def _winner_gradient(g: Value, x1: Value, x2: Value, y: Value) -> tuple[Value, Value]:
    """All to the operand that was taken, half to each of two equal ones."""
    tie, half = x1 == x2, 0.5 * g
    return where(tie, half, where(x1 == y, g, 0)), where(tie, half, where(x2 == y, g, 0))


maximum = binary(
    "maximum",
    summary="The larger of x1 and x2, NaN if one is; equal operands share the gradient.",
    dtypes=NUMERIC,
    reference=np.maximum,
    gradient=_winner_gradient,
    lower=lambda k, a, b: k.max(a, b),
    traits=Trait.COMMUTATIVE | Trait.ASSOCIATIVE | Trait.IDEMPOTENT,
    onnx="Max",
)

minimum = binary(
    "minimum",
    summary="The smaller of x1 and x2, NaN if one is; equal operands share the gradient.",
    dtypes=NUMERIC,
    reference=np.minimum,
    gradient=_winner_gradient,
    lower=lambda k, a, b: k.min(a, b),
    traits=Trait.COMMUTATIVE | Trait.ASSOCIATIVE | Trait.IDEMPOTENT,
    onnx="Min",
)


def _clip_gradient(g: Value, x: Value, low: Value, high: Value, y: Value) -> tuple[Value, Value, Value]:
    """x keeps the gradient on both bounds; the upper bound wins where the bounds cross, as it does in the value."""
    capped = ops.maximum(x, low) > high
    raised = ops.logical_and(x < low, ops.logical_not(capped))
    outside = ops.logical_or(capped, raised)
    return where(outside, 0, g), where(raised, g, 0), where(capped, g, 0)


_clip = ternary(
    "clip",
    summary="x limited to [min, max]; the gradient flows to x on the bounds too.",
    dtypes=NUMERIC,
    reference=lambda x, low, high: np.minimum(np.maximum(x, low), high),
    gradient=_clip_gradient,
    lower=lambda k, x, low, high: k.min(k.max(x, low), high),
    traits=Trait.MONOTONE,
    onnx="Clip",
)


def clip(x: Any, min: Any = None, max: Any = None) -> Value:
    """x limited to [min, max], broadcast and promoted; a bound that is None does not limit.

    Raises `GraphError` if both are None.
    """
    if min is None and max is None:
        refuse("clip", "expected a lower or an upper bound, got neither")
    bounds = [b for b in (min, max) if b is not None]
    x, *given = broadcasting.promoted(x, *bounds, function="clip")
    lowest, highest = _range(x.dtype)
    low = lowest if min is None else given[0]
    return _clip(x, low, highest if max is None else given[-1])


def _range(dtype: Any) -> tuple[float, float]:
    if dtype.is_float:
        return -np.inf, np.inf
    info = np.iinfo(dtype.numpy)
    return info.min, info.max
