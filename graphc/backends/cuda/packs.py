"""Which operands of an elementwise nest move in packs of neighbours: 16 bytes an instruction.

It stands apart from the renderer because the choice needs the statements alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Check, Kernel, Let, Nest, Store, expressions

BYTES = 16  # the widest access of a thread


@dataclass(frozen=True)
class Packed:
    """Buffers by name, and how many elements a pack has."""

    width: int
    loaded: tuple[str, ...]
    stored: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every buffer that moves in packs."""
        return tuple(dict.fromkeys(self.loaded + self.stored))


def choose_packs(kernel: Kernel, nest: Nest, linear: Callable[[tuple[Expr, ...], str], Expr]) -> Packed | None:
    """The packs of `nest`, or None. `linear` gives the offset of an element of a buffer.

    Iteration i must touch element i, for certain and of the whole array if it is written; the body is
    straight-line code, so that several iterations run side by side.
    """
    if nest.accumulators or not all(isinstance(s, (Let, Store, Check)) for s in nest.loop.body):
        return None
    at = k.index(nest.loop.index)
    exact: set[str] = set()  # loaded at i
    stored: set[str] = set()
    elsewhere: set[str] = set()
    roots: list[Expr] = []
    for statement in nest.loop.body:
        roots += expressions(statement)
        if isinstance(statement, Store):
            own = linear(statement.indices, statement.buffer) is at and not statement.add
            (stored if own else elsewhere).add(statement.buffer)
    for node in k.walk(*roots):
        if node.op == "load":
            (exact if linear(node.args, node.attr) is at else elsewhere).add(node.attr)
        elif node.op == "load_if":
            elsewhere.add(node.attr)
    read_only = {b.name for b in kernel.buffers if b.access == "read"}
    chosen = [
        b for b in kernel.buffers if b.name in exact | stored and (b.name in read_only or b.name not in elsewhere)
    ]
    if not chosen:
        return None
    return Packed(
        BYTES // max(b.dtype.itemsize for b in chosen),
        tuple(b.name for b in chosen if b.name in exact),
        tuple(b.name for b in chosen if b.name in stored),
    )
