"""Decompose: ops that are shorthand become what they stand for.

It exists, and runs late, because shorthand is easier to recognise (`log(softmax(x))`) than what it stands for,
and because the stages after it need to know loops, reductions, views and library steps only.
"""

from __future__ import annotations

from graphc.ir.graph import Graph, rewrite
from graphc.ir.value import Value
from graphc.ops.definition import op_of
from graphc.passes.log import note


def decompose(graph: Graph) -> Graph:
    """Repeat until no op is left that has a decomposition; they nest a few levels deep."""
    while any(op_of(value).decompose for value in graph.values):
        graph = rewrite(graph, _expand)
    return graph


def _expand(value: Value) -> Value:
    decomposition = op_of(value).decompose
    if decomposition is None:
        return value
    note(f"decompose-{value.op.name}")
    return decomposition(*value.operands, **value.attrs)
