"""Random numbers: `gc.random.normal(shape)` and its like declare values that are drawn anew in every call of a program.

It stands apart from the ops because a generator holds state. Its key and the number of the call are variables; a
draw is a function of both and of the line that declared it, so that a program which starts again from their saved
values repeats the same numbers, on every backend and any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.dims import Dim, Shape, Size, shape_text
from graphc.dtypes import DType, DTypeLike
from graphc.errors import GraphError
from graphc.ir.value import Value
from graphc.ops.axes import as_shape, one_axis
from graphc.ops.broadcasting import broadcast_shapes
from graphc.ops.leaves import checked_dtype
from graphc.ops.random import normal_from_tail, permutation_rounds, random_bits, random_permutation
from graphc.variables import variable

__all__ = [
    "Generator",
    "bernoulli",
    "categorical",
    "default_generator",
    "normal",
    "permutation",
    "randint",
    "seed",
    "truncated_normal",
    "uniform",
]

ShapeLike = int | Dim | Sequence[Size]
_BITS = {dtypes.float32: dtypes.uint32, dtypes.float64: dtypes.uint64}  # of random bits behind one number
_SIGNED = {dtypes.float32: dtypes.int32, dtypes.float64: dtypes.int64}
_PRECISION = {dtypes.float32: 24, dtypes.float64: 53}  # significant bits
_TRUNCATION = 2.0  # standard deviations


class Generator:
    """A stream of random numbers: the variables `key` and `calls`, u64 scalars, are all of its state.

    Each method declares a draw of its own: two of them never give the same numbers, and one gives other numbers
    in every call. Programs that share a generator share its state; each call of one that draws from it adds 1 to
    `calls`, unless its updates say otherwise (`updates={g.calls: g.calls}` repeats). Saving and restoring
    the value of both variables resumes the stream bit for bit.

    A draw is numbered by its place among all draws that its generator declared. To declare the same model a second
    time with the same numbers, declare it on a new generator of the same seed.
    """

    def __init__(self, seed: int = 0):
        """Raises `GraphError` unless `seed` is an int in [0, 2**64)."""
        self.key = variable(np.uint64(_checked_seed(seed)), name="random_key")
        self.calls = variable(np.uint64(0), name="random_calls", advance=lambda calls: calls + 1)
        self._sites = count()

    def seed(self, seed: int) -> None:
        """Start the streams of all programs that draw from this generator anew. Raises `GraphError`."""
        self.key.value = np.uint64(_checked_seed(seed))
        self.calls.value = np.uint64(0)

    def renumber(self) -> None:
        """Number the draws to come from the first one again: for a model that is declared anew, to draw the same."""
        self._sites = count()

    def uniform(self, shape: ShapeLike = (), low: Any = 0.0, high: Any = 1.0, dtype: DTypeLike = "float32") -> Value:
        """Uniform in [low, high), from 24 random bits in float32 and 53 in float64; scaling may round up to `high`.

        `low` and `high` are numbers or values that broadcast to `shape`; gradients flow to them. Raises `GraphError`.
        """
        type, shape = _float_type("uniform", dtype), as_shape("uniform", shape)
        if _is_number(low) and _is_number(high) and not (low < high and math.isfinite(high - low)):
            ops.refuse("uniform", f"expected finite bounds low < high, got {low} and {high}")
        unit = self._unit(shape, type)
        if _is_number(low) and low == 0 and _is_number(high) and high == 1:
            return unit
        low = _parameter("uniform", "low", low, shape, type)
        return low + (_parameter("uniform", "high", high, shape, type) - low) * unit

    def normal(self, shape: ShapeLike = (), mean: Any = 0.0, stddev: Any = 1.0, dtype: DTypeLike = "float32") -> Value:
        """mean + stddev * z, z the normal quantile at a point of 32 random bits in float32, 64 in float64.

        They reach 6.3 and 9.1 standard deviations. `mean` and `stddev` are numbers or values that broadcast to
        `shape`; gradients flow to them. Raises `GraphError`.
        """
        type, shape = _float_type("normal", dtype), as_shape("normal", shape)
        tail = self._centred(shape, type) * 0.5
        return _shifted("normal", normal_from_tail(tail), mean, stddev)

    def truncated_normal(
        self, shape: ShapeLike = (), mean: Any = 0.0, stddev: Any = 1.0, dtype: DTypeLike = "float32"
    ) -> Value:
        """As `normal`, but z is drawn from the values in [-2, 2] only. Raises `GraphError`."""
        type, shape = _float_type("truncated_normal", dtype), as_shape("truncated_normal", shape)
        inside = math.erf(_TRUNCATION * math.sqrt(0.5))
        area = self._centred(shape, type) * (inside / 2)  # between 0 and z, signed
        z = normal_from_tail(ops.where(area < 0, -0.5 - area, 0.5 - area))
        return _shifted("truncated_normal", ops.clip(z, -_TRUNCATION, _TRUNCATION), mean, stddev)

    def bernoulli(self, p: Any, shape: ShapeLike | None = None) -> Value:
        """True with probability p, a number in [0, 1] (kept to 32 bits) or a value that broadcasts to `shape`.

        Without `shape` it is that of p. Raises `GraphError`.
        """
        if isinstance(p, (np.ndarray, list, tuple)) and not np.all((np.asarray(p) >= 0) & (np.asarray(p) <= 1)):
            ops.refuse("bernoulli", "expected probabilities in [0, 1], got an array with others")
        if not _is_number(p):
            p = ops.as_value(p)
            if not p.dtype.is_float:
                ops.refuse("bernoulli", f"expected a floating probability, got {p.type}")
            shape = p.shape if shape is None else as_shape("bernoulli", shape)
            return self._unit(shape, p.dtype) < _parameter("bernoulli", "p", p, shape, p.dtype)
        if not 0 <= p <= 1:
            ops.refuse("bernoulli", f"expected a probability in [0, 1], got {p}")
        shape = as_shape("bernoulli", () if shape is None else shape)
        threshold = round(p * 2**32)
        if threshold in (0, 2**32):
            return ops.full(shape, threshold > 0)
        return self._bits(shape, dtypes.uint32) < threshold

    def categorical(self, logits: Any, axis: int = -1) -> Value:
        """An index along `axis` with probability softmax(logits), int64 in the shape of logits without the axis.

        It is where logits + Gumbel noise is largest (Gumbel 1954). Raises `GraphError`.
        """
        logits = ops.as_value(logits)
        if not logits.dtype.is_float or logits.ndim == 0:
            ops.refuse("categorical", f"expected floating logits of rank ≥ 1, got {logits.type}")
        type, width = logits.dtype, 8 * logits.dtype.itemsize
        # The point is never 0 nor rounded to 1, and finest at 0, where the noise is large: what decides is there.
        scale = 2.0**-width * (1 - 2.0 ** -_PRECISION[type])
        point = (ops.astype(self._bits(logits.shape, _BITS[type]), type) + 0.5) * scale
        noise = -ops.log(-ops.log1p(-point))
        return ops.argmax(logits + noise, axis=one_axis("categorical", axis, logits.ndim))

    def randint(self, low: Size, high: Size, shape: ShapeLike = ()) -> Value:
        """Uniform int64 in [low, high), ints or sizes at most 2**32 apart; off from uniform by less than 2**-32.

        Raises `GraphError`.
        """
        shape = as_shape("randint", shape)
        if not all(_is_size(bound) for bound in (low, high)):
            ops.refuse("randint", f"expected ints or dims as bounds, got {low!r} and {high!r}")
        width = high - low
        if isinstance(width, int) and not 0 < width <= 2**32:
            ops.refuse("randint", f"expected low < high ≤ low + 2**32, got {low} and {high}")
        bits, factor = self._bits(shape, dtypes.uint64), ops.astype(ops.size_of(width), dtypes.uint64)
        # floor(bits * width / 2^64), in two halves of 32 bits
        scaled = ((bits >> 32) * factor + ((bits & 0xFFFFFFFF) * factor >> 32)) >> 32
        return ops.astype(scaled, dtypes.int64) + low

    def permutation(self, n: int) -> Value:
        """The numbers 0 … n-1 in random order, int64 [n], for an int n below 2**31.

        Every element is computed by itself, by the swap-or-not shuffle (Hoang, Morris, Rogaway, CRYPTO 2012): a
        permutation for any n; all orders are about equally likely, but it is no cipher. Raises `GraphError`.
        """
        if not _is_int(n) or not 0 <= n < 2**31:
            ops.refuse("permutation", f"expected an int in [0, 2**31), got {n!r}")
        return random_permutation(self._bits((permutation_rounds(n), 3), dtypes.uint32), size=int(n))

    def _bits(self, shape: Shape, dtype: DType) -> Value:
        """Random bits of a site of their own."""
        return random_bits(self.key, self.calls, site=next(self._sites), dtype=dtype, shape=shape)

    def _unit(self, shape: Shape, type: DType) -> Value:
        """Uniform in [0, 1): as many bits as `type` has places, all of them multiples of the same power of two."""
        spare = 8 * type.itemsize - _PRECISION[type]
        return ops.astype(self._bits(shape, _BITS[type]) >> spare, type) * 2.0 ** -_PRECISION[type]

    def _centred(self, shape: Shape, type: DType) -> Value:
        """Uniform in [-1, 1], symmetrical, never 0, and finest around 0."""
        signed = ops.astype(ops.astype(self._bits(shape, _BITS[type]), _SIGNED[type]), type)
        return (signed + 0.5) * 2.0 ** (1 - 8 * type.itemsize)


def _is_int(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def _is_size(x: Any) -> bool:
    return _is_int(x) or isinstance(x, Dim)


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, np.integer, np.floating)) and not isinstance(x, bool)


def _checked_seed(seed: Any) -> int:
    if not _is_int(seed) or not 0 <= seed < 2**64:
        ops.refuse("seed", f"expected an int in [0, 2**64), got {seed!r}")
    return int(seed)


def _float_type(function: str, like: DTypeLike) -> DType:
    type = checked_dtype(function, like)
    if not type.is_float:
        ops.refuse(function, f"expected dtype float32 or float64, got {type.name}")
    return type


def _parameter(function: str, name: str, x: Any, shape: Shape, type: DType) -> Any:
    """A number as it is; a value in `type`, if it broadcasts to `shape`."""
    if _is_number(x):
        return float(x)
    x = ops.as_value(x)
    try:
        fits = x.dtype.is_float and broadcast_shapes(x.shape, shape) == shape
    except GraphError:
        fits = False
    if not fits:
        ops.refuse(function, f"expected {name} to be floating and to broadcast to {shape_text(shape)}, got {x.type}")
    return ops.astype(x, type)


def _shifted(function: str, z: Value, mean: Any, stddev: Any) -> Value:
    """mean + stddev * z, without arithmetic for 0 and 1."""
    if _is_number(mean) and not math.isfinite(mean):
        ops.refuse(function, f"expected a finite mean, got {mean}")
    if _is_number(stddev) and not 0 <= stddev < math.inf:
        ops.refuse(function, f"expected a standard deviation ≥ 0, got {stddev}")
    if not (_is_number(stddev) and stddev == 1):
        z = z * _parameter(function, "stddev", stddev, z.shape, z.dtype)
    return z if _is_number(mean) and mean == 0 else z + _parameter(function, "mean", mean, z.shape, z.dtype)


default_generator = Generator(0)  # what the functions of this module draw from

seed = default_generator.seed
uniform = default_generator.uniform
normal = default_generator.normal
truncated_normal = default_generator.truncated_normal
bernoulli = default_generator.bernoulli
categorical = default_generator.categorical
randint = default_generator.randint
permutation = default_generator.permutation
