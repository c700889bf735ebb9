"""The table of `model.summary()`: layers, the shapes of their outputs, their parameters, and where inputs come from.

It stands apart because it only reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from graphc.ir.value import Value
from graphc.nn.layers.base import Layer
from graphc.nn.recording import Call
from graphc.nn.structure import leaves
from graphc.variables import Variable

if TYPE_CHECKING:
    from graphc.nn.models.model import Model

Row = tuple[str, str, str, str]
_HEAD: Row = ("Layer (type)", "Output shape", "Parameters", "Connected to")


def summary_lines(model: Model, expand_nested: bool = False) -> list[str]:
    """The lines of the table; shapes are "?" while the inputs are not known."""
    calls = model.declaration(training=False).record.calls if model.inputs else []
    rows = [(f"{v.attrs['name']} (Input)", _shape(v), "0", "") for v in model.inputs]
    rows += _rows(model, calls, 0, expand_nested)
    if not any(row[3] for row in rows) or _is_chain(rows):
        rows = [(*row[:3], "") for row in rows]
    columns = 4 if any(row[3] for row in rows) else 3
    widths = [max(len(row[c]) for row in [_HEAD, *rows]) for c in range(columns)]

    def line(row: Row) -> str:
        cells = [f"{row[c]:>{widths[c]}}" if c == 2 else f"{row[c]:<{widths[c]}}" for c in range(columns)]
        return "  ".join(cells).rstrip()

    rule = "─" * (sum(widths) + 2 * (columns - 1))
    head = [f'Model "{model.name}"', rule, line(_HEAD), rule]
    return [*head, *map(line, rows), rule, *_totals(model)]


def _rows(model: Layer, calls: list[Call], depth: int, expand_nested: bool) -> list[Row]:
    """A row for each layer, in order, under the name of the layer that it is part of."""
    by_layer: dict[Layer, list[Call]] = {}
    makers: dict[Value, tuple[int, str]] = {}  # the innermost layer, which is called first, and the place of its call
    for place, call in enumerate(calls):
        by_layer.setdefault(call.layer, []).append(call)
        for value in leaves(call.output):
            makers.setdefault(value, (place, call.layer.name))
    places = {id(call): place for place, call in enumerate(calls)}
    rows = []
    for layer in model.layers:
        own = by_layer.get(layer, [])
        shape = ", ".join(dict.fromkeys(_shape(v) for call in own for v in leaves(call.output))) or "?"
        sources = dict.fromkeys(name for call in own for name in _sources(call, places[id(call)], makers))
        name = f"{'  ' * depth}{layer.name} ({type(layer).__name__})"
        rows.append((name, shape, f"{layer.count_params():,}", ", ".join(sources)))
        if expand_nested and layer.layers:
            rows += _rows(layer, calls, depth + 1, expand_nested)
    return rows


def _sources(call: Call, place: int, makers: Mapping[Value, tuple[int, str]]) -> Iterable[str]:
    """The names of inputs and layers whose outputs the call takes, through plain ops between."""
    seen: set[Value] = set()
    waiting = [v for nest in reversed(call.inputs) for v in reversed(leaves(nest))]
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        maker = makers.get(value)
        if maker is not None and maker[0] < place:
            yield maker[1]
        elif value.op.name == "input":
            yield value.attrs["name"]
        else:
            waiting.extend(reversed(value.operands))


def _is_chain(rows: list[Row]) -> bool:
    """Whether each layer takes just the output of the one above: then the column says nothing."""
    names = [row[0].rpartition(" (")[0].strip() for row in rows]
    return all(row[3] == above for row, above in zip(rows[1:], names, strict=False))


def _totals(model: Model) -> list[str]:
    trained = set(model.trainable_variables)
    weights = model.weights
    total = f"Total parameters: {_count(weights):,} ({_bytes(weights)})"
    moved = _count(v for v in weights if v in trained)
    if moved == _count(weights):
        return [total]
    return [total, f"  trainable: {moved:,}", f"  not trainable: {_count(weights) - moved:,}"]


def _count(variables: Iterable[Variable]) -> int:
    return sum(math.prod(_known(v)) for v in variables)


def _bytes(variables: Iterable[Variable]) -> str:
    size = float(sum(math.prod(_known(v)) * v.dtype.itemsize for v in variables))
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _known(variable: Variable) -> list[int]:
    return [int(n) for n in variable.shape]


def _shape(value: Value) -> str:
    return f"({', '.join(map(str, value.shape))}{',' if len(value.shape) == 1 else ''})"
