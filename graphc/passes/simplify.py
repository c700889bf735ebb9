"""Simplify: algebra on elements. The same number with fewer or cheaper operations.

It exists because gradients multiply by one, add minus, and scale what is scaled already. Floats keep IEEE's
meaning: a rule that is wrong for NaN, an infinity or -0 applies to whole numbers only (see `Exactness`).
"""

from __future__ import annotations

import math

from graphc import ops
from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.ops.definition import REGISTRY, Trait
from graphc.ops.families import Elementwise
from graphc.passes.literals import is_normal, number_of
from graphc.passes.matcher import (
    EXACT,
    FINITE_ONLY,
    REASSOCIATES,
    SIGNED_ZERO,
    WITHIN_ULP,
    AnyNumber,
    Anything,
    Match,
    Rule,
    RuleTable,
    once,
    op,
    rule,
)

absolute, negative, square, sqrt, rsqrt = op("abs"), op("negative"), op("square"), op("sqrt"), op("rsqrt")
reciprocal, power, relu, where = op("reciprocal"), op("pow"), op("relu"), op("where")
maximum, minimum, positive, stop_gradient = op("maximum"), op("minimum"), op("positive"), op("stop_gradient")
equal, not_equal, less, less_equal = op("equal"), op("not_equal"), op("less"), op("less_equal")
logical_and, logical_or, logical_not = op("logical_and"), op("logical_or"), op("logical_not")

x, y, z, w, condition = Anything(), Anything(), Anything(), Anything(), Anything()
c, d = AnyNumber(), AnyNumber()
row_of_roots = op("broadcast_to")(sqrt(y))
kept_row_of_roots = op("broadcast_to")(op("reshape")(sqrt(y)))


def _whole(match: Match) -> bool:
    return not match.root.dtype.is_float


def _scale_stays_normal(match: Match) -> bool:
    """Whether c*d neither overflows nor loses digits, so that only the order of roundings differs."""
    return _whole(match) or is_normal(match.number(c) * match.number(d), match.root.dtype)


def _reciprocal_is_exact(match: Match) -> bool:
    mantissa, _ = math.frexp(match.number(c))
    return abs(mantissa) == 0.5 and is_normal(1 / match.number(c), match.root.dtype)


_NON_NEGATIVE = frozenset({"square", "exp", "abs", "sigmoid", "var"})  # results ≥ +0, or NaN
_ADDS_UP = frozenset(
    {"add", "multiply", "sum", "mean", "maximum", "broadcast_to", "reshape", "sqrt", "divide", "astype"}
)


def _is_non_negative(value: Value, depth: int = 6) -> bool:
    """Whether every element is provably ≥ +0 or NaN: a sum of squares, a variance plus epsilon."""
    if not value.dtype.is_float:
        return value.dtype.kind in ("bool", "uint")  # signed integers wrap
    if value.op.name == "full":
        return value.attrs["value"] > 0
    if value.op.name in _NON_NEGATIVE:
        return True
    if value.op.name not in _ADDS_UP or depth == 0:
        return False
    return all(_is_non_negative(o, depth - 1) for o in value.operands)


def _has_normal_root(match: Match) -> bool:
    """Whether sqrt(y) is far from zero, so that its reciprocal is a normal number: y = something ≥ 0, plus epsilon."""
    if match[y].op.name != "add":
        return False
    a, b = match[y].operands
    epsilon = number_of(b)
    return epsilon is not None and epsilon > 0 and is_normal(epsilon, match.root.dtype) and _is_non_negative(a)


def _multiply_by_reciprocal_root(match: Match) -> Value:
    """One division a row instead of one an element."""
    row = match.root.operands[1].operands[0]
    return match[x] * ops.broadcast_to(ops.reshape(ops.rsqrt(match[y]), row.shape), match.root.shape)


def _x_is_non_negative(match: Match) -> bool:
    return _is_non_negative(match[x])


