"""A cotangent with the mask outside of which it is zero, and how cotangents add up.

It stands apart because of one promise: a branch that `where`, `clip` or `maximum` masked out contributes
zero to a gradient, never NaN. Multiplying a masked zero by an infinite derivative (`where(x > 0, sqrt(x), 0)`
at x = 0) would break it, so the mask travels beside the cotangent through elementwise ops and is applied
*after* their derivatives, where the cotangent meets anything else.
"""

from __future__ import annotations

from graphc import ops
from graphc.ir.value import Value
from graphc.ops.families import Elementwise


class Cotangent:
    """`value` where `mask` holds, else zero; `mask` (bool, of the same shape) may be None: everywhere."""

    __slots__ = ("_applied", "mask", "value")

    def __init__(self, value: Value, mask: Value | None = None):
        self.value = value
        self.mask = mask
        self._applied: Value | None = value if mask is None else None

    def applied(self) -> Value:
        """The cotangent as one value; made once."""
        if self._applied is None:
            self._applied = ops.where(self.mask, self.value, ops.zeros_like(self.value))
        return self._applied


def absorb_selection(value: Value, mask: Value | None) -> Cotangent:
    """`value` under `mask`; if it is itself a selection between something and zero, that joins the mask.

    Also one selection deeper, where(a, b, where(c, d, 0)), which is how the loser of `maximum` gets nothing.
    """
    masked = _selected_or_zero(value)
    if masked is None and _is_selection(value):
        condition, a, b = value.operands
        if (inner := _selected_or_zero(b)) is not None:
            masked = (ops.logical_or(condition, inner[0]), ops.where(condition, a, inner[1]))
        elif (inner := _selected_or_zero(a)) is not None:
            masked = (ops.logical_or(ops.logical_not(condition), inner[0]), ops.where(condition, inner[1], b))
    if masked is None:
        return Cotangent(value, mask)
    selected, inside = masked
    return Cotangent(inside, selected if mask is None or mask is selected else ops.logical_and(mask, selected))


def add_up(terms: list[Cotangent]) -> Cotangent:
    """The sum; under the terms' mask if they agree, else under the union of their masks."""
    total = terms[0]
    for term in terms[1:]:
        if total.mask is term.mask:
            total = Cotangent(ops.add(total.value, term.value), total.mask)
        elif total.mask is None or term.mask is None:
            total = Cotangent(ops.add(total.applied(), term.applied()))
        else:
            total = Cotangent(ops.add(total.applied(), term.applied()), ops.logical_or(total.mask, term.mask))
    return total


def _selected_or_zero(value: Value) -> tuple[Value, Value] | None:
    """(condition, x), if `value` is x where the condition holds, else zero."""
    if not _is_selection(value):
        return None
    condition, a, b = value.operands
    if _is_zero(b) and not _is_zero(a):
        return condition, a
    if _is_zero(a) and not _is_zero(b):
        return ops.logical_not(condition), b
    return None


def _is_selection(value: Value) -> bool:
    return isinstance(value.op, Elementwise) and value.op.selects


def _is_zero(value: Value) -> bool:
    return value.op.name == "full" and value.attrs["value"] == 0
