"""Which arrays the threads of a team hand to one another, so that a barrier must stand in between.

It stands apart from the renderer because it looks at statements alone. A team shares the iterations of a vector
loop, iteration j to thread j mod stride. An array whose every access in a nest is at the same index expressions
of loops of one extent and stride needs no barrier: each thread reads back what it wrote itself. So it is with
the scratch rows of softmax and layer norm.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.backends.entry import Range, declared, flatten, updated
from graphc.dims import Size
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Loop, Statement, Store, expressions

Place = tuple[tuple[Expr, ...], Size, int]  # indices of the array, extent and stride of the vector loop
_ROW: Place = ((), 0, 0)  # by the whole team, or by its first thread
_ANY: Place = ((), 0, -1)  # by a thread that the loop's index does not tell


def handed_over(body: Iterable[Statement], team: int) -> frozenset[str]:
    """The arrays of which one thread of a team may touch what another has written."""
    if team == 1:
        return frozenset()
    loads: dict[str, set[Place]] = {}
    stores: dict[str, list[Place]] = {}
    stack: list[tuple[Statement, Loop | None]] = [(s, None) for s in body]
    while stack:
        statement, vector = stack.pop()
        if isinstance(statement, Loop):
            shared = statement if statement.lanes and vector is None else vector
            stack.extend((s, shared) for s in statement.body)
            continue
        stride = _stride(vector, team) if vector is not None else 0
        for name, indices in _loads(expressions(statement)):
            loads.setdefault(name, set()).add(_place(indices, vector, stride))
        if isinstance(statement, Store):
            place = _place(statement.indices, vector, stride)
            stores.setdefault(statement.buffer, []).append(place)
            if statement.add:
                loads.setdefault(statement.buffer, set()).add(place)
    return frozenset(name for name, places in stores.items() if not _owned(loads.get(name, set()), places))


def touched(statement: Statement | Range, tracked: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What of `tracked` the statement and the loops in it read, and what they write."""
    if not tracked:
        return tracked, tracked
    flat = flatten((statement,))
    reads = {name for name, _ in _loads(e for s in flat if not isinstance(s, Range) for e in expressions(s))}
    stores = [s for s in flat if isinstance(s, Store)]
    reads.update(s.buffer for s in stores if s.add)
    return tracked & reads, tracked & {s.buffer for s in stores}


def _owned(loads: set[Place], stores: list[Place]) -> bool:
    """Whether no thread meets another's element: one place for all accesses."""
    places = loads | set(stores)
    if len(places) > 1 or _ANY in places:
        return False
    return not (loads and _ROW in places)  # the first thread writes, all read


def _stride(loop: Loop, team: int) -> int:
    """How far apart the iterations of one thread are: the lanes, where they are folded afterwards."""
    return loop.lanes if updated(loop.body) - declared(loop.body) else team


def _loads(roots: Iterable[Expr]) -> Iterable[tuple[str, tuple[Expr, ...]]]:
    for node in k.walk(*roots):
        if node.op == "load":
            yield node.attr, node.args
        elif node.op == "load_if":
            yield node.attr, node.args[1:]


def _place(indices: tuple[Expr, ...], vector: Loop | None, stride: int) -> Place:
    if vector is None:
        return _ROW
    nodes = k.walk(*indices)
    if k.index(vector.index) not in nodes or any(n.op in ("var", "load", "load_if") for n in nodes):
        return _ANY
    return indices, vector.extent, stride
