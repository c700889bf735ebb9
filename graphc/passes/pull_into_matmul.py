"""Pull into matmul: transposes and scalar factors beside a matrix product become its own flags and factor.

It exists because a GEMM reads either order of its operands at the same speed and scales its result for
nothing, while a transpose or a scaling of its own is one more pass over the matrix in memory.
"""

from __future__ import annotations

from typing import Any

from graphc import ops
from graphc.ir.graph import Graph
from graphc.ir.value import Value, emit
from graphc.passes.literals import is_normal
from graphc.passes.matcher import EXACT, REASSOCIATES, AnyNumber, Anything, Match, RuleTable, once, op, rule

matmul, permute_dims, negative = op("matmul"), op("permute_dims"), op("negative")

a, b = Anything(), Anything()
c = AnyNumber()
left_turned, right_turned = permute_dims(a), permute_dims(b)
product = once(matmul(a, b))
plain = matmul(a, b)


def _swaps_matrix(permuted: Value) -> bool:
    """Whether only the last two axes change places."""
    axes = permuted.attrs["axes"]
    rank = len(axes)
    return rank >= 2 and axes == (*range(rank - 2), rank - 1, rank - 2)


def _with(node: Value, x: Value, y: Value, **changed: Any) -> Value:
    return emit(node.op, x, y, **{**node.attrs, **changed})


def _turn_left(match: Match) -> Value:
    return _with(match.root, match[a], match[b], transpose_a=not match.root.attrs["transpose_a"])


def _turn_right(match: Match) -> Value:
    return _with(match.root, match[a], match[b], transpose_b=not match.root.attrs["transpose_b"])


def _turn_result(match: Match) -> Value:
    """(a b)ᵀ = bᵀ aᵀ"""
    attrs = match[product].attrs
    turned = {"transpose_a": not attrs["transpose_b"], "transpose_b": not attrs["transpose_a"]}
    return _with(match[product], match[b], match[a], **turned)


def _scaled(node: Value, x: Value, y: Value, factor: float) -> Value | None:
    alpha = node.attrs["alpha"] * factor
    return _with(node, x, y, alpha=alpha) if is_normal(alpha, node.dtype) and is_normal(factor, node.dtype) else None


def _scale_operand(match: Match) -> Value | None:
    return _scaled(match.root, match[a], match[b], match.number(c))


def _scale_result(match: Match) -> Value | None:
    return _scaled(match[product], match[a], match[b], match.number(c))


def _divide_result(match: Match) -> Value | None:
    divisor = match.number(c)
    return _scaled(match[product], match[a], match[b], 1 / divisor) if divisor else None


def _outer_product(match: Match) -> Value | None:
    """With one term in each sum there is nothing to contract: columns times rows, which fuses as any product does."""
    node, x, y = match.root, match[a], match[b]
    if node.attrs["alpha"] != 1.0 or x.shape[-2 if node.attrs["transpose_a"] else -1] != 1:
        return None
    columns = ops.reshape(x, (*node.shape[:-1], 1))
    rows = ops.reshape(y, (*node.shape[:-2], 1, node.shape[-1]))
    return columns * rows


RULES = (
    rule("transposed-left", matmul(left_turned, b), _turn_left, EXACT, lambda f: _swaps_matrix(f[left_turned])),
    rule("transposed-right", matmul(a, right_turned), _turn_right, EXACT, lambda f: _swaps_matrix(f[right_turned])),
    rule("transposed-result", permute_dims(product), _turn_result, EXACT, lambda f: _swaps_matrix(f.root)),
    rule("outer-product", plain, _outer_product, EXACT),
    rule("scaled-left", matmul(once(a * c), b), _scale_operand, REASSOCIATES),
    rule("scaled-right", matmul(a, once(b * c)), _scale_operand, REASSOCIATES),
    rule("scaled-result", product * c, _scale_result, REASSOCIATES),
    rule("divided-result", product / c, _divide_result, REASSOCIATES),
    rule("negative-left", matmul(once(-a), b), lambda f: _scaled(f.root, f[a], f[b], -1.0), EXACT),
    rule("negative-right", matmul(a, once(-b)), lambda f: _scaled(f.root, f[a], f[b], -1.0), EXACT),
    rule("negative-result", -product, lambda f: _scaled(f[product], f[a], f[b], -1.0), EXACT),
)
_TABLE = RuleTable(RULES)


def pull_into_matmul(graph: Graph) -> Graph:
    """Apply `RULES`, where the transposed or scaled matrix has no other user that would need it anyway."""
    return _TABLE(graph)
