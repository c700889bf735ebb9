"""Reads a graph's text back: the inverse of `printer.py`, whose docstring holds the grammar.

It stands apart from the ops: they come in through `lookup`, and every line's type is checked against what its
op infers. A variable is read as a leaf that holds no array.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from graphc.dims import Dim, parse_size
from graphc.dtypes import BY_SHORT
from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.value import Literal, OpLike, TensorType, Value
from graphc.origin import UNKNOWN, Origin

_TOKEN = re.compile(
    r"""\s*(?:("(?:[^"\\]|\\.)*")      # a string
    |(%\w+)                          # a value
    |(\d[\w.]*(?:(?<=e)[-+]\d+)?)     # a number
    |([A-Za-z_][\w.]*)              # a word
    |(//|[-+*(),=:\[\]{}@]))""",
    re.VERBOSE,
)
_ORIGIN = re.compile(r"(?:([A-Za-z_]\w*) )?(.+):(\d+)")
_WORDS = {"True": True, "False": False, "None": None, "nan": math.nan, "inf": math.inf}


def parse_graph(text: str, lookup: Callable[[str], OpLike]) -> Graph:
    """The graph that `text` states. Raises `GraphError` with the number of the line and what was expected."""
    reader = _GraphReader(lookup)
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            reader.read(_Line(line, number))
    return reader.finish()


