"""Layers that disturb activations while training, so that the network relies on none: Dropout and noise.

They stand apart because each holds a stream of random numbers, whose state is part of the model. Names and
defaults: Keras 3. When not training they are the identity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.ir.value import Value
from graphc.nn import functional, seeding
from graphc.nn.layers.base import Layer
from graphc.random import Generator


class _Noisy(Layer):
    """A layer with a generator; `seed` None takes the next seed of `gc.nn.set_seed`."""

    def __init__(self, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = Generator(seeding.next_seed() if seed is None else seeding.checked_seed(self.name, seed))

    def checked_rate(self, rate: float) -> float:
        """A share in [0, 1). Raises `GraphError`."""
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            self.refuse(f"expected a rate in [0, 1), got {rate!r}")
        return rate


class Dropout(_Noisy):
    """Each element 0 with probability `rate`, else divided by 1 - rate.

    `noise_shape` has the sizes of x, None for such a size, or 1 where all elements share the decision.
    Source: Srivastava et al., JMLR 15 (2014).
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(seed, **kwargs)
        self.rate = self.checked_rate(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def call(self, x: Value, training: bool) -> Value:
        if not training or self.rate == 0:
            return x
        shape = x.shape
        if self.noise_shape is not None:
            if len(self.noise_shape) != x.ndim:
                self.refuse(f"expected an input of rank {len(self.noise_shape)} for noise_shape, got {x.type}")
            shape = tuple(n if m is None else m for n, m in zip(x.shape, self.noise_shape, strict=True))
        return functional.dropout(self.floating(x), self.rate, self.generator, shape)


class GaussianNoise(_Noisy):
    """x plus normal noise of mean 0 and deviation `stddev`."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        if isinstance(stddev, bool) or not isinstance(stddev, int | float) or not 0 <= stddev < math.inf:
            self.refuse(f"expected a finite stddev ≥ 0, got {stddev!r}")
        self.stddev = stddev

    def call(self, x: Value, training: bool) -> Value:
        if not training or self.stddev == 0:
            return x
        x = self.floating(x)
        return x + self.generator.normal(x.shape, stddev=self.stddev, dtype=x.dtype)


class GaussianDropout(_Noisy):
    """x times normal noise of mean 1 and variance rate / (1 - rate)."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(seed, **kwargs)
        self.rate = self.checked_rate(rate)

    def call(self, x: Value, training: bool) -> Value:
        if not training or self.rate == 0:
            return x
        x, stddev = self.floating(x), math.sqrt(self.rate / (1 - self.rate))
        return x * self.generator.normal(x.shape, mean=1.0, stddev=stddev, dtype=x.dtype)
