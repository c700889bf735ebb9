"""Random ops: bits from a counter, the normal quantile that turns them into normals, and a random permutation.

They stand apart because their result depends on nothing but operands and attributes, yet reads like a draw: bits
are a function of (key, call, site, element), so that every kernel that wants an element computes it again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import Shape, non_negative, product
from graphc.dtypes import FLOATING, DType, uint32, uint64
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value
from graphc.ops.definition import DTYPE, SHAPE, NoGradient, Op, Reals, Trait
from graphc.ops.families import unary
from graphc.ops.philox import philox, philox_pair

# random_bits -----------------------------------------------------------------------------------------
#
# The counter of a Philox block, from its lowest bit: block number (48 bits), high part of the call (16), site (32),
# low part of the call (32). The three fields never share a bit, so that no two of (block, site, call) meet for
# 2^48 calls, 2^32 sites and arrays of 2^50 elements.
#
# Element i (row-major) of u32 bits is word (i // 16) % 4 of block 16 * (i // 64) + i % 16: four vectors of 16 lanes in
# a row take the four words of the same 16 blocks. An element of u64 bits takes two words, so that i // 32 is the group,
# (i // 16) % 2 the pair, and the first word of the pair the low half.
_LANES_LOG2 = 4


def _random_bits_type(key: TensorType, call: TensorType, *, site: int, dtype: DType, shape: Shape) -> TensorType:
    if any(o.dtype is not uint64 or o.shape != () for o in (key, call)):
        raise GraphError(f"expected a key and a call of type u64[], got {key} and {call}")
    if dtype not in (uint32, uint64):
        raise GraphError(f"expected uint32 or uint64, got {dtype.name}")
    if not 0 <= site < 2**32:
        raise GraphError(f"expected a site in [0, 2**32), got {site}")
    return TensorType(dtype, shape)


def _random_bits_reference(
    key: np.ndarray, call: np.ndarray, *, site: int, dtype: DType, shape: tuple[int, ...]
) -> np.ndarray:
    i = np.arange(math.prod(shape), dtype=np.uint64)
    words = 4 if dtype is uint32 else 2  # elements that share a block
    block = i // np.uint64(16 * words) * np.uint64(16) + i % np.uint64(16)
    place = (i // np.uint64(16) % np.uint64(words)).astype(np.int64)
    call_low, call_high = int(call) & 0xFFFFFFFF, int(call) >> 32 & 0xFFFF
    high = block >> np.uint64(32) & np.uint64(0xFFFF) | np.uint64(call_high << 16)
    made = philox((block & np.uint64(0xFFFFFFFF), high, site, call_low), (int(key) & 0xFFFFFFFF, int(key) >> 32))
    if dtype is uint32:
        return np.choose(place, made).reshape(shape)
    wide = [word.astype(np.uint64) for word in made]
    return np.choose(place, [wide[0] | wide[1] << np.uint64(32), wide[2] | wide[3] << np.uint64(32)]).reshape(shape)


def _random_bits_pull(k: Any, value: Value, index: tuple, key: Callable, call: Callable) -> Any:
    i = k.int_const(0)
    for at, size in zip(index, value.shape, strict=True):
        i = k.add(k.mul(i, k.size(size)), at)
    words_log2 = 2 if value.dtype is uint32 else 1
    lane = k.and_(i, k.int_const((1 << _LANES_LOG2) - 1))
    block = k.or_(k.shl(k.shr(i, k.int_const(_LANES_LOG2 + words_log2)), k.int_const(_LANES_LOG2)), lane)
    place = k.shr(i, k.int_const(_LANES_LOG2))
    number, seed = call(()), key(())
    high = k.shl(k.shr(number, 32), 16)
    if not _fits_one_word(value.shape, words_log2):
        high = k.or_(high, k.and_(k.cast(k.shr(block, k.int_const(32)), uint64), 0xFFFF))
    counter = (k.cast(block, uint64), high, k.const(value.attrs["site"], uint64), number)
    second = k.ne(k.and_(place, k.int_const(2 if value.dtype is uint32 else 1)), k.int_const(0))
    low, high = philox_pair(k, counter, (seed, k.shr(seed, 32)), second)
    if value.dtype is uint32:
        return k.cast(k.select(k.eq(k.and_(place, k.int_const(1)), k.int_const(0)), low, high), uint32)
    return k.or_(k.shl(high, 32), k.and_(low, 0xFFFFFFFF))


def _fits_one_word(shape: Shape, words_log2: int) -> bool:
    """Whether the block numbers of all elements are provably below 2^32: then their high part is no arithmetic."""
    return non_negative((1 << (32 + words_log2)) - product(shape))


random_bits = Op(
    "random_bits",
    "random",
    "Independent uniform bits: Philox-4x32-10 at the key, the call's number, the site and the element's index.",
    _random_bits_type,
    _random_bits_reference,
    NoGradient("bits are integers"),
    pull=_random_bits_pull,
    dtypes=(uint64,),
    traits=Trait.READS_RANDOM,
    implied={**SHAPE, **DTYPE},
)


# normal_from_tail ------------------------------------------------------------------------------------
#
# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988):
# with q = 1/2 - |t|, q * A(0.180625 - q²) in the middle and B(sqrt(-log |t|) - shift) in the tails, A and B rational.
_MIDDLE, _MIDDLE_SHIFT, _TAIL_SHIFT, _FAR, _FAR_SHIFT = 0.425, 0.180625, 1.6, 5.0, 5.0
_PPND7 = (
    ((3.3871327179e0, 5.0434271938e1, 1.5929113202e2, 5.9109374720e1),
     (1.0, 1.7895169469e1, 7.8757757664e1, 6.7187563600e1)),
    ((1.4234372777e0, 2.7568153900e0, 1.3067284816e0, 1.7023821103e-1),
     (1.0, 7.3700164250e-1, 1.2021132975e-1)),
)  # fmt: skip
_PPND16 = (
    ((3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
      4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
     (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
      3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3)),
    ((1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
      1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
     (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
      1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9)),
    ((6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
      2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
     (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
      1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15)),
)  # fmt: skip


def _normal_from_tail_lower(k: Any, t: Any) -> Any:
    middle, near, *far = _PPND7 if t.dtype is dtypes.float32 else _PPND16

    def ratio(choices: list[tuple[Any, tuple]], z: Any, i: int) -> Any:
        """Polynomial i (numerator or denominator) over z, each coefficient that of the first choice that holds."""
        tables = [(condition, rational[i]) for condition, rational in choices]
        result = None
        for degree in reversed(range(max(len(table) for _, table in tables))):
            terms = [k.const(table[degree] if degree < len(table) else 0.0, t.dtype) for _, table in tables]
            term = terms[-1]
            for (condition, _), other in zip(reversed(tables[:-1]), reversed(terms[:-1]), strict=True):
                term = k.select(condition, other, term)
            result = term if result is None else k.fma(result, z, term)
        return result

    p = k.abs(t)
    q = 0.5 - p
    r = k.sqrt(k.neg(k.log(p)))
    in_middle = k.le(q, _MIDDLE)
    z = r - _TAIL_SHIFT
    choices: list[tuple[Any, tuple]] = [(in_middle, middle), (None, near)]
    if far:  # an f32 from 32 bits never comes there
        beyond = k.lt(k.const(_FAR, t.dtype), r)
        z = k.select(beyond, r - _FAR_SHIFT, z)
        choices = [(in_middle, middle), (beyond, far[0]), (None, near)]
    z = k.select(in_middle, k.fma(k.neg(q), q, k.const(_MIDDLE_SHIFT, t.dtype)), z)
    x = k.div(ratio(choices, z, 0), ratio(choices, z, 1))
    x = k.select(in_middle, x * q, x)
    return k.select(k.lt(t, 0.0), k.neg(x), x)


def _normal_from_tail_reference(t: np.ndarray) -> np.ndarray:
    """Newton's method on the convex side, from 0 outwards; in the middle on the central area, which is exact there."""
    p = np.abs(t).astype(np.float64)
    x = np.zeros_like(p)
    tail = np.vectorize(lambda v: math.erfc(v * math.sqrt(0.5)) / 2, otypes=[np.float64])
    centre = np.vectorize(lambda v: math.erf(v * math.sqrt(0.5)) / 2, otypes=[np.float64])
    for _ in range(60):
        excess = np.where(p > 0.25, (0.5 - p) - centre(x), tail(x) - p)
        x = x + excess * math.sqrt(2 * math.pi) * np.exp(x * x / 2)
    return np.copysign(x, t).astype(t.dtype)


