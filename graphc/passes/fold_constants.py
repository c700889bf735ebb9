"""Fold constants: what depends on nothing but constants is computed once, now, by the op's own NumPy meaning.

It exists because gradients and losses are full of arithmetic on literals, and because rules only see a
number where it is one literal.
"""

from __future__ import annotations

import math

import numpy as np

from graphc import ops
from graphc.ir.graph import Graph, rewrite
from graphc.ir.value import Value
from graphc.ops.definition import Trait, op_of
from graphc.passes.literals import fold_elementwise
from graphc.passes.log import note

_SMALL = 4096  # elements: a program may carry a constant of that size without a thought
_LARGEST_OPERAND = 1 << 22  # elements: beyond them, folding would be felt as compile time


def fold_constants(graph: Graph) -> Graph:
    """Replace values over constants by constants, unless that makes the program larger than 4096 elements would.

    Never raises: what fails in NumPy (an index out of range) is left to fail in the program.
    """
    return rewrite(graph, _fold)


def _fold(value: Value) -> Value:
    if not value.operands:
        return _uniform(value) if value.op.name == "constant" else value
    names = {o.op.name for o in value.operands}
    if not names <= {"constant", "full"}:
        return value
    folded = fold_elementwise(value) if names == {"full"} else None
    if folded is None and "constant" in names:
        folded = _evaluate(value)
    if folded is None:
        return value
    note(f"fold-{value.op.name}")
    return folded


def _uniform(value: Value) -> Value:
    """A small constant of equal elements is a literal."""
    array = value.attrs["value"].array
    if not 0 < array.size <= _SMALL or array.tobytes() != array.dtype.type(array.flat[0]).tobytes() * array.size:
        return value
    note("uniform-constant")
    return ops.full(value.shape, array.flat[0].item(), value.dtype)


def _evaluate(value: Value) -> Value | None:
    op, made = op_of(value), _count(value)
    read = [_count(o) for o in value.operands]
    if op.reference is None or max(made, *read) > _LARGEST_OPERAND:
        return None
    stored = sum(n for n, o in zip(read, value.operands, strict=True) if o.op.name == "constant")
    if made > (stored if Trait.VIEW in op.traits else max(_SMALL, stored - 1)):  # a view is free, its elements are not
        return None
    operands = [_array(o) for o in value.operands]
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(op.reference(*operands, **value.attrs))
    except (ArithmeticError, ValueError, TypeError, IndexError):
        return None
    if result.dtype != value.dtype.numpy or result.shape != value.shape:
        return None
    return ops.constant(result)


def _array(value: Value) -> np.ndarray:
    if value.op.name == "constant":
        return value.attrs["value"].array
    return np.full(value.shape, value.attrs["value"], value.dtype.numpy)


def _count(value: Value) -> float:
    """The number of elements; infinitely many if a size is symbolic."""
    return value.size if isinstance(value.size, int) else math.inf
