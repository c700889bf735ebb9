"""Units: the values that get a name of their own in the schedule, and why; everything else is inlined.

A unit is stored in memory only if another kernel needs it; that is decided after fusion. Making a
value a unit means: compute it once.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.ops.definition import Trait, op_of
from graphc.schedule.elements import only_moves_ones, storage

CHEAP = 8  # scalar operations: below, computing again beats a trip to memory
EXPENSIVE = 16  # what one transcendental counts for
DEEPEST = 48  # levels of inlining; a longer chain is cut, and fused again as units
LARGEST = 160  # scalar operations in one unit


@dataclass(frozen=True)
class Plan:
    """The units of a graph in topological order, each with the reason, and what is in memory anyhow."""

    reasons: dict[Value, str]
    leaves: tuple[Value, ...]

    @property
    def stored(self) -> frozenset[Value]:
        return frozenset(self.reasons) | frozenset(self.leaves)


def choose_units(graph: Graph, fuse: bool = True) -> Plan:
    """Decide for every value of `graph`; with `fuse` off every computed value is a unit."""
    wanted = _wanted(graph)
    cost: dict[Value, int] = {}
    depth: dict[Value, int] = {}
    draws: set[Value] = set()  # computing them again computes random bits again
    reasons: dict[Value, str] = {}
    leaves = []
    for value in graph.values:
        traits = op_of(value).traits
        if Trait.LEAF in traits:
            leaves.append(value)
            cost[value] = depth[value] = 0
            continue
        inlined = [o for o in value.operands if o not in reasons]
        cost[value] = _own_cost(value) + sum(cost[o] for o in inlined)
        depth[value] = 1 + max((depth[o] for o in inlined), default=0)
        if Trait.READS_RANDOM in traits or not draws.isdisjoint(inlined):
            draws.add(value)
        reason = wanted.get(value) or _reason(value, graph.users[value], cost[value], depth[value], value in draws)
        if reason is None and not fuse and Trait.RESHAPE not in traits and Trait.SOURCE not in traits:
            reason = "nothing is fused"
        if reason is not None:
            reasons[value] = reason
            cost[value] = depth[value] = 0
            draws.discard(value)
    return Plan(reasons, tuple(leaves))


def _wanted(graph: Graph) -> dict[Value, str]:
    """Values that must be in memory whatever they cost."""
    wanted: dict[Value, str] = {}
    for name, value in graph.outputs:
        wanted.setdefault(storage(value), f"output {name}")
    for variable, value in graph.updates:
        wanted.setdefault(storage(value), f"next value of {variable.attrs['name']}")
    for value in graph.values:
        if op_of(value).library is not None:
            wanted.setdefault(value, f"{value.op.name} is a step of its own")
            for operand in value.operands:
                base = storage(operand)
                if op_of(value).library == "gemm":
                    base, _ = gemm_operand(operand)
                wanted.setdefault(base, f"{value.op.name} takes a materialised operand")
        elif op_of(value).reduce is not None:
            wanted.setdefault(value, "reduction")
    return {v: r for v, r in wanted.items() if Trait.LEAF not in op_of(v).traits}


def gemm_operand(value: Value) -> tuple[Value, bool]:
    """The stored value behind an operand of a matmul, and whether one matrix serves all batches."""
    base = storage(value)
    if base.op.name == "broadcast_to" and base is value and base.operands[0].ndim >= 2:
        inner = base.operands[0]
        if inner.shape[-2:] == base.shape[-2:] and all(s == 1 for s in inner.shape[:-2]):
            return storage(inner), True
    return base, False


def _own_cost(value: Value) -> int:
    traits = op_of(value).traits
    if Trait.EXPENSIVE in traits:
        return EXPENSIVE
    if Trait.VIEW in traits or Trait.SOURCE in traits or Trait.RESHAPE in traits:
        return 0
    return 1


def _reason(value: Value, users: list[Value], cost: int, depth: int, draws: bool) -> str | None:
    """Why to compute a value once. Random bits alone are no reason, whatever they cost, where each user takes an
    element once: a dropout mask is drawn again in the backward pass, so that no memory holds it."""
    traits = op_of(value).traits
    if Trait.SOURCE in traits or Trait.RESHAPE in traits:
        return None
    if depth >= DEEPEST:
        return "the expression is deep"
    if cost >= LARGEST:
        return "the expression is large"
    for user in users:
        if Trait.RESHAPE in op_of(user).traits and cost > 0 and not only_moves_ones(user):
            return f"{user.op.name} reads it in another order"
    if cost < CHEAP and not draws:
        return None
    if cost >= CHEAP and len(set(users)) > 1:
        return f"used {len(set(users))} times"
    for user in users:
        if user.op.name == "broadcast_to":
            return "broadcast_to would compute it many times"
        if (
            op_of(user).pull is not None
            and Trait.VIEW not in op_of(user).traits
            and Trait.RESHAPE not in op_of(user).traits
        ):
            return f"{user.op.name} may read an element many times"
    return None