normal_from_tail = unary(
    "normal_from_tail",
    summary="The x of t's sign with P(X > |x|) = |t| for a standard normal X, 0 < |t| ≤ 1/2.",
    dtypes=FLOATING,
    reference=_normal_from_tail_reference,
    gradient=NoGradient("its argument is drawn, not computed"),
    lower=_normal_from_tail_lower,
    domain=(Reals(-0.5, 0.5),),
    max_ulp={"float32": 6, "float64": 8},
    traits=Trait.EXPENSIVE,
)


# random_permutation ----------------------------------------------------------------------------------
#
# Swap-or-not (Hoang, Morris, Rogaway, "An enciphering scheme based on a card shuffle", CRYPTO 2012): each round pairs
# x with (K - x) mod n, and swaps the pair if a random bit, the same for both of them, says so. Every round is a
# bijection of [0, n) for any n, so that the result is one with certainty.


def permutation_rounds(n: int) -> int:
    """Rounds after which the result is close to a uniform permutation of n elements.

    A round moves an element with probability 1/2, to a uniform place; 4 log2 n + 16 of them leave none of the n
    unmoved, but for a chance of 1 in 65536 n³. A heuristic where the paper's proof wants more: the tests count orders.
    """
    return 4 * n.bit_length() + 16


def _random_permutation_type(keys: TensorType, *, size: int) -> TensorType:
    if keys.dtype is not uint32 or keys.rank != 2 or keys.shape[1] != 3:
        raise GraphError(f"expected keys of type u32[rounds, 3], got {keys}")
    if not 0 <= size < 2**31:
        raise GraphError(f"expected a size in [0, 2**31), got {size}")
    return TensorType(dtypes.int64, (size,))


