"""The activations that have arguments or weights, as layers.

They stand apart from `Activation`, which takes those that a name says all about. Names and defaults: Keras 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import ops
from graphc.dims import Shape
from graphc.ir.value import Value
from graphc.nn import constraints, functional, initializers, regularizers
from graphc.nn.layers.base import Layer


class ReLU(Layer):
    """x from `threshold` on, at most `max_value`; below it, negative_slope * (x - threshold)."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, x: Value) -> Value:
        x = self.floating(x)
        y = ops.where(x > self.threshold, x, self.negative_slope * (x - self.threshold))
        return y if self.max_value is None else ops.where(y < self.max_value, y, self.max_value)


class LeakyReLU(Layer):
    """x where it is positive, else negative_slope * x."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.negative_slope = negative_slope

    def call(self, x: Value) -> Value:
        return functional.leaky_relu(self.floating(x), self.negative_slope)


class PReLU(Layer):
    """x where it is positive, else alpha * x with a learned alpha of the shape of one sample.

    The axes in `shared_axes` (1 is the first after the batch) share their alpha. Source: He et al., arXiv:1502.01852.
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = None if shared_axes is None else tuple(shared_axes)

    def build(self, input_shape: Shape) -> None:
        shared = self.shared_axes or ()
        self.alpha = self.add_weight(
            tuple(1 if axis in shared else n for axis, n in enumerate(input_shape))[1:],
            self.alpha_initializer,
            "alpha",
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )

    def call(self, x: Value) -> Value:
        x = self.floating(x)
        return ops.where(x > 0, x, self.alpha * x)


class ELU(Layer):
    """x where it is positive, else alpha * (exp(x) - 1)."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, x: Value) -> Value:
        return functional.elu(self.floating(x), self.alpha)


class Softmax(Layer):
    """exp(x) / Σexp(x) along `axis`."""

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def call(self, x: Value) -> Value:
        return functional.softmax(self.floating(x), axis=self.axis)
