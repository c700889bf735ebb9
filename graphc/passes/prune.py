"""Prune: work whose result nobody sees is dropped.

It exists because updates keep values alive: a variable set to itself is no update. Everything else that is
dead is gone by construction, since a graph is what its outputs and updates reach.
"""

from __future__ import annotations

from graphc.ir.graph import Graph
from graphc.passes.log import note


def prune(graph: Graph) -> Graph:
    """Drop updates that write back the variable's own value; inputs stay, they are the signature."""
    updates = tuple((variable, new) for variable, new in graph.updates if new is not variable)
    if len(updates) == len(graph.updates):
        return graph
    note("update-with-itself")
    return Graph(graph.name, graph.inputs, graph.outputs, updates)
