"""Reshape late: arithmetic on reshaped elements is done before they are reshaped.

It exists because kept axes of size 1 and merged batch axes put a `reshape` between a value and what is done
with it: a reduction and its row's arithmetic, a GEMM and its bias. Exact, and free: a reshape moves nothing.
"""

from __future__ import annotations

from graphc import ops
from graphc.dims import Shape
from graphc.ir.graph import Graph, rewrite
from graphc.ir.value import Value, emit
from graphc.ops.definition import op_of
from graphc.passes.literals import refilled
from graphc.passes.log import note


def reshape_late(graph: Graph) -> Graph:
    """op(reshape(a), reshape(b), number, broadcast_to(row)) → reshape(op(a, b, number, broadcast_to(row))).

    Not past a reshape that drops axes of size 1: the value without them is the simpler place to compute at.
    """
    return rewrite(graph, _reshape_result)


def _reshape_result(value: Value) -> Value:
    if op_of(value).family != "elementwise":
        return value
    shapes = {o.operands[0].shape for o in value.operands if o.op.name == "reshape"}
    if len(shapes) != 1:
        return value
    (shape,) = shapes
    if len(shape) > value.ndim and [n for n in shape if n != 1] == [n for n in value.shape if n != 1]:
        return value
    operands = []
    for operand in value.operands:
        before = _before_reshape(operand, shape)
        if before is None:
            return value
        operands.append(before)
    note("reshape-late")
    return ops.reshape(emit(value.op, *operands, **value.attrs), value.shape)


def _before_reshape(operand: Value, shape: Shape) -> Value | None:
    """The operand with its elements under `shape`, if that takes no reshape that was not there."""
    if operand.op.name == "reshape":
        return operand.operands[0]
    if operand.op.name == "full":
        return refilled(operand, shape)
    if operand.op.name == "broadcast_to":
        (row,) = operand.operands
        if row.ndim <= _common_last_axes(operand.shape, shape):
            return ops.broadcast_to(row, shape)
    return None


def _common_last_axes(a: Shape, b: Shape) -> int:
    count = 0
    for n, m in zip(reversed(a), reversed(b), strict=False):
        if n != m:
            break
        count += 1
    return count
