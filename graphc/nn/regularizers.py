"""Regularisers: what the size of a weight adds to the loss, so that a simpler model wins.

They stand apart from layers because any variable may have one. Formulas: Keras 3.
"""

from __future__ import annotations

import math
from typing import Any

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.serialization import Configured, resolve
from graphc.ops import refuse


class Regularizer(Configured):
    """A function from a weight to a scalar of its dtype."""

    def __call__(self, x: Value) -> Value:
        raise NotImplementedError


class L1L2(Regularizer):
    """l1 * Σ|x| + l2 * Σx²."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = _factor("l1", l1), _factor("l2", l2)

    def __call__(self, x: Value) -> Value:
        return _absolute(self.l1, x) + _squared(self.l2, x)


class L1(Regularizer):
    """l1 * Σ|x|; drives weights to exactly 0."""

    def __init__(self, l1: float = 0.01):
        self.l1 = _factor("l1", l1)

    def __call__(self, x: Value) -> Value:
        return _absolute(self.l1, x)


class L2(Regularizer):
    """l2 * Σx²; keeps weights small."""

    def __init__(self, l2: float = 0.01):
        self.l2 = _factor("l2", l2)

    def __call__(self, x: Value) -> Value:
        return _squared(self.l2, x)


def get(identifier: Any) -> Regularizer | None:
    """A regulariser from itself, a name ("l1", "l2", "l1_l2"), a config or a function. Raises `GraphError`."""
    if identifier is None:
        return None
    return resolve(Regularizer, "a regularizer", identifier, {"l1_l2": L1L2}, wrap=_function)


class _FunctionRegularizer(Regularizer):
    """A user's function as a regulariser."""

    def __init__(self, function: Any):
        self.function = function

    def __call__(self, x: Value) -> Value:
        return self.function(x)


def _function(function: Any) -> Regularizer:
    return _FunctionRegularizer(function)


def _factor(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        refuse("regularizer", f"expected {name} to be a finite number ≥ 0, got {value!r}")
    return float(value)


def _absolute(factor: float, x: Value) -> Value:
    return factor * ops.sum(ops.abs(x))


def _squared(factor: float, x: Value) -> Value:
    return factor * ops.sum(ops.square(x))
