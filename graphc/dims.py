"""Symbolic dimensions: integer polynomials over named sizes, floor divisions, minima and maxima.

Shapes are compared when the graph is declared and evaluated when a program runs; both need one
canonical form, so two dims are equal exactly when their polynomials are. Named sizes are ≥ 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import prod

from graphc import dtypes
from graphc.errors import GraphError

Atom = tuple  # ("symbol", name) | ("floordiv" | "min" | "max", Dim | int, Dim | int)
Monomial = tuple  # of atoms, sorted; () is the constant's


class Dim:
    """A size that is known when the program runs. Immutable; made by `dim` and by arithmetic."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[Monomial, int]):
        self.terms: dict[Monomial, int] = {m: c for m, c in sorted(terms.items(), key=_term_key) if c}
        self._hash = hash(tuple(self.terms.items()))

    # arithmetic --------------------------------------------------------------------------------
    def __add__(self, other: Size) -> Size:
        if not _is_size(other):
            return NotImplemented
        total = dict(self.terms)
        for monomial, coefficient in _terms(other).items():
            total[monomial] = total.get(monomial, 0) + coefficient
        return _tidy(total)

    def __mul__(self, other: Size) -> Size:
        if not _is_size(other):
            return NotImplemented
        total: dict[Monomial, int] = {}
        for m1, c1 in self.terms.items():
            for m2, c2 in _terms(other).items():
                monomial = tuple(sorted(m1 + m2, key=_atom_key))
                total[monomial] = total.get(monomial, 0) + c1 * c2
        return _tidy(total)

    def __neg__(self) -> Size:
        return self * -1

    def __sub__(self, other: Size) -> Size:
        return self + (-1 * other) if _is_size(other) else NotImplemented

    def __rsub__(self, other: Size) -> Size:
        return (self * -1) + other

    def __floordiv__(self, other: Size) -> Size:
        return floordiv(self, other) if _is_size(other) else NotImplemented

    def __rfloordiv__(self, other: Size) -> Size:
        return floordiv(other, self)

    def __mod__(self, other: Size) -> Size:
        return self - floordiv(self, other) * other if _is_size(other) else NotImplemented

    __radd__ = __add__
    __rmul__ = __mul__

    # comparison --------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        raise GraphError(f"the size {self} is not known when the graph is declared, so it has no truth value")

    def __int__(self) -> int:
        raise GraphError(f"the size {self} is not known when the graph is declared, so it is no int")

    __index__ = __int__

    # views -------------------------------------------------------------------------------------
    def symbols(self) -> frozenset[str]:
        """The names of the sizes that this one depends on."""
        return frozenset().union(*(_atom_symbols(a) for m in self.terms for a in m))

    def is_linear_in(self, name: str) -> bool:
        """True if this is a*name + b, where a and b may depend on other symbols."""
        atom = ("symbol", name)
        return all(m.count(atom) <= 1 and all(a == atom or name not in _atom_symbols(a) for a in m) for m in self.terms)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The value, given every symbol's."""
        return sum(c * prod(_evaluate_atom(atom, sizes) for atom in m) for m, c in self.terms.items())

    def __repr__(self) -> str:
        parts: list[str] = []
        for monomial, coefficient in self.terms.items():
            factors = [_atom_text(a) for a in monomial]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            sign = "-" if coefficient < 0 else "+"
            parts.append(
                f" {sign} {'*'.join(factors)}" if parts else ("-" if coefficient < 0 else "") + "*".join(factors)
            )
        return "".join(parts)


Size = int | Dim
_WORDS = {"min", "max", "nan", "inf", "True", "False", "None", *(d.short for d in dtypes.ALL)}  # taken in the texts
Shape = tuple[Size, ...]


