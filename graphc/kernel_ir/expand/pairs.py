"""Unevaluated sums of two floats, for the one function that needs twice the precision: pow.

It stands apart because these identities hold for any format (Muller, "Handbook of Floating-Point
Arithmetic", 2nd ed., chapters 4 and 14); a pair is (high, low).
"""

from __future__ import annotations

from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr

Pair = tuple[Expr, Expr]


def ordered_sum(a: Expr, b: Expr) -> Pair:
    """a + b exactly, if |a| ≥ |b| or a is 0 (Dekker)."""
    total = a + b
    return total, b - (total - a)


def exact_sum(a: Expr, b: Expr) -> Pair:
    """a + b exactly (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def product(a: Expr, b: Expr) -> Pair:
    """a * b exactly."""
    high = a * b
    return high, k.fma(a, b, k.neg(high))


def pair_product(a: Pair, b: Pair) -> Pair:
    """a * b to about twice the precision of one float."""
    high, low = product(a[0], b[0])
    return high, k.fma(a[0], b[1], k.fma(a[1], b[0], low))


def quotient(a: Expr, b: Pair) -> Pair:
    """a / b to about twice the precision of one float, with one division."""
    inverse = 1.0 / b[0]
    high = a * inverse
    rest = k.fma(k.neg(high), b[1], k.fma(k.neg(high), b[0], a))
    return high, rest * inverse
