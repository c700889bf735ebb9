"""The text of a kernel: buffers, loop nests, statements with infix expressions.

It stands apart so that the text can be read back (`parser.py`) to an equal kernel. Expressions are graphs
with sharing: what a statement uses twice is printed once, as a temporary `%n`, so texts stay linear in size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from graphc import dtypes
from graphc.dims import Dim, Size, dim, product, shape_text
from graphc.dtypes import DType
from graphc.kernel_ir.expr import Expr, walk
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

# op → (how it is written, how tightly it binds); all associate to the left. Other ops are written as calls.
INFIX = {
    "mul": ("*", 8), "div": ("/", 8), "add": ("+", 7), "sub": ("-", 7), "shl": ("<<", 6), "shr": (">>", 6),
    "and": ("&", 5), "xor": ("^", 4), "or": ("|", 3), "lt": ("<", 2), "le": ("<=", 2), "eq": ("==", 2), "ne": ("!=", 2),
}  # fmt: skip
PREFIX = {"neg": "-", "not": "~"}
_PREFIX_BINDS, _ATOM = 9, 10
_DEEPEST, _WIDEST = 12, 96  # levels and columns beyond which an expression gets a temporary


def print_kernel(kernel: Kernel) -> str:
    """The text of `kernel`; equal kernels have equal texts.

    kernel     ::=  "kernel" name "(" symbols ")" "{" buffers* nest* "}"
    buffers    ::=  ("read" | "write" | "readwrite") name ":" type, …
    nest       ::=  ("local" name ":" type)* let* loop statement*     the lets that the loop reduces are its
                    accumulators; the statements after the loop are its finish
    statement  ::=  let | accumulator | update | store | check | loop, after the temporaries that it uses
    let        ::=  name ":" dtype "=" expr
    accumulator::=  name ":" dtype "=" expr "reduce" "(" combine ")"
    update     ::=  name "=" (name op expr | combine "(" name "," expr ")" | "fma" "(" expr "," expr "," name ")")
    store      ::=  name "[" expr, … "]" ("=" | "+=") expr
    check      ::=  "check" expr "else" code
    loop       ::=  "for" name "in" size ["parallel" ["grain" n]] ["vector" lanes]
                    ["reduce" "(" name ":" combine, … ")"] "{" statement* "}"
    temporary  ::=  "%" n ":" dtype "=" expr                          stands for the expression itself
    expr       ::=  infix as in INFIX | call | literal | name | name "[" expr, … ["if" expr] "]" | "size" "(" size ")"
                    dtype "(" expr ")" converts or types a literal, "as_" dtype "(" expr ")" keeps the bits
    """
    return "\n".join(print_lines(kernel)[0]) + "\n"


def print_lines(kernel: Kernel) -> tuple[list[str], dict[int, int]]:
    """The lines of the text, and for the id of each statement (or nest) the number of its line, from 0."""
    printer = _Printer()
    comment = f"  # {kernel.comment}" if kernel.comment else ""
    printer.line(f"kernel {kernel.name}({', '.join(kernel.symbols)}) {{{comment}")
    printer.indent = 1
    printer.buffers(kernel.buffers)
    for nest in kernel.nests:
        printer.nest(nest)
    read, written = (_bytes(kernel, a) for a in ("read", "write"))
    printer.indent = 0
    printer.line(f"}}  # bytes: read {read}, write {written}")
    return printer.lines, printer.places


def _bytes(kernel: Kernel, access: str) -> Size:
    """The size of all buffers of that access; readwrite counts for both."""
    return sum((product(b.shape) * b.dtype.itemsize for b in kernel.buffers if access in b.access), 0)


def literal(value: Any, dtype: DType) -> str:
    """The shortest text that gives `value` back."""
    return str(dtype.numpy.type(value)) if dtype.is_float else str(value)


@dataclass
class _Printer:
    lines: list[str] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    indent: int = 0
    temporaries: int = 0
    combines: dict[str, str] = field(default_factory=dict)  # of the accumulators so far

    def line(self, text: str) -> None:
        self.lines.append("  " * self.indent + text)

    def buffers(self, buffers: tuple[Buffer, ...]) -> None:
        width = max((len(b.access) for b in buffers), default=0)
        start = 0
        while start < len(buffers):
            stop = start
            while stop < len(buffers) and buffers[stop].access == buffers[start].access:
                stop += 1
            listed = ", ".join(f"{b.name}: {b.dtype}{shape_text(b.shape)}" for b in buffers[start:stop])
            self.line(f"{buffers[start].access:{width}} {listed}")
            start = stop

    def nest(self, nest: Nest) -> None:
        self.places[id(nest)] = len(self.lines)
        for local in nest.locals:
            self.line(f"local {local.name}: {local.dtype}{shape_text(local.shape)}")
        for accumulator in nest.accumulators:
            (init,) = self.texts(accumulator)
            self.mark(accumulator)
            self.combines[accumulator.name] = accumulator.combine
            self.line(f"{accumulator.name}: {accumulator.dtype} = {init}")
        reduced = ", ".join(f"{a.name}: {a.combine}" for a in nest.accumulators)
        words = " parallel" + (f" grain {nest.grain}" if nest.grain != 1 else "")
        self.loop(nest.loop, words, f" reduce({reduced})" if reduced else "")
        for statement in nest.finish:
            self.statement(statement)

    def mark(self, statement: Statement) -> None:
        self.places[id(statement)] = len(self.lines)

    def loop(self, loop: Loop, words: str = "", reduced: str = "") -> None:
        self.mark(loop)
        lanes = f" vector {loop.lanes}" if loop.lanes else ""
        self.line(f"for {loop.index} in {loop.extent}{words}{lanes}{reduced} {{")
        self.indent += 1
        for statement in loop.body:
            self.statement(statement)
        self.indent -= 1
        self.line("}")

    def statement(self, statement: Statement) -> None:
        if isinstance(statement, Loop):
            self.loop(statement)
            return
        texts = self.texts(statement)
        self.mark(statement)
        if isinstance(statement, Let):
            self.line(f"{statement.name}: {statement.value.dtype} = {texts[0]}")
        elif isinstance(statement, Accumulator):
            self.combines[statement.name] = statement.combine
            self.line(f"{statement.name}: {statement.dtype} = {texts[0]} reduce({statement.combine})")
        elif isinstance(statement, Update):
            self.line(f"{statement.name} = {texts[0]}")
        elif isinstance(statement, Check):
            self.line(f"check {texts[0]} else {statement.code}")
        elif isinstance(statement, Store):
            *indices, value = texts
            self.line(f"{statement.buffer}[{', '.join(indices)}] {'+=' if statement.add else '='} {value}")

    # expressions ---------------------------------------------------------------------------------
    def texts(self, statement: Statement) -> list[str]:
        """The texts of a statement's expressions, after the lines of their temporaries."""
        roots = (self.updated(statement),) if isinstance(statement, Update) else expressions(statement)
        order = walk(*roots)
        uses = Counter(a for node in order for a in node.args)
        written: dict[Expr, _Text] = {}
        for node in order:
            text = _write(node, written)
            shared = uses[node] > 1 and text.depth > 1
            if node not in roots and (shared or text.depth > _DEEPEST or len(text.text) > _WIDEST):
                name = f"%{self.temporaries}"
                self.temporaries += 1
                self.line(f"{name}: {node.dtype} = {text.text}")
                text = _Text(name, _ATOM, 0)
            written[node] = text
        return [written[r].text for r in roots]

    def updated(self, update: Update) -> Expr:
        """combine(acc, value), as one expression."""
        accumulator = Expr("var", (), update.value.dtype, update.name)
        if update.factor is not None:
            return Expr("fma", (update.factor, update.value, accumulator), update.value.dtype)
        return Expr(self.combines.get(update.name, "add"), (accumulator, update.value), update.value.dtype)


