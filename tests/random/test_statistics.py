"""Distributions: moments, Kolmogorov–Smirnov and chi-square, with bounds that a correct draw misses once in 10^6.

The seeds are fixed, so a test that passes once passes always.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from random_draws import sample

import graphc as gc
from graphc.random import Generator

N = 100_000
KS = 2.7 / math.sqrt(N)  # P(sup |F_n - F| > 2.7 / sqrt(n)) ≈ 2 exp(-2 * 2.7²) ≈ 1e-6
normal_cdf = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2)


def distance(numbers: np.ndarray, cdf) -> float:  # type: ignore[no-untyped-def]
    """Kolmogorov–Smirnov."""
    expected = cdf(np.sort(numbers).astype(np.float64))
    grid = np.arange(numbers.size + 1) / numbers.size
    return float(max(np.abs(expected - grid[1:]).max(), np.abs(expected - grid[:-1]).max()))


def chi_square(counts: np.ndarray, expected: np.ndarray) -> float:
    """In standard deviations of the statistic from its mean."""
    freedom = counts.size - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / math.sqrt(2 * freedom))


def close_mean(numbers: np.ndarray, mean: float, deviation: float) -> bool:
    return abs(float(numbers.mean(dtype=np.float64)) - mean) < 5 * deviation / math.sqrt(numbers.size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform(dtype: str) -> None:
    numbers = sample(lambda g, s: g.uniform(s, dtype=dtype))
    assert numbers.dtype == dtype and numbers.min() >= 0 and numbers.max() < 1
    assert distance(numbers, lambda x: x) < KS
    assert close_mean(numbers, 0.5, 12**-0.5) and close_mean((numbers - 0.5) ** 2, 1 / 12, 180**-0.5)


def test_bits() -> None:
    bits = sample(lambda g, s: g.randint(0, 2**32, s)).astype(np.uint32)
    ones = np.array([(bits >> b & 1).sum() for b in range(32)])
    assert np.abs(ones - N / 2).max() < 5.5 * math.sqrt(N) / 2
    for shift in (0, 8, 16, 24):
        byte = np.bincount(bits >> shift & 255, minlength=256)
        assert abs(chi_square(byte, np.full(256, N / 256))) < 6
    unit = bits / 2**32 - 0.5
    for lag in (1, 2, 4, 15, 16, 17, 32, 64):  # words, lanes and blocks that stand side by side
        assert close_mean(unit[lag:] * unit[:-lag], 0, 1 / 12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal(dtype: str) -> None:
    numbers = sample(lambda g, s: g.normal(s, dtype=dtype))
    assert numbers.dtype == dtype and distance(numbers, normal_cdf) < KS
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        even = math.prod(range(2 * power - 1, 0, -2))
        assert close_mean(numbers.astype(np.float64) ** power, moment, math.sqrt(even - moment**2))


def test_tails_of_the_normal() -> None:
    """A million numbers reach about 4.9; what 32 bits can give at all reaches 6.3 in float32."""
    numbers = sample(lambda g, s: g.normal(s), 1_000_000, seed=1)
    for bound in (3.0, 4.0, 4.5):
        expected = 1_000_000 * math.erfc(bound * math.sqrt(0.5))
        assert abs((np.abs(numbers) > bound).sum() - expected) < 5 * math.sqrt(expected)
    t = gc.input("t", (2,))
    smallest = np.array([0.5, -0.5], np.float32) * np.float32(2**-32)
    got = gc.compile([t], gc.ops.normal_from_tail(t))(smallest)
    np.testing.assert_allclose(got, [6.338, -6.338], atol=1e-3)


def test_truncated_normal() -> None:
    numbers = sample(lambda g, s: g.truncated_normal(s, 1.0, 0.5))
    assert 0 <= numbers.min() < 0.001 and 1.999 < numbers.max() <= 2
    low, high = normal_cdf(-2.0), normal_cdf(2.0)
    assert distance((numbers - 1) / 0.5, lambda x: (normal_cdf(x) - low) / (high - low)) < KS


@pytest.mark.parametrize("p", [0.0, 2**-32, 0.1, 0.5, 0.9, 1.0])
def test_bernoulli(p: float) -> None:
    numbers = sample(lambda g, s: g.bernoulli(p, s))
    assert numbers.dtype == bool and abs(numbers.sum() - N * p) <= 5 * math.sqrt(N * p * (1 - p))


def test_bernoulli_takes_probabilities_elementwise() -> None:
    p = np.array([0.0, 0.2, 0.7, 1.0], np.float32)
    counts = gc.compile([], gc.sum(gc.astype(Generator(1).bernoulli(p, (10_000, 4)), "int64"), axis=0))()
    assert counts[0] == 0 and counts[3] == 10_000
    assert (np.abs(counts - 10_000 * p) <= 5 * np.sqrt(10_000 * p * (1 - p))).all()


def test_randint() -> None:
    numbers = sample(lambda g, s: g.randint(-3, 4, s))
    assert numbers.dtype == np.int64
    assert abs(chi_square(np.bincount(numbers + 3, minlength=7), np.full(7, N / 7))) < 5
    n = gc.dim("n")
    x = gc.input("x", (n,))
    below = gc.compile([x], Generator(0).randint(0, n, (1000,)) + gc.astype(0 * gc.sum(x), "int64"))
    numbers = below(np.zeros(5, np.float32))
    assert set(numbers.tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_categorical(dtype: str) -> None:
    p = np.array([0.5, 0.25, 0.125, 0.125, 0.0])
    with np.errstate(divide="ignore"):
        logits = np.log(p).astype(dtype) + dtype_of(dtype)(3)
    rows = gc.broadcast_to(gc.constant(logits), (N, 5))
    numbers = gc.compile([], Generator(2).categorical(rows))()
    assert numbers.shape == (N,) and numbers.dtype == np.int64
    counts = np.bincount(numbers, minlength=5)
    assert counts[4] == 0 and abs(chi_square(counts[:4], N * p[:4])) < 5


def dtype_of(name: str) -> type:
    return np.dtype(name).type


def test_categorical_along_another_axis() -> None:
    logits = np.full((3, 1000), -np.inf, np.float32)
    logits[np.arange(1000) % 3, np.arange(1000)] = 1
    numbers = gc.compile([], Generator(2).categorical(gc.constant(logits), axis=0))()
    np.testing.assert_array_equal(numbers, np.arange(1000) % 3)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 16, 17, 100, 1000, 1823])
def test_a_permutation_is_one(n: int) -> None:
    draw = gc.compile([], Generator(n).permutation(n))
    first, second = draw(), draw()
    for numbers in (first, second):
        assert numbers.dtype == np.int64
        np.testing.assert_array_equal(np.sort(numbers), np.arange(n))
    assert n < 7 or not np.array_equal(first, second)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_all_orders_are_equally_likely(n: int) -> None:
    draw, calls = gc.compile([], Generator(1).permutation(n)), 12_000
    index = {order: i for i, order in enumerate(itertools.permutations(range(n)))}
    counts = np.bincount([index[tuple(draw().tolist())] for _ in range(calls)], minlength=len(index))
    assert abs(chi_square(counts, np.full(len(index), calls / len(index)))) < 5


def test_places_and_neighbours_of_a_larger_permutation() -> None:
    n, calls = 50, 4000
    draw = gc.compile([], Generator(3).permutation(n))
    orders = np.array([draw() for _ in range(calls)])
    places = np.array([np.bincount(orders[:, i], minlength=n) for i in range(n)])  # a doubly stochastic table
    statistic = ((places - calls / n) ** 2 / (calls / n)).sum()
    freedom = (n - 1) ** 2
    assert abs(statistic - freedom) < 5 * math.sqrt(2 * freedom)
    fixed = (orders == np.arange(n)).sum(axis=1)  # Poisson of mean 1
    assert close_mean(fixed, 1, 1) and close_mean((fixed - 1.0) ** 2, 1, math.sqrt(3))
    steps = np.bincount((orders[:, 1:] - orders[:, :-1]).ravel() % n, minlength=n)
    assert steps[0] == 0 and abs(chi_square(steps[1:], np.full(n - 1, calls))) < 5