def _random_permutation_reference(keys: np.ndarray, *, size: int) -> np.ndarray:
    x = np.arange(size)
    for pivot, factor, offset in keys.tolist():
        partner = (pivot * size // 2**32 - x) % max(size, 1)
        larger = np.maximum(x, partner).astype(np.uint32)
        swap = (larger * np.uint32(factor) + np.uint32(offset)) >> np.uint32(31)
        x = np.where(swap == 1, partner, x)
    return x


def _random_permutation_pull(k: Any, value: Value, index: tuple, keys: Callable) -> Any:
    """The bit of a pair is the top one of a*x + c mod 2^32: with fresh uniform a and c, pairwise independent for
    all x (Dietzfelbinger, "Universal hashing and k-wise independence via integer arithmetic", STACS 1996)."""
    n = value.attrs["size"]
    x = k.cast(index[0], uint32)
    for number in range(value.operands[0].shape[0]):
        pivot, factor, offset = (keys((k.int_const(number), k.int_const(column))) for column in range(3))
        pivot = k.cast(k.shr(k.mul(k.cast(pivot, uint64), k.const(n, uint64)), 32), uint32)
        partner = k.sub(pivot, x)
        partner = k.select(k.lt(pivot, x), k.add(partner, n), partner)
        swap = k.shr(k.add(k.mul(k.max(x, partner), factor), offset), 31)
        x = k.select(k.ne(swap, 0), partner, x)
    return k.cast(x, dtypes.int64)


random_permutation = Op(
    "random_permutation",
    "random",
    "The numbers 0 … size-1 in an order that keys u32[rounds, 3] of random bits decide.",
    _random_permutation_type,
    _random_permutation_reference,
    NoGradient("its result is integers"),
    pull=_random_permutation_pull,
    dtypes=(uint32,),
    traits=Trait.EXPENSIVE,
)
