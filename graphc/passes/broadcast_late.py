"""Broadcast late: arithmetic on repeated elements is done before they are repeated.

It exists because explicit broadcasting puts `exp(broadcast_to(row))` where `broadcast_to(exp(row))` does the
work once per row: the reciprocal of softmax's sum, the rsqrt of layer norm, whatever a loss does with a mean.
Exact: each element is computed from the same operands by the same op.
"""

from __future__ import annotations

from graphc import ops
from graphc.ir.graph import Graph, rewrite
from graphc.ir.value import Value, emit
from graphc.ops.broadcasting import broadcast_shapes
from graphc.ops.definition import op_of
from graphc.passes.literals import refilled
from graphc.passes.log import note


def broadcast_late(graph: Graph) -> Graph:
    """op(broadcast_to(a), broadcast_to(b), number) → broadcast_to(op(a, b, number)), where that is smaller."""
    return rewrite(graph, _broadcast_result)


def _broadcast_result(value: Value) -> Value:
    if op_of(value).family != "elementwise":
        return value
    small = []
    for operand in value.operands:
        if operand.op.name == "broadcast_to":
            small.append(operand.operands[0])
        elif operand.op.name != "full":
            return value
    if not small:
        return value  # all literals: folding does better
    shape = broadcast_shapes(*(s.shape for s in small))
    if (1,) * (value.ndim - len(shape)) + shape == value.shape:
        return value
    note("broadcast-late")
    operands = (
        ops.broadcast_to(o.operands[0], shape) if o.op.name == "broadcast_to" else refilled(o, shape)
        for o in value.operands
    )
    return ops.broadcast_to(emit(value.op, *operands, **value.attrs), value.shape)
