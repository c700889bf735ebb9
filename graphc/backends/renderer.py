"""The walk over a kernel that every renderer shares: scopes, shared expressions, hoisting, accumulators.

Targets supply syntax (how an operation, a loop, a load is written); this module decides what is
computed where, so that all targets agree on it and a new one is only a table.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphc.backends.entry import (
    BEGIN,
    END,
    Entry,
    Range,
    Section,
    assigned,
    entry,
    is_symbol,
    size_expr,
)
from graphc.dims import Shape
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.affine import linear_index
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Accumulator, Check, Kernel, Let, Loop, Statement, Store, Update
from graphc.kernel_ir.scratch import scratch_offsets

_NOTHING: frozenset[str] = frozenset()
_NOT_IN_NAMES = re.compile(r"\W")


@dataclass(frozen=True, slots=True)
class Operand:
    """A computed value: its text, the scope it lives in, and which mutable names it was read from."""

    text: str
    level: int = 0
    varying: bool = False  # one value per lane of the vector loop
    reads: frozenset[str] = _NOTHING


@dataclass(slots=True)
class VectorLoop:
    """The vector loop that scopes lie in. `base` names the index of its first lane."""

    index: str
    lanes: int
    base: Expr
    level: int  # of its guard, where invariants go
    mask: str | None = None  # which lanes are inside the extent; None: all


@dataclass(slots=True)
class Scope:
    """A straight-line stretch of code. A loop has two: its guard (entered if it runs at all) and its body."""

    level: int
    floor: int  # the outermost level to which a load may be hoisted and still be certain to be wanted
    mutates: frozenset[str] = _NOTHING
    vector: VectorLoop | None = None
    lines: list[str] = field(default_factory=list)
    memo: dict[Expr, Operand] = field(default_factory=dict)
    volatile: set[Expr] = field(default_factory=set)
    splats: dict[str, str] = field(default_factory=dict)  # scalar → the same in every lane


@dataclass(frozen=True, slots=True)
class Array:
    """A buffer, a partial result or a local array: what loads and stores need to know of it."""

    pointer: str
    dtype: DType
    shape: Shape
    mutable: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an accumulator lives."""

    text: str
    dtype: DType
    combine: str
    level: int
    varying: bool = False


