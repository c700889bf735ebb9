"""Constraints: what a weight is projected onto after each step of the optimiser.

They stand apart from regularisers, which only ask. Formulas: Keras 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.serialization import Configured, resolve

_EPSILON = 1e-7


class Constraint(Configured):
    """A function from a weight to the weight that is kept, of the same type."""

    def __call__(self, w: Value) -> Value:
        raise NotImplementedError


class NonNeg(Constraint):
    """w where it is ≥ 0, else 0."""

    def __call__(self, w: Value) -> Value:
        return ops.where(w >= 0, w, 0)


class MaxNorm(Constraint):
    """w scaled down where its norm along `axis` is above `max_value`; axis 0 are the weights into one unit."""

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Value) -> Value:
        norm = _norm(w, self.axis)
        return w * (ops.clip(norm, 0, self.max_value) / (_EPSILON + norm))


class UnitNorm(Constraint):
    """w scaled to norm 1 along `axis`."""

    def __init__(self, axis: int | Sequence[int] = 0):
        self.axis = axis

    def __call__(self, w: Value) -> Value:
        return w / (_EPSILON + _norm(w, self.axis))


class MinMaxNorm(Constraint):
    """w scaled so that its norm along `axis` comes into [min_value, max_value], by the share `rate` of the way."""

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Value) -> Value:
        norm = _norm(w, self.axis)
        desired = self.rate * ops.clip(norm, self.min_value, self.max_value) + (1 - self.rate) * norm
        return w * (desired / (_EPSILON + norm))


def get(identifier: Any) -> Constraint | None:
    """A constraint from itself, a name ("max_norm", "non_neg" …), a config or a function. Raises `GraphError`."""
    return None if identifier is None else resolve(Constraint, "a constraint", identifier, wrap=_function)


class _FunctionConstraint(Constraint):
    """A user's function as a constraint."""

    def __init__(self, function: Any):
        self.function = function

    def __call__(self, w: Value) -> Value:
        return self.function(w)


def _function(function: Any) -> Constraint:
    return _FunctionConstraint(function)


def _norm(w: Value, axis: int | Sequence[int]) -> Value:
    """The Euclidean norm along `axis`, with the axis kept."""
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))
