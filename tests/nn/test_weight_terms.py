"""Regularisers and constraints against their formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gc
from graphc.nn import constraints, regularizers
from tests.nn.running import run

W = np.random.default_rng(0).normal(size=(4, 3)) * 2
NORM = np.sqrt((W**2).sum(0, keepdims=True))
CASES = [
    (regularizers.get("l1"), lambda w: 0.01 * np.abs(w).sum()),
    (regularizers.get("l2"), lambda w: 0.01 * (w**2).sum()),
    (regularizers.L1L2(0.1, 0.2), lambda w: 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum()),
    (regularizers.get(lambda w: gc.max(w)), np.max),
    (constraints.get("non_neg"), lambda w: np.maximum(w, 0)),
    (constraints.MaxNorm(1.5), lambda w: w * np.clip(NORM, 0, 1.5) / (1e-7 + NORM)),
    (constraints.get("unit_norm"), lambda w: w / (1e-7 + NORM)),
    (
        constraints.MinMaxNorm(3.0, 4.0, rate=0.5),
        lambda w: w * (0.5 * np.clip(NORM, 3, 4) + 0.5 * NORM) / (1e-7 + NORM),
    ),
]


@pytest.mark.parametrize(("term", "formula"), CASES)
def test_formula(term: Callable[[gc.Value], gc.Value], formula: Callable) -> None:
    w = gc.input("w", W.shape, "float64")
    np.testing.assert_allclose(run(term(w), {w: W}), formula(W), rtol=1e-12)


def test_l1_pulls_nowhere_at_zero() -> None:
    w = gc.input("w", (3,), "float64")
    np.testing.assert_array_equal(run(gc.grad(regularizers.L1(0.5)(w), w), {w: np.array([-2.0, 0, 2])}), [-0.5, 0, 0.5])


def test_no_term_is_none() -> None:
    assert regularizers.get(None) is None and constraints.get(None) is None
