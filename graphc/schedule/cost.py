"""Bytes and floating-point operations of a kernel, from its text: the floor that a profile compares with."""

from __future__ import annotations

from graphc.dims import Size, product
from graphc.kernel_ir.expr import TRANSCENDENTAL, walk
from graphc.kernel_ir.kernel import Kernel, Loop, Statement, Update, expressions

TRANSCENDENTAL_FLOPS = 12  # about what an expansion costs
FREE = {"const", "index", "dim", "var", "load", "load_if", "cast", "bitcast", "select"}


def bytes_read(kernel: Kernel) -> Size:
    """Each operand once: what must come from memory if it was not in a cache."""
    return sum((_nbytes(b) for b in kernel.buffers if b.access != "write"), 0)


def bytes_written(kernel: Kernel) -> Size:
    """Each result once."""
    return sum((_nbytes(b) for b in kernel.buffers if b.access != "read"), 0)


def flops(kernel: Kernel) -> Size:
    """Floating-point operations; a fused multiply-add counts two, a transcendental `TRANSCENDENTAL_FLOPS`."""
    total: Size = 0
    for nest in kernel.nests:
        total = total + _body_flops((nest.loop, *nest.finish))
    return total


def _nbytes(buffer) -> Size:  # type: ignore[no-untyped-def]
    return product(buffer.shape) * buffer.dtype.itemsize


def _body_flops(body: tuple[Statement, ...]) -> Size:
    total: Size = 0
    for statement in body:
        if isinstance(statement, Loop):
            total = total + _body_flops(statement.body) * statement.extent
    direct = [e for s in body for e in expressions(s)]
    count = sum(2 if s.factor is not None else 1 for s in body if isinstance(s, Update))
    for node in walk(*direct):
        if node.op in TRANSCENDENTAL:
            count += TRANSCENDENTAL_FLOPS
        elif node.op not in FREE and node.dtype.is_float:
            count += 2 if node.op == "fma" else 1
    return total + count