class _Line:
    """A cursor over the tokens of one line."""

    def __init__(self, text: str, number: int):
        self.text, self.number, self.at = text, number, 0

    def fail(self, expected: str, got: str | None = None) -> NoReturn:
        came = self.text[self.at :].strip() or "the end of the line"
        raise GraphError(f"line {self.number}: expected {expected}, got {came if got is None else got}")

    def peek(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        return match.group(match.lastindex or 0) if match else ""

    def next(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            self.fail("a token")
        self.at = match.end()
        return match.group(match.lastindex or 0)

    def take(self, *tokens: str) -> bool:
        if self.peek() in tokens:
            self.next()
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.take(token):
            self.fail(repr(token))

    def matching(self, pattern: str, expected: str) -> str:
        if not re.fullmatch(pattern, self.peek(), re.ASCII):
            self.fail(expected)
        return self.next()

    def name(self) -> str:
        return self.matching(r"%\w+", "a name like '%x'")

    def word(self) -> str:
        return self.string() if self.peek().startswith('"') else self.matching(r"[\w.]+", "a word or a string")

    def string(self) -> str:
        token = self.matching(r'"(?:[^"\\]|\\.)*"', "a string")
        return re.sub(r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1), token[1:-1])

    def end(self) -> None:
        if self.text[self.at :].strip():
            self.fail("the end of the line")

    # sizes, types, attributes ------------------------------------------------------------------
    def size(self) -> int | Dim:
        """Everything up to a comma or a bracket that this size has not opened."""
        start, depth = self.at, 0
        while token := self.peek():
            if depth == 0 and token in (",", ")", "]"):
                break
            depth += (token == "(") - (token == ")")
            self.next()
        try:
            return parse_size(self.text[start : self.at])
        except GraphError as error:
            raise GraphError(f"line {self.number}: {error}") from None

    def type(self) -> TensorType:
        word = self.matching(r"[A-Za-z]\w*", "a type like 'f32[batch, 10]'")
        if word not in BY_SHORT:
            self.fail(f"a dtype among {', '.join(BY_SHORT)}", word)
        self.expect("[")
        shape: list[int | Dim] = []
        while not self.take("]"):
            if shape:
                self.expect(",")
            shape.append(self.size())
        return TensorType(BY_SHORT[word], tuple(shape))

    def attribute(self) -> Any:
        """A number, size, string, dtype, truth value, tuple or array. A parenthesis opens a tuple or a size."""
        token, start = self.peek(), self.at
        if token.startswith('"'):
            return self.string()
        if token == "(":
            is_tuple, value = self.parenthesis()
            if is_tuple:
                return value
            self.at = start
            return self.size()
        if token in BY_SHORT:
            self.next()
            if self.peek() != "[":
                return BY_SHORT[token]
            self.at = start
            return self.array()
        negative = self.take("-")
        token = self.peek()
        if token in _WORDS and not negative:
            self.next()
            return _WORDS[token]
        if token in ("nan", "inf") or (token[:1].isdigit() and not token.isdigit()):
            self.next()
            try:
                return -float(token) if negative else float(token)
            except ValueError:
                self.fail("a number", token)
        self.at = start
        return self.size()

    def parenthesis(self) -> tuple[bool, Any]:
        """(True, the tuple) if a comma or nothing stands in it, else (False, None): then it is part of a size."""
        self.expect("(")
        items: list[Any] = []
        has_comma = False
        while self.peek() != ")":
            items.append(self.attribute())
            if not self.take(","):
                break
            has_comma = True
        self.expect(")")
        return (True, tuple(items)) if has_comma or not items else (False, None)

    def array(self) -> Literal:
        type = self.type()
        if any(isinstance(n, Dim) for n in type.shape):
            self.fail("an array with ints as sizes", str(type))
        self.expect("(")
        try:
            if self.peek().startswith('"'):
                data = base64.b64decode(self.string(), validate=True)
                array = np.frombuffer(data, type.dtype.numpy.newbyteorder("<")).astype(type.dtype.numpy)
            else:
                array = np.array(self.numbers(), type.dtype.numpy)
            literal = Literal(array.reshape(type.shape))
        except (ValueError, OverflowError) as error:
            if isinstance(error, GraphError):
                raise
            self.fail(f"the elements of {type}", str(error))
        self.expect(")")
        return literal

    def numbers(self) -> list[Any]:
        """All numbers of nested lists, in order."""
        result: list[Any] = []
        depth = 0
        while True:
            if self.take("["):
                depth += 1
            elif self.take("]"):
                depth -= 1
            elif not self.take(","):
                result.append(self.attribute())
            if depth == 0:
                return result


class _GraphReader:
    """Collects the lines of one graph; `stage` guards their order."""

    _STAGES = ("graph", "in", "var", "value", "out", "set", "end")

    def __init__(self, lookup: Callable[[str], OpLike]):
        self.lookup = lookup
        self.stage = "start"
        self.name = ""
        self.values: dict[str, Value] = {}
        self.inputs: list[Value] = []
        self.outputs: list[tuple[str, Value]] = []
        self.updates: list[tuple[Value, Value]] = []

    def finish(self) -> Graph:
        if self.stage != "end":
            raise GraphError("expected a graph that ends with '}', got the end of the text")
        return Graph(self.name, tuple(self.inputs), tuple(self.outputs), tuple(self.updates))

    def read(self, line: _Line) -> None:
        first = line.peek()
        kind = "value" if first.startswith("%") else "end" if first == "}" else first
        expected = self._STAGES[:1] if self.stage == "start" else self._STAGES[1:]
        if kind not in expected or (self.stage != "start" and self._rank(kind) < self._rank(self.stage)):
            wanted = "'graph'" if self.stage == "start" else "'in', 'var', a value, 'out', 'set' or '}', in this order"
            line.fail(wanted)
        if self.stage == "end":
            line.fail("nothing after '}'")
        if kind != "value":
            line.next()
        self.stage = kind
        getattr(self, f"read_{kind}")(line)

    def _rank(self, kind: str) -> int:
        return self._STAGES.index(kind)

    def read_graph(self, line: _Line) -> None:
        self.name = line.word()
        line.expect("(")
        while not line.take(")"):  # the dims are listed for the reader; shapes say them again
            line.matching(r"[A-Za-z_]\w*|,", "dims and ')'")
        line.expect("{")
        line.end()

    def read_in(self, line: _Line) -> None:
        self.inputs.append(self.leaf("input", line))

    def read_var(self, line: _Line) -> None:
        self.leaf("variable", line)

    def read_end(self, line: _Line) -> None:
        line.end()

    def leaf(self, op: str, line: _Line) -> Value:
        name = line.name()
        line.expect(":")
        type = line.type()
        full_name = line.string() if line.peek().startswith('"') else name[1:]
        line.end()
        if op == "input":
            attrs: dict[str, Any] = {"name": full_name, "dtype": type.dtype, "shape": type.shape}
        else:
            attrs = {"name": full_name, "state": type}  # a type has the dtype and shape of a state, and no array
        return self.define(line, name, Value(self.lookup(op), (), attrs, type, UNKNOWN))

    def read_value(self, line: _Line) -> None:
        name = line.name()
        line.expect(":")
        type = line.type()
        line.expect("=")
        op_name = line.matching(r"[A-Za-z_]\w*", "the name of an op")
        try:
            op = self.lookup(op_name)
        except GraphError as error:
            raise GraphError(f"line {line.number}: {error}") from None
        operands, attrs = self.arguments(line)
        attrs.update((key, of(type)) for key, of in op.implied.items() if key not in attrs)
        try:
            inferred = op.infer(*(o.type for o in operands), **attrs)
        except (GraphError, TypeError) as error:
            raise GraphError(f"line {line.number}: {op_name}: {error}") from None
        if inferred != type:
            line.fail(f"{inferred}, which {op_name} gives", str(type))
        self.define(line, name, Value(op, operands, attrs, type, self.origin(line)))

    def arguments(self, line: _Line) -> tuple[tuple[Value, ...], dict[str, Any]]:
        operands: list[Value] = []
        attrs: dict[str, Any] = {}
        line.expect("(")
        while line.peek() != ")":
            if line.peek().startswith("%") and not attrs:
                operands.append(self.use(line))
            else:
                key = line.matching(r"[A-Za-z_]\w*", "an operand or an attribute")
                line.expect("=")
                attrs[key] = line.attribute()
            if not line.take(","):
                break
        line.expect(")")
        return tuple(operands), attrs

    def origin(self, line: _Line) -> Origin:
        if not line.take("@"):
            line.end()
            return UNKNOWN
        match = _ORIGIN.fullmatch(line.text[line.at :].strip())
        if match is None:
            line.fail("a place like 'train.py:11'")
        return Origin(match.group(2), int(match.group(3)), match.group(1) or "")

    def read_out(self, line: _Line) -> None:
        name = line.word()
        line.expect("=")
        self.outputs.append((name, self.use(line)))
        line.end()

    def read_set(self, line: _Line) -> None:
        variable = self.use(line)
        line.expect("=")
        self.updates.append((variable, self.use(line)))
        line.end()

    def use(self, line: _Line) -> Value:
        name = line.name()
        if name not in self.values:
            line.fail("a value of a line above", name)
        return self.values[name]

    def define(self, line: _Line, name: str, value: Value) -> Value:
        if name in self.values:
            line.fail("each name once", name)
        self.values[name] = value
        return value
