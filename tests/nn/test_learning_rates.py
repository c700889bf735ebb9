"""Schedules: Keras's formulas, the same number in a compiled step as for a person, warm-up, resuming."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc as gc
from graphc.nn import optimizers as o
from graphc.nn.optimizers import LearningRateSchedule

COS = lambda x: 0.5 * (1 + math.cos(math.pi * x))  # noqa: E731
SCHEDULES = [
    (o.ExponentialDecay(0.1, 4, 0.5), lambda t: 0.1 * 0.5 ** (t / 4)),
    (o.ExponentialDecay(0.1, 4, 0.5, staircase=True), lambda t: 0.1 * 0.5 ** (t // 4)),
    (o.InverseTimeDecay(0.1, 4, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 4)),
    (o.InverseTimeDecay(0.1, 4, 0.5, staircase=True), lambda t: 0.1 / (1 + 0.5 * (t // 4))),
    (o.PiecewiseConstantDecay([2, 5], [0.3, 0.2, 0.1]), lambda t: 0.3 if t <= 2 else 0.2 if t <= 5 else 0.1),
    (o.PolynomialDecay(0.1, 5, 0.01, power=2.0), lambda t: 0.09 * (1 - min(t, 5) / 5) ** 2 + 0.01),
    (
        o.PolynomialDecay(0.1, 5, 0.01, cycle=True),
        lambda t: 0.09 * (1 - t / (5 * max(1, math.ceil(t / 5)))) + 0.01,
    ),
    (o.CosineDecay(0.1, 6, alpha=0.1), lambda t: 0.1 * (0.9 * COS(min(t, 6) / 6) + 0.1)),
    (
        o.CosineDecay(0.01, 6, warmup_target=0.1, warmup_steps=4),
        lambda t: 0.01 + 0.09 * t / 4 if t < 4 else 0.1 * COS(min(t - 4, 6) / 6),
    ),
]


@pytest.mark.parametrize(("schedule", "formula"), SCHEDULES)
def test_schedule(schedule: LearningRateSchedule, formula: object) -> None:
    step = gc.input("step", (), "int64")
    program = gc.compile([step], schedule(step))
    expected = [formula(t) for t in range(13)]
    np.testing.assert_allclose([schedule(t) for t in range(13)], expected, rtol=1e-12, atol=1e-17)
    np.testing.assert_allclose([program(np.int64(t)) for t in range(13)], expected, rtol=1e-12, atol=1e-17)


def test_an_optimizer_follows_its_schedule() -> None:
    schedule = o.ExponentialDecay(1.0, 1, 0.5)
    optimizer, w, g = o.SGD(schedule), gc.variable(0.0, "float64"), gc.input("g", (), "float64")
    step = gc.compile([g], [], updates=optimizer.updates([g], [w]))
    for expected in (-1.0, -1.5, -1.75):
        step(np.float64(1))
        assert w.value == expected
    assert optimizer.learning_rate == 0.125 and [v.name for v in optimizer.variables] == ["sgd/iterations"]
    optimizer.iterations.value = np.int64(0)
    assert optimizer.learning_rate == 1.0


def test_the_rate_of_accumulating_calls_counts_calls() -> None:
    optimizer = o.SGD(o.PiecewiseConstantDecay([1], [1.0, 0.5]), gradient_accumulation_steps=2)
    w, g = gc.variable(0.0, "float64"), gc.input("g", (), "float64")
    step = gc.compile([g], [], updates=optimizer.updates([g], [w]))
    values = []
    for _ in range(4):
        step(np.float64(1))
        values.append(float(w.value))
    assert values == [0.0, -1.0, -1.0, -1.5]
