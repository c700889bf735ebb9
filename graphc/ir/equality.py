"""When two graphs are equal: the same ops over the same operands in the same places.

It stands apart because values are compared by identity everywhere else.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.graph import Graph
from graphc.ir.printer import attribute_text
from graphc.ir.value import Value


def graphs_equal(a: Graph, b: Graph) -> bool:
    """True if the graphs differ in nothing but origins and the arrays of their variables.

    Sharing counts: a value that is used twice differs from two values that are alike.
    """
    # Topological order follows from structure alone, so equal graphs list their values alike.
    if len(a.values) != len(b.values):
        return False
    leaves_a, leaves_b = (dict.fromkeys((*g.inputs, *g.variables, *g.values)) for g in (a, b))
    numbers_a, numbers_b = ({v: n for n, v in enumerate(leaves)} for leaves in (leaves_a, leaves_b))
    return _frame(a, numbers_a) == _frame(b, numbers_b) and all(
        _node(v, numbers_a) == _node(w, numbers_b) for v, w in zip(leaves_a, leaves_b, strict=True)
    )


def _frame(graph: Graph, numbers: dict[Value, int]) -> Any:
    return (
        graph.name,
        [numbers[v] for v in graph.inputs],
        [(name, numbers[v]) for name, v in graph.outputs],
        [(numbers[v], numbers[w]) for v, w in graph.updates],
    )


def _node(value: Value, numbers: dict[Value, int]) -> Any:
    attrs = {k: attribute_text(a) for k, a in value.attrs.items() if k != "state"}
    return value.op.name, [numbers[o] for o in value.operands], attrs, value.type
