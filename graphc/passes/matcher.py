"""Rewrite rules as rows, `rule(name, pattern, replacement, exactness)`, and the walk that applies a table of them.

It stands apart from the tables so that a rule says only its algebra: commuted operands, literals, counting,
the user's line and the check that a rewrite keeps the type are here, once.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import graphc.ops  # noqa: F401  every op is registered before a rule names one
from graphc.ir.graph import Graph, rebuild, topological, with_operands
from graphc.ir.value import OpLike, Value, emit
from graphc.ops.definition import Op, Trait, lookup
from graphc.ops.leaves import Scalar, full
from graphc.origin import inherit
from graphc.passes.literals import fold_elementwise, same_number
from graphc.passes.log import note

_MOST_FIRINGS = 64  # on one value in one walk: far above what any table needs, so a cycle of rules ends


class Exactness(enum.Enum):
    """What a rule may change in the floats that a program computes; for whole numbers and bools all are exact."""

    EXACT = "the same bits, NaN, infinity and signed zero included"
    WITHIN_ULP = "as close to the real result, or closer"
    REASSOCIATES = "another order of roundings"
    SIGNED_ZERO = "may turn -0 into 0: not applied to floats"
    FINITE_ONLY = "wrong for NaN or infinity: not applied to floats"


EXACT, WITHIN_ULP, REASSOCIATES = Exactness.EXACT, Exactness.WITHIN_ULP, Exactness.REASSOCIATES
SIGNED_ZERO, FINITE_ONLY = Exactness.SIGNED_ZERO, Exactness.FINITE_ONLY
_FOR_FLOATS = (EXACT, WITHIN_ULP, REASSOCIATES)


# patterns --------------------------------------------------------------------------------------------


class Pattern:
    """What a value may look like; arithmetic on patterns makes patterns. Compared by identity."""

    __slots__ = ()

    def __add__(self, other: Any) -> Pattern:
        return op("add")(self, other)

    def __radd__(self, other: Any) -> Pattern:
        return op("add")(other, self)

    def __sub__(self, other: Any) -> Pattern:
        return op("subtract")(self, other)

    def __rsub__(self, other: Any) -> Pattern:
        return op("subtract")(other, self)

    def __mul__(self, other: Any) -> Pattern:
        return op("multiply")(self, other)

    def __rmul__(self, other: Any) -> Pattern:
        return op("multiply")(other, self)

    def __truediv__(self, other: Any) -> Pattern:
        return op("divide")(self, other)

    def __rtruediv__(self, other: Any) -> Pattern:
        return op("divide")(other, self)

    def __neg__(self) -> Pattern:
        return op("negative")(self)


class Anything(Pattern):
    """Any value; the same one wherever it stands in a pattern."""

    __slots__ = ()


class AnyNumber(Anything):
    """Any literal."""

    __slots__ = ()


class Number(Pattern):
    """The literal of that number; 0 is not -0.0."""

    __slots__ = ("value",)

    def __init__(self, value: Scalar):
        self.value = value


class Apply(Pattern):
    """An op over patterns, with any attributes; `key` names the node in a match, whichever way it was commuted."""

    __slots__ = ("key", "op", "operands", "single_use")

    def __init__(self, op: Op, operands: tuple[Pattern, ...], single_use: bool = False, key: Pattern | None = None):
        self.op = op
        self.operands = operands
        self.single_use = single_use
        self.key = self if key is None else key


def op(name: str) -> Callable[..., Apply]:
    """A constructor of patterns for the op of that name; an unknown name is an error now, not when a rule is tried."""
    record = lookup(name)
    return lambda *operands: Apply(record, tuple(_as_pattern(o) for o in operands))


def once(pattern: Pattern) -> Apply:
    """`pattern`, only where the rule's root is the one user: a rewrite that would compute it twice does not pay."""
    assert isinstance(pattern, Apply), "only what an op computes has users that can be counted"
    return Apply(pattern.op, pattern.operands, single_use=True)


def _as_pattern(x: Any) -> Pattern:
    return x if isinstance(x, Pattern) else Number(x)


# rules -----------------------------------------------------------------------------------------------


class Match:
    """What the variables and the nodes of a pattern stand for; `root` is the value to replace, `kept` are the
    values that a replacement must not look through either."""

    __slots__ = ("found", "kept", "root")

    def __init__(self, root: Value, kept: frozenset[Value]):
        self.root = root
        self.kept = kept
        self.found: dict[Pattern, Value] = {}

    def __getitem__(self, pattern: Pattern) -> Value:
        return self.found[pattern]

    def number(self, pattern: AnyNumber) -> Scalar:
        return self.found[pattern].attrs["value"]


Replacement = Callable[[Match], Value | None]


@dataclass(frozen=True)
class Rule:
    """`pattern` → `replacement`, where `when` holds. A replacement that is a function may return None: no."""

    name: str
    pattern: Apply
    replacement: Pattern | Replacement
    exactness: Exactness
    when: Callable[[Match], bool] | None = None


def rule(
    name: str,
    pattern: Pattern,
    replacement: Pattern | Scalar | Replacement,
    exactness: Exactness,
    when: Callable[[Match], bool] | None = None,
) -> Rule:
    """One row of a table."""
    if not isinstance(replacement, Pattern) and not callable(replacement):
        replacement = Number(replacement)
    assert isinstance(pattern, Apply), name
    return Rule(name, pattern, replacement, exactness, when)


