"""Layers that merge several values into one: `Add()([a, b])`.

They stand apart because they take a list. Values broadcast as in NumPy; names: Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.layers.base import Layer


class _Merge(Layer):
    """A function of two values, folded over a list."""

    combine: Callable[[Value, Value], Value]

    def call(self, values: list[Value]) -> Value:
        return reduce(type(self).combine, _several(self, values))


class Add(_Merge):
    """The sum of the values."""

    combine = staticmethod(lambda a, b: a + b)


class Multiply(_Merge):
    """The product of the values."""

    combine = staticmethod(lambda a, b: a * b)


class Maximum(_Merge):
    """The largest of the values, elementwise."""

    combine = staticmethod(lambda a, b: ops.maximum(a, b))


class Minimum(_Merge):
    """The smallest of the values, elementwise."""

    combine = staticmethod(lambda a, b: ops.minimum(a, b))


class Average(Add):
    """The mean of the values, elementwise."""

    def call(self, values: list[Value]) -> Value:
        return super().call(values) / len(values)


class Subtract(Layer):
    """The first value minus the second."""

    def call(self, values: list[Value]) -> Value:
        if len(_several(self, values)) != 2:
            self.refuse(f"expected a list of two values, got {len(values)}")
        return values[0] - values[1]


class Concatenate(Layer):
    """The values one after the other along `axis`; the other axes are of one size."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, values: list[Value]) -> Value:
        return ops.concat(_several(self, values), axis=self.axis)


def _several(layer: Layer, values: Any) -> list[Value]:
    if not isinstance(values, list | tuple) or len(values) < 2:
        layer.refuse(f"expected a list of at least two values, got {values!r}")
    return list(values)
