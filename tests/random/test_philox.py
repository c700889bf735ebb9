"""Philox against Random123's published vectors, in NumPy and in the arithmetic of kernels."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.evaluate import evaluate
from graphc.ops.philox import philox, philox_pair, philox_words

ONES = 0xFFFFFFFF
# Random123, tests/kat_vectors, lines `philox4x32 10`: counter, key, result
VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
C = [k.var(f"c{i}", dtypes.uint64) for i in range(4)]
K = [k.var(f"k{i}", dtypes.uint64) for i in range(2)]


def bound(counter: np.ndarray, key: np.ndarray) -> dict[str, np.ndarray]:
    """The variables of the expressions, with garbage above the 32 bits that count."""
    garbage = np.uint64(0xABCD1234 << 32)
    arrays = {f"c{i}": a.astype(np.uint64) for i, a in enumerate(counter)}
    arrays |= {f"k{i}": a.astype(np.uint64) for i, a in enumerate(key)}
    return {name: a | garbage for name, a in arrays.items()}


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_published_vectors(counter: tuple, key: tuple, expected: tuple) -> None:
    assert tuple(int(word) for word in philox(counter, key)) == expected
    arrays = bound(np.array(counter)[:, None], np.array(key)[:, None])
    words = [k.cast(word, dtypes.uint32) for word in philox_words(k, C, K)]
    assert tuple(int(evaluate(word, arrays)[0]) for word in words) == expected


def test_kernel_arithmetic_on_random_counters() -> None:
    rng = np.random.default_rng(0)
    counter, key = rng.integers(0, 2**32, (4, 1000)), rng.integers(0, 2**32, (2, 1000))
    words, arrays = philox(counter, key), bound(counter, key)
    for i, word in enumerate(philox_words(k, C, K)):
        np.testing.assert_array_equal(evaluate(k.cast(word, dtypes.uint32), arrays), words[i])
    second = rng.integers(0, 2, 1000).astype(bool)
    pair = philox_pair(k, C, K, k.var("second", dtypes.bool_))
    for i, word in enumerate(pair):
        got = evaluate(k.cast(word, dtypes.uint32), arrays | {"second": second})
        np.testing.assert_array_equal(got, np.where(second, words[2 + i], words[i]))
