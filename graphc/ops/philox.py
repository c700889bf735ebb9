"""Philox-4x32-10: 128 random bits from a 128-bit counter and a 64-bit key, in NumPy and in kernel IR.

It stands apart from the ops that draw because it is a published function with published test vectors. Source:
Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11; Random123's kat_vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dtypes import uint64

ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)  # what each round adds to the two words of the key


def philox(counter: Sequence[Any], key: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """The four words of a block; `counter` is four and `key` two u32 arrays or ints that broadcast together."""
    c = [np.asarray(word, np.uint64) for word in counter]
    k = [np.asarray(word, np.uint64) for word in key]
    low = np.uint64(0xFFFFFFFF)
    for number in range(ROUNDS):
        left, right = (np.uint64(m) * word for m, word in zip(_MULTIPLIERS, (c[0], c[2]), strict=True))
        k0, k1 = ((word + np.uint64(number * step)) & low for word, step in zip(k, _WEYL, strict=True))
        c = [(right >> np.uint64(32)) ^ c[1] ^ k0, right & low, (left >> np.uint64(32)) ^ c[3] ^ k1, left & low]
    return tuple(word.astype(np.uint32) for word in np.broadcast_arrays(*c))


# In kernels every word sits in a u64 of which only the low half counts: a product needs no widening, its low word is
# the product itself and its high word one shift away; only a factor is cut to 32 bits, which the multiplication
# instruction of vector units does by itself.


def philox_words(k: Any, counter: Sequence[Any], key: Sequence[Any]) -> tuple[Any, ...]:
    """The four words of a block, of four and two words; each is the low half of a u64 expression."""
    return tuple(_rounds(k, counter, key, ROUNDS))


def philox_pair(k: Any, counter: Sequence[Any], key: Sequence[Any], second: Any) -> tuple[Any, Any]:
    """Words 2 and 3 of a block where the bool `second` holds, else words 0 and 1.

    The last round multiplies twice, once for each pair: this one multiplies once.
    """
    c0, c1, c2, c3 = _rounds(k, counter, key, ROUNDS - 1)
    k0, k1 = _round_key(k, key, ROUNDS - 1)
    m0, m1 = (k.const(m, uint64) for m in _MULTIPLIERS)
    product = _product(k, k.select(second, c0, c2), k.select(second, m0, m1))
    return k.xor(k.shr(product, 32), k.select(second, k.xor(c3, k1), k.xor(c1, k0))), product


def _rounds(k: Any, counter: Sequence[Any], key: Sequence[Any], count: int) -> list[Any]:
    c = list(counter)
    for number in range(count):
        k0, k1 = _round_key(k, key, number)
        left, right = (_product(k, word, m) for word, m in zip((c[0], c[2]), _MULTIPLIERS, strict=True))
        c = [k.xor(k.shr(right, 32), k.xor(c[1], k0)), right, k.xor(k.shr(left, 32), k.xor(c[3], k1)), left]
    return c


def _round_key(k: Any, key: Sequence[Any], number: int) -> tuple[Any, Any]:
    k0, k1 = (k.add(word, number * step) for word, step in zip(key, _WEYL, strict=True))
    return k0, k1


def _product(k: Any, word: Any, factor: Any) -> Any:
    return k.mul(k.and_(word, 0xFFFFFFFF), factor)