def dim(name: str) -> Dim:
    """A named size, the same in every shape that mentions it. Raises `GraphError` for a bad name."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name) or name in _WORDS:
        raise GraphError(f"expected a dim name like 'batch', got {name!r}")
    return Dim({(("symbol", name),): 1})


def floordiv(a: Size, b: Size) -> Size:
    """a // b, simplified where every coefficient divides. Raises `GraphError` for b == 0."""
    if isinstance(b, int) and b == 0:
        raise GraphError(f"expected a non-zero divisor, got {a} // 0")
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if a == b:
        return 1
    if isinstance(b, int) and isinstance(a, Dim):
        if b == 1:
            return a
        whole = {m: c // b for m, c in a.terms.items() if c % b == 0}
        rest = {m: c for m, c in a.terms.items() if c % b != 0}
        if not rest:
            return _tidy(whole)
        if whole:
            return _tidy(whole) + floordiv(_tidy(rest), b)
    elif isinstance(a, Dim) and isinstance(b, Dim):
        quotient = _divide_by_monomial(a, b)
        if quotient is not None:
            return quotient
    return Dim({(("floordiv", a, b),): 1})


def ceildiv(a: Size, b: int) -> Size:
    """The smallest whole number of `b` that covers `a`."""
    return floordiv(a + (b - 1), b)


def minimum(a: Size, b: Size) -> Size:
    """min(a, b), decided now where the difference has a provable sign."""
    return _extremum("min", a, b)


def maximum(a: Size, b: Size) -> Size:
    """max(a, b), decided now where the difference has a provable sign."""
    return _extremum("max", a, b)


def at_most(a: Size, b: Size) -> bool:
    """True if a ≤ b holds for all sizes ≥ 0; False means: not provable."""
    if non_negative(b - a):
        return True
    if (split := _as_extremum(a)) is not None:
        kind, x, y = split
        return (all if kind == "max" else any)((at_most(x, b), at_most(y, b)))
    if (split := _as_extremum(b)) is not None:
        kind, x, y = split
        return (any if kind == "max" else all)((at_most(a, x), at_most(a, y)))
    return False


def non_negative(a: Size) -> bool:
    """True if a ≥ 0 holds for all sizes ≥ 0; False means: not provable."""
    return all(c >= 0 and all(_atom_non_negative(x) for x in m) for m, c in _terms(a).items())


def product(shape: Iterable[Size]) -> Size:
    """The number of elements of `shape`."""
    total: Size = 1
    for size in shape:
        total = total * size
    return total


def evaluate(size: Size, sizes: Mapping[str, int]) -> int:
    """The value of an int or a `Dim`."""
    return size if isinstance(size, int) else size.evaluate(sizes)


def substitute(size: Size, sizes: Mapping[str, Size]) -> Size:
    """`size` with other sizes in the place of its names; a name that `sizes` lacks stays."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, coefficient in size.terms.items():
        term: Size = coefficient
        for atom in monomial:
            term = term * _substituted_atom(atom, sizes)
        total = total + term
    return total


def symbols_of(sizes: Iterable[Size]) -> frozenset[str]:
    """All names that the given sizes depend on."""
    return frozenset().union(*(s.symbols() for s in sizes if isinstance(s, Dim)))


def shape_text(shape: Iterable[Size]) -> str:
    """`[batch, 10]`"""
    return "[" + ", ".join(str(s) for s in shape) + "]"


def parse_size(text: str) -> Size:
    """The inverse of printing a size. Raises `GraphError`."""
    tokens = re.findall(r"\d+|[A-Za-z_]\w*|//|[-+*(),]", text)
    if "".join(tokens) != re.sub(r"\s", "", text) or not tokens:
        raise GraphError(f"expected a size like '2*batch + 1', got {text!r}")
    return _SizeParser(tokens, text).parse()


class _SizeParser:
    def __init__(self, tokens: list[str], text: str):
        self.tokens, self.text, self.at = tokens, text, 0

    def parse(self) -> Size:
        size = self.sum()
        if self.at != len(self.tokens):
            self.fail()
        return size

    def fail(self) -> None:
        raise GraphError(f"expected a size like '2*batch + 1', got {self.text!r}")

    def take(self, *accepted: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at] in accepted:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def sum(self) -> Size:
        size = self.term()
        while sign := self.take("+", "-"):
            other = self.term()
            size = size + other if sign == "+" else size - other
        return size

    def term(self) -> Size:
        size = self.factor()
        while sign := self.take("*", "//"):
            other = self.factor()
            size = size * other if sign == "*" else floordiv(size, other)
        return size

    def factor(self) -> Size:
        if self.take("-"):
            return self.factor() * -1
        if self.take("("):
            size = self.sum()
            if not self.take(")"):
                self.fail()
            return size
        if self.at >= len(self.tokens):
            self.fail()
        token = self.tokens[self.at]
        self.at += 1
        if token.isdigit():
            return int(token)
        if token in ("min", "max") and self.take("("):
            a = self.sum()
            if not self.take(","):
                self.fail()
            b = self.sum()
            if not self.take(")"):
                self.fail()
            return minimum(a, b) if token == "min" else maximum(a, b)
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            self.fail()
        return dim(token)


def _is_size(x: object) -> bool:
    return isinstance(x, Dim) or (isinstance(x, int) and not isinstance(x, bool))


def _terms(size: Size) -> Mapping[Monomial, int]:
    return size.terms if isinstance(size, Dim) else ({(): size} if size else {})


def _tidy(terms: Mapping[Monomial, int]) -> Size:
    terms = {m: c for m, c in terms.items() if c}
    if not terms:
        return 0
    if len(terms) == 1 and () in terms:
        return terms[()]
    return Dim(terms)


def _divide_by_monomial(a: Dim, b: Dim) -> Size | None:
    if len(b.terms) != 1:
        return None
    ((divisor, factor),) = b.terms.items()
    total: dict[Monomial, int] = {}
    for monomial, coefficient in a.terms.items():
        left = list(monomial)
        for atom in divisor:
            if atom not in left:
                return None
            left.remove(atom)
        if coefficient % factor:
            return None
        total[tuple(left)] = coefficient // factor
    return _tidy(total)


def _extremum(kind: str, a: Size, b: Size) -> Size:
    if at_most(a, b):
        return _tidy_extremum(b if kind == "max" else a)
    if at_most(b, a):
        return _tidy_extremum(a if kind == "max" else b)
    for size, other in ((a, b), (b, a)):  # max(max(x, y), b) is max(x, max(y, b)), which may be decidable
        split = _as_extremum(size)
        if split is not None and split[0] == kind:
            _, x, y = split
            for first, second in ((x, y), (y, x)):
                if at_most(first, other) or at_most(other, first):
                    return _extremum(kind, _extremum(kind, first, other), second)
    return Dim({((kind, *sorted((a, b), key=str)),): 1})


def _tidy_extremum(size: Size) -> Size:
    """n - max(0, n - 3) is min(n, 3)."""
    split = _as_extremum(size)
    return size if split is None or len(_terms(size)) == 1 else _extremum(*split)


def _as_extremum(size: Size) -> tuple[str, Size, Size] | None:
    """("min" or "max", x, y) if the size is ±max(p, q) + rest or ±min(p, q) + rest, with the rest drawn in."""
    found = [(m[0], c) for m, c in _terms(size).items() if len(m) == 1 and m[0][0] in ("min", "max") and c in (1, -1)]
    if len(found) != 1:
        return None
    (kind, p, q), sign = found[0]
    rest = size - sign * Dim({((kind, p, q),): 1})
    flipped = {"min": "max", "max": "min"}[kind] if sign < 0 else kind
    return flipped, sign * p + rest, sign * q + rest


def _atom_key(atom: Atom) -> str:
    return _atom_text(atom)


def _term_key(item: tuple[Monomial, int]) -> tuple[int, str]:
    monomial, _ = item
    return (-len(monomial), "*".join(_atom_text(a) for a in monomial))


def _atom_symbols(atom: Atom) -> frozenset[str]:
    return frozenset((atom[1],)) if atom[0] == "symbol" else symbols_of(atom[1:])


def _atom_non_negative(atom: Atom) -> bool:
    kind, *operands = atom
    if kind == "symbol":
        return True
    if kind == "max":
        return any(non_negative(o) for o in operands)
    return all(non_negative(o) for o in operands)


def _atom_text(atom: Atom) -> str:
    if atom[0] == "symbol":
        return atom[1]
    if atom[0] == "floordiv":
        a, b = (str(x) if isinstance(x, int) or re.fullmatch(r"\w+", str(x)) else f"({x})" for x in atom[1:])
        return f"({a}//{b})"
    return f"{atom[0]}({atom[1]}, {atom[2]})"


def _substituted_atom(atom: Atom, sizes: Mapping[str, Size]) -> Size:
    if atom[0] == "symbol":
        return sizes.get(atom[1], Dim({(atom,): 1}))
    a, b = (substitute(x, sizes) for x in atom[1:])
    if atom[0] == "floordiv":
        return floordiv(a, b)
    return minimum(a, b) if atom[0] == "min" else maximum(a, b)


def _evaluate_atom(atom: Atom, sizes: Mapping[str, int]) -> int:
    if atom[0] == "symbol":
        return sizes[atom[1]]
    a, b = (evaluate(x, sizes) for x in atom[1:])
    if atom[0] == "floordiv":
        return a // b
    return min(a, b) if atom[0] == "min" else max(a, b)
