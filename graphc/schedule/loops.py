"""Kernel → kernel: one loop in place of two where memory is contiguous, and the grain of parallel loops.

Loops over [784, 512] whose operands are all read in order are one loop over 401408: no short inner
loops, no index arithmetic, even shares for the threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from graphc.dims import Size
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import (
    Accumulator,
    Buffer,
    Check,
    Kernel,
    Let,
    Loop,
    Nest,
    Statement,
    Store,
    Update,
    expressions,
)
from graphc.schedule.tuning import Tuning

ASSUMED_SIZE = 64  # what a symbolic size counts for in such estimates


def collapse_loops(kernel: Kernel, keep_rows: bool = False) -> Kernel:
    """Merge perfectly nested loops while every access allows it; `keep_rows` keeps the vector loop apart."""
    while True:
        for pair in _perfect_pairs(kernel):
            if keep_rows and pair[1].lanes:
                continue
            merged = _collapse(kernel, *pair)
            if merged is not None:
                kernel = merged
                break
        else:
            return kernel


def set_grain(kernel: Kernel, tuning: Tuning) -> Kernel:
    """Cut the parallel loops in units of about equal work."""
    return replace(kernel, nests=tuple(replace(n, grain=_grain(n, tuning)) for n in kernel.nests))


def _grain(nest: Nest, tuning: Tuning) -> int:
    target = tuning.unit_of_reduction if nest.accumulators else tuning.unit_of_work
    grain = max(1, target // max(1, _work(nest.loop.body)))
    lanes = nest.loop.lanes
    return -(-grain // lanes) * lanes if lanes else grain


def _work(body: tuple[Statement, ...]) -> int:
    """Iterations of the longest loop nest in `body`."""
    return max(
        (_estimate(s.extent) * _work(s.body) for s in body if isinstance(s, Loop)),
        default=1,
    )


def _estimate(size: Size) -> int:
    return size if isinstance(size, int) else ASSUMED_SIZE


def _perfect_pairs(kernel: Kernel) -> list[tuple[Loop, Loop]]:
    pairs = []
    stack: list[Statement] = [n.loop for n in kernel.nests]
    while stack:
        statement = stack.pop()
        if isinstance(statement, Loop):
            if len(statement.body) == 1 and isinstance(statement.body[0], Loop) and not statement.lanes:
                pairs.append((statement, statement.body[0]))
            stack.extend(statement.body)
    return pairs


def _collapse(kernel: Kernel, outer: Loop, inner: Loop) -> Kernel | None:
    twins = _twins(kernel, outer, inner)
    if twins is None:
        return None
    first, second = k.index(outer.index), k.index(inner.index)
    merged_at = _places_to_merge(kernel, first, second, (outer.extent, inner.extent))
    if merged_at is None:
        return None
    extents = {b.name: b.shape for b in kernel.buffers}
    extents.update({local.name: local.shape for nest in kernel.nests for local in nest.locals})

    def merge_index(name: str, index: tuple[Expr, ...]) -> tuple[Expr, ...]:
        at = merged_at.get(name)
        if at is None:
            return index
        a, b = index[at], index[at + 1]
        joined = first if (a, b) == (first, second) else a * k.size(extents[name][at + 1]) + b
        return (*index[:at], joined, *index[at + 2 :])

    def merge_shape(name: str, shape: tuple[Size, ...]) -> tuple[Size, ...]:
        at = merged_at.get(name)
        return shape if at is None else (*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :])

    linear = _linear(first, second, inner.extent)

    def change(node: Expr) -> Expr | None:
        if node is linear:
            return first
        if node.op == "load":
            return k.load(node.attr, merge_index(node.attr, node.args), node.dtype)
        if node.op == "load_if":
            condition, *index = node.args
            return Expr("load_if", (condition, *merge_index(node.attr, tuple(index))), node.dtype, node.attr)
        return None

    def rebuild(statement: Statement) -> Statement:
        if isinstance(statement, Loop) and statement.index == outer.index:
            twin = twins[id(statement)]
            return Loop(outer.index, outer.extent * inner.extent, tuple(map(rebuild, twin.body)), twin.lanes)
        if isinstance(statement, Store):
            statement = replace(statement, indices=merge_index(statement.buffer, statement.indices))
        return map_statement(statement, lambda e: k.substitute(e, change), rebuild)

    def rebuild_loop(loop: Loop) -> Loop:
        new = rebuild(loop)
        assert isinstance(new, Loop)
        return new

    nests = tuple(
        replace(
            nest,
            loop=rebuild_loop(nest.loop),
            locals=tuple(replace(x, shape=merge_shape(x.name, x.shape)) for x in nest.locals),
            finish=tuple(map(rebuild, nest.finish)),
        )
        for nest in kernel.nests
    )
    buffers = tuple(Buffer(b.name, b.dtype, merge_shape(b.name, b.shape), b.access) for b in kernel.buffers)
    return replace(kernel, buffers=buffers, nests=nests)


def _twins(kernel: Kernel, outer: Loop, inner: Loop) -> dict[int, Loop] | None:
    """The inner loop of every pair with the names of this one, by the `id` of its outer loop. Two folds over the same
    axes are two such pairs, and merge together; None if one of the names stands in another loop too."""
    pairs = {id(a): b for a, b in _perfect_pairs(kernel) if (a.index, b.index) == (outer.index, inner.index)}
    inside = {id(b) for b in pairs.values()}
    for loop in kernel.statements:
        if not isinstance(loop, Loop) or loop.index not in (outer.index, inner.index):
            continue
        known = pairs if loop.index == outer.index else inside
        if id(loop) not in known or loop.extent != (outer.extent if known is pairs else inner.extent):
            return None
    return pairs


def map_statement(
    statement: Statement, expression: Callable[[Expr], Expr], nested: Callable[[Statement], Statement]
) -> Statement:
    """Rebuild a statement with `expression` applied to its expressions and `nested` to its body."""
    if isinstance(statement, Loop):
        return replace(statement, body=tuple(map(nested, statement.body)))
    if isinstance(statement, Let):
        return replace(statement, value=expression(statement.value))
    if isinstance(statement, Accumulator):
        return replace(statement, init=expression(statement.init))
    if isinstance(statement, Update):
        factor = None if statement.factor is None else expression(statement.factor)
        return replace(statement, value=expression(statement.value), factor=factor)
    if isinstance(statement, Check):
        return replace(statement, condition=expression(statement.condition))
    return replace(statement, indices=tuple(map(expression, statement.indices)), value=expression(statement.value))


def _places_to_merge(kernel: Kernel, first: Expr, second: Expr, extents: tuple[Size, Size]) -> dict[str, int] | None:
    """For each buffer the axis at which `first, second` stand side by side; None if an access forbids it."""
    shapes = {b.name: b.shape for b in kernel.buffers}
    shapes.update({local.name: local.shape for nest in kernel.nests for local in nest.locals})
    places: dict[str, int] = {}
    elsewhere: set[str] = set()  # buffers that are accessed without the two indices

    def access(name: str, index: tuple[Expr, ...]) -> bool:
        uses = [i for i, e in enumerate(index) if first in k.walk(e) or second in k.walk(e)]
        if not uses:
            elsewhere.add(name)
            return True
        at = uses[0]
        if index[at : at + 2] != (first, second) or len(uses) != 2 or shapes[name][at + 1] != extents[1]:
            return False
        if shapes[name][at] != extents[0] and at != 0:
            return False
        return places.setdefault(name, at) == at

    linear, row = _linear(first, second, extents[1]), k.mul(first, k.size(extents[1]))
    roots: list[Expr] = []
    for statement in kernel.statements:
        if isinstance(statement, Store):
            if not access(statement.buffer, statement.indices):
                return None
            roots.append(statement.value)
            roots.extend(e for e in statement.indices if e is not first and e is not second)
        else:
            roots.extend(expressions(statement))
    for node in k.walk(*roots):
        if node.op in ("load", "load_if"):
            if not access(node.attr, node.args[1:] if node.op == "load_if" else node.args):
                return None
        elif node not in (linear, row) and not {first, second, row}.isdisjoint(node.args):
            return None
    if any(root in (first, second, row) for root in roots):
        return None
    return places


def _linear(first: Expr, second: Expr, extent: Size) -> Expr:
    """The row-major position of an iteration, which is the index of the merged loop."""
    return k.add(k.mul(first, k.size(extent)), second)


def rename_memory(kernel: Kernel, names: dict[str, str]) -> Kernel:
    """`kernel` with other names for its buffers and local arrays."""

    def change(node: Expr) -> Expr | None:
        if node.op in ("load", "load_if") and node.attr in names:
            return Expr(node.op, node.args, node.dtype, names[node.attr])
        return None

    def rebuild(statement: Statement) -> Statement:
        if isinstance(statement, Store):
            statement = replace(statement, buffer=names.get(statement.buffer, statement.buffer))
        return map_statement(statement, lambda e: k.substitute(e, change), rebuild)

    def rebuild_loop(loop: Loop) -> Loop:
        new = rebuild(loop)
        assert isinstance(new, Loop)
        return new

    nests = tuple(
        replace(
            nest,
            loop=rebuild_loop(nest.loop),
            locals=tuple(replace(x, name=names[x.name]) for x in nest.locals),
            finish=tuple(map(rebuild, nest.finish)),
        )
        for nest in kernel.nests
    )
    return replace(kernel, buffers=tuple(replace(b, name=names[b.name]) for b in kernel.buffers), nests=nests)
