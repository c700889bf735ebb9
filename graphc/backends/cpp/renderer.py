"""Prints a kernel as readable C++17: plain loops that GCC and Clang turn into vector instructions.

A vector loop that reduces nothing is one `omp simd` loop. One that reduces, or that holds other loops,
runs in blocks of its lanes: accumulators become arrays with an element a lane, and each stretch of
statements a short loop over the lanes, which the compiler makes one vector instruction each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphc.backends.cpp.operations import KEYWORDS, bare, literal, memory_type, operation, type_name
from graphc.backends.entry import Range, constant_length, declared, flatten, updated
from graphc.backends.renderer import Array, Operand, Renderer, Scope, Slot
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Accumulator, Kernel, Let, Loop, Statement, Store, expressions, identity

_LONGEST = 40  # characters of an expression that is written where it is used, without a name of its own


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


class CppRenderer(Renderer):
    """One kernel as C++."""

    RESERVED = KEYWORDS
    JOINT = "_"

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
        return "\n".join(_indented(lines))

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
    def constant(self, node: Expr) -> str:
        text = literal(node)
        return f"({text})" if text.startswith("-") else text

    def value(self, expr: Expr, hint: str = "v") -> Operand:
        found = super().value(expr, hint)
        if expr.op != "const" and found.level < self.scope.level and found.text.startswith(("(", "[")):
            scope = self.scopes[found.level]  # computed once, before the loop that uses it
            name = self._named(scope, expr.dtype, found.text, hint)
            found = Operand(name, found.level, found.varying, found.reads)
            scope.memo[expr] = found
        return found

    def operate(self, scope: Scope, node: Expr, operands: Sequence[Operand], varying: bool, hint: str) -> str:
        args = [o.text for o in operands]
        dtype = node.args[0].dtype
        if node.op == "select":
            text = f"{args[0]} ? {args[1]} : {args[2]}"
        elif node.op == "cast":
            text = f"static_cast<{type_name(node.dtype)}>({bare(args[0])})"
        elif node.op == "bitcast":
            text = f"graphc::bitcast<{type_name(node.dtype)}, {type_name(dtype)}>({bare(args[0])})"
        else:
            text = operation(node.op, dtype, args)
        return self._place(scope, node.dtype, text, hint)

    def lane_index(self, scope: Scope, base: Operand) -> str:
        raise AssertionError("the index of a vector loop is bound in its body")

    def _place(self, scope: Scope, dtype: DType, text: str, hint: str) -> str:
        """The text itself where it is short and used here, else the name of a new constant."""
        narrow = dtype.is_integer and dtype.itemsize < 4  # C++ would compute in int
        if hint == "v" and scope is self.scope and len(text) <= _LONGEST and not narrow:
            return f"({text})"
        return self._named(scope, dtype, text, hint)

    def _named(self, scope: Scope, dtype: DType, text: str, hint: str) -> str:
        name = self.fresh(hint)
        scope.lines.append(f"const {type_name(dtype)} {name} = {bare(text)};")
        return name

    # memory ------------------------------------------------------------------------------------
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
        text = f"{array.pointer}[{bare(address[0].text)}]"
        if array.dtype.kind == "bool":
            text = f"{text} != 0"
        if condition is not None:
            text = f"{condition.text} ? {text} : {literal(k.const(0, array.dtype))}"
        if array.mutable:
            return self._named(scope, array.dtype, text, hint)
        return self._place(scope, array.dtype, text, hint)

    def store(self, array: Array, store: Store) -> None:
        address = self.value(self.linear(store.indices, array))
        value = self.value(store.value)
        element = f"{array.pointer}[{bare(address.text)}]"
        text = operation("add", array.dtype, (element, value.text)) if store.add else bare(value.text)
        self.scope.lines.append(f"{element} = {text};")

    # accumulators and checks -------------------------------------------------------------------
    def declare(self, accumulator: Accumulator, init: Operand) -> Slot:
        kind = type_name(accumulator.dtype)
        if self.block is None:
            name = self.fresh(accumulator.name)
            self.scope.lines.append(f"{kind} {name} = {bare(init.text)};")
            return Slot(name, accumulator.dtype, accumulator.combine, self.scope.level)
        name = self._lanes(self.scopes[self.block.level], accumulator.name, accumulator.dtype, self.block.lanes)
        self.scope.lines.append(f"{name}[lane] = {bare(init.text)};")
        return Slot(f"{name}[lane]", accumulator.dtype, accumulator.combine, self.scope.level, True)

    def _lanes(self, scope: Scope, hint: str, dtype: DType, lanes: int) -> str:
        name = self.fresh(hint)
        scope.lines.append(f"{type_name(dtype)} {name}[{lanes}];")
        return name

    def read(self, scope: Scope, slot: Slot, hint: str) -> str:
        return self._named(scope, slot.dtype, slot.text, hint)

    def slot_level(self, name: str, slot: Slot) -> int:
        return self.scope.level if slot.varying else super().slot_level(name, slot)  # inside the loop over lanes

    def update(self, slot: Slot, value: Operand, factor: Operand | None) -> None:
        if factor is not None:
            text = operation("fma", slot.dtype, (factor.text, value.text, slot.text))
        else:
            text = operation(slot.combine, slot.dtype, (slot.text, value.text))
        self.scope.lines.append(f"{slot.text} = {text};")

    def check(self, condition: Operand, code: int) -> None:
        self.checks = True
        self.scope.lines.append(f"status = graphc::max<int32_t>(status, {condition.text} ? 0 : {code});")

    # loops -------------------------------------------------------------------------------------
    def loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        guard, body, index = self._open(loop)
        self.statements(loop.body)
        self._close(guard, body, _header(index, start.text, stop.text), start, stop)

    def vector_loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        outside = {name: self.slots[name] for name in sorted(updated(loop.body) - declared(loop.body))}
        if outside or any(isinstance(s, Loop) for s in loop.body):
            self._blocked(loop, start, stop, outside)
            return
        guard, body, index = self._open(loop)
        checks, self.checks = self.checks, False
        self.statements(loop.body)
        pragma = "#pragma omp simd reduction(max : status)" if self.checks else "#pragma omp simd"
        self.checks = self.checks or checks
        self._close(guard, body, _header(index, start.text, stop.text), start, stop, pragma)

    def _open(self, loop: Range) -> tuple[Scope, Scope, str]:
        guard, body = self.enter_guard(loop), self.enter_body(loop)
        index = self.fresh(loop.index)
        self.bind(k.index(loop.index), index)
        return guard, body, index

    def _close(self, guard: Scope, body: Scope, header: str, start: Operand, stop: Operand, pragma: str = "") -> None:
        self.leave()
        self.leave()
        lines = [*([pragma] if pragma else []), header, *body.lines, "}"]
        self.scope.lines += _guarded(guard, start, stop, lines)

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
        self.scope.lines += _guarded(guard, start, stop, lines)

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


def _header(index: str, start: str, stop: str) -> str:
    return f"for (int64_t {index} = {bare(start)}; {index} < {stop}; ++{index}) {{"


def _guarded(guard: Scope, start: Operand, stop: Operand, lines: list[str]) -> list[str]:
    """A loop behind what it needs; the condition is only written where it protects something."""
    if not guard.lines:
        return ["{", *lines, "}"] if lines[0].startswith("int64_t") else lines
    if guard.floor < guard.level:
        return ["{", *guard.lines, *lines, "}"]
    return [f"if ({start.text} < {stop.text}) {{", *guard.lines, *lines, "}"]


def _variables(body: Iterable[Statement | Range]) -> frozenset[str]:
    """The names that occur in expressions of `body`."""
    nodes = k.walk(*(e for s in flatten(body) if not isinstance(s, Range) for e in expressions(s)))
    return frozenset(n.attr for n in nodes if n.op == "var")


def _indented(lines: Iterable[str]) -> list[str]:
    """Indent by braces."""
    depth = 0
    result = []
    for line in lines:
        depth -= line.startswith("}")
        result.append(line if line.startswith("#pragma") else "  " * depth + line)
        depth += line.endswith("{")
    return result
