"""Stabilize: expressions that overflow or cancel become the ops that compute the same without.

It exists because users write formulas as textbooks do: `log(softmax(x))`, `exp(x) / sum(exp(x))`. It runs first,
while the formula is still to be seen, and `grad` runs it too (`stabilize_above`), because the derivative of an
unstable formula is one that no rule would recognise. Every result is as close to the real one, or closer.

Sources: Goldberg, What Every Computer Scientist Should Know About Floating-Point Arithmetic (1991), for
log1p and expm1; Blanchard, Higham & Higham, Accurately computing the log-sum-exp and softmax functions (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.dims import Shape
from graphc.ir.graph import Graph
from graphc.ir.value import Value, emit
from graphc.ops.definition import lookup
from graphc.passes.matcher import WITHIN_ULP, Anything, Apply, Match, Replacement, RuleTable, op, rule

exp, log, expm1, log1p, negative = op("exp"), op("log"), op("expm1"), op("log1p"), op("negative")
sigmoid, softplus, reciprocal, logaddexp = op("sigmoid"), op("softplus"), op("reciprocal"), op("logaddexp")
sum_, logsumexp, softmax, log_softmax = op("sum"), op("logsumexp"), op("softmax"), op("log_softmax")
reshape, broadcast_to = op("reshape"), op("broadcast_to")

x, y, m = Anything(), Anything(), Anything()
total = sum_(exp(x))
normalizer = logsumexp(x)
along = softmax(x)
log_along = log_softmax(x)
shifted = softmax(x - broadcast_to(m))
log_shifted = log_softmax(x - broadcast_to(m))
spread_rows, spread_columns = broadcast_to(reshape(total)), broadcast_to(total)
normalizer_of_rows, normalizer_of_columns = broadcast_to(reshape(normalizer)), broadcast_to(normalizer)


def _named(name: str, over: Anything, like: Apply) -> Replacement:
    """The reduction of that name, of `over`, along the axes of the matched node `like`."""
    record = lookup(name)
    return lambda match: emit(record, match[over], axes=match[like].attrs["axes"])


def _reshaped(name: str, like: Apply) -> Replacement:
    record = lookup(name)
    return lambda match: emit(
        lookup("reshape"), emit(record, match[x], axes=match[like].attrs["axes"]), shape=match.root.shape
    )


def _spread_along(reduced: Shape, shape: Shape, axes: tuple[int, ...]) -> bool:
    """Whether broadcasting `reduced` to `shape` repeats it along all of `axes`."""
    aligned = (1,) * (len(shape) - len(reduced)) + reduced
    return all(aligned[a] == 1 for a in axes)


def _puts_back(reduction: Apply, shape_of: Apply) -> Callable[[Match], bool]:
    """Whether the reduction's result is broadcast back to where it came from: its axes, and no others, are new."""

    def condition(match: Match) -> bool:
        source, axes = match[reduction].operands[0].shape, match[reduction].attrs["axes"]
        before = match[shape_of].operands[0].shape
        kept = tuple(1 if a in axes else n for a, n in enumerate(source))
        return (1,) * (len(source) - len(before)) + before == kept

    return condition


RULES = (
    # near 0 and far from it
    rule("log-of-1-plus", log(1 + x), log1p(x), WITHIN_ULP),
    rule("log-of-1-minus", log(1 - x), log1p(-x), WITHIN_ULP),
    rule("exp-minus-1", exp(x) - 1, expm1(x), WITHIN_ULP),
    rule("exp-plus-minus-1", exp(x) + -1, expm1(x), WITHIN_ULP),
    rule("log-of-sum-of-two", log(exp(x) + exp(y)), logaddexp(x, y), WITHIN_ULP),
    # the logistic function and its logarithm
    rule("softplus", log1p(exp(x)), softplus(x), WITHIN_ULP),
    rule("sigmoid", 1 / (1 + exp(-x)), sigmoid(x), WITHIN_ULP),
    rule("sigmoid-of-minus", 1 / (1 + exp(x)), sigmoid(-x), WITHIN_ULP),
    rule("sigmoid-reciprocal", reciprocal(1 + exp(-x)), sigmoid(x), WITHIN_ULP),
    rule("sigmoid-reciprocal-of-minus", reciprocal(1 + exp(x)), sigmoid(-x), WITHIN_ULP),
    rule("sigmoid-of-ratio", exp(x) / (1 + exp(x)), sigmoid(x), WITHIN_ULP),
    rule("1-minus-sigmoid", 1 - sigmoid(x), sigmoid(-x), WITHIN_ULP),
    rule("log-of-sigmoid-of-minus", log(sigmoid(-x)), -softplus(x), WITHIN_ULP),
    rule("log-of-sigmoid", log(sigmoid(x)), -softplus(-x), WITHIN_ULP),
    rule("log1p-of-minus-sigmoid", log1p(-sigmoid(x)), -softplus(x), WITHIN_ULP),
    # a row of exponentials
    rule("log-of-sum-of-exp", log(total), _named("logsumexp", x, total), WITHIN_ULP),
    rule("log-of-kept-sum-of-exp", log(reshape(total)), _reshaped("logsumexp", total), WITHIN_ULP),
    rule("softmax", exp(x) / spread_rows, _named("softmax", x, total), WITHIN_ULP, _puts_back(total, spread_rows)),
    rule("softmax-columns", exp(x) / spread_columns, _named("softmax", x, total), WITHIN_ULP, _puts_back(total, spread_columns)),
    rule("softmax-of-shifted", shifted, _named("softmax", x, shifted), WITHIN_ULP, lambda f: _is_shift(f, shifted)),
    rule("log-of-softmax", log(along), _named("log_softmax", x, along), WITHIN_ULP),
    rule("exp-of-log-softmax", exp(log_along), _named("softmax", x, log_along), WITHIN_ULP),
    rule("log-softmax-of-shifted", log_shifted, _named("log_softmax", x, log_shifted), WITHIN_ULP, lambda f: _is_shift(f, log_shifted)),
    rule("minus-logsumexp", x - normalizer_of_rows, _named("log_softmax", x, normalizer), WITHIN_ULP, _puts_back(normalizer, normalizer_of_rows)),
    rule("minus-logsumexp-columns", x - normalizer_of_columns, _named("log_softmax", x, normalizer), WITHIN_ULP, _puts_back(normalizer, normalizer_of_columns)),
)  # fmt: skip


def _is_shift(match: Match, node: Apply) -> bool:
    """softmax(x - m) is softmax(x) where m is constant along the axes: the op subtracts the maximum itself."""
    return _spread_along(match[m].shape, match.root.shape, match[node].attrs["axes"])


_TABLE = RuleTable(RULES)


def stabilize(graph: Graph) -> Graph:
    """Apply `RULES`."""
    return _TABLE(graph)


def stabilize_above(roots: Sequence[Value], leaves: Sequence[Value]) -> list[Value]:
    """`roots` stabilised down to `leaves`, which stay as they are; the same values where no rule fires."""
    return _TABLE.above(roots, leaves)
