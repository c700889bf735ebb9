"""Initialisers: moments and ranges, orthogonality, seeds."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import nn
from graphc.nn import initializers
from graphc.nn.initializers import fans

SHAPE = (300, 200)
VARIANCES = [  # name, variance, largest |value| or None
    ("glorot_uniform", 2 / 500, np.sqrt(6 / 500)),
    ("glorot_normal", 2 / 500, None),
    ("he_uniform", 2 / 300, np.sqrt(6 / 300)),
    ("he_normal", 2 / 300, None),
    ("lecun_uniform", 1 / 300, np.sqrt(3 / 300)),
    ("lecun_normal", 1 / 300, None),
    ("random_normal", 0.05**2, None),
    ("random_uniform", 0.05**2 / 3, 0.05),
    ("truncated_normal", (0.05 * 0.87962566) ** 2, 0.1),
]


@pytest.mark.parametrize(("name", "variance", "largest"), VARIANCES)
def test_moments(name: str, variance: float, largest: float | None) -> None:
    initializer = type(initializers.get(name))(seed=1)
    array = initializer(SHAPE)
    assert array.dtype == np.float32 and array.shape == SHAPE
    np.testing.assert_allclose(array.var(), variance, rtol=0.03)
    np.testing.assert_allclose(array.mean(), 0, atol=4 * np.sqrt(variance / array.size))
    if largest is not None:
        assert 0.99 * largest < np.abs(array).max() <= largest * (1 + 1e-6)
    np.testing.assert_array_equal(array, initializer(SHAPE))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 4), (4, 4)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = initializers.Orthogonal(gain=2.0, seed=0)(shape, "float64").reshape(-1, shape[-1])
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(tall.T @ tall, 4 * np.eye(tall.shape[1]), atol=1e-12)


def test_constants() -> None:
    np.testing.assert_array_equal(initializers.get("zeros")((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.get("ones")((2,)), np.ones(2))
    np.testing.assert_array_equal(initializers.Constant([1, 2])((3, 2)), [[1, 2]] * 3)
    np.testing.assert_array_equal(initializers.Identity()((2, 3)), np.eye(2, 3))
    np.testing.assert_array_equal(initializers.get(lambda shape, dtype: np.full(shape, 7.0))((2,)), [7, 7])


def test_fans_of_a_window() -> None:
    assert fans((3, 3, 8, 16)) == (72, 144) and fans((5,)) == (5, 5) and fans(()) == (1, 1)


def test_without_a_seed_draws_differ_until_set_seed() -> None:
    initializer = initializers.get("glorot_uniform")
    nn.set_seed(1)
    first, second = initializer((4, 4)), initializer((4, 4))
    nn.set_seed(1)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(initializer((4, 4)), first)
