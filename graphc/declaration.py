"""From the arguments of `compile` to a checked graph: what is wrong with a declaration is refused here.

It stands apart from the compiler so that every stage after it can rely on a well-formed graph.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from graphc.dims import Dim, Size, symbols_of
from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.ops.leaves import as_value, describe, full
from graphc.origin import here
from graphc.runtime.program import Structure
from graphc.variables import Variable

Inputs = Sequence[Value]
Outputs = Value | Sequence[Value] | Mapping[str, Value]
Updates = Mapping[Value, Any] | Sequence[tuple[Value, Any]]

BACKENDS = ("numba", "cpp")
_DEVICE = re.compile(r"cpu|cuda(:[0-9]+|:sm_[0-9]+[af]?)?")
_ARITHMETIC = ("add", "subtract", "multiply", "divide", "negative", "astype", "broadcast_to")


def declare(
    inputs: Inputs, outputs: Outputs, updates: Updates | None, device: str, backend: str, name: str
) -> tuple[Graph, Structure]:
    """The graph of a program, and what a call returns. Raises `GraphError` with the user's line."""
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        _refuse(f"expected device 'cpu', 'cuda', 'cuda:1' or an architecture as in 'cuda:sm_90a', got {device!r}")
    if backend not in BACKENDS:
        _refuse(f"expected a backend among {', '.join(map(repr, BACKENDS))}, got {backend!r}")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
        _refuse(f"expected a program name like 'step', got {name!r}")
    named, structure = _named_outputs(outputs)
    graph = _with_advances(Graph(name, _checked_inputs(inputs), named, _checked_updates(updates or {})))
    _refuse_missing_inputs(graph)
    _refuse_unknown_sizes(graph)
    return graph, structure


def _refuse(message: str) -> NoReturn:
    raise GraphError(f"{here()}: compile: {message}")


def _checked_inputs(inputs: Inputs) -> tuple[Value, ...]:
    if isinstance(inputs, Value) or not isinstance(inputs, Sequence):
        _refuse(f"expected a list of inputs, got {describe(inputs)}")
    names: set[str] = set()
    for value in inputs:
        if not isinstance(value, Value) or value.op.name != "input":
            _refuse(f"expected a list of gc.input values, got {_describe(value)} in it")
        if value.attrs["name"] in names:
            _refuse(f"expected inputs of different names, got {value.attrs['name']} twice")
        names.add(value.attrs["name"])
    return tuple(inputs)


def _named_outputs(outputs: Outputs) -> tuple[tuple[tuple[str, Value], ...], Structure]:
    if isinstance(outputs, Mapping):
        for key in outputs:
            if not isinstance(key, str):
                _refuse(f"expected names of outputs, got {key!r}")
        return tuple((key, _output(v)) for key, v in outputs.items()), tuple(outputs)
    if isinstance(outputs, (list, tuple)):
        return tuple((f"out{i}", _output(v)) for i, v in enumerate(outputs)), "list"
    return (("out", _output(outputs)),), "single"


def _output(value: Any) -> Value:
    if value is None or isinstance(value, str):
        _refuse(f"expected a value as output, got {value!r}")
    return as_value(value)


def _checked_updates(updates: Updates) -> tuple[tuple[Value, Value], ...]:
    pairs = list(updates.items()) if isinstance(updates, Mapping) else list(updates)
    checked: dict[Value, Value] = {}
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            _refuse(f"expected updates as a dict or as (variable, value) pairs, got {describe(pair)} in them")
        variable, value = pair
        if not isinstance(variable, Value) or variable.op.name != "variable":
            _refuse(f"expected updates of variables, got an update of {_describe(variable)}")
        name = variable.attrs["name"]
        if variable in checked:
            _refuse(f"expected one update of {name}, got two")
        if isinstance(value, (bool, int, float)):
            value = full(variable.shape, value, variable.dtype)
        value = as_value(value)
        if value.type != variable.type:
            _refuse(f"expected the next value of {name} to be {variable.type}, got {value.type} (from {value.origin})")
        _refuse_non_finite(name, value)
        checked[variable] = value
    return tuple(checked.items())


def _with_advances(graph: Graph) -> Graph:
    """`graph` with an update for every variable that it reads, that moves on by a rule, and that has none yet."""
    updated = {variable for variable, _ in graph.updates}
    following: dict[Value, Value] = {}
    for variable in graph.variables:
        if isinstance(variable, Variable) and variable.advance is not None and variable not in updated:
            following[variable] = variable.advance(variable)
    if not following:
        return graph
    return Graph(graph.name, graph.inputs, graph.outputs, graph.updates + _checked_updates(following))


def _refuse_non_finite(name: str, value: Value) -> None:
    """A constant learning rate of NaN or infinity would wipe the variable out at the first step."""
    stack, seen = [value], {value}
    while stack:
        for operand in stack.pop().operands:
            if operand.op.name == "full" and not math.isfinite(operand.attrs["value"]):
                got = f"{operand.attrs['value']} (from {operand.origin})"
                _refuse(f"expected finite constants in the arithmetic of the next value of {name}, got {got}")
            if operand.op.name in _ARITHMETIC and operand not in seen:
                seen.add(operand)
                stack.append(operand)


def _refuse_missing_inputs(graph: Graph) -> None:
    given = set(graph.inputs)
    for value in graph.values:
        if value.op.name == "input" and value not in given:
            needed = f"{value.attrs['name']} (from {value.origin})"
            _refuse(f"expected every input that a result needs among the inputs, got none for {needed}")


def _refuse_unknown_sizes(graph: Graph) -> None:
    """Every dim must follow from the shapes of the inputs: named there, or in a size that is linear in it."""
    given = [n for v in graph.inputs for n in v.shape if isinstance(n, Dim)]
    known: set[str] = set()
    while True:
        unknown = [(n, n.symbols() - known) for n in given]
        found = {s for n, symbols in unknown for s in symbols if len(symbols) == 1 and n.is_linear_in(s)}
        if not found:
            break
        known |= found
    for value in graph.values:
        missing = sorted(symbols_of((*value.shape, *_sizes(tuple(value.attrs.values())))) - known)
        if missing:
            _refuse(f"expected an input whose shape determines {missing[0]}, got none (for {value.origin})")


def _sizes(attr: Any) -> tuple[Size, ...]:
    """The dims in an attribute."""
    if isinstance(attr, tuple):
        return tuple(n for a in attr for n in _sizes(a))
    return (attr,) if isinstance(attr, Dim) else ()


def _describe(value: Any) -> str:
    if isinstance(value, Value):
        return f"{value.op.name} {value.attrs.get('name', '')}".strip() + f" (from {value.origin})"
    return describe(value)