@dataclass(frozen=True)
class _Text:
    text: str
    binds: int
    depth: int  # 0: a name or a literal; 1: as cheap to read as a name

    def inside(self, binds: int) -> str:
        """In parentheses unless it binds as tightly as asked."""
        return self.text if self.binds >= binds else f"({self.text})"


def _write(node: Expr, written: dict[Expr, _Text]) -> _Text:
    """The text of `node` over those of its operands."""
    if node.op == "const":
        return _Text(literal(node.attr, node.dtype), _ATOM, 0)
    if node.op in ("index", "var"):
        return _Text(node.attr, _ATOM, 0)
    if node.op == "dim":
        return _Text(size_leaf(node.attr), _ATOM, 0)
    operands = [written[a] for a in node.args]
    depth = 1 + max((o.depth for o in operands), default=0)
    if node.op == "load":
        return _Text(f"{node.attr}[{', '.join(o.text for o in operands)}]", _ATOM, depth)
    if node.op == "load_if":
        condition, *indices = (o.text for o in operands)
        return _Text(f"{node.attr}[{', '.join(indices)}{' ' if indices else ''}if {condition}]", _ATOM, depth)
    # what has no typed operand takes its type from the first literal, written out
    first = 1 if node.op == "select" else 0
    typing = node.args[first]
    if typing.dtype is not dtypes.bool_ and all(a.op == "const" for a in node.args[first:]):
        operands[first] = _Text(f"{typing.dtype}({operands[first].text})", _ATOM, 1)
    if node.op in INFIX:
        sign, binds = INFIX[node.op]
        left, right = operands
        return _Text(f"{left.inside(binds + (binds == 2))} {sign} {right.inside(binds + 1)}", binds, depth + 1)
    if node.op in PREFIX:
        return _Text(PREFIX[node.op] + operands[0].inside(_PREFIX_BINDS), _PREFIX_BINDS, depth + 1)
    names = {"cast": str(node.dtype), "bitcast": f"as_{node.dtype}"}
    return _Text(f"{names.get(node.op, node.op)}({', '.join(o.text for o in operands)})", _ATOM, depth + 1)


def size_leaf(size: Size) -> str:
    """A size inside an expression: a bare name, or wrapped, so that it is not taken for index arithmetic."""
    named = isinstance(size, Dim) and len(size.terms) == 1 and size == dim(next(iter(size.symbols()), "_"))
    return str(size) if named else f"size({size})"
