"""What the threads of a team hand to one another through memory, and where a barrier must stand in between.

It stands apart from the renderer because it looks at accesses alone. A team shares the iterations of a vector
loop, iteration j to thread j mod stride. Where all accesses of an array are at […, j, …] in loops of one stride,
every thread reads back what it wrote itself and no barrier is needed: so it is with the scratch rows of softmax
and layer norm.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphc.backends.entry import Range, declared, flatten, updated
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Loop, Statement, Store, expressions

Place = tuple[int, int]  # the axis that the vector loop's index is at, and the loop's stride: one thread's own
ROW: Place = (-1, 0)  # outside of vector loops: read by all threads, written by the first
ANY: Place = (-2, 0)


@dataclass(frozen=True)
class Access:
    """An array, which thread of the team touches an element of it, and whether it writes."""

    array: str
    place: Place
    writes: bool

    def conflicts(self, other: Access) -> bool:
        """Whether two threads could touch one element, and one of them write."""
        if self.array != other.array or not (self.writes or other.writes):
            return False
        if self.place != other.place or self.place == ANY:
            return True
        return self.place == ROW and not (self.writes and other.writes)


Accesses = frozenset[Access]
NOTHING: Accesses = frozenset()


@dataclass
class Ordering:
    """What happened since the last barrier, on a walk through statements that a whole team runs."""

    pending: Accesses = NOTHING  # since the last barrier that is certain
    opening: Accesses = NOTHING  # of this body, before its first barrier
    opened: bool = True  # no barrier in this body yet

    def conflicts(self, later: Accesses) -> bool:
        """Whether a barrier must stand before `later`."""
        return any(a.conflicts(b) for a in self.pending for b in later)

    @property
    def collides_with_next(self) -> bool:
        """Whether the next iteration needs a barrier before it."""
        return self.conflicts(self.opening)

    def touch(self, accesses: Accesses) -> None:
        """Memory is touched now."""
        self.pending |= accesses
        if self.opened:
            self.opening |= accesses

    def meet(self) -> None:
        """A barrier."""
        self.pending, self.opened = NOTHING, False

    def enter(self) -> Ordering:
        """The walk through a loop's body; what is pending here is pending there."""
        return Ordering(self.pending)

    def leave(self, body: Ordering) -> None:
        """The walk goes on after a loop, which may have run or not."""
        self.pending |= body.pending
        if self.opened:
            self.opening |= body.opening


def written(body: Iterable[Statement]) -> frozenset[str]:
    """The arrays that `body` writes: no other needs a barrier."""
    return frozenset(s.buffer for s in flatten(body) if isinstance(s, Store))


def accesses(statement: Statement | Range, team: int, arrays: frozenset[str]) -> Accesses:
    """How the statement, and the loops in it, touch `arrays`, where a whole team runs it."""
    if not arrays:
        return NOTHING
    found: set[Access] = set()
    stack: list[tuple[Statement | Range, Loop | Range | None]] = [(statement, None)]
    while stack:
        inner, vector = stack.pop()
        if isinstance(inner, (Loop, Range)):
            shared = inner if inner.lanes and vector is None else vector
            stack.extend((s, shared) for s in inner.body)
            continue
        for node in k.walk(*expressions(inner)):
            if node.op in ("load", "load_if") and node.attr in arrays:
                indices = node.args[1:] if node.op == "load_if" else node.args
                found.add(Access(node.attr, _place(indices, vector, team), False))
        if isinstance(inner, Store):
            place = _place(inner.indices, vector, team)
            found.add(Access(inner.buffer, place, True))
            if inner.add and place != ROW:
                found.add(Access(inner.buffer, place, False))
    return frozenset(found)


def handed_over(body: Iterable[Statement], team: int) -> frozenset[str]:
    """The arrays that need a barrier somewhere in `body`: a compiler must not take their memory for one thread's."""
    body = tuple(body)
    found = frozenset().union(*(accesses(s, team, written(body)) for s in body)) if team > 1 else NOTHING
    return frozenset(a.array for a in found if any(a.conflicts(b) for b in found))


def _place(indices: tuple[Expr, ...], vector: Loop | Range | None, team: int) -> Place:
    if vector is None:
        return ROW
    at = k.index(vector.index)
    folded = updated(vector.body) - declared(vector.body)
    return (indices.index(at), vector.lanes if folded else team) if at in indices else ANY
