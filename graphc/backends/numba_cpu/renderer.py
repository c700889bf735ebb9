"""Prints a kernel as LLVM IR text with explicit vectors.

The vectors are explicit, and not left to a vectoriser, so that every vector loop of the kernel IR is one
in the machine code, with the lanes and the fold order that the semantics fix. A loop runs whole
vectors, then the rest once under a mask: no scalar remainder, and no read beyond a buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphc import dtypes
from graphc.backends.entry import Range, constant_length, declared, updated
from graphc.backends.numba_cpu.access import Access, classify
from graphc.backends.numba_cpu.instructions import (
    iota,
    literal,
    mangled,
    memory_type,
    register_type,
    register_type_of,
    scalar_type,
    splat,
)
from graphc.backends.numba_cpu.memory import MemoryAssembler
from graphc.backends.renderer import Array, Operand, Renderer, Scope, Slot, VectorLoop
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Accumulator, Kernel, Store, identity

_ATTRIBUTES = 'attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" }'
_ALL = "splat (i1 true)"


def render_module(kernels: Sequence[Kernel]) -> str:
    """The LLVM module of a program's kernels."""
    declarations: set[str] = set()
    functions = [LlvmRenderer(kernel, declarations).render() for kernel in kernels]
    return "\n".join([*functions, *sorted(declarations), "", _ATTRIBUTES, ""])


