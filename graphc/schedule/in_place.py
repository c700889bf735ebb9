"""One `readwrite` buffer in place of a read and a written one, where no element is read after it is written.

Variables are updated this way, and the result of a GEMM becomes the result of its epilogue.
"""

from __future__ import annotations

from dataclasses import replace

from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Buffer, Kernel, Let, Loop, Nest, Statement, Store, expressions, flatten
from graphc.schedule.loops import map_statement


def merge_in_place(kernel: Kernel, read: str, write: str) -> Kernel | None:
    """`kernel` with `write` stored into `read`, or None if that would change a result."""
    shapes = {b.name: b for b in kernel.buffers}
    source, target = shapes[read], shapes[write]
    if source.dtype is not target.dtype or source.shape != target.shape or source.access != "read":
        return None
    nests = [n for n in kernel.nests if any(_touches(s, read, write) for s in n.statements)]
    if len(nests) != 1:
        return None
    stores = [s for s in kernel.statements if isinstance(s, Store) and s.buffer == write]
    if len(stores) != 1 or stores[0].add:
        return None
    if stores[0] in nests[0].finish:
        nest = _rewrite_finish(nests[0], read, stores[0])
    elif _reads_before(nests[0], read, stores[0]):
        nest = _rewrite(nests[0], read, stores[0], _fresh(kernel, f"{read}_old"))
    else:
        return None
    if nest is None:
        return None
    buffers = tuple(
        Buffer(read, b.dtype, b.shape, "readwrite") if b.name == read else b for b in kernel.buffers if b.name != write
    )
    return replace(kernel, buffers=buffers, nests=tuple(nest if n is nests[0] else n for n in kernel.nests))


def _loads(root: Expr, name: str) -> list[Expr]:
    return [n for n in k.walk(root) if n.op in ("load", "load_if") and n.attr == name]


def _touches(statement: Statement, read: str, write: str) -> bool:
    stores = isinstance(statement, Store) and statement.buffer == write
    return stores or any(_loads(e, read) for e in expressions(statement))


def _reads_before(nest: Nest, read: str, store: Store) -> bool:
    """Every load of `read` is at the store's index, and none comes after the loop body that stores."""
    done = False

    def visit(body: tuple[Statement, ...]) -> bool:
        nonlocal done
        for statement in body:
            found = [n for e in expressions(statement) for n in _loads(e, read)]
            if any(n.op == "load_if" or n.args != store.indices for n in found):
                return False
            if done and found and store not in body:
                return False
            if statement is store:
                done = True
            if isinstance(statement, Loop):
                if store in body and any(_touches(s, read, "") for s in flatten(statement.body)):
                    return False
                if not visit(statement.body):
                    return False
        return True

    return visit((nest.loop,)) and not any(_loads(e, read) for s in nest.finish for e in expressions(s))


def _rewrite(nest: Nest, read: str, store: Store, name: str) -> Nest:
    """Load the old element once, at the top of the body that stores the new one."""

    def body_of(loop: Loop) -> Loop:
        if store not in loop.body:
            return replace(loop, body=tuple(body_of(s) if isinstance(s, Loop) else s for s in loop.body))
        old: list[Expr] = [n for s in loop.body for e in expressions(s) for n in _loads(e, read)]
        body = tuple(replace(s, buffer=read) if s is store else s for s in loop.body)
        if not old:
            return replace(loop, body=body)
        variable = k.var(name, old[0].dtype)

        def rename(e: Expr) -> Expr:
            return k.substitute(e, lambda n: variable if n.op == "load" and n.attr == read else None)

        def visit(s: Statement) -> Statement:
            return map_statement(s, rename, lambda inner: inner)

        return replace(loop, body=(Let(name, old[0]), *map(visit, body)))

    return replace(nest, loop=body_of(nest.loop))


def _rewrite_finish(nest: Nest, read: str, store: Store) -> Nest | None:
    """The finish comes after all units, so only what it reads itself after the store would read a new element."""
    at = nest.finish.index(store)
    if any(_loads(e, read) for s in nest.finish[at + 1 :] for e in expressions(s)):
        return None
    return replace(nest, finish=(*nest.finish[:at], replace(store, buffer=read), *nest.finish[at + 1 :]))


def _fresh(kernel: Kernel, wish: str) -> str:
    taken = {b.name for b in kernel.buffers} | {x.name for n in kernel.nests for x in n.locals}
    taken |= {s.name for s in kernel.statements if hasattr(s, "name")}
    while wish in taken:
        wish += "_"
    return wish
