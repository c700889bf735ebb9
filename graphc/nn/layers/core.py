"""The layers of a dense network: Dense, Embedding, Activation and those that only change the shape.

They stand apart as the layers without a state of their own beside their weights. Names, arguments and defaults:
Keras 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc import ops
from graphc.dims import Shape, product, shape_text
from graphc.dtypes import uint64
from graphc.ir.value import Value
from graphc.nn import activations, constraints, initializers, regularizers
from graphc.nn.layers.base import Layer


class Dense(Layer):
    """activation(x @ kernel + bias): x [..., n], kernel [n, units], bias [units], result [..., units]."""

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = positive_int(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 2:
            self.refuse(f"expected an input of shape [batch, …, features], got {shape_text(input_shape)}")
        self.kernel = self.add_weight(
            (self.known_size(input_shape, -1), self.units),
            self.kernel_initializer,
            "kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                "bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, x: Value) -> Value:
        if x.ndim < 2 or x.shape[-1] != self.kernel.shape[0]:
            self.refuse(f"expected an input with {self.kernel.shape[0]} features along its last axis, got {x.type}")
        y = self.floating(x) @ self.kernel
        y = self.activation(y if self.bias is None else y + self.bias)
        if self.activity_regularizer is not None:
            self.add_loss(activity_penalty(self, y))
        return y


class Embedding(Layer):
    """Row x[...] of a table: x integers [...], table [input_dim, output_dim], result [..., output_dim].

    An index outside [0, input_dim) stops the program when it runs.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.input_dim = positive_int(self, "input_dim", input_dim)
        self.output_dim = positive_int(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)

    def build(self, input_shape: Shape) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            "embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def call(self, x: Value) -> Value:
        if not x.dtype.is_integer:
            self.refuse(f"expected integers, got {x.type}")
        return ops.take(self.embeddings, ops.astype(x, uint64), axis=0)  # unsigned: -1 is no row


class Activation(Layer):
    """An activation by name, or any function from a value to a value, as a layer."""

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, x: Value) -> Value:
        return self.activation(self.floating(x))


class ActivityRegularization(Layer):
    """x itself; adds l1 * Σ|x| + l2 * Σx², divided by the batch size, to the loss."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.l1, self.l2 = l1, l2
        self.activity_regularizer = regularizers.L1L2(l1, l2)

    def call(self, x: Value) -> Value:
        self.add_loss(activity_penalty(self, self.floating(x)))
        return x


class Flatten(Layer):
    """All axes but the first made one: [batch, …] to [batch, product of the others]."""

    def call(self, x: Value) -> Value:
        if x.ndim == 0:
            self.refuse(f"expected an input with an axis for the batch, got {x.type}")
        return ops.reshape(x, (x.shape[0], product(x.shape[1:])))


class Reshape(Layer):
    """[batch, …] to [batch, *target_shape]; one size may be -1, which is worked out."""

    def __init__(self, target_shape: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if any(not isinstance(n, int) or n < -1 for n in self.target_shape) or self.target_shape.count(-1) > 1:
            self.refuse(f"expected a target shape of ints ≥ 0 and at most one -1, got {self.target_shape}")

    def call(self, x: Value) -> Value:
        if x.ndim == 0:
            self.refuse(f"expected an input with an axis for the batch, got {x.type}")
        size = product(x.shape[1:])
        target = self.target_shape
        if isinstance(size, int):
            known = math.prod(n for n in target if n != -1)
            if (-1 not in target and known != size) or (-1 in target and (known == 0 or size % known)):
                self.refuse(f"expected an input that fits the target shape {target}, got {x.type}")
            target = tuple(size // known if n == -1 else n for n in target)
        return ops.reshape(x, (x.shape[0], *target))


def positive_int(layer: Layer, name: str, value: Any) -> int:
    """`value` as an argument that counts something. Raises `GraphError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        layer.refuse(f"expected {name} to be an int ≥ 1, got {value!r}")
    return value


def activity_penalty(layer: Any, y: Value) -> Value:
    """The layer's activity regulariser of its output, by sample."""
    return layer.activity_regularizer(y) / ops.astype(ops.size_of(y.shape[0]), y.dtype)
