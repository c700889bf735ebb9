"""Reads a kernel's text back: the inverse of `printer.py`, whose docstring holds the grammar.

It stands apart from the constructors of `expr.py`: it rebuilds exactly the nodes that were printed, without
simplifying, and leaves their agreement to the verifier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from graphc import dtypes
from graphc.dims import Size, dim, parse_size
from graphc.dtypes import BY_SHORT, DType
from graphc.errors import GraphError
from graphc.kernel_ir.expr import ARITHMETIC, TRANSCENDENTAL, Expr, const, index, size, var
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
)
from graphc.kernel_ir.printer import INFIX, PREFIX

_TOKEN = re.compile(
    r"\s*(?:(\d+(?:\.\d*)?(?:e[-+]?\d+)?)|(%\d+|[A-Za-z_]\w*)|(//|<<|>>|<=|==|!=|\+=|[-+*/&^|~<>=:,(){}\[\]]))"
)
_BINARY = {sign: (op, binds) for op, (sign, binds) in INFIX.items()}
_UNARY = {sign: op for op, sign in PREFIX.items()}
_COMPARISONS = ("lt", "le", "eq", "ne")
_LITERALS = {"True": True, "False": False, "inf": float("inf"), "nan": float("nan")}


T = TypeVar("T")


def parse_kernel(text: str) -> Kernel:
    """The kernel that `text` states. Raises `GraphError` with the number of the line and what was expected."""
    return _Parser(text).kernel()


@dataclass
class _Reduced:
    """A parallel loop, before it is known which of the lets around it are its accumulators."""

    loop: Loop
    grain: int
    combines: dict[str, str]


@dataclass
class _Parser:
    text: str
    lines: list[str] = field(init=False)
    number: int = -1
    at: int = 0
    names: dict[str, Expr] = field(default_factory=dict)  # indices, variables, temporaries, named sizes
    memory: dict[str, DType] = field(default_factory=dict)  # buffers and local arrays

    def __post_init__(self) -> None:
        self.lines = self.text.splitlines()

    # tokens --------------------------------------------------------------------------------------
    @property
    def line(self) -> str:
        return self.lines[self.number].partition("#")[0].rstrip()

    def advance(self) -> bool:
        """To the next line that says something."""
        self.number, self.at = self.number + 1, 0
        while self.number < len(self.lines) and not self.line.strip():
            self.number += 1
        return self.number < len(self.lines)

    def fail(self, expected: str) -> NoReturn:
        came = self.line[self.at :].strip() or "the end of the line" if self.number < len(self.lines) else "the end"
        raise GraphError(f"line {self.number + 1}: expected {expected}, got {came}")

    def peek(self) -> str:
        match = _TOKEN.match(self.line, self.at)
        return match.group(0).strip() if match else ""

    def next(self) -> str:
        match = _TOKEN.match(self.line, self.at)
        if match is None:
            self.fail("a token")
        self.at = match.end()
        return match.group(0).strip()

    def take(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.next()
        return True

    def expect(self, token: str) -> None:
        if not self.take(token):
            self.fail(repr(token))

    def name(self) -> str:
        if not re.fullmatch(r"[A-Za-z_]\w*|%\d+", self.peek()):
            self.fail("a name")
        return self.next()

    def integer(self) -> int:
        if not self.peek().isdigit():
            self.fail("an integer")
        return int(self.next())

    def dtype(self) -> DType:
        if self.peek() not in BY_SHORT:
            self.fail(f"a dtype among {', '.join(BY_SHORT)}")
        return BY_SHORT[self.next()]

    def size(self, *ends: str) -> Size:
        """A size, up to one of the tokens `ends` outside parentheses."""
        start, depth = self.at, 0
        while (token := self.peek()) and not (depth == 0 and token in ends):
            depth += (token == "(") - (token == ")")
            self.next()
        try:
            return parse_size(self.line[start : self.at])
        except GraphError as error:
            raise GraphError(f"line {self.number + 1}: {error}") from None

    # kernel --------------------------------------------------------------------------------------
    def kernel(self) -> Kernel:
        if not self.advance():
            self.fail("a kernel")
        self.expect("kernel")
        name = self.name()
        self.expect("(")
        while not self.take(")"):
            symbol = self.name()
            self.names[symbol] = size(dim(symbol))
            self.take(",")
        self.expect("{")
        comment = self.lines[self.number].partition("#")[2].strip()
        buffers: list[Buffer] = []
        pending: list[Statement] = []  # since the last parallel loop
        locals_: list[Local] = []
        loops: list[_Reduced] = []
        between: list[tuple[list[Statement], list[Local]]] = []
        while self.advance() and not self.take("}"):
            word = self.peek()
            if word in ("read", "write", "readwrite"):
                buffers += [Buffer(*typed, word) for typed in self.declarations()]
            elif word == "local":
                locals_ += [Local(*typed) for typed in self.declarations()]
            else:
                found = self.statement()
                if isinstance(found, _Reduced):
                    loops.append(found)
                    between.append((pending, locals_))
                    pending, locals_ = [], []
                elif found is not None:
                    pending.append(found)
        between.append((pending, locals_))
        return Kernel(name, tuple(buffers), self.nests(loops, between), comment)

    def nests(self, loops: list[_Reduced], between: list[tuple[list[Statement], list[Local]]]) -> tuple[Nest, ...]:
        """Lets before a loop that reduces them are its accumulators; the others finish the loop before."""
        nests: list[Nest] = []
        for position, reduced in enumerate(loops):
            before, locals_ = between[position]
            after, _ = between[position + 1]
            following = loops[position + 1].combines if position + 1 < len(loops) else {}
            accumulators = tuple(
                Accumulator(s.name, s.value.dtype, reduced.combines[s.name], s.value)
                for s in before
                if isinstance(s, Let) and s.name in reduced.combines
            )
            finish = tuple(s for s in after if not (isinstance(s, Let) and s.name in following))
            nests.append(Nest(reduced.loop, reduced.grain, tuple(locals_), accumulators, finish))
        return tuple(nests)

    def declarations(self) -> list[tuple[str, DType, tuple[Size, ...]]]:
        """`read x: f32[n, 3], y: i64[]`"""
        self.next()
        found = []
        while True:
            name = self.name()
            self.expect(":")
            dtype = self.dtype()
            self.expect("[")
            shape: list[Size] = []
            while not self.take("]"):
                shape.append(self.size(",", "]"))
                self.take(",")
            self.memory[name] = dtype
            found.append((name, dtype, tuple(shape)))
            if not self.take(","):
                return found

    # statements ----------------------------------------------------------------------------------
    def statement(self) -> Statement | _Reduced | None:
        """One statement and the end of its line; None for a temporary."""
        found: Statement | _Reduced | None
        if self.take("for"):
            return self.loop()
        if self.take("check"):
            condition = self.typed(self.expression(), dtypes.bool_)
            self.expect("else")
            found = Check(condition, self.integer())
        else:
            name = self.name()
            found = self.store(name) if self.take("[") else self.binding(name) if self.take(":") else self.update(name)
        if self.line[self.at :].strip():
            self.fail("the end of the line")
        return found

    def loop(self) -> Loop | _Reduced:
        name = self.name()
        self.names[name] = index(name)
        self.expect("in")
        extent = self.size("parallel", "vector", "reduce", "{")
        parallel = self.take("parallel")
        grain = self.integer() if self.take("grain") else 1
        lanes = self.integer() if self.take("vector") else 0
        combines: dict[str, str] = {}
        if self.take("reduce"):
            self.expect("(")
            while not self.take(")"):
                reduced = self.name()
                self.expect(":")
                combines[reduced] = self.name()
                self.take(",")
        self.expect("{")
        body: list[Statement] = []
        while True:
            if not self.advance():
                self.fail("'}'")
            if self.take("}"):
                break
            statement = self.statement()
            if isinstance(statement, _Reduced):
                self.fail("a parallel loop only outside other loops")
            if statement is not None:
                body.append(statement)
        loop = Loop(name, extent, tuple(body), lanes)
        return _Reduced(loop, grain, combines) if parallel else loop

    def binding(self, name: str) -> Statement | None:
        dtype = self.dtype()
        self.expect("=")
        value = self.typed(self.expression(), dtype)
        if name.startswith("%"):
            self.names[name] = value
            return None
        self.names[name] = var(name, dtype)
        if not self.take("reduce"):
            return Let(name, value)
        self.expect("(")
        combine = self.name()
        self.expect(")")
        return Accumulator(name, dtype, combine, value)

    def store(self, name: str) -> Store:
        indices = self.arguments("]")
        add = self.take("+=")
        if not add:
            self.expect("=")
        dtype = self.lookup(self.memory, name, "a buffer")
        return Store(name, self.positions(indices), self.typed(self.expression(), dtype), add)

    def update(self, name: str) -> Update:
        accumulator = self.lookup(self.names, name, "an accumulator")
        self.expect("=")
        value = self.typed(self.expression(), accumulator.dtype)
        if value.op == "fma" and value.args[2] is accumulator:
            return Update(name, value.args[1], value.args[0])
        if len(value.args) != 2 or value.args[0] is not accumulator:
            self.fail(f"an update that combines {name} with a value")
        return Update(name, value.args[1])

    def lookup(self, names: dict[str, T], name: str, what: str) -> T:
        if name not in names:
            self.fail(f"{what}, not {name!r}, before this")
        return names[name]

    # expressions: an Expr, or the text of a literal that takes its type from its surroundings ----------
    def typed(self, value: Expr | str, dtype: DType) -> Expr:
        if isinstance(value, Expr):
            return value
        if value.lstrip("-") in _LITERALS:
            number = _LITERALS[value.lstrip("-")]
            return const(-number if value.startswith("-") else number, dtype)
        if dtype.is_float:
            return const(float(value), dtype)
        if not re.fullmatch(r"-?\d+", value):
            self.fail(f"a literal of type {dtype} before this")
        return const(int(value), dtype)

    def expression(self, binds: int = 0) -> Expr | str:
        """Everything that binds more tightly than `binds` (precedence climbing)."""
        left = self.operand()
        while (sign := self.peek()) in _BINARY and _BINARY[sign][1] > binds:
            self.next()
            op, level = _BINARY[sign]
            left = self.operation(op, [left, self.expression(level)])
        return left

    def operand(self) -> Expr | str:
        token = self.peek()
        if token in _UNARY:
            self.next()
            following = self.peek()
            if token == "-" and (following[:1].isdigit() or following in ("inf", "nan")):
                return "-" + self.next()
            return self.operation(_UNARY[token], [self.expression(8)])
        if self.take("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if token[:1].isdigit() or token in ("inf", "nan"):
            return self.next()
        if token in ("True", "False"):
            return self.typed(self.next(), dtypes.bool_)
        name = self.name()
        if self.take("["):
            return self.load(name)
        return self.call(name) if self.take("(") else self.lookup(self.names, name, "a name that is defined")

    def load(self, name: str) -> Expr:
        dtype = self.lookup(self.memory, name, "a buffer")
        indices = self.positions(self.arguments("]", "if"))
        if self.line[: self.at].endswith("]"):
            return Expr("load", indices, dtype, name)
        condition = self.typed(self.expression(), dtypes.bool_)
        self.expect("]")
        return Expr("load_if", (condition, *indices), dtype, name)

    def call(self, name: str) -> Expr:
        if name == "size":
            extent = self.size(")")
            self.expect(")")
            return size(extent)
        operands = self.arguments(")")
        kept = name.removeprefix("as_")
        if name in BY_SHORT or (kept != name and kept in BY_SHORT):
            if len(operands) != 1:
                self.fail(f"one operand of {name} before this")
            (operand,) = operands
            if isinstance(operand, str):
                return self.typed(operand, BY_SHORT[kept])
            return Expr("cast" if kept == name else "bitcast", (operand,), BY_SHORT[kept])
        return self.operation(name, operands)

    def operation(self, op: str, operands: list[Expr | str]) -> Expr:
        """Literals take the type of the first typed operand (of a select: of the first typed value)."""
        if op not in ARITHMETIC and op not in TRANSCENDENTAL and op != "select":
            self.fail(f"the name of an operation before this, not {op!r}")
        first = 1 if op == "select" else 0
        model = next((o.dtype for o in operands[first:] if isinstance(o, Expr)), None)
        if model is None:
            self.fail(f"an operand of {op} with a type before this")
        args = [self.typed(o, model) for o in operands]
        return Expr(op, tuple(args), dtypes.bool_ if op in _COMPARISONS else model)

    def arguments(self, *ends: str) -> list[Expr | str]:
        """Expressions between commas, and one of the tokens `ends`."""
        found = []
        while self.peek() not in ends:
            found.append(self.expression())
            if self.peek() not in ends:
                self.expect(",")
        self.next()
        return found

    def positions(self, indices: list[Expr | str]) -> tuple[Expr, ...]:
        return tuple(self.typed(i, dtypes.int64) for i in indices)
