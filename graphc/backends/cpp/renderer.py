"""Prints a kernel as readable C++17: plain loops that GCC and Clang turn into vector instructions.

A vector loop that reduces nothing is one `omp simd` loop. One that reduces, or that holds other loops,
runs in blocks of its lanes: accumulators become arrays with an element a lane, and each stretch of
statements a short loop over the lanes, which the compiler makes one vector instruction each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphc.backends.c_operations import KEYWORDS, bare, literal, memory_type, operation, type_name
from graphc.backends.c_renderer import CRenderer, guarded, header, indented
from graphc.backends.entry import Range, constant_length, declared, flatten, updated
from graphc.backends.renderer import Operand, Scope, Slot
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Accumulator, Kernel, Let, Loop, Statement, expressions, identity


def render_source(kernels: Sequence[Kernel], prologue: str) -> str:
    """The translation unit of a program's kernels."""
    return "\n".join([prologue, *(CppRenderer(kernel).render() for kernel in kernels)])


@dataclass
class Block:
    """The vector loop that runs in blocks: lanes [0, count) of `lanes`, from index `base` on."""

    index: str
    lanes: int
    base: str
    count: str
    level: int  # of the scope of a block, where the arrays of lanes are
    in_lanes: bool = False  # inside a loop over the lanes


