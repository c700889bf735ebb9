"""Prints a kernel as CUDA C++ that gives the same bits as the interpreter, whatever the grid.

It stands apart from the C++ renderer, with which it shares all expressions, because here the iterations of a
loop belong to threads:

* A kernel is one function over all its nests: block b belongs to the nest in whose range it lies. A nest's
  parallel loop is shared by *teams* (`mapping.py`), each of which takes every `teams`-th piece of work.
* *Elementwise and column nests* (no vector loop below the parallel one): a team is one thread, a piece one
  iteration. Operands that iteration i touches at element i move in packs of 16 bytes where their pointers
  are aligned; what is left over, or everything if they are not, runs one element at a time.
* *Row nests*: a team is as many threads as the widest vector loop has lanes, if that is a part of a warp, and
  else a block. All threads of a team run the row's scalar statements; its first thread stores. A vector loop
  is shared: lane l is thread l. Accumulators that it updates are folded as the tree of `kernel.py`, by
  shuffles in a warp, through shared memory in a block (`kernels/prologue/cuda.h`), and every thread gets the
  result.
* *Totals over the parallel loop*: the piece is a unit, which leaves its partial result; the finish phase is a
  second function of one block, whose threads fold the partial results from left to right.
* *Local arrays* lie in shared memory where a block's fit, else in global scratch memory. An array that
  threads hand to one another gets a barrier in between (`hazards.py`); most are read by the thread that wrote.
* A failed check raises `status` by an atomic maximum. A bool is a byte in memory.

Floating point is explicit (`-fmad=false`), integers wrap around by unsigned arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graphc.backends.c_operations import KEYWORDS, bare, literal, memory_type, operation, type_name
from graphc.backends.c_renderer import CRenderer, indented
from graphc.backends.cuda.hazards import ANY, Access, Ordering, accesses, handed_over, written
from graphc.backends.cuda.mapping import NestMapping, fold_bytes, launch, map_kernel, threads_of
from graphc.backends.cuda.packs import Packed, choose_packs
from graphc.backends.entry import (
    UNIT,
    Range,
    assigned,
    declared,
    partial_buffers,
    unit_statements,
    updated,
)
from graphc.backends.renderer import Array, Operand, Scope, Slot
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Accumulator, Buffer, Kernel, Loop, Nest, Statement, Store, identity
from graphc.kernel_ir.scratch import scratch_offsets

_WORDS = "team teams lane mask block blocks shared threadIdx blockIdx blockDim gridDim warpSize atomicMax signed"
_WRAPPING = ("add", "sub", "mul", "neg")
_INDEX_OPS = ("add", "sub", "mul", "neg", "quot", "rem", "min", "max")


def render_source(kernels: Sequence[Kernel], prologue: str) -> str:
    """The translation unit of a program's kernels."""
    return "\n".join([prologue, *(CudaRenderer(kernel).render() for kernel in kernels)])


