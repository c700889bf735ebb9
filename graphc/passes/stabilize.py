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
from graphc.passes.matcher import WITHIN_ULP, Anything, Apply, Match, Replacement, RuleTable, once, op, rule

exp, log, expm1, log1p, negative = op("exp"), op("log"), op("expm1"), op("log1p"), op("negative")
sigmoid, softplus, reciprocal, logaddexp = op("sigmoid"), op("softplus"), op("reciprocal"), op("logaddexp")
sum_, logsumexp, softmax, log_softmax = op("sum"), op("logsumexp"), op("softmax"), op("log_softmax")
reshape, broadcast_to = op("reshape"), op("broadcast_to")

x, y, m = Anything(), Anything(), Anything()
total, normalizer = sum_(exp(x)), logsumexp(x)
total_of_rows, total_of_columns = broadcast_to(reshape(total)), broadcast_to(total)
normalizer_of_rows, normalizer_of_columns = broadcast_to(reshape(normalizer)), broadcast_to(normalizer)
share, log_share = softmax(x), log_softmax(x)
shifted_share, shifted_log_share = softmax(x - broadcast_to(m)), log_softmax(x - broadcast_to(m))


def _along(name: str, like: Apply) -> Replacement:
    """The reduction of that name, of x, along the axes of the matched node `like`."""
    record = lookup(name)
    return lambda match: emit(record, match[x], axes=match[like].attrs["axes"])


def _kept_logsumexp(match: Match) -> Value:
    y = emit(lookup("logsumexp"), match[x], axes=match[total].attrs["axes"])
    return emit(lookup("reshape"), y, shape=match.root.shape)


def _log_of_part(match: Match) -> Value | None:
    """log(softmax(x)[i, labels]): the logarithm is taken before the part is."""
    views: list[Value] = []
    source = match[x]
    while source.op.name in _PARTS and source not in match.kept and len(views) < _MOST_VIEWS:
        views.append(source)
        source = source.operands[0]
    if not views or source.op.name != "softmax" or source in match.kept:
        return None
    y = emit(lookup("log_softmax"), source.operands[0], axes=source.attrs["axes"])
    for view in reversed(views):
        y = emit(view.op, y, *view.operands[1:], **view.attrs)
    return y


_PARTS = frozenset(
    {"gather", "slice", "reshape", "permute_dims", "broadcast_to"}
)  # views without elements of their own
_MOST_VIEWS = 8


def _puts_back(reduction: Apply, spread: Apply) -> Callable[[Match], bool]:
    """Whether `spread` brings the reduction's result back to where it came from: its axes, and no others, are new."""

    def condition(match: Match) -> bool:
        source, axes = match[reduction].operands[0].shape, match[reduction].attrs["axes"]
        return _aligned(match[spread].operands[0].shape, source) == tuple(
            1 if a in axes else n for a, n in enumerate(source)
        )

    return condition


def _is_shift(node: Apply) -> Callable[[Match], bool]:
    """softmax(x - m) is softmax(x) where m is constant along the axes: the op subtracts the maximum itself."""
    return lambda match: all(_aligned(match[m].shape, match.root.shape)[a] == 1 for a in match[node].attrs["axes"])


def _aligned(shape: Shape, to: Shape) -> Shape:
    return (1,) * (len(to) - len(shape)) + shape


NEAR_ZERO = (
    rule("log-of-1-plus", log(1 + x), log1p(x), WITHIN_ULP),
    rule("log-of-1-minus", log(1 - x), log1p(-x), WITHIN_ULP),
    rule("exp-minus-1", exp(x) - 1, expm1(x), WITHIN_ULP),
    rule("exp-plus-minus-1", exp(x) + -1, expm1(x), WITHIN_ULP),
)
LOGISTIC = (
    rule("softplus", log1p(exp(x)), softplus(x), WITHIN_ULP),
    rule("sigmoid", 1 / (1 + exp(-x)), sigmoid(x), WITHIN_ULP),
    rule("sigmoid-of-minus", 1 / (1 + exp(x)), sigmoid(-x), WITHIN_ULP),
    rule("sigmoid-reciprocal", reciprocal(1 + exp(-x)), sigmoid(x), WITHIN_ULP),
    rule("sigmoid-reciprocal-of-minus", reciprocal(1 + exp(x)), sigmoid(-x), WITHIN_ULP),
    rule("sigmoid-of-ratio", exp(x) / (1 + exp(x)), sigmoid(x), WITHIN_ULP),
    rule("1-minus-sigmoid", 1 - once(sigmoid(x)), sigmoid(-x), WITHIN_ULP),  # y * (1 - y) needs one exp, not two
    rule("log-of-sigmoid-of-minus", log(sigmoid(-x)), -softplus(x), WITHIN_ULP),
    rule("log-of-sigmoid", log(sigmoid(x)), -softplus(-x), WITHIN_ULP),
    rule("log1p-of-minus-sigmoid", log1p(-sigmoid(x)), -softplus(x), WITHIN_ULP),
)
SUMS_OF_EXPONENTIALS = (
    rule("log-of-sum-of-two", log(exp(x) + exp(y)), logaddexp(x, y), WITHIN_ULP),
    rule("log-of-sum-of-exp", log(total), _along("logsumexp", total), WITHIN_ULP),
    rule("log-of-kept-sum-of-exp", log(reshape(total)), _kept_logsumexp, WITHIN_ULP),
)
SHARES = (
    rule(
        "softmax-of-rows",
        exp(x) / total_of_rows,
        _along("softmax", total),
        WITHIN_ULP,
        _puts_back(total, total_of_rows),
    ),
    rule(
        "softmax-of-columns",
        exp(x) / total_of_columns,
        _along("softmax", total),
        WITHIN_ULP,
        _puts_back(total, total_of_columns),
    ),
    rule("softmax-of-shifted", shifted_share, _along("softmax", shifted_share), WITHIN_ULP, _is_shift(shifted_share)),
    rule("exp-of-log-softmax", exp(log_share), _along("softmax", log_share), WITHIN_ULP),
)
LOG_SHARES = (
    rule("log-of-softmax", log(share), _along("log_softmax", share), WITHIN_ULP),
    rule("log-of-part-of-softmax", log(x), _log_of_part, WITHIN_ULP),
    rule(
        "log-softmax-of-shifted",
        shifted_log_share,
        _along("log_softmax", shifted_log_share),
        WITHIN_ULP,
        _is_shift(shifted_log_share),
    ),
    *(
        rule(
            "minus-logsumexp", x - spread, _along("log_softmax", normalizer), WITHIN_ULP, _puts_back(normalizer, spread)
        )
        for spread in (normalizer_of_rows, normalizer_of_columns)
    ),
)
RULES = (*NEAR_ZERO, *LOGISTIC, *SUMS_OF_EXPONENTIALS, *SHARES, *LOG_SHARES)
_TABLE = RuleTable(RULES)


def stabilize(graph: Graph) -> Graph:
    """Apply `RULES`."""
    return _TABLE(graph)


def stabilize_above(roots: Sequence[Value], leaves: Sequence[Value]) -> list[Value]:
    """`roots` stabilised down to `leaves`, which stay as they are; the same values where no rule fires."""
    return _TABLE.above(roots, leaves)