class CppRenderer(CRenderer):
    """One kernel as C++."""

    RESERVED = KEYWORDS

    def __init__(self, kernel: Kernel):
        super().__init__(kernel)
        self.block: Block | None = None
        self.checks = False

    # functions ---------------------------------------------------------------------------------
    def function(self, name: str, scope: Scope) -> str:
        lines = [f"// {line}" for line in self.kernel.comment.splitlines()]
        lines += [
            f'extern "C" int32_t {name}(void* const* buffers, const int64_t* dims, int64_t begin, int64_t end, '
            "void* scratch) {",
            *(["int32_t status = 0;"] if self.checks else []),
            *scope.lines,
            "return status;" if self.checks else "return 0;",
            "}",
            "",
        ]
        self.checks = False
        return "\n".join(indented(lines))

    def argument(self, name: str) -> str:
        return name

    def pointer(self, position: int, hint: str) -> str:
        name, buffer = self.fresh(hint), self.entry.buffers[position]
        kind = memory_type(buffer.dtype) if buffer.access != "read" else f"const {memory_type(buffer.dtype)}"
        self.scopes[0].lines.append(f"{kind}* const {name} = static_cast<{kind}*>(buffers[{position}]);")
        return name

    def scratch(self, offset: Operand, dtype: DType, hint: str) -> str:
        name, kind = self.fresh(hint), memory_type(dtype)
        start = f"static_cast<char*>(scratch) + {offset.text}"
        self.scope.lines.append(f"{kind}* const {name} = reinterpret_cast<{kind}*>({start});")
        return name

    def named_size(self, position: int, hint: str) -> str:
        name = self.fresh(hint)
        self.scopes[0].lines.append(f"const int64_t {name} = dims[{position}];")
        return name

    # expressions -------------------------------------------------------------------------------
    def operate(self, scope: Scope, node: Expr, operands: Sequence[Operand], varying: bool, hint: str) -> str:
        if node.op == "cast" and node.args[0].dtype.is_float and node.dtype.is_integer:
            text = f"graphc::to_integer<{type_name(node.dtype)}>({bare(operands[0].text)})"
            return self.place(scope, node.dtype, text, hint)
        return super().operate(scope, node, operands, varying, hint)

    # accumulators and checks -------------------------------------------------------------------
    def declare(self, accumulator: Accumulator, init: Operand) -> Slot:
        if self.block is None:
            return super().declare(accumulator, init)
        name = self._lanes(self.scopes[self.block.level], accumulator.name, accumulator.dtype, self.block.lanes)
        self.scope.lines.append(f"{name}[lane] = {bare(init.text)};")
        return Slot(f"{name}[lane]", accumulator.dtype, accumulator.combine, self.scope.level, True)

    def _lanes(self, scope: Scope, hint: str, dtype: DType, lanes: int) -> str:
        name = self.fresh(hint)
        scope.lines.append(f"{type_name(dtype)} {name}[{lanes}];")
        return name

    def slot_level(self, name: str, slot: Slot) -> int:
        return self.scope.level if slot.varying else super().slot_level(name, slot)  # inside the loop over lanes

    def check(self, condition: Operand, code: int) -> None:
        self.checks = True
        self.scope.lines.append(f"status = graphc::max<int32_t>(status, {condition.text} ? 0 : {code});")

    # loops -------------------------------------------------------------------------------------
    def vector_loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        outside = {name: self.slots[name] for name in sorted(updated(loop.body) - declared(loop.body))}
        if outside or any(isinstance(s, Loop) for s in loop.body):
            self._blocked(loop, start, stop, outside)
            return
        guard, body, index = self.open_loop(loop)
        checks, self.checks = self.checks, False
        self.statements(loop.body)
        pragma = "#pragma omp simd reduction(max : status)" if self.checks else "#pragma omp simd"
        self.checks = self.checks or checks
        self.close_loop(guard, body, header(index, start.text, stop.text), start, stop, pragma)

    def _blocked(self, loop: Range, start: Operand, stop: Operand, outside: dict[str, Slot]) -> None:
        lanes = loop.lanes
        guard = self.enter_guard(loop)
        arrays: dict[str, str] = {}
        for name, slot in outside.items():
            arrays[name] = self._lanes(guard, f"{name}_lanes", slot.dtype, lanes)
            initial = literal(identity(slot.combine, slot.dtype))
            guard.lines.append(f"for (int lane = 0; lane < {lanes}; ++lane) {arrays[name]}[lane] = {initial};")
            self.slots[name] = Slot(f"{arrays[name]}[lane]", slot.dtype, slot.combine, guard.level, True)
        base = self.fresh(loop.index)
        length = constant_length(loop)
        lines = [f"int64_t {base} = {bare(start.text)};"]
        if length is None or length >= lanes:
            whole = self._block_body(loop, base, str(lanes))
            lines += [f"for (; {base} + {lanes} <= {stop.text}; {base} += {lanes}) {{", *whole, "}"]
        if length is None:
            rest = self._block_body(loop, base, f"{bare(stop.text)} - {base}")
            lines += [f"if ({base} < {stop.text}) {{", *rest, "}"]
        elif length % lanes:
            lines += ["{", *self._block_body(loop, base, str(length % lanes)), "}"]
        self.slots.update(outside)
        self.leave()
        for name, slot in outside.items():
            array = arrays[name]
            pair = operation(slot.combine, slot.dtype, (f"{array}[lane]", f"{array}[lane + half]"))
            lines += [
                f"for (int half = {lanes // 2}; half > 0; half /= 2) {{",
                f"for (int lane = 0; lane < half; ++lane) {array}[lane] = {pair};",
                "}",
                f"{slot.text} = {operation(slot.combine, slot.dtype, (slot.text, f'{array}[0]'))};",
            ]
        self.scope.lines += guarded(guard, start, stop, lines)

    def _block_body(self, loop: Range, base: str, count: str) -> list[str]:
        scope = self.enter_body(loop)
        self.block = Block(loop.index, loop.lanes, base, count, scope.level)
        self.statements(loop.body)
        self.block = None
        return self.leave().lines

    def statements(self, body: Iterable[Statement | Range]) -> None:
        block = self.block
        if block is None or block.in_lanes:
            super().statements(body)
            return
        rest = list(body)
        while rest:
            length = next((n for n, s in enumerate(rest) if isinstance(s, (Loop, Range))), len(rest))
            if length:
                self._over_lanes(block, rest[:length], _variables(rest[length:]))
            else:
                super().statements(rest[:1])
            rest = rest[length or 1 :]

    def _over_lanes(self, block: Block, stretch: list[Statement | Range], wanted: frozenset[str]) -> None:
        """One loop over the lanes around statements without loops; later ones want the Lets of `wanted`."""
        pseudo = Range("lane", k.int_const(0), k.int_const(1), tuple(stretch))
        around = self.scope
        body = self.enter_body(pseudo)
        self.bind(k.index(block.index), f"({block.base} + lane)")
        block.in_lanes = True
        checks, self.checks = self.checks, False
        for statement in stretch:
            super().statements((statement,))
            if isinstance(statement, Let) and statement.name in wanted:
                self._keep(block, around, body, statement)
        block.in_lanes = False
        self.leave()
        pragma = "#pragma omp simd reduction(max : status)" if self.checks else "#pragma omp simd"
        self.checks = self.checks or checks
        self.scope.lines += [pragma, f"for (int lane = 0; lane < {block.count}; ++lane) {{", *body.lines, "}"]

    def _keep(self, block: Block, around: Scope, body: Scope, let: Let) -> None:
        """Make a Let of one loop over the lanes visible to the next."""
        name = k.var(let.name, let.value.dtype)
        value = body.memo[name]
        if value.level < body.level:
            around.memo[name] = value
        else:
            array = self._lanes(self.scopes[block.level], let.name, name.dtype, block.lanes)
            body.lines.append(f"{array}[lane] = {value.text};")
            self.slots[let.name] = Slot(f"{array}[lane]", name.dtype, "", body.level, True)


def _variables(body: Iterable[Statement | Range]) -> frozenset[str]:
    """The names that occur in expressions of `body`."""
    nodes = k.walk(*(e for s in flatten(body) if not isinstance(s, Range) for e in expressions(s)))
    return frozenset(n.attr for n in nodes if n.op == "var")
