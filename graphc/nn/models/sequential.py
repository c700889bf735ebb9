"""Sequential: a model that is one layer after the other.

It stands apart from functional models because it may be declared before the shape of its input is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.layers.base import Layer
from graphc.nn.models.declaration import input_config, input_from_config
from graphc.nn.models.function import InputLayer, Lambda
from graphc.nn.models.model import Model
from graphc.nn.recording import current, recording
from graphc.nn.serialization import deserialize, serialize
from graphc.nn.tracing import Input, Traced


class Sequential(Model):
    """A stack of layers: `Sequential([Input((4,)), Dense(16, "relu"), Dense(3)])`.

    Entries are layers, models and plain functions of one value. Without an `Input` in front the layers are built at
    the first call, by `fit` or by `build(input_shape)`.
    """

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None):
        self._stack: list[Layer] = []
        self._top: Value | None = None  # what the layers so far make of the input
        super().__init__(name=name)
        if layers is not None and (isinstance(layers, Layer | Value | str) or not isinstance(layers, Iterable)):
            self.refuse(f"expected a list of layers, got {layers!r}")
        for layer in layers or ():
            self.add(layer)
        if not trainable:
            self.trainable = False

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, each once."""
        return list(dict.fromkeys(self._stack))

    def add(self, layer: Any) -> None:
        """Put a layer, a model or a function on top; it is built now if the input is known. Raises `GraphError`."""
        if isinstance(layer, InputLayer):
            layer = Input(layer.shape, layer.dtype, name=layer.name)
        if isinstance(layer, Traced):
            if layer.call is not None or self._stack or self._inputs is not None:
                self.refuse("expected Input as the first entry only, got one computed from others or a later one")
            self._inputs = self._top = layer
            return
        if not isinstance(layer, Layer):
            if isinstance(layer, type | Value) or not callable(layer):
                shown = f"the class {layer.__name__}" if isinstance(layer, type) else repr(layer)
                self.refuse(f"expected a layer, a model or a function, got {shown}")
            layer = Lambda(layer)
        if any(layer.name == other.name and layer is not other for other in self._stack):
            self.refuse(f"expected layers of different names, got {layer.name!r} twice")
        if self._top is not None:
            with recording():  # of its own: this call only builds
                self._top = layer(self._top)
        self._stack.append(layer)
        self.forget()
        self.built = self._top is not None

    def pop(self) -> None:
        """Take the last layer off. Raises `GraphError` for a model without layers."""
        if not self._stack:
            self.refuse("expected a model with layers, got none")
        stack, self._stack = self._stack[:-1], []
        self._top = self._inputs
        for layer in stack:
            self.add(layer)
        self.forget()

    def accept(self, inputs: Any) -> None:
        """Take an `Input` that came from data or a shape, and build the layers for it."""
        if self._inputs is None and isinstance(inputs, Traced):
            with recording():
                self._top = self.call(inputs)
            self._inputs, self.built = inputs, True

    def build(self, input_shape: Any) -> None:
        """Make the weights for float32 inputs of `input_shape`, whose first size is that of the batch (None or any)."""
        if current() is None:  # by the user; before a call the layers are built one by one
            if not isinstance(input_shape, tuple | list) or not input_shape:
                self.refuse(f"expected the shape of an input like (None, 4), got {input_shape!r}")
            self.accept(Input(tuple(input_shape[1:])))

    def call(self, x: Value) -> Value:
        if not self._stack:
            self.refuse("expected a model with at least one layer, got none")
        for layer in self._stack:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "layers": [serialize(layer) for layer in self._stack]}
        if self._inputs is not None:
            config["input"] = input_config(self._inputs)
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Sequential:
        if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
            ops.refuse("Sequential", f"expected a config with a list of layers, got {config!r}")
        first = [input_from_config(config["input"])] if "input" in config else []
        return cls([*first, *(deserialize(layer) for layer in config["layers"])], name=config.get("name"))
