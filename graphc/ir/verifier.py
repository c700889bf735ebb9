"""Checks that a graph is well formed; the compiler asks after every pass.

It stands apart so that a broken rewrite is found where it happens, with the lines around the broken one.
"""

from __future__ import annotations

from typing import NoReturn

from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.printer import name_values, print_graph
from graphc.ir.value import Value

_AROUND = 2  # lines shown before and after the failing one


def verify(graph: Graph) -> None:
    """Raise `GraphError`, with the lines around the place, unless `graph` keeps the invariants:

    each value has the type that its op infers; inputs are distinct, and every input that is used is one of
    them; output names are distinct; updates give variables values of their type, each variable once.
    """
    inputs = set(graph.inputs)
    for value in graph.values:
        if value.op.name == "input" and value not in inputs:
            _fail(graph, value, f"expected {value!r} among the graph's inputs, got {_listed(graph.inputs)}")
        try:
            inferred = value.op.infer(*(o.type for o in value.operands), **value.attrs)
        except GraphError as error:
            _fail(graph, value, f"{value.op.name}: {error}")
        if inferred != value.type:
            _fail(graph, value, f"expected {inferred}, which {value.op.name} gives, got {value.type}")
    _verify_inputs(graph)
    names = [name for name, _ in graph.outputs]
    if len(set(names)) != len(names):
        _fail(graph, graph.outputs[0][1], f"expected output names that differ, got {', '.join(names)}")
    _verify_updates(graph)


def _verify_inputs(graph: Graph) -> None:
    names: set[str] = set()
    for value in graph.inputs:
        if value.op.name != "input":
            _fail(graph, value, f"expected inputs made by gc.input, got {value!r}")
        if value.attrs["name"] in names:
            _fail(graph, value, f"expected inputs of different names, got {value.attrs['name']!r} twice")
        names.add(value.attrs["name"])


def _verify_updates(graph: Graph) -> None:
    updated: set[Value] = set()
    for variable, value in graph.updates:
        if variable.op.name != "variable":
            _fail(graph, variable, f"expected a variable to update, got {variable!r}")
        if variable in updated:
            _fail(graph, variable, f"expected one update for each variable, got two of {variable!r}")
        if variable.type != value.type:
            _fail(graph, value, f"expected {variable.type} for {variable!r}, got {value.type}")
        updated.add(variable)


def _listed(values: tuple[Value, ...]) -> str:
    return ", ".join(map(repr, values)) or "none"


def _fail(graph: Graph, value: Value, message: str) -> NoReturn:
    name, lines = name_values(graph)[value], print_graph(graph).splitlines()
    declared = [n for n, line in enumerate(lines) if f" {name}: " in line]
    at = declared[0] if declared else 0
    shown = range(max(at - _AROUND, 0), min(at + _AROUND + 1, len(lines)))
    excerpt = "\n".join(f"{'>' if n == at else ' '} {lines[n]}" for n in shown)
    raise GraphError(f"{value.origin}: {message}\n{excerpt}")