class LlvmRenderer(Renderer):
    """One kernel as LLVM IR."""

    RESERVED = frozenset(("begin", "end", "buffers", "dims", "scratch", "status", "code", "entry"))
    JOINT = "."

    def __init__(self, kernel: Kernel, declarations: set[str]):
        super().__init__(kernel)
        self.allocas: list[str] = []
        self.accesses: dict[Expr, Access | None] = {}
        self.checks = False
        self.labels = 0
        self.asm = MemoryAssembler(self.fresh, declarations)

    # functions ---------------------------------------------------------------------------------
    def function(self, name: str, scope: Scope) -> str:
        head = [f"; {line}" for line in self.kernel.comment.splitlines()]
        head.append(
            f"define i32 @{name}(ptr noalias readonly %buffers, ptr noalias readonly %dims, "
            "i64 %begin, i64 %end, ptr %scratch) #0 {"
        )
        lines = [*head, "entry:", *self.allocas]
        if self.checks:
            lines += ["  %status = alloca i32", "  store i32 0, ptr %status"]
        lines += scope.lines
        lines += ["  %code = load i32, ptr %status", "  ret i32 %code"] if self.checks else ["  ret i32 0"]
        self.allocas, self.checks, self.labels = [], False, 0
        return "\n".join([*lines, "}", ""])

    def argument(self, name: str) -> str:
        return f"%{name}"

    def pointer(self, position: int, hint: str) -> str:
        lines = self.scopes[0].lines
        at = self.asm.emit(lines, f"getelementptr inbounds ptr, ptr %buffers, i64 {position}", f"{hint}.at")
        return self.asm.emit(lines, f"load ptr, ptr {at}", hint)

    def scratch(self, offset: Operand, dtype: dtypes.DType, hint: str) -> str:
        return self.asm.emit(self.scope.lines, f"getelementptr inbounds i8, ptr %scratch, i64 {offset.text}", hint)

    def named_size(self, position: int, hint: str) -> str:
        lines = self.scopes[0].lines
        at = self.asm.emit(lines, f"getelementptr inbounds i64, ptr %dims, i64 {position}", f"{hint}.at")
        return self.asm.emit(lines, f"load i64, ptr {at}", hint)

    # expressions -------------------------------------------------------------------------------
    def constant(self, node: Expr) -> str:
        return literal(node)

    def operate(self, scope: Scope, node: Expr, operands: Sequence[Operand], varying: bool, hint: str) -> str:
        lanes = self._lanes(varying)
        dtype = node.args[0].dtype
        if node.op == "select":
            kind = register_type(node.dtype, lanes)
            condition = operands[0]
            flag = register_type_of("i1", lanes if condition.varying else 0)
            a, b = (self._wide(o, node.dtype, lanes) for o in operands[1:])
            return self.asm.emit(scope.lines, f"select {flag} {condition.text}, {kind} {a}, {kind} {b}", hint)
        args = [self._wide(o, a.dtype, lanes) for o, a in zip(operands, node.args, strict=True)]
        if node.op == "cast":
            return self.asm.convert(scope.lines, dtype, node.dtype, args[0], lanes, hint)
        if node.op == "bitcast":
            kinds = register_type(dtype, lanes), register_type(node.dtype, lanes)
            if kinds[0] == kinds[1]:
                return args[0]
            return self.asm.emit(scope.lines, f"bitcast {kinds[0]} {args[0]} to {kinds[1]}", hint)
        return self.asm.arithmetic(scope.lines, node.op, dtype, args, lanes, hint)

    def lane_index(self, scope: Scope, base: Operand) -> str:
        lanes = self._lanes(True)
        kind = register_type(dtypes.int64, lanes)
        return self.asm.emit(scope.lines, f"add {kind} {self._wide(base, dtypes.int64, lanes)}, {iota(lanes)}")

    def _lanes(self, varying: bool) -> int:
        return self.scope.vector.lanes if varying and self.scope.vector is not None else 0

    def _wide(self, operand: Operand, dtype: dtypes.DType, lanes: int) -> str:
        """The operand's text, broadcast to all lanes where the operation has lanes."""
        if not lanes or operand.varying:
            return operand.text
        scalar = scalar_type(dtype)
        if not operand.text.startswith("%"):
            return splat(operand.text, scalar, lanes)
        assert self.scope.vector is not None
        scope = self.scopes[max(operand.level, self.scope.vector.level)]
        if operand.text not in scope.splats:
            kind = register_type_of(scalar, lanes)
            one = self.asm.emit(scope.lines, f"insertelement {kind} poison, {scalar} {operand.text}, i64 0")
            scope.splats[operand.text] = self.asm.emit(
                scope.lines, f"shufflevector {kind} {one}, {kind} poison, <{lanes} x i32> zeroinitializer"
            )
        return scope.splats[operand.text]

    # memory ------------------------------------------------------------------------------------
    def address_parts(self, linear: Expr) -> tuple[Expr, ...]:
        access = self._access(linear)
        if access is None:
            return (linear,)
        if access.stride is None or access.stride.op == "const":
            return (access.base,)
        return (access.base, access.stride)

    def _access(self, linear: Expr) -> Access | None:
        """None where all lanes address the same element."""
        vector = self.scope.vector
        if vector is None:
            return None
        if linear not in self.accesses:
            self.accesses[linear] = classify(linear, vector, self.lets, self.varies) if self.varies(linear) else None
        return self.accesses[linear]

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
        vector = self.scope.vector
        if varying and vector is not None:
            mask = vector.mask
            if condition is not None:
                mask = self._wide(condition, dtypes.bool_, vector.lanes)
                if vector.mask is not None:
                    mask = self.asm.emit(scope.lines, f"and <{vector.lanes} x i1> {mask}, {vector.mask}")
            access = self._access(linear) or Access(linear, None)
            return self._load_lanes(scope, array, access, address, mask, condition is None, hint)
        at = self.asm.element(scope.lines, array, address[0].text, condition is None)
        if condition is not None:
            at = self.asm.pointer_if(scope.lines, condition.text, at)
        value = self.asm.emit(
            scope.lines, f"load {memory_type(array.dtype)}, ptr {at}, align {array.dtype.itemsize}", hint
        )
        return self.asm.from_memory(scope.lines, array.dtype, value, 0)

    def _load_lanes(
        self,
        scope: Scope,
        array: Array,
        access: Access,
        address: Sequence[Operand],
        mask: str | None,
        inbounds: bool,
        hint: str,
    ) -> str:
        """A value for each lane of `mask`, 0 in the others; `inbounds` says that all of them are in the array."""
        lines, size, lanes = scope.lines, array.dtype.itemsize, self._lanes(True)
        wide, flags = memory_type(array.dtype, lanes), f"<{lanes} x i1>"
        if access.has_stride(1):
            at = self.asm.element(lines, array, address[0].text, inbounds)
            if mask is None:
                value = self.asm.emit(lines, f"load {wide}, ptr {at}, align {size}", hint)
            else:
                name = f"llvm.masked.load.{mangled(array.dtype, lanes, memory=True)}.p0"
                args = (at, str(size), mask, "zeroinitializer")
                value = self.asm.intrinsic(lines, name, wide, ("ptr", "i32", flags, wide), args, hint)
        elif access.has_stride(-1) and mask is None:
            last = self.asm.emit(lines, f"sub i64 {address[0].text}, {lanes - 1}")
            at = self.asm.element(lines, array, last)
            value = self.asm.emit(lines, f"load {wide}, ptr {at}, align {size}")
            order = ", ".join(f"i32 {lanes - 1 - lane}" for lane in range(lanes))
            mirrored = f"shufflevector {wide} {value}, {wide} poison, <{lanes} x i32> <{order}>"
            value = self.asm.emit(lines, mirrored, hint)
        else:
            at = self._elements(scope, array, access, address, lanes, inbounds)
            name = f"llvm.masked.gather.{mangled(array.dtype, lanes, memory=True)}.v{lanes}p0"
            args = (at, str(size), mask or _ALL, "zeroinitializer")
            value = self.asm.intrinsic(lines, name, wide, (f"<{lanes} x ptr>", "i32", flags, wide), args, hint)
        return self.asm.from_memory(lines, array.dtype, value, lanes)

    def store(self, array: Array, store: Store) -> None:
        linear = self.linear(store.indices, array)
        address = [self.value(part) for part in self.address_parts(linear)]
        value = self.value(store.value)
        lines, vector, dtype = self.scope.lines, self.scope.vector, array.dtype
        lines.append(f"  ; {store.buffer}[…] {'+=' if store.add else '='}")
        if vector is None:
            at = self.asm.element(lines, array, address[0].text)
            text = value.text
            if store.add:
                old = self.asm.emit(lines, f"load {memory_type(dtype)}, ptr {at}, align {dtype.itemsize}")
                text = self.asm.arithmetic(lines, "add", dtype, (old, text), 0)
            text = self.asm.to_memory(lines, dtype, text, 0)
            lines.append(f"  store {memory_type(dtype)} {text}, ptr {at}, align {dtype.itemsize}")
            return
        access = self._access(linear) or Access(linear, None)
        lanes, mask = vector.lanes, vector.mask
        wide, flags = memory_type(dtype, lanes), f"<{lanes} x i1>"
        text = self._wide(value, dtype, lanes)
        contiguous = access.has_stride(1)
        suffix = mangled(dtype, lanes, memory=True)
        if contiguous:
            at, kind, family = self.asm.element(lines, array, address[0].text), "ptr", f"{suffix}.p0"
            read, write = "llvm.masked.load", "llvm.masked.store"
        else:
            at = self._elements(self.scope, array, access, address, lanes)
            kind, family = f"<{lanes} x ptr>", f"{suffix}.v{lanes}p0"
            read, write = "llvm.masked.gather", "llvm.masked.scatter"
        size = str(dtype.itemsize)
        if store.add:
            types = (kind, "i32", flags, wide)
            old = self.asm.intrinsic(
                lines, f"{read}.{family}", wide, types, (at, size, mask or _ALL, "zeroinitializer"), "v"
            )
            text = self.asm.arithmetic(lines, "add", dtype, (old, text), lanes)
        text = self.asm.to_memory(lines, dtype, text, lanes)
        if contiguous and mask is None:
            lines.append(f"  store {wide} {text}, ptr {at}, align {size}")
        else:
            types = (wide, kind, "i32", flags)
            self.asm.intrinsic(lines, f"{write}.{family}", "void", types, (text, at, size, mask or _ALL), "v")

    def _elements(
        self,
        scope: Scope,
        array: Array,
        access: Access,
        address: Sequence[Operand],
        lanes: int,
        inbounds: bool = True,
    ) -> str:
        """The address of each lane."""
        kind, wide = memory_type(array.dtype), f"<{lanes} x i64>"
        if access.stride is None:
            offsets = self._wide(address[0], dtypes.int64, lanes)
            pointer = array.pointer
        else:
            pointer = self.asm.element(scope.lines, array, address[0].text, inbounds)
            if access.stride.op == "const":
                offsets = "<" + ", ".join(f"i64 {access.stride.attr * lane}" for lane in range(lanes)) + ">"
            else:
                stride = self._wide(address[1], dtypes.int64, lanes)
                offsets = self.asm.emit(scope.lines, f"mul {wide} {stride}, {iota(lanes)}")
        word = "getelementptr inbounds" if inbounds else "getelementptr"
        return self.asm.emit(scope.lines, f"{word} {kind}, ptr {pointer}, {wide} {offsets}")

    # accumulators and checks -------------------------------------------------------------------
    def declare(self, accumulator: Accumulator, init: Operand) -> Slot:
        vector = self.scope.vector
        lanes = vector.lanes if vector else 0
        text = self._slot(accumulator.name, accumulator.dtype, lanes)
        kind = register_type(accumulator.dtype, lanes)
        self.scope.lines.append(f"  store {kind} {self._wide(init, accumulator.dtype, lanes)}, ptr {text}")
        return Slot(text, accumulator.dtype, accumulator.combine, self.scope.level, bool(lanes))

    def _slot(self, name: str, dtype: dtypes.DType, lanes: int) -> str:
        return self.asm.emit(self.allocas, f"alloca {register_type(dtype, lanes)}", name)

    def read(self, scope: Scope, slot: Slot, hint: str) -> str:
        kind = register_type(slot.dtype, self._lanes(slot.varying))
        return self.asm.emit(scope.lines, f"load {kind}, ptr {slot.text}", hint)

    def update(self, slot: Slot, value: Operand, factor: Operand | None) -> None:
        lanes, dtype, lines = self._lanes(slot.varying), slot.dtype, self.scope.lines
        kind = register_type(dtype, lanes)
        old = self.asm.emit(lines, f"load {kind}, ptr {slot.text}")
        args = [self._wide(o, dtype, lanes) for o in (factor, value) if o is not None]
        if factor is not None:
            new = self.asm.arithmetic(lines, "fma", dtype, (*args, old), lanes)
        else:
            new = self.asm.arithmetic(lines, slot.combine, dtype, (old, *args), lanes)
        mask = self.scope.vector.mask if lanes and self.scope.vector else None
        if mask is not None:
            new = self.asm.emit(lines, f"select <{lanes} x i1> {mask}, {kind} {new}, {kind} {old}")
        lines.append(f"  store {kind} {new}, ptr {slot.text}")

    def check(self, condition: Operand, code: int) -> None:
        self.checks = True
        lines, lanes = self.scope.lines, self._lanes(condition.varying)
        bad = self.asm.arithmetic(lines, "not", dtypes.bool_, (condition.text,), lanes)
        if lanes:
            assert self.scope.vector is not None
            kind = f"<{lanes} x i1>"
            if self.scope.vector.mask is not None:
                bad = self.asm.emit(lines, f"and {kind} {bad}, {self.scope.vector.mask}")
            bad = self.asm.intrinsic(lines, f"llvm.vector.reduce.or.v{lanes}i1", "i1", (kind,), (bad,))
        old = self.asm.emit(lines, "load i32, ptr %status")
        worst = self.asm.intrinsic(lines, "llvm.smax.i32", "i32", ("i32", "i32"), (old, str(code)))
        new = self.asm.emit(lines, f"select i1 {bad}, i32 {worst}, i32 {old}")
        lines.append(f"  store i32 {new}, ptr %status")

    # loops -------------------------------------------------------------------------------------
    def loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        n = self._label()
        guard = self.enter_guard(loop)
        body = self.enter_body(loop)
        index = f"%{self.fresh(loop.index)}"
        self.bind(k.index(loop.index), index)
        self.statements(loop.body)
        self.leave()
        self.leave()
        self.scope.lines += [
            *self._enter(n, start, stop, guard),
            f"  br label %loop.{n}",
            *self._iterate(n, index, start.text, stop.text, 1, body),
            f"  br i1 %more.{n}, label %loop.{n}, label %after.{n}",
            f"after.{n}:",
        ]

    def vector_loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        n, lanes = self._label(), loop.lanes
        outside = {name: self.slots[name] for name in sorted(updated(loop.body) - declared(loop.body))}
        guard = self.enter_guard(loop)
        vector = VectorLoop(loop.index, lanes, k.index(f"{loop.index}.base"), guard.level)
        for name, slot in outside.items():
            text = self._slot(f"{name}.lanes", slot.dtype, lanes)
            kind = register_type(slot.dtype, lanes)
            start_value = splat(literal(identity(slot.combine, slot.dtype)), scalar_type(slot.dtype), lanes)
            guard.lines.append(f"  store {kind} {start_value}, ptr {text}")
            self.slots[name] = Slot(text, slot.dtype, slot.combine, guard.level, True)
        index, bound = f"%{self.fresh(loop.index)}", f"%bound.{n}"
        length = constant_length(loop)
        if length is not None:
            bound = str(length // lanes * lanes)
        whole = None if length is not None and length < lanes else self._vector_body(loop, vector, index)
        mask = f"%{self.fresh('inside')}"
        masked = replace(vector, mask=mask)
        rest = None if length is not None and length % lanes == 0 else self._vector_body(loop, masked, bound)
        lane_slots = {name: self.slots[name] for name in outside}
        self.slots.update(outside)
        self.leave()
        lines = self._enter(n, start, stop, guard)
        if length is None:
            lines += [
                f"  %length.{n} = sub nsw i64 {stop.text}, {start.text}",
                f"  %whole.{n} = and i64 %length.{n}, {-lanes}",
                f"  {bound} = add nsw i64 {start.text}, %whole.{n}",
                f"  %left.{n} = sub nsw i64 %length.{n}, %whole.{n}",
                f"  %any.{n} = icmp sgt i64 %whole.{n}, 0",
                f"  br i1 %any.{n}, label %loop.{n}, label %rest.{n}",
            ]
        else:
            lines.append(f"  br label %{'rest' if whole is None else 'loop'}.{n}")
        if whole is not None:
            lines += self._iterate(n, index, start.text, bound, lanes, whole)
            lines.append(f"  br i1 %more.{n}, label %loop.{n}, label %{'fold' if rest is None else 'rest'}.{n}")
        if rest is not None:
            left = f"%left.{n}" if length is None else str(length % lanes)
            lines += self._masked_once(n, left, mask, lanes, rest)
        lines.append(f"fold.{n}:")
        for name, slot in outside.items():
            self._fold(lines, slot, lane_slots[name].text, lanes)
        self.scope.lines += [*lines, f"  br label %after.{n}", f"after.{n}:"]

    def _masked_once(self, n: int, left: str, mask: str, lanes: int, body: Scope) -> list[str]:
        """The last `left` iterations: one vector under a mask, if there are any."""
        bits = "i32" if lanes <= 16 else "i8"
        kind = f"<{lanes} x {bits}>"
        return [
            f"rest.{n}:",
            f"  %ragged.{n} = icmp ne i64 {left}, 0",
            f"  br i1 %ragged.{n}, label %tail.{n}, label %fold.{n}",
            f"tail.{n}:",
            f"  %count.{n} = trunc i64 {left} to {bits}",
            f"  %one.{n} = insertelement {kind} poison, {bits} %count.{n}, i64 0",
            f"  %counts.{n} = shufflevector {kind} %one.{n}, {kind} poison, <{lanes} x i32> zeroinitializer",
            f"  {mask} = icmp ult {kind} {iota(lanes, bits)}, %counts.{n}",
            *body.lines,
            f"  br label %fold.{n}",
        ]

    def _vector_body(self, loop: Range, vector: VectorLoop, base: str) -> Scope:
        self.accesses = {}
        self.enter_body(loop, vector)
        self.bind(vector.base, base)
        self.statements(loop.body)
        self.accesses = {}
        self.lets = {}
        return self.leave()

    def _fold(self, lines: list[str], slot: Slot, lane_slot: str, lanes: int) -> None:
        """acc = combine(acc, tree of the lanes)."""
        whole = register_type(slot.dtype, lanes)
        value = self.asm.emit(lines, f"load {whole}, ptr {lane_slot}")
        width = lanes
        while width > 1:
            kind, width = register_type(slot.dtype, width), width // 2
            halves = []
            for first in (0, width):
                order = ", ".join(f"i32 {first + lane}" for lane in range(width))
                text = f"shufflevector {kind} {value}, {kind} poison, <{width} x i32> <{order}>"
                halves.append(self.asm.emit(lines, text))
            value = self.asm.arithmetic(lines, slot.combine, slot.dtype, halves, width)
        kind = scalar_type(slot.dtype)
        value = self.asm.emit(lines, f"extractelement <1 x {kind}> {value}, i64 0")
        old = self.asm.emit(lines, f"load {kind}, ptr {slot.text}")
        new = self.asm.arithmetic(lines, slot.combine, slot.dtype, (old, value), 0)
        lines.append(f"  store {kind} {new}, ptr {slot.text}")

    def _label(self) -> int:
        self.labels += 1
        return self.labels

    def _enter(self, n: int, start: Operand, stop: Operand, guard: Scope) -> list[str]:
        return [
            f"  %runs.{n} = icmp slt i64 {start.text}, {stop.text}",
            f"  br i1 %runs.{n}, label %guard.{n}, label %after.{n}",
            f"guard.{n}:",
            *guard.lines,
        ]

    def _iterate(self, n: int, index: str, start: str, bound: str, step: int, body: Scope) -> list[str]:
        return [
            f"loop.{n}:",
            f"  {index} = phi i64 [ {start}, %guard.{n} ], [ %next.{n}, %latch.{n} ]",
            *body.lines,
            f"  br label %latch.{n}",
            f"latch.{n}:",
            f"  %next.{n} = add nuw nsw i64 {index}, {step}",
            f"  %more.{n} = icmp slt i64 %next.{n}, {bound}",
        ]
