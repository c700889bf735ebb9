"""Two reductions over the same two axes, one after the other: their loops merge together or not at all."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc

X = np.random.default_rng(0).normal(size=(3, 5, 4))


@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (0, 2), (0, 1, 2)])
def test_variance_over_several_axes(axes: tuple[int, ...]) -> None:
    x = gc.input("x", (gc.dim("batch"), 5, 4), "float64")
    program = gc.compile([x], [gc.var(x, axis=axes), x - gc.mean(x, axis=axes, keepdims=True)])
    for rows in (3, 1):
        variance, deviation = program(X[:rows])
        np.testing.assert_allclose(variance, X[:rows].var(axes), rtol=1e-12)
        np.testing.assert_allclose(deviation, X[:rows] - X[:rows].mean(axes, keepdims=True), atol=1e-14)
