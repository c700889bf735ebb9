"""Lambda and InputLayer: what a stack of layers may hold besides layers.

They stand apart because they have no weights of their own to build.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.dims import Size
from graphc.ir.graph import topological
from graphc.ir.value import Value
from graphc.nn.layers.base import Layer
from graphc.nn.structure import leaves
from graphc.variables import Variable


class Lambda(Layer):
    """Any function from values to values as a layer; variables that it reads are the layer's.

    Make the variables outside of the function, which is called once for each program. JSON can't hold a function:
    a model with such a layer saves its weights, and the whole of it only if the function has a known name.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if not callable(function):
            self.refuse(f"expected a function, got {function!r}")
        self.function = function
        self.captured: list[Variable] = []

    def call(self, x: Any) -> Any:
        output = self.function(x)
        values = topological(v for v in leaves(output) if isinstance(v, Value))
        before = set(topological(leaves(x)))
        read = [v for v in values if isinstance(v, Variable) and v not in before]
        self.captured = list(dict.fromkeys((*self.captured, *read)))
        return output


class InputLayer(Layer):
    """The first entry of a `Sequential`: the shape of one sample, and the dtype."""

    def __init__(self, shape: Sequence[Size], dtype: str = "float32", name: str | None = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.shape = tuple(shape)

    def call(self, x: Value) -> Value:
        return x
