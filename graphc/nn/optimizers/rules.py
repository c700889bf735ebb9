"""The rules by which optimisers move a weight: SGD, Adam, AdamW, RMSprop, Adagrad, Lion.

They stand apart from what all optimisers do. Names, defaults and formulas: Keras 3; w is the weight, g its
gradient, η the learning rate, t the number of the step.
"""

from __future__ import annotations

import math
from typing import Any

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.optimizers.base import Optimizer, Slots
from graphc.nn.optimizers.schedules import LearningRateSchedule
from graphc.ops import refuse

Rate = float | LearningRateSchedule


class SGD(Optimizer):
    """w ← w - η g; with momentum v ← μ v - η g and w ← w + v, or w + μ v - η g with `nesterov`.

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning (2013).
    """

    def __init__(self, learning_rate: Rate = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.nesterov = _share(self, "momentum", momentum, closed=True), nesterov
        self.slots = ("momentum",) if momentum else ()

    def move(self, w: Value, g: Value, rate: Value, slots: Slots, step: Value) -> tuple[Value, Slots]:
        if not slots:
            return w - g * rate, {}
        v = slots["momentum"] * self.momentum - g * rate
        return (w + v * self.momentum - g * rate if self.nesterov else w + v), {"momentum": v}


class Adam(Optimizer):
    """m ← m + (1-β₁)(g - m); v ← v + (1-β₂)(g² - v); w ← w - α m / (√v + ε), α = η √(1-β₂ᵗ) / (1-β₁ᵗ).

    With `amsgrad`, √v is that of the largest v so far. Source: Kingma and Ba, arXiv:1412.6980, section 2; Reddi et
    al., arXiv:1904.09237.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = _share(self, "beta_1", beta_1), _share(self, "beta_2", beta_2)
        self.epsilon, self.amsgrad = epsilon, amsgrad
        self.slots = ("momentum", "velocity", "velocity_hat") if amsgrad else ("momentum", "velocity")

    def move(self, w: Value, g: Value, rate: Value, slots: Slots, step: Value) -> tuple[Value, Slots]:
        scale = ops.sqrt(_one_minus_power(self.beta_2, step)) / _one_minus_power(self.beta_1, step)
        alpha = rate * ops.astype(scale, w.dtype)
        m = slots["momentum"] + (g - slots["momentum"]) * (1 - self.beta_1)
        v = slots["velocity"] + (ops.square(g) - slots["velocity"]) * (1 - self.beta_2)
        moved: dict[str, Value] = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = moved["velocity_hat"] = ops.maximum(slots["velocity_hat"], v)
        return w - m * alpha / (ops.sqrt(v) + self.epsilon), moved


class AdamW(Adam):
    """`Adam` whose weights also decay by η * weight_decay of themselves. Source: Loshchilov, arXiv:1711.05101."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs)


class RMSprop(Optimizer):
    """v ← ρ v + (1-ρ) g²; w ← w - η g / √(v + ε).

    With `centered`, v less the square of the mean gradient a ← ρ a + (1-ρ) g. With `momentum`, the step is
    m ← μ m + η g / √…. Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012).
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum = _share(self, "rho", rho), _share(self, "momentum", momentum, closed=True)
        self.epsilon, self.centered = epsilon, centered
        self.slots = ("velocity",)
        self.slots += ("average_gradient",) if centered else ()
        self.slots += ("momentum",) if momentum else ()

    def move(self, w: Value, g: Value, rate: Value, slots: Slots, step: Value) -> tuple[Value, Slots]:
        v = self.rho * slots["velocity"] + (1 - self.rho) * ops.square(g)
        moved: dict[str, Value] = {"velocity": v}
        below = v
        if self.centered:
            mean = moved["average_gradient"] = self.rho * slots["average_gradient"] + (1 - self.rho) * g
            below = v - ops.square(mean)
        move = rate * g * ops.rsqrt(below + self.epsilon)
        if self.momentum:
            move = moved["momentum"] = self.momentum * slots["momentum"] + move
        return w - move, moved


class Adagrad(Optimizer):
    """a ← a + g²; w ← w - η g / √(a + ε). Source: Duchi et al., JMLR 12 (2011)."""

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        if not 0 <= initial_accumulator_value < math.inf:
            refuse(self.name, f"expected initial_accumulator_value ≥ 0, got {initial_accumulator_value!r}")
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value if slot == "accumulator" else 0.0

    def move(self, w: Value, g: Value, rate: Value, slots: Slots, step: Value) -> tuple[Value, Slots]:
        a = slots["accumulator"] + ops.square(g)
        return w - rate * g * ops.rsqrt(a + self.epsilon), {"accumulator": a}


class Lion(Optimizer):
    """w ← w - η sign(β₁ m + (1-β₁) g); m ← β₂ m + (1-β₂) g. Source: Chen et al., arXiv:2302.06675."""

    slots = ("momentum",)

    def __init__(self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = _share(self, "beta_1", beta_1), _share(self, "beta_2", beta_2)

    def move(self, w: Value, g: Value, rate: Value, slots: Slots, step: Value) -> tuple[Value, Slots]:
        m = slots["momentum"]
        direction = ops.sign(m * self.beta_1 + g * (1 - self.beta_1))
        return w - rate * direction, {"momentum": m * self.beta_2 + g * (1 - self.beta_2)}


def _one_minus_power(beta: float, step: Value) -> Value:
    """1 - βᵗ, by expm1: the difference would lose half of the digits in the first steps."""
    return -ops.expm1(step * math.log(beta)) if beta > 0 else ops.ones_like(step)


def _share(optimizer: Optimizer, name: str, value: float, closed: bool = False) -> float:
    inside = isinstance(value, int | float) and (0 <= value <= 1 if closed else 0 <= value < 1)
    if not inside:
        refuse(optimizer.name, f"expected {name} in [0, 1{']' if closed else ')'}, got {value!r}")
    return value
