"""SGD with momentum and Adam, written as the `updates` of a program.

They stand apart to show that an optimiser needs nothing from the framework but gradients and variables:
its own state (velocities, moments, the step count) is made of variables too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

import graphc as gc


def sgd_momentum(
    loss: gc.Value, parameters: Sequence[gc.Variable], learning_rate: float, momentum: float = 0.9
) -> dict[gc.Variable, gc.Value]:
    """v ← μ v + g; p ← p − η v (Polyak 1964)."""
    updates = {}
    for parameter, gradient in zip(parameters, gc.grad(loss, parameters), strict=True):
        velocity = gc.variable(np.zeros_like(parameter.value), name=f"velocity_{parameter.name}")
        moved = momentum * velocity + gradient
        updates[velocity] = moved
        updates[parameter] = parameter - learning_rate * moved
    return updates


def adam(
    loss: gc.Value,
    parameters: Sequence[gc.Variable],
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> dict[gc.Variable, gc.Value]:
    """Adam with the bias correction folded into the step size (Kingma & Ba 2015, section 2)."""
    steps = gc.variable(np.zeros((), "float32"), name="steps")
    count = steps + 1
    # 1 − βⁿ as −expm1(n log β): the difference would lose half of float32's digits in the first steps
    correction1 = -gc.expm1(count * math.log(beta1))
    correction2 = -gc.expm1(count * math.log(beta2))
    rate = learning_rate * gc.sqrt(correction2) / correction1

    updates = {steps: count}
    for parameter, gradient in zip(parameters, gc.grad(loss, parameters), strict=True):
        mean = gc.variable(np.zeros_like(parameter.value), name=f"mean_{parameter.name}")
        square = gc.variable(np.zeros_like(parameter.value), name=f"square_{parameter.name}")
        updates[mean] = beta1 * mean + (1 - beta1) * gradient
        updates[square] = beta2 * square + (1 - beta2) * gradient * gradient
        updates[parameter] = parameter - rate * updates[mean] / (gc.sqrt(updates[square]) + epsilon)
    return updates