class CudaRenderer(CRenderer):
    """One kernel as CUDA C++."""

    RESERVED = KEYWORDS | frozenset(_WORDS.split())

    def __init__(self, kernel: Kernel):
        super().__init__(kernel)
        self.threads = threads_of(kernel)
        self.mappings = map_kernel(kernel)
        self.handed_over = frozenset().union(
            *(handed_over((n.loop,), m.team) for n, m in zip(kernel.nests, self.mappings, strict=True)),
            *(handed_over(n.finish, self.threads) for n in kernel.nests),
        )
        self.parameters: list[str] = []
        self.sizes: list[str] = []  # the names of the kernel's named sizes
        self.index_like: dict[Expr, bool] = {}
        self.work: Range | None = None  # the loop that the teams share
        self.first = "team"  # its first iteration for this team
        self.team = 1
        self.split = False  # inside a vector loop that the threads of a team share
        self.fold_offset = 0  # where the lanes lie in shared memory
        self.region_bytes = 0  # of one region of lanes
        self.written: frozenset[str] = frozenset()  # arrays of the nest that threads may hand to one another
        self.ordering = Ordering()
        self.regions = 0  # of lanes in shared memory, used in turn
        self.packs: dict[str, str] = {}  # the pointers of packed operands → their packs
        self.packed_index: Expr | None = None
        self.component = ""

    def render(self) -> str:
        parts = [self._call()]
        if self.kernel.has_finish:
            parts.append(self._finish())
        return "\n".join(parts)

    # functions ---------------------------------------------------------------------------------
    def _call(self) -> str:
        top = self._start()
        sections = []
        for number, (nest, mapping) in enumerate(zip(self.kernel.nests, self.mappings, strict=True)):
            self.scopes.append(Scope(1, 1))
            self._team(mapping.team)
            self.fold_offset, self.region_bytes = mapping.fold_offset, mapping.region_bytes
            self.written = written((nest.loop,))
            self._place_locals(nest, mapping)
            self._nest(nest, partial_buffers(self.kernel)[number])
            sections.append([*self._who(mapping.teams), *self.leave().lines])
        top.lines += self._by_block(sections)
        counts = [f"uint32_t blocks_{number}" for number in range(len(sections) - 1)]
        return self.function(self.kernel.name, top, counts, max(m.shared_bytes for m in self.mappings))

    def _finish(self) -> str:
        top = self._start()
        top.lines.append("const int lane = threadIdx.x;")
        shared = 0
        for nest, partials in zip(self.kernel.nests, partial_buffers(self.kernel), strict=True):
            self.scopes.append(Scope(1, 1))
            self._team(self.threads)
            self.fold_offset, self.region_bytes = 0, fold_bytes(nest.finish, self.threads)
            self.written = written(nest.finish)
            for accumulator, buffer in zip(nest.accumulators, partials, strict=True):
                self.statements((accumulator,))
                self._fold_partials(accumulator, self.arrays[buffer.name], self.value(k.size(nest.units)))
                shared = max(shared, self.threads * accumulator.dtype.itemsize)
            self.statements(nest.finish)
            shared = max(shared, 2 * self.region_bytes)
            if nest.accumulators or nest.finish:
                top.lines += ["{", *self.scope.lines, "}"]
            self.leave()
        return self.function(f"{self.kernel.name}_finish", top, [], shared)

    def _start(self) -> Scope:
        self.parameters = []
        top = self.start_function()
        self.sizes = [self.fresh(symbol) for symbol in self.kernel.symbols]
        self.parameters += [f"int64_t {name}" for name in self.sizes]
        return top

    def _team(self, team: int) -> None:
        self.team, self.split, self.ordering, self.regions = team, False, Ordering(), 0

    def function(self, name: str, scope: Scope, counts: Sequence[str] = (), shared: int = 0) -> str:
        lines = [f"// {line}" for line in self.kernel.comment.splitlines()]
        parameters = [*self.parameters, "void* scratch", "int32_t* status", *counts]
        lines += [
            f'extern "C" __global__ void __launch_bounds__({self.threads}) {name}({", ".join(parameters)}) {{',
            *([f"__shared__ __align__(16) unsigned char shared[{shared}];"] if shared else []),
            *scope.lines,
            "}",
            "",
        ]
        return "\n".join(indented(lines))

    def argument(self, name: str) -> str:
        raise AssertionError("teams share the units of a kernel by themselves")

    def pointer(self, position: int, hint: str) -> str:
        name, buffer = self.fresh(hint), self.entry.buffers[position]
        kind = memory_type(buffer.dtype) if buffer.access != "read" else f"const {memory_type(buffer.dtype)}"
        restrict = "" if buffer.name in self.handed_over else "__restrict__ "
        self.parameters.append(f"{kind}* {restrict}{name}")
        return name

    def named_size(self, position: int, hint: str) -> str:
        return self.sizes[position]

    def scratch(self, offset: Operand, dtype: DType, hint: str) -> str:
        raise AssertionError("local arrays are placed for each nest")

    # teams -------------------------------------------------------------------------------------
    def _who(self, teams: int) -> list[str]:
        """Which team this thread belongs to, and which of its threads it is."""
        if self.team == 1:
            return [
                f"const int64_t team = static_cast<int64_t>(block) * {teams} + threadIdx.x;",
                f"const int64_t teams = static_cast<int64_t>(blocks) * {teams};",
            ]
        if self.team == self.threads:
            return ["const int lane = threadIdx.x;", "const int64_t team = block;", "const int64_t teams = blocks;"]
        return [
            f"const int lane = threadIdx.x % {self.team};",
            f"const int64_t team = static_cast<int64_t>(block) * {teams} + threadIdx.x / {self.team};",
            f"const int64_t teams = static_cast<int64_t>(blocks) * {teams};",
            f"const unsigned mask = graphc::team_mask<{self.team}>();",
        ]

    def _by_block(self, sections: list[list[str]]) -> list[str]:
        """Each nest's lines for its own blocks."""
        if len(sections) == 1:
            return ["const uint32_t block = blockIdx.x;", "const uint32_t blocks = gridDim.x;", *sections[0]]
        lines: list[str] = []
        for number, section in enumerate(sections):
            before = [f"blocks_{earlier}" for earlier in range(number)]
            block, blocks = " - ".join(["blockIdx.x", *before]), f"blocks_{number}"
            condition = f"if (blockIdx.x < {' + '.join([*before, blocks])}) {{"
            if number == len(sections) - 1:
                blocks, condition = " - ".join(["gridDim.x", *before]), "{"
            lines += [
                f"}} else {condition}" if number else condition,
                f"const uint32_t block = {block};",
                f"const uint32_t blocks = {blocks};",
                *section,
            ]
        return [*lines, "}"]

    def _place_locals(self, nest: Nest, mapping: NestMapping) -> None:
        if not nest.locals:
            return
        offsets, _ = scratch_offsets(nest.locals)
        own = f"threadIdx.x / {self.team}" if self.team > 1 else "threadIdx.x"
        size = self.value(k.size(mapping.local_bytes)).text
        start = f"shared + {own} * {size}"
        if not mapping.locals_in_shared:
            block = self.value(k.size(launch(self.kernel).scratch)).text
            start = f"static_cast<unsigned char*>(scratch) + blockIdx.x * {block} + {own} * {size}"
        for local in nest.locals:
            name, kind = self.fresh(local.name), memory_type(local.dtype)
            offset = self.value(k.size(offsets[local.name])).text
            self.scope.lines.append(f"{kind}* const {name} = reinterpret_cast<{kind}*>({start} + {offset});")
            self.arrays[local.name] = Array(name, local.dtype, local.shape, True)

    def _nest(self, nest: Nest, partials: tuple[Buffer, ...]) -> None:
        zero, loop, self.first = k.int_const(0), nest.loop, "team"
        if nest.accumulators:
            self.work = Range(UNIT, zero, k.size(nest.units), unit_statements(nest, partials))
        else:
            self.work = Range(loop.index, zero, k.size(loop.extent), loop.body)
            packed = choose_packs(self.kernel, nest, self._offset) if self.team == 1 else None
            if packed is not None:
                self._packed(self.work, packed)
        self.statements((self.work,))
        self.work = None

    def _offset(self, indices: tuple[Expr, ...], name: str) -> Expr:
        return self.linear(indices, self.arrays[name])

    def _packed(self, loop: Range, packed: Packed) -> None:
        """The iterations that move in packs; `self.first` of those that are left is behind them."""
        arrays = [self.arrays[name] for name in packed.names]
        for name in assigned(loop.body):
            self._forget(name)
        start, stop = self.value(loop.start), self.value(loop.stop)
        count, width = self.fresh("packs"), packed.width
        fit = " && ".join(f"graphc::aligned<{width}>({a.pointer})" for a in arrays)
        self.scope.lines.append(f"const int64_t {count} = {fit} ? {stop.text} / {width} : 0;")
        guard, body = self.enter_guard(loop), self.enter_body(loop)
        index, self.component = self.fresh("pack"), self.fresh("component")
        self.packs = {a.pointer: self.fresh(f"{a.pointer}_pack") for a in arrays}
        for name in packed.names:
            array = self.arrays[name]
            pack, kind = self.packs[array.pointer], memory_type(array.dtype)
            loaded = f" = graphc::load_pack<{width}>({array.pointer} + {index} * {width})"
            body.lines.append(f"graphc::Pack<{kind}, {width}> {pack}{loaded if name in packed.loaded else ''};")
        inner = self.enter_body(loop)
        self.packed_index = k.index(loop.index)
        self.bind(self.packed_index, f"({index} * {width} + {self.component})")
        self.statements(loop.body)
        self.leave()
        each = f"for (int {self.component} = 0; {self.component} < {width}; ++{self.component}) {{"
        body.lines += ["#pragma unroll", each, *inner.lines, "}"]
        for name in packed.stored:
            pointer = self.arrays[name].pointer
            body.lines.append(f"graphc::store_pack<{width}>({pointer} + {index} * {width}, {self.packs[pointer]});")
        header = f"for (int64_t {index} = team; {index} < {count}; {index} += teams) {{"
        self.close_loop(guard, body, header, start, stop)
        self.packs, self.packed_index = {}, None
        self.first = f"{count} * {width} + team"

    # expressions -------------------------------------------------------------------------------
    def literal(self, node: Expr) -> str:
        if node.dtype.is_float and not np.isfinite(node.attr):
            kind = "nan" if np.isnan(node.attr) else "infinity"
            return f"graphc::{kind}({'-' if node.attr < 0 else ''}1.0{'f' if node.dtype.itemsize == 4 else ''})"
        return literal(node)

    def operation(self, op: str, dtype: DType, args: Sequence[str]) -> str:
        if op in _WRAPPING and dtype.is_integer:
            return f"graphc::{op}<{type_name(dtype)}>({', '.join(map(bare, args))})"
        return operation(op, dtype, args)

    def operate(self, scope: Scope, node: Expr, operands: Sequence[Operand], varying: bool, hint: str) -> str:
        if node.op in _WRAPPING and self._is_index(node):
            return self.place(scope, node.dtype, operation(node.op, node.dtype, [o.text for o in operands]), hint)
        return super().operate(scope, node, operands, varying, hint)

    def _is_index(self, expr: Expr) -> bool:
        """Whether an integer is made of indices and sizes alone, and so never overflows."""
        for node in k.walk(expr) if expr not in self.index_like else ():
            if node not in self.index_like:
                inner = node.op in _INDEX_OPS and all(self.index_like[a] for a in node.args)
                self.index_like[node] = (
                    inner or node.op in ("index", "dim") or (node.op == "const" and node.dtype.name == "int64")
                )
        return self.index_like[expr]

    # memory ------------------------------------------------------------------------------------
    def element(self, array: Array, linear: Expr, address: str) -> str:
        if linear is self.packed_index and array.pointer in self.packs:
            return f"{self.packs[array.pointer]}.at[{self.component}]"
        return super().element(array, linear, address)

    def store(self, array: Array, store: Store) -> None:
        super().store(array, store)
        if self.in_step:
            self.scope.lines[-1] = f"if (lane == 0) {self.scope.lines[-1]}"

    def check(self, condition: Operand, code: int) -> None:
        only = "lane == 0 && " if self.in_step else ""
        self.scope.lines.append(f"if ({only}!{condition.text}) atomicMax(status, {code});")

    # loops -------------------------------------------------------------------------------------
    @property
    def in_step(self) -> bool:
        """Whether all threads of a team run the same statement."""
        return self.team > 1 and not self.split

    def statements(self, body: Iterable[Statement | Range]) -> None:
        for statement in body:
            if self.in_step:
                touched = accesses(statement, self.team, self.written)
                if self.ordering.conflicts(touched):
                    self._barrier()
                if not isinstance(statement, (Loop, Range)) or statement.lanes:
                    self.ordering.touch(touched)  # the body of a scalar loop touches by itself
            super().statements((statement,))

    def _barrier(self) -> None:
        """What the threads of a team have written is visible to all of them."""
        self.scope.lines.append("__syncthreads();" if self.team == self.threads else "__syncwarp(mask);")
        self.ordering.meet()

    def loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        guard, body, index = self.open_loop(loop)
        around = self.ordering
        self.ordering = around.enter()
        self.statements(loop.body)
        if self.ordering.collides_with_next:
            self._barrier()
        around.leave(self.ordering)
        self.ordering = around
        header = f"for (int64_t {index} = {bare(start.text)}; {index} < {stop.text}; ++{index}) {{"
        if loop is self.work:
            header = f"for (int64_t {index} = {self.first}; {index} < {stop.text}; {index} += teams) {{"
        self.close_loop(guard, body, header, start, stop)

    def vector_loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        if not self.in_step:
            self.loop(loop, start, stop)
            return
        outside = {name: self.slots[name] for name in sorted(updated(loop.body) - declared(loop.body))}
        around = self.scope
        for name, slot in outside.items():
            lane = self.fresh(f"{name}_lane")
            initial = self.literal(identity(slot.combine, slot.dtype))
            around.lines.append(f"{type_name(slot.dtype)} {lane} = {initial};")
            self.slots[name] = Slot(lane, slot.dtype, slot.combine, around.level)
        lanes = {name: self.slots[name].text for name in outside}
        guard, body, index = self.open_loop(loop)
        self.split = True
        self.statements(loop.body)
        self.split = False
        stride = loop.lanes if outside else self.team
        first = "lane" if loop.start is k.int_const(0) else f"{start.text} + lane"
        if stride < self.team:
            first = f"lane < {stride} ? {first} : {stop.text}"  # the other threads have no lane
        header = f"for (int64_t {index} = {first}; {index} < {stop.text}; {index} += {stride}) {{"
        self.close_loop(guard, body, header, start, stop)
        self.slots.update(outside)
        self._fold(loop.lanes, [(outside[name], lanes[name]) for name in outside])

    def _fold(self, lanes: int, folded: list[tuple[Slot, str]]) -> None:
        """Combine the tree over the lanes of each accumulator into it."""
        if not folded:
            return
        if self.team < self.threads or self.team == 1:
            for slot, lane in folded:
                text = f"graphc::fold_warp<{lanes}, {self.team}, {_combine(slot)}>({lane}, mask)"
                self.scope.lines.append(f"{slot.text} = {self.operation(slot.combine, slot.dtype, (slot.text, text))};")
            return
        region = self.regions % 2  # two in turn: the barrier of a fold also ends the reading of the one before
        self.regions += 1
        name, own = f"lanes {region}", (0, self.team)
        if self.ordering.conflicts(frozenset((Access(name, own, True),))):
            self._barrier()
        self.ordering.touch(frozenset((Access(name, own, True),)))
        offset = self.fold_offset + region * self.region_bytes
        pointers = []
        for slot, lane in folded:
            pointer, kind = self.fresh(f"{lane}s"), memory_type(slot.dtype)
            self.scope.lines.append(f"{kind}* const {pointer} = reinterpret_cast<{kind}*>(shared + {offset});")
            self.scope.lines.append(f"{pointer}[lane] = {lane};")
            pointers.append(pointer)
            offset += self.threads * slot.dtype.itemsize
        self._barrier()
        for (slot, _), pointer in zip(folded, pointers, strict=True):
            text = f"graphc::fold_block<{lanes}, {_combine(slot)}, {type_name(slot.dtype)}>({pointer})"
            self.scope.lines.append(f"{slot.text} = {self.operation(slot.combine, slot.dtype, (slot.text, text))};")
        self.ordering.touch(frozenset((Access(name, ANY, False),)))

    def _fold_partials(self, accumulator: Accumulator, partials: Array, count: Operand) -> None:
        """Fold partial results from left to right: the block loads many at once, each thread folds all."""
        slot, kind = self.slots[accumulator.name], memory_type(accumulator.dtype)
        staged, first, number, at = map(self.fresh, ("staged", "first", "number", "at"))
        item = f"{staged}[{at}]" if kind == type_name(slot.dtype) else f"({staged}[{at}] != 0)"
        self.scope.lines += [
            f"{kind}* const {staged} = reinterpret_cast<{kind}*>(shared);",
            f"for (int64_t {first} = 0; {first} < {count.text}; {first} += {self.threads}) {{",
            f"const int64_t {number} = graphc::min<int64_t>({self.threads}, {count.text} - {first});",
            f"if (lane < {number}) {staged}[lane] = {partials.pointer}[{first} + lane];",
            "__syncthreads();",
            f"for (int {at} = 0; {at} < {number}; ++{at}) {{",
            f"{slot.text} = {self.operation(slot.combine, slot.dtype, (slot.text, item))};",
            "}",
            "__syncthreads();",
            "}",
        ]


def _combine(slot: Slot) -> str:
    """The type that combines two values of an accumulator."""
    name = {"min": "and", "max": "or"}.get(slot.combine, slot.combine) if slot.dtype.kind == "bool" else slot.combine
    return f"graphc::{name.capitalize()}"
