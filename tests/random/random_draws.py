"""Draws of every kind, as functions of a generator and a shape: what the tests of bits and of refusals share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import graphc as gc

Draw = Callable[[gc.random.Generator, Any], gc.Value]

# Built of exact operations: the oracle's NumPy gives the same bits.
EXACT: dict[str, Draw] = {
    "uniform": lambda g, s: g.uniform(s),
    "uniform64": lambda g, s: g.uniform(s, dtype="float64"),
    "bernoulli": lambda g, s: g.bernoulli(0.3, s),
    "bernoulli_of_a_value": lambda g, s: g.bernoulli(gc.full((), 0.25, "float32"), s),
    "randint": lambda g, s: g.randint(-5, 17, s),
    "randint_wide": lambda g, s: g.randint(0, 2**32, s),
}
# Through log, with the bounds of the records.
ROUNDED: dict[str, Draw] = {
    "uniform_scaled": lambda g, s: g.uniform(s, -3, 5),
    "normal": lambda g, s: g.normal(s),
    "normal64": lambda g, s: g.normal(s, 2.0, 3.0, dtype="float64"),
    "truncated_normal": lambda g, s: g.truncated_normal(s),
}


def sample(draw: Draw, n: int = 100_000, seed: int = 11) -> np.ndarray:
    """n numbers of one call."""
    return gc.compile([], draw(gc.random.Generator(seed), (n,)))()
