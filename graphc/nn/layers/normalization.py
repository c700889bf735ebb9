"""Layers that normalise activations by statistics of the batch or of each sample.

They stand apart for batch normalisation, whose moving statistics are variables that a training step moves on
without a gradient. Names, defaults and formulas: Keras 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import ops
from graphc.dims import Shape
from graphc.ir.value import Value
from graphc.nn import constraints, initializers, regularizers
from graphc.nn.layers.base import Layer
from graphc.nn.parameter import Parameter


class _Normalizing(Layer):
    """What both have: the scale gamma and the offset beta."""

    def __init__(
        self,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Parameter | None = None
        self.beta: Parameter | None = None

    def build_scale(self, shape: Shape) -> None:
        """Make gamma and beta, where the layer has them."""
        if self.scale:
            regularizer, constraint = self.gamma_regularizer, self.gamma_constraint
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, "gamma", regularizer=regularizer, constraint=constraint
            )
        if self.center:
            regularizer, constraint = self.beta_regularizer, self.beta_constraint
            self.beta = self.add_weight(
                shape, self.beta_initializer, "beta", regularizer=regularizer, constraint=constraint
            )

    def scaled(self, deviation: Value, inverse: Value, shape: Shape) -> Value:
        """deviation * (inverse * gamma) + beta; `shape` is that of gamma and beta among the axes of the input."""
        if self.gamma is not None:
            inverse = inverse * ops.reshape(self.gamma, shape)
        y = deviation * inverse
        return y if self.beta is None else y + ops.reshape(self.beta, shape)


class BatchNormalization(_Normalizing):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with statistics for each index of `axis`.

    With training=True they are those of the batch, and the moving ones become momentum * moving + (1 - momentum) *
    batch; else, or if `trainable` is False, the moving ones are used. Source: Ioffe and Szegedy, arXiv:1502.03167.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        shape = (self.known_size(input_shape, self.axis),)
        self.build_scale(shape)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, "moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, "moving_variance", trainable=False
        )

    def call(self, x: Value, training: bool) -> Value:
        x = self.floating(x)
        if self.known_size(x.shape, self.axis) != self.moving_mean.shape[0]:
            self.refuse(f"expected size {self.moving_mean.shape[0]} along axis {self.axis}, got {x.type}")
        axis = self.axis % x.ndim
        shape = tuple(n if a == axis else 1 for a, n in enumerate(x.shape))
        if training and self.trainable:
            others = tuple(a for a in range(x.ndim) if a != axis)
            mean = ops.mean(x, axis=others, keepdims=True)
            variance = ops.var(x, axis=others, keepdims=True)
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        else:
            mean, variance = ops.reshape(self.moving_mean, shape), ops.reshape(self.moving_variance, shape)
        return self.scaled(x - mean, ops.rsqrt(variance + self.epsilon), shape)

    def _move(self, variable: Parameter, statistic: Value) -> None:
        statistic = ops.reshape(statistic, variable.shape)
        self.add_update(variable, self.latest(variable) * self.momentum + statistic * (1 - self.momentum))


class LayerNormalization(_Normalizing):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with statistics of each sample along `axis`.

    Source: Ba et al., arXiv:1607.06450.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = axis if isinstance(axis, int) else tuple(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        self.build_scale(tuple(self.known_size(input_shape, axis) for axis in self._axes(len(input_shape))))

    def call(self, x: Value) -> Value:
        x = self.floating(x)
        axes = self._axes(x.ndim)
        shape = tuple(n if a in axes else 1 for a, n in enumerate(x.shape))
        mean = ops.mean(x, axis=axes, keepdims=True)
        variance = ops.var(x, axis=axes, keepdims=True)
        return self.scaled(x - mean, ops.rsqrt(variance + self.epsilon), shape)

    def _axes(self, rank: int) -> tuple[int, ...]:
        named = (self.axis,) if isinstance(self.axis, int) else self.axis
        axes = tuple(sorted({axis % rank for axis in named if -rank <= axis < rank}))
        if len(axes) != len(named) or not axes:
            self.refuse(f"expected axes of an input of rank {rank}, got {self.axis}")
        return axes
