"""Simplify reductions: fewer elements to reduce, and fewer reductions.

It exists because broadcasting's gradient is a sum, so differentiated graphs sum what was only repeated, sum
sums, and scale every element where scaling the sum would do. A reduction may add in any order, so these are
as exact as the reduction is.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc import ops
from graphc.ir.graph import Graph
from graphc.ir.value import OpLike, Value, emit
from graphc.ops.definition import REGISTRY, Op, Trait
from graphc.ops.statistics import element_count
from graphc.passes.literals import is_normal, refilled
from graphc.passes.matcher import EXACT, REASSOCIATES, AnyNumber, Anything, Match, Rule, RuleTable, once, op, rule

sum_, broadcast_to, reshape = op("sum"), op("broadcast_to"), op("reshape")
permute_dims, full = op("permute_dims"), op("full")

x, c = Anything(), AnyNumber()


def _again(record: OpLike, value: Value, axes: tuple[int, ...]) -> Value:
    return emit(record, value, axes=axes) if axes else value


def _merge(match: Match) -> Value:
    """f(f(x)) along two sets of axes is f(x) along both."""
    root, inner = match.root, match.root.operands[0]
    left = [a for a in range(match[x].ndim) if a not in inner.attrs["axes"]]
    axes = inner.attrs["axes"] + tuple(left[a] for a in root.attrs["axes"])
    return emit(root.op, match[x], axes=tuple(sorted(axes)))


def _reduce_under_permute(match: Match) -> Value:
    root, order = match.root, match.root.operands[0].attrs["axes"]
    reduced = {order[a] for a in root.attrs["axes"]}
    kept = sorted(a for a in order if a not in reduced)
    y = emit(root.op, match[x], axes=tuple(sorted(reduced)))
    return ops.permute_dims(y, tuple(kept.index(a) for a in order if a not in reduced))


def _reduce_everything_under_reshape(match: Match) -> Value | None:
    return _reduce_long_axes(match.root, match[x], range(match[x].ndim)) if match.root.ndim == 0 else None


def _drop_single(match: Match) -> Value | None:
    root, operand = match.root, match.root.operands[0]
    if all(operand.shape[a] != 1 for a in root.attrs["axes"]):
        return None
    return _reduce_long_axes(root, operand, root.attrs["axes"])


def _reduce_long_axes(root: Value, operand: Value, axes: Iterable[int]) -> Value:
    """Axes of size 1 hold nothing to reduce: they are dropped from the result."""
    several = tuple(a for a in axes if operand.shape[a] != 1)
    return ops.reshape(_again(root.op, operand, several), root.shape)


def _split_repeated(match: Match) -> tuple[Value, tuple[int, ...]] | None:
    """For f(broadcast_to(x)): f over the axes of x that are there, and the axes that are only repeated."""
    root, operand = match.root, match.root.operands[0]
    added = operand.ndim - match[x].ndim
    aligned = (1,) * added + match[x].shape
    repeated = tuple(a for a in root.attrs["axes"] if aligned[a] == 1 and operand.shape[a] != 1)
    if not repeated:
        return None
    once_each = tuple(1 if a in repeated else n for a, n in enumerate(operand.shape))
    reduced = emit(root.op, ops.broadcast_to(match[x], once_each), axes=root.attrs["axes"])
    return reduced, repeated


def _sum_of_repeated(match: Match) -> Value | None:
    parts = _split_repeated(match)
    if parts is None:
        return None
    reduced, repeated = parts
    return reduced * ops.astype(element_count(match.root.operands[0], repeated), reduced.dtype)


def _extremum_of_repeated(match: Match) -> Value | None:
    """An axis that may have size 0 stays: there the result is the identity."""
    sizes = (match.root.operands[0].shape[a] for a in match.root.attrs["axes"])
    if not all(isinstance(n, int) and n > 0 for n in sizes):
        return None
    parts = _split_repeated(match)
    return None if parts is None else parts[0]


def _sum_of_literal(match: Match) -> Value:
    operand = match.root.operands[0]
    return refilled(operand, match.root.shape) * element_count(operand, match.root.attrs["axes"])


def _scale_sum(match: Match) -> Value:
    return emit(match.root.op, match[x], axes=match.root.attrs["axes"]) * match.number(c)


def _scale_grows(match: Match) -> bool:
    """A factor below 1 may be there to keep the sum from overflowing."""
    number = match.number(c)
    return not match.root.dtype.is_float or (abs(number) >= 1 and is_normal(number, match.root.dtype))


def _negate_sum(match: Match) -> Value:
    return -emit(match.root.op, match[x], axes=match.root.attrs["axes"])


def _rules_of(record: Op) -> list[Rule]:
    f, name = op(record.name), record.name
    exactness = EXACT if Trait.IDEMPOTENT in record.traits else REASSOCIATES
    rules = [
        rule(f"{name}-of-one", f(x), _drop_single, EXACT),
        rule(f"{name}-of-{name}", f(f(x)), _merge, exactness),
        rule(f"{name}-of-permute", f(permute_dims(x)), _reduce_under_permute, exactness),
        rule(f"{name}-of-reshape", f(reshape(x)), _reduce_everything_under_reshape, exactness),
    ]
    if Trait.IDEMPOTENT in record.traits:
        rules.append(rule(f"{name}-of-broadcast", f(broadcast_to(x)), _extremum_of_repeated, exactness))
    return rules


RULES = (
    *(r for record in REGISTRY.values() if record.reduce for r in _rules_of(record)),
    rule("sum-of-literal", sum_(full()), _sum_of_literal, REASSOCIATES),
    rule("sum-of-broadcast", sum_(broadcast_to(x)), _sum_of_repeated, REASSOCIATES),
    rule("sum-of-scaled", sum_(once(x * c)), _scale_sum, REASSOCIATES, _scale_grows),
    rule("sum-of-negative", sum_(once(-x)), _negate_sum, EXACT),
)
_TABLE = RuleTable(RULES)


def simplify_reductions(graph: Graph) -> Graph:
    """Apply `RULES`."""
    return _TABLE(graph)
