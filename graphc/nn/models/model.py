"""Model: a network with everything that training needs, and a layer itself.

It stands apart from layers because it knows its inputs: it can declare whole programs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphc import ops
from graphc.ir.value import Value
from graphc.nn.layers.base import Layer
from graphc.nn.models.declaration import Declaration, declare, output_names
from graphc.nn.models.paths import variables_by_path
from graphc.nn.models.summary import summary_lines
from graphc.nn.models.wiring import Wiring
from graphc.nn.models.wiring_config import wiring_config, wiring_from_config
from graphc.nn.naming import suggestion
from graphc.nn.saving import checkpoint, model_file, weights
from graphc.nn.saving.files import PathLike
from graphc.nn.serialization import parameters, serialize
from graphc.nn.structure import leaves
from graphc.nn.tracing import Traced
from graphc.nn.training.loop import Position
from graphc.nn.training.trainer import Trainer
from graphc.variables import Variable


class Model(Trainer, Layer):
    """A network from `inputs`, values of `gc.nn.Input`, to `outputs`; both may be lists or dicts.

        x = gc.nn.Input((4,))
        hidden = gc.nn.Dense(16, "relu")(x)
        model = gc.nn.Model(x, gc.nn.Dense(3)(hidden) + gc.nn.Dense(3)(x))

    Between the layers plain functions of values may stand, with variables of their own. A model is a layer:
    `model(value, training=False)` declares it on any value, and it can be part of another model. Or subclass it like
    a layer (`__init__`, `call`): its inputs are then known from the first data. Raises `GraphError`.
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **kwargs: Any):
        self._wiring: Wiring | None = None
        self._inputs: Any = None
        self._declared: dict[bool, Declaration] = {}
        super().__init__(name=name, **kwargs)
        if (inputs is None) != (outputs is None):
            self.refuse("expected inputs and outputs, or neither, got one of them")
        if inputs is not None:
            self._wiring, self._inputs = Wiring(inputs, outputs), inputs
            _refuse_equal_names(self)
            self.built = True
            if not self._trainable:
                self.trainable = False  # now that there are layers to tell

    # the network -----------------------------------------------------------------------------------------

    def call(self, *inputs: Any) -> Any:
        if self._wiring is None:
            self.refuse("expected a model with inputs and outputs, or a subclass with a method call, got neither")
        return self._wiring.replay(inputs[0] if len(inputs) == 1 else list(inputs))

    @property
    def inputs(self) -> list[Value]:
        """The declared inputs, [batch, …]; empty while they are not known."""
        return [] if self._inputs is None else leaves(self._inputs)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, as dicts of arrays use them."""
        return [value.attrs["name"] for value in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, as dicts of targets, losses and metrics use them."""
        declared = self.declaration(training=False)
        if self._wiring is not None:
            made = ((v, v.call) for v in leaves(self._wiring.outputs) if isinstance(v, Traced))
            return output_names(self._wiring.outputs, {v: call.layer.name for v, call in made if call is not None})
        last = {
            v: call.layer.name for call in declared.record.calls if call.layer is not self for v in leaves(call.output)
        }
        return output_names(declared.outputs, last)

    def declaration(self, training: bool) -> Declaration:
        """The network on inputs of its own, declared once for each of the two modes. Raises `GraphError`."""
        if self._inputs is None:
            self.refuse("expected a model whose inputs are known (an Input, build or data), got none of these")
        if training not in self._declared:
            self._declared[training] = declare(self, self._inputs, training)
        return self._declared[training]

    def declared_inputs(self) -> Any:
        """The declared inputs as a nest like that of the data; None while they are not known."""
        return self._inputs

    def accept(self, inputs: Any) -> None:
        """Take inputs that came from data; a model that has declared ones keeps these."""
        if self._inputs is None:
            self._inputs = inputs

    def forget(self) -> None:
        """Declare and compile anew at the next use: after layers were added or `trainable` was changed."""
        self._declared = {}
        self.forget_programs()

    # what it holds ---------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers of the network, each once, in the order of their first call."""
        wired = [] if self._wiring is None else self._wiring.layers
        return list(dict.fromkeys((*wired, *super().layers)))

    def own_weights(self) -> list[Variable]:
        """Variables of plain functions between the layers, and those that are attributes."""
        drawn = set(self.random_state())
        wired = [] if self._wiring is None else self._wiring.plain_variables
        return [v for v in dict.fromkeys((*wired, *super().own_weights())) if v not in drawn]

    def random_state(self) -> list[Variable]:
        """The state of the generators that plain functions between the layers draw from."""
        values = () if self._wiring is None else self._wiring.values
        drawn = [o for v in values if v.op.name == "random_bits" for o in v.operands if isinstance(o, Variable)]
        return list(dict.fromkeys((*drawn, *super().random_state())))

    def named_variables(self) -> dict[str, Variable]:
        """The variables by path, `dense_1/kernel`: equal for equal models, whatever their layers were called."""
        return variables_by_path(self)

    @property
    def trainable(self) -> bool:
        """Whether an optimiser moves the weights; setting it sets it for all layers in the model."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in self.layers:
            layer.trainable = value

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name or number. Raises `GraphError` with the nearest name."""
        if (name is None) == (index is None):
            self.refuse("expected the name or the index of a layer, got both or neither")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                self.refuse(f"expected an index of {len(self.layers)} layers, got {index}")
            return self.layers[index]
        named = {layer.name: layer for layer in self.layers}
        if name not in named:
            self.refuse(f"expected the name of a layer ({suggestion(name, named)}), got {name!r}")
        return named[name]

    def summary(self, print_fn: Callable[[str], Any] = print, expand_nested: bool = False) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters, line by line."""
        for line in summary_lines(self, expand_nested):
            print_fn(line)

    # files -----------------------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write the whole model to one file (by custom `.gcm`), which `gc.nn.load_model` reads; atomic.

        Raises `GraphError` for functions that JSON can't hold, and `OSError`; an older file is then as it was.
        """
        model_file.save_model(self, path)

    def save_weights(self, path: PathLike) -> None:
        """Write all variables as safetensors; atomic. Raises `GraphError` and `OSError`."""
        weights.save_weights(self, path)

    def load_weights(self, path: PathLike) -> None:
        """Set all variables. Raises `GraphError`, which says what differs, and then sets none."""
        weights.load_weights(self, path)

    def save_checkpoint(self, path: PathLike) -> None:
        """Write the whole state of the training (by custom `.gcc`), also from a callback; atomic. Raises as `save`."""
        checkpoint.save_checkpoint(self, path)

    def load_checkpoint(self, path: PathLike) -> Position:
        """Let the next `fit` go on bit for bit from a checkpoint, up to its `epochs`; returns where that is.

        The model must be declared and compiled as it was. Raises `GraphError`, which says what differs.
        """
        return checkpoint.load_checkpoint(self, path)

    # JSON ------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Layers and how they hang together, as JSON has it. Raises `GraphError` for functions without a known name."""
        if self._wiring is None:  # a subclass, made from arguments of its own
            own = [name for name in parameters(type(self)) if name not in ("inputs", "outputs")]
            return {name: serialize(getattr(self, name)) for name in own}
        return {"name": self.name, **wiring_config(self._wiring)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A new model from what `get_config` returned. Raises `GraphError`."""
        if cls is not Model:
            return super().from_config(config)
        if not isinstance(config, Mapping):
            ops.refuse("Model", f"expected a config that is a dict, got {config!r}")
        inputs, outputs = wiring_from_config(config)
        return cls(inputs, outputs, name=config.get("name"))


def _refuse_equal_names(model: Model) -> None:
    named: dict[str, Layer] = {}
    for layer in model.layers:
        if named.setdefault(layer.name, layer) is not layer:
            model.refuse(f"expected layers of different names, got {layer.name!r} twice")
    if len(set(model.input_names)) != len(model.input_names):
        model.refuse(f"expected inputs of different names, got {', '.join(model.input_names)}")
