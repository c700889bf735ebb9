"""Initialisers: the first values of weights, as NumPy arrays.

They stand apart from layers because they draw on the host, once, and never appear in a graph. Names, defaults
and formulas: Keras 3. An int as `seed` gives the same array at every call; None takes the next seed of
`gc.nn.set_seed`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dtypes import as_dtype
from graphc.nn import seeding
from graphc.nn.serialization import Configured, resolve
from graphc.ops import refuse

Shape = Sequence[int]

# The standard deviation of a standard normal that is cut off at ±2.
_TRUNCATED_DEVIATION = 0.87962566103423978


class Initializer(Configured):
    """A function from a shape to an array."""

    def __call__(self, shape: Shape, dtype: str = "float32") -> np.ndarray:
        """An array of `shape` and `dtype`, the same for the same seed."""
        return np.asarray(self.draw(tuple(shape)), as_dtype(dtype).numpy)

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        """The values, in float64."""
        raise NotImplementedError


class Zeros(Initializer):
    """0 everywhere."""

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """1 everywhere."""

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.ones(shape)


class Constant(Initializer):
    """`value` everywhere: a number, or an array that broadcasts to the shape."""

    def __init__(self, value: Any = 0.0):
        self.value = value

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.value, np.float64), shape)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, else 0."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 2:
            refuse("Identity", f"expected a matrix to initialize, got shape {shape}")
        return self.gain * np.eye(*shape)


class RandomNormal(Initializer):
    """Normal with `mean` and `stddev`."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        return seeding.generator(self.seed).normal(self.mean, self.stddev, shape)


class TruncatedNormal(Initializer):
    """Normal, drawn again where it is more than two deviations from the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.mean + self.stddev * _truncated(seeding.generator(self.seed), shape)


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        return seeding.generator(self.seed).uniform(self.minval, self.maxval, shape)


class Orthogonal(Initializer):
    """`gain` times a matrix with orthonormal rows or columns. Source: Saxe et al., arXiv:1312.6120.

    The shape is read as (product of the others, last axis).
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain, self.seed = gain, seed

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) < 2:
            refuse("Orthogonal", f"expected at least a matrix to initialize, got shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = seeding.generator(self.seed).normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(drawn)
        q *= np.sign(np.diag(r))  # without this, QR's own choice of signs would not be uniform
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


class VarianceScaling(Initializer):
    """Zero mean and variance scale / n, n the number of inputs ("fan_in"), outputs or their mean ("fan_avg")."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        if not scale > 0:
            refuse("VarianceScaling", f"expected a scale > 0, got {scale!r}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            refuse("VarianceScaling", f"expected mode 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}")
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            wanted = "'truncated_normal', 'untruncated_normal' or 'uniform'"
            refuse("VarianceScaling", f"expected distribution {wanted}, got {distribution!r}")
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def draw(self, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        deviation = math.sqrt(self.scale / max(1.0, n))
        generator = seeding.generator(self.seed)
        if self.distribution == "uniform":
            limit = math.sqrt(3) * deviation
            return generator.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return generator.normal(0, deviation, shape)
        return deviation / _TRUNCATED_DEVIATION * _truncated(generator, shape)


class _Scaled(VarianceScaling):
    """A variance scaling of which only the seed is open; a subclass names the rest."""

    rule: tuple[float, str, str]

    def __init__(self, seed: int | None = None):
        super().__init__(*self.rule, seed=seed)


class GlorotUniform(_Scaled):
    """Uniform, variance 2 / (inputs + outputs). Source: Glorot and Bengio, AISTATS 2010."""

    rule = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal, variance 2 / (inputs + outputs). Source: Glorot and Bengio, AISTATS 2010."""

    rule = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform, variance 2 / inputs, which suits relu. Source: He et al., arXiv:1502.01852."""

    rule = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal, variance 2 / inputs, which suits relu. Source: He et al., arXiv:1502.01852."""

    rule = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform, variance 1 / inputs, which suits tanh and selu. Source: LeCun et al., Efficient BackProp (1998)."""

    rule = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal, variance 1 / inputs, which suits tanh and selu. Source: LeCun et al., Efficient BackProp."""

    rule = (1.0, "fan_in", "truncated_normal")


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs each output sees, and how many outputs each input reaches.

    The last two axes are inputs and outputs; those before them are a window that both share.
    """
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


_ALIASES = {"normal": RandomNormal, "uniform": RandomUniform, "zero": Zeros, "one": Ones}


def get(identifier: Any) -> Initializer:
    """An initialiser from itself, a name ("he_normal"), a config or a function of shape and dtype."""
    return resolve(Initializer, "an initializer", identifier, _ALIASES, wrap=_function)


class _FunctionInitializer(Initializer):
    """A user's function as an initialiser."""

    def __init__(self, function: Any):
        self.function = function

    def __call__(self, shape: Shape, dtype: str = "float32") -> np.ndarray:
        return np.asarray(self.function(tuple(shape), dtype=dtype), as_dtype(dtype).numpy)


def _function(function: Any) -> Initializer:
    return _FunctionInitializer(function)


def _truncated(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers in [-2, 2], by rejection: one in 22 is drawn again."""
    values = generator.standard_normal(shape)
    outside = np.abs(values) > 2
    while outside.any():
        values[outside] = generator.standard_normal(int(outside.sum()))
        outside = np.abs(values) > 2
    return values