ARITHMETIC = (
    rule("add-zero", x + 0, x, SIGNED_ZERO),
    rule("add-minus-zero", x + -0.0, x, EXACT),
    rule("subtract-zero", x - 0, x, EXACT),
    rule("subtract-from-zero", 0 - x, -x, SIGNED_ZERO),
    rule("x-minus-x", x - x, 0, FINITE_ONLY),
    rule("add-negative", x + -y, x - y, EXACT),
    rule("subtract-negative", x - -y, x + y, EXACT),
    rule("fold-sum", (x + c) + d, x + (c + d), EXACT, _whole),
    rule("multiply-one", x * 1, x, EXACT),
    rule("multiply-minus-one", x * -1, -x, EXACT),
    rule("multiply-zero", x * 0, 0, FINITE_ONLY),
    rule("multiply-itself", x * x, square(x), EXACT),
    rule("multiply-negatives", -x * -y, x * y, EXACT),
    rule("scale-negative", -x * c, x * -c, EXACT),
    rule("multiply-negative", -x * y, -(x * y), EXACT),  # outwards, where a sum or a difference takes it
    rule("negative-scale", -once(x * c), x * -c, EXACT),
    rule("fold-scale", (x * c) * d, x * (c * d), REASSOCIATES, _scale_stays_normal),
    rule("divide-one", x / 1, x, EXACT),
    rule("divide-minus-one", x / -1, -x, EXACT),
    rule("divide-power-of-two", x / c, lambda f: f[x] * (1 / f.number(c)), EXACT, _reciprocal_is_exact),
    rule("divide-negative", -x / c, x / -c, EXACT),
    rule("divide-of-negative", -x / y, -(x / y), EXACT),
    rule("divide-by-negative", x / -y, -(x / y), EXACT),
    rule("divide-by-root", x / row_of_roots, _multiply_by_reciprocal_root, REASSOCIATES, _has_normal_root),
    rule("divide-by-kept-root", x / kept_row_of_roots, _multiply_by_reciprocal_root, REASSOCIATES, _has_normal_root),
    rule("one-over", 1 / x, reciprocal(x), EXACT),
    rule("one-over-root", reciprocal(sqrt(x)), rsqrt(x), EXACT),
)
POWERS = (
    rule("power-zero", power(x, 0), 1, EXACT),
    rule("power-one", power(x, 1), x, EXACT),
    rule("power-two", power(x, 2), square(x), WITHIN_ULP),
    rule("power-three", power(x, 3), x * square(x), WITHIN_ULP),
    rule("power-minus-one", power(x, -1.0), reciprocal(x), WITHIN_ULP),
    rule("power-half", power(x, 0.5), sqrt(x), WITHIN_ULP, _x_is_non_negative),
    rule("power-minus-half", power(x, -0.5), rsqrt(x), WITHIN_ULP, _x_is_non_negative),
    rule("square-of-negative", square(-x), square(x), EXACT),
    rule("square-of-abs", square(absolute(x)), square(x), EXACT),
    rule("abs-of-negative", absolute(-x), absolute(x), EXACT),
    rule("abs-of-non-negative", absolute(x), x, EXACT, _x_is_non_negative),
    rule("relu-of-non-negative", relu(x), x, EXACT, _x_is_non_negative),
)
CHOICES = (
    rule("where-same", where(condition, x, x), x, EXACT),
    rule("where-true", where(True, x, y), x, EXACT),
    rule("where-false", where(False, x, y), y, EXACT),
    rule("where-not", where(logical_not(condition), x, y), where(condition, y, x), EXACT),
    rule("where-of-where", where(condition, where(condition, x, z), y), where(condition, x, y), EXACT),
    rule("where-else-where", where(condition, x, where(condition, z, y)), where(condition, x, y), EXACT),
    rule("equal-itself", equal(x, x), True, EXACT, lambda f: not f[x].dtype.is_float),
    rule("less-than-itself", less(x, x), False, EXACT),
    rule("and-true", logical_and(x, True), x, EXACT),
    rule("and-false", logical_and(x, False), False, EXACT),
    rule("or-true", logical_or(x, True), True, EXACT),
    rule("or-false", logical_or(x, False), x, EXACT),
    rule("positive", positive(x), x, EXACT),
    rule("stop-gradient", stop_gradient(x), x, EXACT),
)


def _rules_by_trait() -> list[Rule]:
    """What the records say of themselves, for every elementwise op that says it."""
    rules = []
    for record in REGISTRY.values():
        if not isinstance(record, Elementwise):
            continue
        f, name, traits = op(record.name), record.name, record.traits
        if Trait.INVOLUTION in traits:
            rules.append(rule(f"{name}-twice", f(f(x)), x, EXACT))
        if Trait.IDEMPOTENT in traits and record.arity == 1:
            rules.append(rule(f"{name}-again", f(f(x)), f(x), EXACT))
        if Trait.IDEMPOTENT in traits and record.arity == 2:
            rules.append(rule(f"{name}-itself", f(x, x), x, EXACT))
            if Trait.ASSOCIATIVE in traits:
                rules.append(rule(f"{name}-again", f(f(x, y), y), f(x, y), EXACT))
                rules.append(rule(f"{name}-numbers", f(f(x, c), d), f(x, f(c, d)), EXACT))
    return rules


RULES = (*ARITHMETIC, *POWERS, *CHOICES, *_rules_by_trait())
_TABLE = RuleTable(RULES)


def simplify(graph: Graph) -> Graph:
    """Apply `RULES`."""
    return _TABLE(graph)
