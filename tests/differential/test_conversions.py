"""Conversions that a compiler may see through: an integer has no negative zero, whoever compiles it."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc


@pytest.mark.parametrize("backend", ["numba", "cpp"])
@pytest.mark.parametrize("integer", ["int8", "int32", "int64", "uint16"])
@pytest.mark.parametrize("floating", ["float32", "float64"])
def test_to_an_integer_and_back_loses_the_sign_of_zero(floating, integer, backend):
    array = np.array([-0.5, -0.0, 0.0, 0.9, -0.99, 1.5, np.nan] * 5, floating)
    x = gc.input("x", array.shape, floating)
    back = gc.compile([x], gc.astype(gc.astype(x, integer), floating), backend=backend)(array)
    np.testing.assert_array_equal(back, np.where(array == 1.5, 1, 0))
    assert not np.signbit(back).any()
