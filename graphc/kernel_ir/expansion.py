"""Replaces transcendental functions by arithmetic, in expressions and in whole kernels.

It stands apart from the functions themselves (`expand/`) as the one table of them, with their bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from graphc.kernel_ir.expand.erf import erf
from graphc.kernel_ir.expand.exp import exp, expm1
from graphc.kernel_ir.expand.hyperbolic import tanh
from graphc.kernel_ir.expand.log import log, log1p
from graphc.kernel_ir.expand.pow import pow
from graphc.kernel_ir.expand.trig import cos, sin
from graphc.kernel_ir.expr import TRANSCENDENTAL, Expr, substitute, walk
from graphc.kernel_ir.kernel import (
    Accumulator,
    Check,
    Kernel,
    Let,
    Loop,
    Nest,
    Statement,
    Store,
    Update,
)

EXPANSIONS: dict[str, Callable[..., Expr]] = {
    "exp": exp, "expm1": expm1, "log": log, "log1p": log1p, "sin": sin, "cos": cos, "tanh": tanh, "erf": erf,
    "pow": pow,
}  # fmt: skip
assert EXPANSIONS.keys() == TRANSCENDENTAL.keys()

# Published bounds, in units in the last place of the exact result. `python -m graphc.kernel_ir.measure`
# prints what was measured beside them.
MAX_ULP = {
    "exp": {"float32": 1.5, "float64": 2.0},
    "expm1": {"float32": 2.0, "float64": 2.0},
    "log": {"float32": 1.5, "float64": 1.5},
    "log1p": {"float32": 2.0, "float64": 2.0},
    "sin": {"float32": 1.0, "float64": 2.5},
    "cos": {"float32": 1.0, "float64": 2.5},
    "tanh": {"float32": 2.75, "float64": 3.0},
    "erf": {"float32": 2.0, "float64": 2.0},
    "pow": {"float32": 1.0, "float64": 2.5},
}


def _expand_node(node: Expr) -> Expr | None:
    expansion = EXPANSIONS.get(node.op)
    return expansion(*node.args) if expansion else None


def expand_expr(expr: Expr, memo: dict[Expr, Expr] | None = None) -> Expr:
    """`expr` over the arithmetic of every target; the same object if it is so already.

    One `memo` for several expressions expands what they share once.
    """
    if not any(node.op in EXPANSIONS for node in walk(expr)):
        return expr
    return substitute(expr, _expand_node, memo)


def expand(kernel: Kernel) -> Kernel:
    """`kernel` without transcendental functions; the same object if it has none."""
    memo: dict[Expr, Expr] = {}
    nests = tuple(_expand_nest(nest, memo) for nest in kernel.nests)
    return kernel if nests == kernel.nests else replace(kernel, nests=nests)


def _expand_nest(nest: Nest, memo: dict[Expr, Expr]) -> Nest:
    loop = _expand_statement(nest.loop, memo)
    assert isinstance(loop, Loop)
    accumulators = tuple(replace(a, init=expand_expr(a.init, memo)) for a in nest.accumulators)
    return replace(
        nest, loop=loop, accumulators=accumulators, finish=tuple(_expand_statement(s, memo) for s in nest.finish)
    )


def _expand_statement(statement: Statement, memo: dict[Expr, Expr]) -> Statement:
    """The recursion is over loops, which nest as deep as shapes have axes."""
    if isinstance(statement, Loop):
        return replace(statement, body=tuple(_expand_statement(s, memo) for s in statement.body))
    if isinstance(statement, Let):
        return replace(statement, value=expand_expr(statement.value, memo))
    if isinstance(statement, Accumulator):
        return replace(statement, init=expand_expr(statement.init, memo))
    if isinstance(statement, Check):
        return replace(statement, condition=expand_expr(statement.condition, memo))
    if isinstance(statement, Update):
        factor = None if statement.factor is None else expand_expr(statement.factor, memo)
        return replace(statement, value=expand_expr(statement.value, memo), factor=factor)
    if isinstance(statement, Store):
        indices = tuple(expand_expr(i, memo) for i in statement.indices)
        return replace(statement, indices=indices, value=expand_expr(statement.value, memo))
    return statement
