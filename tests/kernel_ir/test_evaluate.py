"""The scalar ops: the vectorised fma against the C library's, and the corners that NumPy doesn't define for us."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.evaluate import _fma_each, evaluate, fma
from graphc.kernel_ir.expr import var


def bits(rng: np.random.Generator, dtype: type, count: int) -> np.ndarray:
    unsigned = np.uint32 if dtype is np.float32 else np.uint64
    return rng.integers(0, np.iinfo(unsigned).max, count, unsigned, endpoint=True).view(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fma(dtype: type) -> None:
    rng, count = np.random.default_rng(1), 4000
    a, b, c = (rng.standard_normal(count).astype(dtype) for _ in range(3))
    scale = (dtype(2) ** rng.integers(-60, 60, count)).astype(dtype)
    small = (dtype(2) ** rng.integers(-1000 if dtype is np.float64 else -120, -20, count)).astype(dtype)
    signs = rng.integers(-2, 3, count).astype(dtype) * dtype(-0.0)
    cases = [
        (a, b, c),
        (a, b, -(a * b)),
        (a, b, -(a * b) * scale),
        (a, small, c * small * small),
        (signs, a, signs),
        tuple(bits(rng, dtype, count) for _ in range(3)),
    ]
    with np.errstate(all="ignore"):
        for operands in cases:
            got, want = fma(*operands), _fma_each(*operands)
            np.testing.assert_array_equal(got, want)
            np.testing.assert_array_equal(np.signbit(got)[got == 0], np.signbit(want)[got == 0])


def test_min_and_max_are_not_numpys() -> None:
    x, y = var("x", dtypes.float32), var("y", dtypes.float32)
    a = np.array([np.nan, 1, 0.0, -0.0, 2], np.float32)
    b = np.array([1, np.nan, -0.0, 0.0, 1], np.float32)
    low, high = (evaluate(op(x, y), {"x": a, "y": b}) for op in (k.min, k.max))
    np.testing.assert_array_equal(low, np.array([np.nan, np.nan, -0.0, 0.0, 1], np.float32))
    np.testing.assert_array_equal(high, np.array([np.nan, np.nan, -0.0, 0.0, 2], np.float32))
    assert list(np.signbit(low[2:4])) == [True, False], "of equals, the second"


def test_integers() -> None:
    x, y = var("x", dtypes.int32), var("y", dtypes.int32)
    a, b = np.array([7, -7, 7, -7, 2**31 - 1], np.int32), np.array([2, 2, -2, -2, 3], np.int32)
    operands = {"x": a, "y": b}
    assert evaluate(k.quot(x, y), operands).tolist() == [3, -3, -3, 3, 715827882]
    assert evaluate(k.rem(x, y), operands).tolist() == [1, -1, 1, -1, 1]
    assert evaluate(x + y, operands).tolist() == [9, -5, 5, -9, -(2**31) + 2]
    assert evaluate(k.shr(x, k.const(1, dtypes.int32)), operands).tolist() == [3, -4, 3, -4, 2**30 - 1]
    assert evaluate(k.shl(x, k.const(31, dtypes.int32)), operands).tolist() == [-(2**31)] * 5


def test_bits_and_casts() -> None:
    x = var("x", dtypes.float32)
    a = np.array([1.5, -2.5, -0.0], np.float32)
    assert evaluate(k.bitcast(x, dtypes.uint32), {"x": a}).tolist() == [0x3FC00000, 0xC0200000, 0x80000000]
    assert evaluate(k.cast(x, dtypes.int32), {"x": a}).tolist() == [1, -2, 0]
    assert evaluate(k.round(x), {"x": a}).tolist() == [2, -2, 0]
    assert evaluate(k.cast(x, dtypes.bool_), {"x": a}).tolist() == [True, True, False]
