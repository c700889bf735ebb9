"""Layers that prepare data: Rescaling, and Normalization, which learns from the data before training.

They stand apart because nothing in them is trained by gradients. Names and defaults: Keras 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc import ops
from graphc.dims import Shape
from graphc.ir.value import Value
from graphc.nn.layers.base import Layer

_EPSILON = 1e-7


class Rescaling(Layer):
    """x * scale + offset; `Rescaling(1 / 255)` brings bytes to [0, 1]."""

    def __init__(self, scale: float, offset: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, x: Value) -> Value:
        return self.floating(x) * self.scale + self.offset


class Normalization(Layer):
    """(x - mean) / sqrt(variance) along `axis`, with the mean and variance of the data that `adapt` saw.

    `axis` keeps its own statistics for each index (-1: for each feature); None has one for all. `mean` and
    `variance` may be given instead of adapting. `invert=True` goes back: x * sqrt(variance) + mean.
    """

    def __init__(
        self,
        axis: int | Iterable[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = None if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            self.refuse("expected mean and variance, or neither, got one of them")
        if variance is not None and np.min(variance) < 0:
            self.refuse(f"expected a variance ≥ 0, got {np.min(variance)}")
        self.mean, self.variance, self.invert = mean, variance, invert

    def build(self, input_shape: Shape) -> None:
        shape = tuple(self.known_size(input_shape, axis) for axis in self._axes(len(input_shape)))
        mean = np.broadcast_to(0.0 if self.mean is None else np.asarray(self.mean, float), shape)
        variance = np.broadcast_to(1.0 if self.variance is None else np.asarray(self.variance, float), shape)
        self.moments = [
            self.add_weight(shape, lambda shape, dtype: mean, "mean", trainable=False),
            self.add_weight(shape, lambda shape, dtype: variance, "variance", trainable=False),
        ]

    def call(self, x: Value) -> Value:
        axes = self._axes(x.ndim)
        x = self.floating(x)
        shape = tuple(n if axis in axes else 1 for axis, n in enumerate(x.shape))
        mean, variance = (ops.reshape(m, shape) for m in self.moments)
        deviation = ops.maximum(ops.sqrt(variance), _EPSILON)
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def adapt(self, data: Any) -> None:
        """Take mean and variance from `data`: an array, or an iterable of batches (its first item, if it is a pair).

        Programs that are compiled already see them. Call it with the training part only. Raises `GraphError`.
        """
        if self.mean is not None:
            self.refuse("expected no mean and variance as arguments of a layer that adapts, got them")
        batches = [data] if hasattr(data, "__array__") else data
        count, mean, squares = 0, np.zeros(()), np.zeros(())
        for batch in batches:
            x = np.asarray(batch[0] if isinstance(batch, tuple) else batch, np.float64)
            if not self.built:
                self.build(x.shape)
                self.built = True
            axes = self._axes(x.ndim)
            others = tuple(axis for axis in range(x.ndim) if axis not in axes)
            if tuple(x.shape[axis] for axis in axes) != self.moments[0].shape:
                self.refuse(f"expected data with sizes {self.moments[0].shape} along axes {axes}, got {x.shape}")
            n = int(np.prod([x.shape[axis] for axis in others]))
            if n == 0:
                continue
            # Chan, Golub and LeVeque, Updating formulae for sample variances (1979): batches add up exactly
            own = x.mean(axis=others)
            shift = own - mean
            squares = squares + x.var(axis=others) * n + shift**2 * (count * n / (count + n))
            mean = mean + shift * (n / (count + n))
            count += n
        if count == 0 or not np.isfinite(squares).all():
            self.refuse("expected at least one sample and only finite numbers to adapt to, got others")
        for moment, array in zip(self.moments, (mean, squares / count), strict=True):
            moment.value = array.astype(self.dtype)

    def _axes(self, rank: int) -> tuple[int, ...]:
        axes = tuple(sorted(axis % rank for axis in self.axis or () if -rank <= axis < rank))
        if len(axes) != len(self.axis or ()) or (rank > 0 and 0 in axes):
            self.refuse(f"expected axes among 1 … {rank - 1} of the input, got {self.axis}")
        return axes
