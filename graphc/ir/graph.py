"""A graph: named inputs, variables, outputs and updates over values in topological order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from graphc.errors import GraphError
from graphc.ir.value import Value, emit
from graphc.origin import inherit


@dataclass(frozen=True, eq=False)
class Graph:
    """A whole program as data. `values` is derived: everything that outputs and updates need."""

    name: str
    inputs: tuple[Value, ...]  # of op "input", in the order of the call
    outputs: tuple[tuple[str, Value], ...]
    updates: tuple[tuple[Value, Value], ...] = ()  # (variable, its next value), of one type

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Every value once, operands before users; stable for equal graphs."""
        return topological(self.roots)

    @property
    def roots(self) -> tuple[Value, ...]:
        return tuple(v for _, v in self.outputs) + tuple(v for _, v in self.updates)

    @cached_property
    def variables(self) -> tuple[Value, ...]:
        """The variables that are read or updated, in order of first use."""
        read = [v for v in self.values if v.op.name == "variable"]
        return tuple(dict.fromkeys(read + [v for v, _ in self.updates]))

    @cached_property
    def users(self) -> dict[Value, list[Value]]:
        """For each value, the values that take it as an operand (once per use)."""
        users: dict[Value, list[Value]] = {v: [] for v in self.values}
        for value in self.values:
            for operand in value.operands:
                users[operand].append(value)
        return users


def topological(roots: Iterable[Value]) -> tuple[Value, ...]:
    """All values that `roots` need, operands first. Iterative: graphs may be 10,000 deep.

    Raises `GraphError` if a value needs itself, which only code that changes operands can bring about.
    """
    order: dict[Value, None] = {}
    entered: set[Value] = set()
    stack = [(root, False) for root in reversed(tuple(roots))]
    while stack:
        value, operands_done = stack.pop()
        if value in order:
            continue
        if operands_done:
            order[value] = None
        elif value in entered:
            raise GraphError(f"{value.origin}: expected a graph without cycles, got {value!r}, which needs itself")
        else:
            entered.add(value)
            stack.append((value, True))
            stack.extend((o, False) for o in reversed(value.operands) if o not in order)
    return tuple(order)


def with_operands(value: Value, operands: tuple[Value, ...]) -> Value:
    """`value` over other operands: the same object if they are the same, its type inferred anew where theirs differ."""
    old = value.operands
    if all(a is b for a, b in zip(operands, old, strict=True)):
        return value
    if all(a.dtype is b.dtype and a.shape == b.shape for a, b in zip(operands, old, strict=True)):
        return Value(value.op, operands, value.attrs, value.type, value.origin)  # same types in, same type out
    with inherit(value.origin):
        return emit(value.op, *operands, **value.attrs)


def rewrite(graph: Graph, visit: Callable[[Value], Value]) -> Graph:
    """Rebuild bottom-up: `visit` gets each value over rewritten operands and returns its replacement.

    Inputs and variables are kept as they are. Returns `graph` itself if nothing changed.
    """
    replacement: dict[Value, Value] = {}
    for value in graph.values:
        new = with_operands(value, tuple(replacement[o] for o in value.operands))
        with inherit(value.origin):
            replacement[value] = visit(new)
    return rebuild(graph, replacement)


def rebuild(graph: Graph, replacement: Mapping[Value, Value]) -> Graph:
    """`graph` with its outputs and updates replaced; `graph` itself if none of them changes."""
    if all(replacement[root] is root for root in graph.roots):
        return graph
    return Graph(
        graph.name,
        graph.inputs,
        tuple((name, replacement[v]) for name, v in graph.outputs),
        tuple((variable, replacement[v]) for variable, v in graph.updates),
    )