class Renderer(ABC):
    """Prints one kernel. `render` returns the text of its functions."""

    RESERVED: frozenset[str]  # names that the target gives a meaning
    JOINT: str  # between a name and its number

    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.entry: Entry = entry(kernel)
        self.scopes: list[Scope] = []
        self.arrays: dict[str, Array] = {}
        self.slots: dict[str, Slot] = {}
        self.lets: dict[str, Expr] = {}  # the lets of the enclosing vector loop that vary in it
        self.linears: dict[tuple[tuple[Expr, ...], str], Expr] = {}
        self.constants: dict[Expr, Operand] = {}
        self.names: set[str] = set()  # that the function uses
        self.counts: dict[str, int] = {}  # how often a name was wanted again

    def render(self) -> str:
        """The text of the kernel's call function and, if it has one, of its finish function."""
        parts = [self._function(self.kernel.name, self.entry.call)]
        if self.entry.finish is not None:
            parts.append(self._function(f"{self.kernel.name}_finish", self.entry.finish))
        return "\n".join(parts)

    # what a target writes ----------------------------------------------------------------------
    @abstractmethod
    def function(self, name: str, scope: Scope) -> str:
        """The whole function around the lines of `scope`."""

    @abstractmethod
    def pointer(self, position: int, hint: str) -> str:
        """Emit the pointer of operand `position`."""

    @abstractmethod
    def scratch(self, offset: Operand, dtype: DType, hint: str) -> str:
        """Emit the pointer to an array of `dtype`, `offset` bytes into the scratch memory."""

    @abstractmethod
    def named_size(self, position: int, hint: str) -> str:
        """Emit the `position`-th of the kernel's named sizes."""

    @abstractmethod
    def constant(self, node: Expr) -> str:
        """The text of a constant."""

    @abstractmethod
    def operate(self, scope: Scope, node: Expr, operands: Sequence[Operand], varying: bool, hint: str) -> str:
        """Emit an operation of ARITHMETIC, a select, a cast or a bitcast."""

    @abstractmethod
    def lane_index(self, scope: Scope, base: Operand) -> str:
        """Emit the index of each lane of a vector loop."""

    @abstractmethod
    def load(
        self,
        scope: Scope,
        array: Array,
        linear: Expr,
        address: Sequence[Operand],
        condition: Operand | None,
        varying: bool,
        hint: str,
    ) -> str:
        """Emit a load at `linear`; `address` are the values of its `address_parts`.

        With a `condition`, the value is 0 and memory is not touched unless it holds.
        """

    @abstractmethod
    def store(self, array: Array, store: Store) -> None:
        """Emit a store."""

    @abstractmethod
    def declare(self, accumulator: Accumulator, init: Operand) -> Slot:
        """Emit a new accumulator."""

    @abstractmethod
    def read(self, scope: Scope, slot: Slot, hint: str) -> str:
        """Emit the present value of an accumulator."""

    @abstractmethod
    def update(self, slot: Slot, value: Operand, factor: Operand | None) -> None:
        """Emit an update of an accumulator."""

    @abstractmethod
    def check(self, condition: Operand, code: int) -> None:
        """Emit a check."""

    @abstractmethod
    def loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        """Emit a scalar loop."""

    @abstractmethod
    def vector_loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        """Emit a vector loop."""

    # statements --------------------------------------------------------------------------------
    def statements(self, body: Iterable[Statement | Range]) -> None:
        """Print statements into the innermost scope."""
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: Statement | Range) -> None:
        if isinstance(statement, Let):
            value = self.value(statement.value, statement.name)
            name = k.var(statement.name, statement.value.dtype)
            self.slots.pop(statement.name, None)
            self.lets.pop(statement.name, None)
            if value.varying:
                self.lets[statement.name] = statement.value
            self.scope.memo[name] = Operand(value.text, value.level, value.varying)
        elif isinstance(statement, Accumulator):
            init = self.value(statement.init)
            self.lets.pop(statement.name, None)
            self._forget(statement.name)
            self.slots[statement.name] = self.declare(statement, init)
        elif isinstance(statement, Update):
            factor = None if statement.factor is None else self.value(statement.factor)
            self.update(self.slots[statement.name], self.value(statement.value), factor)
            self._forget(statement.name)
        elif isinstance(statement, Store):
            self.store(self.arrays[statement.buffer], statement)
            self._forget(statement.buffer)
        elif isinstance(statement, Check):
            self.check(self.value(statement.condition), statement.code)
        elif isinstance(statement, Loop):
            zero, extent = k.int_const(0), k.size(statement.extent)
            self._range(Range(statement.index, zero, extent, statement.body, statement.lanes))
        else:
            self._range(statement)

    def _range(self, loop: Range) -> None:
        if loop.start.op == "const" and loop.stop.op == "const" and loop.stop.attr <= loop.start.attr:
            return
        start, stop = self.value(loop.start), self.value(loop.stop)
        for name in assigned(loop.body):
            self._forget(name)
        if loop.lanes and self.scope.vector is None:
            self.vector_loop(loop, start, stop)
        else:
            self.loop(loop, start, stop)

    # scopes ------------------------------------------------------------------------------------
    @property
    def scope(self) -> Scope:
        """The innermost scope."""
        return self.scopes[-1]

    def enter_guard(self, loop: Range) -> Scope:
        """The scope of code that runs once before a loop, if the loop runs at all."""
        certain = loop.start.op == "const" and loop.stop.op == "const"
        level = len(self.scopes)
        floor = self.scope.floor if certain else level
        self.scopes.append(Scope(level, floor, vector=self.scope.vector))
        return self.scope

    def enter_body(self, loop: Range, vector: VectorLoop | None = None) -> Scope:
        """The scope of a loop's body. The caller binds the index."""
        around = self.scope
        level = len(self.scopes)
        self.scopes.append(Scope(level, around.floor, assigned(loop.body), vector or around.vector))
        return self.scope

    def leave(self) -> Scope:
        """Close the innermost scope."""
        return self.scopes.pop()

    def bind(self, name: Expr, text: str, varying: bool = False) -> None:
        """Give `name` a value in the innermost scope."""
        self.scope.memo[name] = Operand(text, self.scope.level, varying)

    def fresh(self, hint: str) -> str:
        """A name that the function has not used yet."""
        if hint != "v":
            hint = _NOT_IN_NAMES.sub(self.JOINT, hint)
            hint = hint if hint[0].isalpha() else f"v{hint}"
        name = hint
        while name in self.names or name == "v":
            self.counts[hint] = self.counts.get(hint, -1) + 1
            name = f"{hint}{self.JOINT}{self.counts[hint]}"
        self.names.add(name)
        return name

    def _forget(self, name: str) -> None:
        """What was read from `name` is out of date."""
        for scope in self.scopes:
            for node in [n for n in scope.volatile if name in scope.memo[n].reads]:
                del scope.memo[node]
                scope.volatile.discard(node)

    # expressions -------------------------------------------------------------------------------
    def value(self, expr: Expr, hint: str = "v") -> Operand:
        """The value of `expr`: found, or computed in the outermost scope where it is the same."""
        stack = [expr]
        while stack:
            node = stack[-1]
            if self._find(node) is not None:
                stack.pop()
                continue
            parts = self._parts(node)
            missing = [p for p in parts if self._find(p) is None]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            self._compute(node, [self.value(p) for p in parts], hint if node is expr else "v")
        found = self._find(expr)
        assert found is not None
        return found

    def _find(self, node: Expr) -> Operand | None:
        if node.op == "const":
            if node not in self.constants:
                self.constants[node] = Operand(self.constant(node))
            return self.constants[node]
        for scope in reversed(self.scopes):
            found = scope.memo.get(node)
            if found is not None:
                return found
        return None

    def _parts(self, node: Expr) -> tuple[Expr, ...]:
        """The expressions whose values `node` needs."""
        if node.op in ("load", "load_if"):
            condition, indices = _split(node)
            return (*condition, *self.address_parts(self.linear(indices, self.arrays[node.attr])))
        if node.op == "dim" and not is_symbol(node.attr):
            return (size_expr(node.attr),)
        return node.args

    def linear(self, indices: tuple[Expr, ...], array: Array) -> Expr:
        """The offset of an element, in elements."""
        key = (indices, array.pointer)
        if key not in self.linears:
            self.linears[key] = linear_index(indices, array.shape)
        return self.linears[key]

    def address_parts(self, linear: Expr) -> tuple[Expr, ...]:
        """What the address of an access is computed from; targets with vectors distinguish more."""
        return (linear,)

    def varies(self, expr: Expr) -> bool:
        """Whether `expr` differs between the lanes of the enclosing vector loop."""
        vector = self.scope.vector
        if vector is None:
            return False
        for node in k.walk(expr):
            if node.op == "index" and node.attr == vector.index:
                return True
            if node.op == "var":
                slot = self.slots.get(node.attr)
                if slot.varying if slot is not None else node.attr in self.lets:
                    return True
        return False

    def _compute(self, node: Expr, operands: list[Operand], hint: str) -> None:
        level = max((o.level for o in operands), default=0)
        varying = any(o.varying for o in operands)
        reads = _NOTHING
        for operand in operands:
            if operand.reads:
                reads = reads | operand.reads
        text = None
        if node.op in ("load", "load_if"):
            array = self.arrays[node.attr]
            linear = self.linear(_split(node)[1], array)
            varying = varying or self.varies(linear)
            level = max(level, self.scope.floor)
            if array.mutable:
                reads, level = reads | {node.attr}, max(level, self._settled(node.attr))
            scope = self._home(level, varying)
            condition = operands.pop(0) if node.op == "load_if" else None
            text = self.load(scope, array, linear, operands, condition, varying, hint)
        elif node.op == "var":
            slot = self.slots[node.attr]
            varying, reads = slot.varying, frozenset((node.attr,))
            scope = self.scopes[self.slot_level(node.attr, slot)]
            text = self.read(scope, slot, hint)
        elif node.op == "index":
            assert self.scope.vector is not None and self.scope.vector.index == node.attr, node
            base = self.value(self.scope.vector.base)
            scope, varying = self.scopes[base.level], True
            text = self.lane_index(scope, base)
        elif node.op == "dim":
            scope = self.scopes[level]
            if operands:
                text = operands[0].text
            else:
                (symbol,) = node.attr.symbols()
                text = self.named_size(self.kernel.symbols.index(symbol), symbol)
        else:
            if node.op in ("quot", "rem") and node.args[1].op != "const":
                level = max(level, self.scope.floor)  # the divisor may be 0 where the loop does not run
            scope = self._home(level, varying)
            text = self.operate(scope, node, operands, varying, hint)
        scope.memo[node] = Operand(text, scope.level, varying, reads)
        if reads:
            scope.volatile.add(node)

    def slot_level(self, name: str, slot: Slot) -> int:
        """The outermost level where an accumulator can be read and has its present value."""
        return max(slot.level, self._settled(name))

    def _home(self, level: int, varying: bool) -> Scope:
        vector = self.scope.vector
        if varying and vector is not None:
            level = max(level, vector.level)
        return self.scopes[level]

    def _settled(self, name: str) -> int:
        """The outermost level at which `name` keeps its present value until here."""
        return max((s.level for s in self.scopes if name in s.mutates), default=0)

    # functions ---------------------------------------------------------------------------------
    def start_function(self) -> Scope:
        """Forget the function before, and give the operands their pointers; the outermost scope."""
        self.linears = {}
        self.names, self.counts = set(self.RESERVED), {}
        self.arrays, self.slots, self.lets = {}, {}, {}
        top = Scope(0, 0)
        self.scopes = [top]
        for position, buffer in enumerate(self.entry.buffers):
            pointer = self.pointer(position, buffer.name)
            self.arrays[buffer.name] = Array(pointer, buffer.dtype, buffer.shape, buffer.access != "read")
        return top

    def _function(self, name: str, sections: tuple[Section, ...]) -> str:
        top = self.start_function()
        self.bind(BEGIN, self.argument("begin"))
        self.bind(END, self.argument("end"))
        for section in sections:
            self.scopes.append(Scope(1, 0))
            offsets, _ = scratch_offsets(section.locals)
            for local in section.locals:
                pointer = self.scratch(self.value(k.size(offsets[local.name])), local.dtype, local.name)
                self.arrays[local.name] = Array(pointer, local.dtype, local.shape, True)
            self.statements(section.statements)
            top.lines.extend(self.leave().lines)
        self.scopes = []
        return self.function(name, top)

    @abstractmethod
    def argument(self, name: str) -> str:
        """The text of an argument of the function."""


def _split(node: Expr) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """The condition, if any, and the indices of a load."""
    return (node.args[:1], node.args[1:]) if node.op == "load_if" else ((), node.args)
