"""The kernel of `scatter_add`: zeros, then one addition for each index, in order.

It is no element-at-an-index op, so it has loops of its own. Threads share the axes that are not
indexed: every element is added up by one of them, in the order of the indices.
"""

from __future__ import annotations

from graphc.ir.value import Value
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Buffer, Kernel, Loop, Nest, Statement, Store
from graphc.schedule.elements import storage
from graphc.schedule.emit_kernel import Emitted
from graphc.schedule.names import Names
from graphc.schedule.tuning import Tuning


def emit_scatter(value: Value, name: str, tuning: Tuning) -> Emitted:
    """out = zeros(shape); out[indices..., rest] += updates[..., rest]; indices are checked already."""
    updates, *indices = value.operands
    axes: tuple[int, ...] = value.attrs["axes"]
    shape = value.shape
    rest = [a for a in range(len(shape)) if a not in axes]
    looped = indices[0].shape
    names = Names()
    out = Buffer(names.new(value.op.name), value.dtype, shape, "write")
    buffers: dict[Value, Buffer] = {}
    for operand in value.operands:
        buffers.setdefault(operand, Buffer(names.new(storage(operand).op.name), operand.dtype, operand.shape, "read"))
    at_rest = {a: k.index(f"i{a}") for a in rest}
    at_index = tuple(k.index(f"n{n}") for n in range(len(looped)))
    zeroed = {a: k.index(f"z{a}") for a in axes}

    clear: Statement = Store(
        out.name,
        tuple(at_rest.get(a, zeroed.get(a, k.int_const(0))) for a in range(len(shape))),
        k.const(0, value.dtype),
    )
    for a in reversed(axes):
        clear = Loop(f"z{a}", shape[a], (clear,))
    target: dict[int, Expr] = dict(at_rest)
    for a, index in zip(axes, indices, strict=True):
        target[a] = k.load(buffers[index].name, at_index, index.dtype)
    update = k.load(buffers[updates].name, (*at_index, *(at_rest[a] for a in rest)), updates.dtype)
    add: Statement = Store(out.name, tuple(target[a] for a in range(len(shape))), update, add=True)
    for n in reversed(range(len(looped))):
        add = Loop(f"n{n}", looped[n], (add,))
    body: tuple[Statement, ...] = (clear, add)
    for position, a in enumerate(reversed(rest)):
        lanes = tuning.lanes if position == 0 and a == len(shape) - 1 else 0
        body = (Loop(f"i{a}", shape[a], body, lanes),)
    loop = body[0] if rest else Loop("once", 1, body)
    assert isinstance(loop, Loop)
    kernel = Kernel(name, (*buffers.values(), out), (Nest(loop),), f"from {value.op.name} @ {value.origin}")
    return Emitted(kernel, (*(storage(v) for v in buffers), value))
