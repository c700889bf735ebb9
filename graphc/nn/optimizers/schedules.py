"""Learning rates that change with the number of steps.

They stand apart from optimisers because each is one formula. It is written once, in names that graphc and NumPy
share, so that the compiled step and a person who asks for `optimizer.learning_rate` get the same number. Names,
defaults and formulas: Keras 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.serialization import Configured
from graphc.ops import refuse


class LearningRateSchedule(Configured):
    """A function from a step, an i64 scalar or an int, to a rate: a float64 scalar value, or a float.

    A subclass writes `rate(step, xp)`: step in float64, `xp` the functions to use on it.
    """

    def __call__(self, step: Any) -> Any:
        if isinstance(step, Value):
            return ops.as_value(self.rate(ops.astype(step, "float64"), ops))
        return float(self.rate(np.float64(step), np))

    def rate(self, step: Any, xp: Any) -> Any:
        """The learning rate at `step`."""
        raise NotImplementedError


class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate ^ (step / decay_steps); with `staircase`, of whole powers."""

    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False):
        self.initial_learning_rate = checked_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.decay_rate, self.staircase = checked_rate("decay_rate", decay_rate), staircase

    def rate(self, step: Any, xp: Any) -> Any:
        periods = step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (xp.floor(periods) if self.staircase else periods)


class InverseTimeDecay(LearningRateSchedule):
    """initial / (1 + decay_rate * step / decay_steps); with `staircase`, of whole periods."""

    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False):
        self.initial_learning_rate = checked_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.decay_rate, self.staircase = checked_rate("decay_rate", decay_rate), staircase

    def rate(self, step: Any, xp: Any) -> Any:
        periods = step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (xp.floor(periods) if self.staircase else periods))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to and with step boundaries[i], the last value after them."""

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]):
        self.boundaries, self.values = list(boundaries), [checked_rate("values", v) for v in values]
        if len(self.values) != len(self.boundaries) + 1 or sorted(self.boundaries) != self.boundaries:
            refuse(type(self).__name__, "expected rising boundaries and one more value than boundaries, got others")

    def rate(self, step: Any, xp: Any) -> Any:
        rate = self.values[-1]
        for boundary, value in zip(reversed(self.boundaries), reversed(self.values[:-1]), strict=True):
            rate = xp.where(step <= boundary, value, rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps) ^ power + end, then `end`; with `cycle`, again and again."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ):
        self.initial_learning_rate = checked_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.end_learning_rate = checked_rate("end_learning_rate", end_learning_rate)
        self.power, self.cycle = power, cycle

    def rate(self, step: Any, xp: Any) -> Any:
        steps: Any = self.decay_steps
        if self.cycle:
            steps = steps * xp.maximum(xp.ceil(step / steps), 1.0)
        left = 1 - xp.minimum(step, steps) / steps
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate down to `alpha` times it, in `decay_steps`.

    With `warmup_target` the rate first rises linearly from the initial one to it, in `warmup_steps`.
    Source: Loshchilov and Hutter, SGDR, arXiv:1608.03983.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate = checked_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps, self.alpha = _steps("decay_steps", decay_steps), alpha
        self.warmup_target = None if warmup_target is None else checked_rate("warmup_target", warmup_target)
        self.warmup_steps = warmup_steps if warmup_target is None else _steps("warmup_steps", warmup_steps)

    def rate(self, step: Any, xp: Any) -> Any:
        if self.warmup_target is None:
            return self._decayed(self.initial_learning_rate, step, xp)
        rise = (self.warmup_target - self.initial_learning_rate) * (step / self.warmup_steps)
        decayed = self._decayed(self.warmup_target, step - self.warmup_steps, xp)
        return xp.where(step < self.warmup_steps, self.initial_learning_rate + rise, decayed)

    def _decayed(self, start: float, step: Any, xp: Any) -> Any:
        fraction = xp.minimum(step, float(self.decay_steps)) / self.decay_steps
        return start * ((1 - self.alpha) * (0.5 * (1 + xp.cos(math.pi * fraction))) + self.alpha)


def checked_rate(name: str, value: Any) -> float:
    """`value` as a learning rate. Raises `GraphError` unless it is a finite number ≥ 0."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        refuse(name, f"expected a finite number ≥ 0, got {value!r}")
    return float(value)


def _steps(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        refuse(name, f"expected a number of steps ≥ 1, got {value!r}")
    return value