class RuleTable:
    """Rules, tried in their order; found by the ops of a value and of its operands, so that a miss costs nothing."""

    def __init__(self, rules: Iterable[Rule]):
        self._by_root: dict[OpLike, list[tuple[Rule, Apply]]] = {}
        for row in rules:
            for variant in _commuted(row.pattern):
                self._by_root.setdefault(row.pattern.op, []).append((row, variant))
        self._by_heads: dict[tuple[OpLike, ...], tuple[tuple[Rule, Apply], ...]] = {}

    def __call__(self, graph: Graph) -> Graph:
        """The graph after one walk, operands before users; the same object if no rule fired."""
        uses = {value: len(users) for value, users in graph.users.items()}
        for root in graph.roots:
            uses[root] += 1
        return rebuild(graph, self._walk(graph.values, uses, frozenset()))

    def above(self, roots: Sequence[Value], leaves: Sequence[Value]) -> list[Value]:
        """`roots` rewritten down to `leaves`, which stay the objects they are and which no pattern looks through."""
        kept = frozenset(leaves)
        replacement = self._walk(topological(roots), {}, kept)
        return [replacement[root] for root in roots]

    def _walk(self, values: Iterable[Value], uses: dict[Value, int], kept: frozenset[Value]) -> dict[Value, Value]:
        replacement: dict[Value, Value] = {}
        for value in values:
            if value in kept:
                replacement[value] = value
                continue
            new = with_operands(value, tuple([replacement[o] for o in value.operands]))
            if new is not value:
                uses[new] = uses.get(new, 0) + uses.get(value, 0)
            result = self._rewrite(new, uses, kept)
            if result is not new:
                uses[result] = uses.get(result, 0) + uses.get(value, 0)
            replacement[value] = result
        return replacement

    def _rewrite(self, value: Value, uses: dict[Value, int], kept: frozenset[Value]) -> Value:
        for _ in range(_MOST_FIRINGS):
            new = self._fire(value, uses, kept)
            if new is None or new in kept:
                return value if new is None else new
            value = new
        return value

    def _fire(self, value: Value, uses: dict[Value, int], kept: frozenset[Value]) -> Value | None:
        for row, variant in self._candidates(value):
            if value.dtype.is_float and row.exactness not in _FOR_FLOATS:
                continue
            match = Match(value, kept)
            if not _matches(variant, value, match.found, uses, kept):
                continue
            with inherit(value.origin):
                if row.when is not None and not row.when(match):
                    continue
                new: Value | None
                if isinstance(row.replacement, Pattern):
                    new = self._build(row.replacement, match, uses, kept)
                else:
                    new = row.replacement(match)
            if new is None or new is value:
                continue
            if new.dtype is not value.dtype or new.shape != value.shape:
                raise AssertionError(f"rule {row.name} replaced a value of type {value.type} by one of {new.type}")
            note(row.name)
            return new
        return None

    def _candidates(self, value: Value) -> tuple[tuple[Rule, Apply], ...]:
        if value.op not in self._by_root:
            return ()
        heads = (value.op, *[o.op for o in value.operands])
        found = self._by_heads.get(heads)
        if found is None:
            rows = self._by_root[value.op]
            found = self._by_heads[heads] = tuple((r, v) for r, v in rows if _heads_fit(v, heads[1:]))
        return found

    def _build(self, pattern: Pattern, match: Match, uses: dict[Value, int], kept: frozenset[Value]) -> Value:
        if isinstance(pattern, Number):
            return full(match.root.shape, pattern.value, match.root.dtype)
        if not isinstance(pattern, Apply):
            return match.found[pattern]
        operands = (self._build(o, match, uses, kept) for o in pattern.operands)
        new = emit(pattern.op, *(self._rewrite(o, uses, kept) for o in operands))
        uses.setdefault(new, 1)
        folded = fold_elementwise(new)
        return new if folded is None else folded


def _commuted(pattern: Pattern) -> list[Any]:
    """The pattern with the operands of its commutative ops in every order."""
    if not isinstance(pattern, Apply):
        return [pattern]
    variants = []
    for operands in product(*(_commuted(o) for o in pattern.operands)):
        orders = [operands]
        if Trait.COMMUTATIVE in pattern.op.traits and len(operands) == 2 and operands[0] is not operands[1]:
            orders.append(operands[::-1])
        variants += [Apply(pattern.op, order, pattern.single_use, pattern.key) for order in orders]
    return variants


def _heads_fit(pattern: Apply, heads: tuple[OpLike, ...]) -> bool:
    if len(pattern.operands) != len(heads):
        return False
    return all(
        head is operand.op if isinstance(operand, Apply) else type(operand) is Anything or head.name == "full"
        for operand, head in zip(pattern.operands, heads, strict=True)
    )


def _matches(
    pattern: Pattern, value: Value, found: dict[Pattern, Value], uses: dict[Value, int], kept: frozenset[Value]
) -> bool:
    if isinstance(pattern, Apply):
        if value.op is not pattern.op or len(value.operands) != len(pattern.operands):
            return False
        if found and (value in kept or (pattern.single_use and uses.get(value, 2) != 1)):
            return False  # `found` is empty only at the root, which it then holds
        found[pattern.key] = value
        return all(_matches(p, v, found, uses, kept) for p, v in zip(pattern.operands, value.operands, strict=True))
    if isinstance(pattern, Number):
        return value.op.name == "full" and same_number(value.attrs["value"], pattern.value)
    if type(pattern) is AnyNumber and value.op.name != "full":
        return False
    return found.setdefault(pattern, value) is value
