"""Checks that a kernel is well formed; the compiler asks after emitting it, tests after every stage.

It stands apart so that a mistake is found where it was made, in front of the lines around it, and not as
undefined behaviour of native code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from graphc import dtypes
from graphc.dims import Dim
from graphc.dtypes import DType
from graphc.errors import CompileError
from graphc.kernel_ir.expr import ARITHMETIC, TRANSCENDENTAL, Expr, walk
from graphc.kernel_ir.kernel import (
    Accumulator,
    Buffer,
    Check,
    Kernel,
    Let,
    Local,
    Loop,
    Nest,
    Statement,
    Store,
    Update,
    expressions,
    flatten,
)
from graphc.kernel_ir.printer import print_lines

_AROUND = 2  # lines shown before and after the failing one
_COMBINES = {"add": "fi", "mul": "fi", "max": "fib", "min": "fib", "and": "ib", "or": "ib"}
_WORDS = {"True", "False", "inf", "nan", "if", "for", "in", "check", "else", "read", "write", "readwrite", "local"}


def verify(kernel: Kernel) -> None:
    """Raise `CompileError`, with the lines around the place, unless `kernel` keeps the rules of `kernel.py`."""
    _Verifier(kernel).verify()


def _kind(dtype: DType) -> str:
    return {"float": "f", "bool": "b"}.get(dtype.kind, "i")


@dataclass
class _Scope:
    """What statements may name: indices and lets by dtype, accumulators by record. Memory has names of its own."""

    values: dict[str, DType] = field(default_factory=dict)
    accumulators: dict[str, Accumulator] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()  # accumulators that are split into parts here
    vector: str | None = None  # the index of the vector loop around

    def below(self, **changes: Any) -> _Scope:
        return replace(self, values=dict(self.values), accumulators=dict(self.accumulators), **changes)


class _Verifier:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.memory: dict[str, Buffer | Local] = {}
        self.place: Any = None  # the statement that is looked at

    def fail(self, message: str) -> NoReturn:
        lines, places = print_lines(self.kernel)
        at = places.get(id(self.place), 0)
        around = range(max(0, at - _AROUND), min(len(lines), at + _AROUND + 1))
        shown = [f"{'>' if n == at else ' '} {lines[n]}" for n in around]
        raise CompileError(f"kernel {self.kernel.name}: {message}\n" + "\n".join(shown))

    def expect(self, holds: bool, message: str) -> None:
        if not holds:
            self.fail(message)

    def verify(self) -> None:
        for buffer in self.kernel.buffers:
            self.name(buffer.name, self.memory)
            self.expect(
                buffer.access in ("read", "write", "readwrite"),
                f"expected access read, write or readwrite of {buffer.name}, got {buffer.access!r}",
            )
            self.memory[buffer.name] = buffer
        for nest in self.kernel.nests:
            self.nest(nest)

    def nest(self, nest: Nest) -> None:
        self.place = nest
        outside = dict(self.memory)
        self.expect(nest.grain >= 1, f"expected a grain of at least 1, got {nest.grain}")
        self.expect(not (nest.locals and nest.loop.lanes), "expected no local arrays under a parallel vector loop")
        for local in nest.locals:
            self.name(local.name, self.memory)
            self.memory[local.name] = local
        scope = _Scope()
        for accumulator in nest.accumulators:
            self.statement(accumulator, scope)
        inside = scope.below(unreadable=frozenset(scope.accumulators))
        self.loop(nest.loop, inside)
        self.memory = outside  # the locals are gone
        for accumulator in nest.accumulators:  # and only the finish reads the results
            scope.values[accumulator.name] = accumulator.dtype
        self.body(nest.finish, replace(scope, accumulators={}))

    # statements ----------------------------------------------------------------------------------
    def body(self, statements: tuple[Statement, ...], scope: _Scope) -> None:
        for statement in statements:
            self.statement(statement, scope)

    def statement(self, statement: Statement, scope: _Scope) -> None:
        self.place = statement
        for root in expressions(statement):
            self.expression(root, scope)
        if isinstance(statement, Let):
            self.define(statement.name, scope)
            scope.values[statement.name] = statement.value.dtype
        elif isinstance(statement, Accumulator):
            self.accumulator(statement, scope)
        elif isinstance(statement, Update):
            self.update(statement, scope)
        elif isinstance(statement, Store):
            self.store(statement, scope)
        elif isinstance(statement, Check):
            self.expect(
                statement.condition.dtype is dtypes.bool_, f"expected a bool condition, got {statement.condition.dtype}"
            )
            self.expect(statement.code > 0, f"expected a code above 0, got {statement.code}")
        else:
            self.loop(statement, scope.below())

    def name(self, name: str, taken: Any) -> None:
        self.expect(
            re.fullmatch(r"[A-Za-z_]\w*", name) is not None and name not in _WORDS, f"expected a name, got {name!r}"
        )
        self.expect(name not in taken, f"expected a new name, got {name!r} again")

    def define(self, name: str, scope: _Scope) -> None:
        self.name(name, {*scope.values, *scope.accumulators, *self.kernel.symbols})

    def accumulator(self, accumulator: Accumulator, scope: _Scope) -> None:
        self.define(accumulator.name, scope)
        dtype, combine = accumulator.dtype, accumulator.combine
        self.expect(
            combine in _COMBINES and _kind(dtype) in _COMBINES[combine],
            f"expected a combine of {dtype} among {', '.join(_COMBINES)}, got {combine!r}",
        )
        self.expect(accumulator.init.dtype is dtype, f"expected an initial {dtype}, got {accumulator.init.dtype}")
        scope.accumulators[accumulator.name] = accumulator

    def update(self, update: Update, scope: _Scope) -> None:
        accumulator = scope.accumulators.get(update.name)
        if accumulator is None:
            self.fail(f"expected an accumulator to update, got {update.name!r}")
        self.expect(
            update.value.dtype is accumulator.dtype,
            f"expected a value of {accumulator.dtype} for {update.name}, got {update.value.dtype}",
        )
        if update.factor is not None:
            self.expect(
                accumulator.combine == "add" and accumulator.dtype.is_float,
                f"expected a factor only where floats are added, got {accumulator.combine} of {accumulator.dtype}",
            )
            self.expect(
                update.factor.dtype is accumulator.dtype,
                f"expected a factor of {accumulator.dtype} for {update.name}, got {update.factor.dtype}",
            )

    def store(self, store: Store, scope: _Scope) -> None:
        target = self.access(store.buffer, store.indices)
        self.expect(
            not (isinstance(target, Buffer) and target.access == "read"),
            f"expected a buffer that may be written, got {store.buffer}, which is only read",
        )
        self.expect(
            store.value.dtype is target.dtype, f"expected {target.dtype} for {store.buffer}, got {store.value.dtype}"
        )
        if store.add:
            self.expect(target.dtype is not dtypes.bool_, f"expected numbers to add in {store.buffer}, got bool")

    def loop(self, loop: Loop, scope: _Scope) -> None:
        self.place = loop
        self.define(loop.index, scope)
        self.expect(
            isinstance(loop.extent, Dim) or loop.extent >= 0, f"expected an extent of at least 0, got {loop.extent}"
        )
        lanes = loop.lanes
        self.expect(lanes >= 0 and lanes & (lanes - 1) == 0, f"expected a power of two as lanes, got {lanes}")
        if lanes:
            self.expect(
                scope.vector is None, f"expected no vector loop inside another, got {loop.index} inside {scope.vector}"
            )
            scope.vector = loop.index
            scope.unreadable |= _updated(loop) & scope.accumulators.keys()
        scope.values[loop.index] = dtypes.int64
        self.body(loop.body, scope)

    # expressions ---------------------------------------------------------------------------------
    def access(self, name: str, indices: tuple[Expr, ...]) -> Buffer | Local:
        target = self.memory.get(name)
        if target is None:
            self.fail(f"expected a buffer or a local array, got {name!r}")
        self.expect(
            len(indices) == len(target.shape), f"expected {len(target.shape)} indices of {name}, got {len(indices)}"
        )
        for position in indices:
            self.expect(position.dtype is dtypes.int64, f"expected i64 indices of {name}, got {position.dtype}")
        return target

    def expression(self, root: Expr, scope: _Scope) -> None:
        for node in walk(root):
            kinds = [a.dtype for a in node.args]
            if node.op in ("index", "var"):
                self.variable(node, scope)
            elif node.op in ("load", "load_if"):
                masked = node.op == "load_if"
                source = self.access(node.attr, node.args[masked:])
                self.expect(not masked or kinds[0] is dtypes.bool_, f"expected a bool condition, got {kinds[:1]}")
                self.expect(
                    not (isinstance(source, Buffer) and source.access == "write"),
                    f"expected a buffer that may be read, got {node.attr}, which is only written",
                )
                self.expect(
                    node.dtype is source.dtype, f"expected a load of {source.dtype} from {node.attr}, got {node.dtype}"
                )
            elif node.op == "select":
                expected = [dtypes.bool_, node.dtype, node.dtype]
                self.expect(kinds == expected, f"expected a select of (bool, same, same), got {kinds}")
            elif node.op == "bitcast":
                self.expect(
                    kinds[0].itemsize == node.dtype.itemsize, f"expected bits of {node.dtype}'s width, got {kinds[0]}"
                )
            elif node.op in ARITHMETIC or node.op in TRANSCENDENTAL:
                self.operation(node, kinds)
            else:
                self.expect(node.op in ("const", "dim", "cast"), f"expected an operation of expr.py, got {node.op!r}")

    def variable(self, node: Expr, scope: _Scope) -> None:
        accumulator = scope.accumulators.get(node.attr)
        dtype = scope.values.get(node.attr) if accumulator is None else accumulator.dtype
        self.expect(dtype is not None, f"expected a name in scope, got {node.attr!r}")
        self.expect(node.dtype is dtype, f"expected {node.attr} to be read as {dtype}, got {node.dtype}")
        self.expect(
            accumulator is None or node.attr not in scope.unreadable,
            f"expected {node.attr} to be read only after the loop that reduces it, got a read inside",
        )

    def operation(self, node: Expr, kinds: list[DType]) -> None:
        arity, allowed, result = ARITHMETIC.get(node.op) or (TRANSCENDENTAL[node.op], "f", "same")
        self.expect(len(kinds) == arity, f"expected {arity} operands of {node.op}, got {len(kinds)}")
        self.expect(
            all(kind is kinds[0] for kind in kinds) and _kind(kinds[0]) in allowed,
            f"expected operands of {node.op} of one type among {_listed(allowed)}, got {kinds}",
        )
        expected = dtypes.bool_ if result == "bool" else kinds[0]
        self.expect(node.dtype is expected, f"expected {node.op} to give {expected}, got {node.dtype}")


def _listed(kinds: str) -> str:
    return ", ".join({"f": "floats", "i": "integers", "b": "bool"}[kind] for kind in kinds)


def _updated(loop: Loop) -> set[str]:
    """The names that `loop` updates."""
    return {s.name for s in flatten(loop.body) if isinstance(s, Update)}
