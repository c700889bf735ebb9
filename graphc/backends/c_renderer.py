"""What the renderers of C++ and CUDA C++ print alike: expressions, memory accesses, accumulators, scalar loops.

It stands apart from both because they differ in who runs the iterations of a loop, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphc.backends.c_operations import bare, literal, operation, type_name
from graphc.backends.entry import Range
from graphc.backends.renderer import Array, Operand, Renderer, Scope, Slot
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Accumulator, Store

_LONGEST = 40  # characters of an expression that is written where it is used, without a name of its own


class CRenderer(Renderer):
    """One kernel in a language with C's syntax."""

    JOINT = "_"

    def literal(self, node: Expr) -> str:
        """The text of a constant, exact."""
        return literal(node)

    def operation(self, op: str, dtype: DType, args: Sequence[str]) -> str:
        """An operation of ARITHMETIC on operands of `dtype`."""
        return operation(op, dtype, args)

    # expressions -------------------------------------------------------------------------------
    def constant(self, node: Expr) -> str:
        text = self.literal(node)
        return f"({text})" if text.startswith("-") else text

    def value(self, expr: Expr, hint: str = "v") -> Operand:
        found = super().value(expr, hint)
        if expr.op != "const" and found.level < self.scope.level and found.text.startswith(("(", "[")):
            scope = self.scopes[found.level]  # computed once, before the loop that uses it
            name = self.named(scope, expr.dtype, found.text, hint)
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
            text = self.operation(node.op, dtype, args)
        return self.place(scope, node.dtype, text, hint)

    def lane_index(self, scope: Scope, base: Operand) -> str:
        raise AssertionError("the index of a vector loop is bound in its body")

    def place(self, scope: Scope, dtype: DType, text: str, hint: str) -> str:
        """The text itself where it is short and used here, else the name of a new constant."""
        narrow = dtype.is_integer and dtype.itemsize < 4  # C would compute in int
        if hint == "v" and scope is self.scope and len(text) <= _LONGEST and not narrow:
            return f"({text})"
        return self.named(scope, dtype, text, hint)

    def named(self, scope: Scope, dtype: DType, text: str, hint: str) -> str:
        """Emit a new constant in `scope`; its name."""
        name = self.fresh(hint)
        scope.lines.append(f"const {type_name(dtype)} {name} = {bare(text)};")
        return name

    # memory ------------------------------------------------------------------------------------
    def element(self, array: Array, linear: Expr, address: str) -> str:
        """The element of `array` at `linear`, whose value is `address`."""
        return f"{array.pointer}[{bare(address)}]"

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
        text = self.element(array, linear, address[0].text)
        if array.dtype.kind == "bool":
            text = f"{text} != 0"
        if condition is not None:
            text = f"{condition.text} ? {text} : {self.literal(k.const(0, array.dtype))}"
        if array.mutable:
            return self.named(scope, array.dtype, text, hint)
        return self.place(scope, array.dtype, text, hint)

    def store(self, array: Array, store: Store) -> None:
        linear = self.linear(store.indices, array)
        address = self.value(linear)
        value = self.value(store.value)
        element = self.element(array, linear, address.text)
        text = self.operation("add", array.dtype, (element, value.text)) if store.add else bare(value.text)
        self.scope.lines.append(f"{element} = {text};")

    # accumulators ------------------------------------------------------------------------------
    def declare(self, accumulator: Accumulator, init: Operand) -> Slot:
        name = self.fresh(accumulator.name)
        self.scope.lines.append(f"{type_name(accumulator.dtype)} {name} = {bare(init.text)};")
        return Slot(name, accumulator.dtype, accumulator.combine, self.scope.level)

    def read(self, scope: Scope, slot: Slot, hint: str) -> str:
        return self.named(scope, slot.dtype, slot.text, hint)

    def update(self, slot: Slot, value: Operand, factor: Operand | None) -> None:
        if factor is not None:
            text = self.operation("fma", slot.dtype, (factor.text, value.text, slot.text))
        else:
            text = self.operation(slot.combine, slot.dtype, (slot.text, value.text))
        self.scope.lines.append(f"{slot.text} = {text};")

    # loops -------------------------------------------------------------------------------------
    def loop(self, loop: Range, start: Operand, stop: Operand) -> None:
        guard, body, index = self.open_loop(loop)
        self.statements(loop.body)
        self.close_loop(guard, body, header(index, start.text, stop.text), start, stop)

    def open_loop(self, loop: Range) -> tuple[Scope, Scope, str]:
        """Enter the guard and the body of a loop; both, and the name of its index."""
        guard, body = self.enter_guard(loop), self.enter_body(loop)
        index = self.fresh(loop.index)
        self.bind(k.index(loop.index), index)
        return guard, body, index

    def close_loop(
        self, guard: Scope, body: Scope, header: str, start: Operand, stop: Operand, pragma: str = ""
    ) -> None:
        """Leave a loop's body and guard, and print them."""
        self.leave()
        self.leave()
        lines = [*([pragma] if pragma else []), header, *body.lines, "}"]
        self.scope.lines += guarded(guard, start, stop, lines)


def header(index: str, start: str, stop: str) -> str:
    """The first line of a loop."""
    return f"for (int64_t {index} = {bare(start)}; {index} < {stop}; ++{index}) {{"


def guarded(guard: Scope, start: Operand, stop: Operand, lines: list[str]) -> list[str]:
    """A loop behind what it needs; the condition is only written where it protects something."""
    if not guard.lines:
        return ["{", *lines, "}"] if lines[0].startswith("int64_t") else lines
    if guard.floor < guard.level:
        return ["{", *guard.lines, *lines, "}"]
    return [f"if ({start.text} < {stop.text}) {{", *guard.lines, *lines, "}"]


def indented(lines: Iterable[str]) -> list[str]:
    """Indent by braces."""
    depth = 0
    result = []
    for line in lines:
        depth -= line.startswith("}")
        result.append(line if line.startswith("#pragma") else "  " * depth + line)
        depth += line.endswith("{")
    return result
