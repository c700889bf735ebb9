"""Share common subexpressions: equal ops over equal operands with equal attributes become one value.

It exists because broadcasting, promotion and above all differentiation write the same value many times, and
because patterns recognise `exp(x) / sum(exp(x))` only if both are the same value.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.graph import Graph, rebuild, with_operands
from graphc.ir.value import Value
from graphc.ops.definition import Trait, op_of
from graphc.passes.log import note


def share_common(graph: Graph) -> Graph:
    """One walk with a table of what was seen. Random ops read a counter from their operands, so they share too."""
    first: dict[Any, Value] = {}
    replacement: dict[Value, Value] = {}
    for value in graph.values:
        if Trait.LEAF in op_of(value).traits and value.op.name != "constant":
            replacement[value] = value  # an input or a variable is itself, whatever it is called
            continue
        operands = tuple([replacement[o] for o in value.operands])
        key = _structure(value, operands)
        found = first.get(key)
        if found is None:
            found = first[key] = with_operands(value, operands)
        else:
            note(f"share-{value.op.name}")
        replacement[value] = found
    return rebuild(graph, replacement)


def _structure(value: Value, operands: tuple[Value, ...]) -> tuple:
    places = [id(o) for o in operands]  # all alive in `replacement`, so ids are theirs alone
    if Trait.COMMUTATIVE in op_of(value).traits:
        places.sort()
    attrs = [(k, type(a), repr(a) if type(a) is float else a) for k, a in value.attrs.items()]  # 0.0 is not -0.0
    return (value.op, *places, *attrs)
