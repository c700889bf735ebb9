"""Declaration: a model's network on inputs of a program of its own.

It stands apart from the wiring, whose inputs exist before any program: here `training` is decided and what the
layers record (next statistics, losses of activities) is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphc import ops
from graphc.dims import Dim, parse_size
from graphc.ir.value import Value
from graphc.nn.recording import Recording, recording
from graphc.nn.structure import leaves, map_leaves
from graphc.nn.tracing import Input, Traced
from graphc.random import Generator

if TYPE_CHECKING:
    from graphc.nn.models.model import Model


@dataclass(frozen=True)
class Declaration:
    """Inputs [batch, …] and outputs of a network, as nests, and what the layers recorded on the way."""

    inputs: Any
    outputs: Any
    record: Recording
    training: bool

    @property
    def input_values(self) -> list[Value]:
        return leaves(self.inputs)

    @property
    def output_values(self) -> list[Value]:
        return leaves(self.outputs)


def declare(model: Model, declared: Any, training: bool) -> Declaration:
    """The network of `model` on new inputs like the declared ones. Raises `GraphError`."""

    def fresh(value: Value) -> Value:
        return ops.input(value.attrs["name"], value.shape, value.dtype)

    for layer in model.flattened_layers():
        for attribute in vars(layer).values():
            for generator in (g for g in leaves(attribute) if isinstance(g, Generator)):
                generator.renumber()  # what a model draws does not depend on how often it was declared before
    inputs = map_leaves(fresh, declared)
    with recording() as record:
        outputs = model(inputs, training=training)
    return Declaration(inputs, outputs, record, training)


def output_names(outputs: Any, layers_of: Mapping[Value, str]) -> list[str]:
    """A name for each output: its key in a dict, else that of the layer that made it; all different."""
    if isinstance(outputs, Mapping):
        wanted = [
            key if len(leaves(nest)) == 1 else f"{key}_{i}"
            for key, nest in outputs.items()
            for i, _ in enumerate(leaves(nest))
        ]
    else:
        wanted = [layers_of.get(v, f"output_{number}") for number, v in enumerate(leaves(outputs))]
    names: list[str] = []
    for name in wanted:
        unique, number = name, 1
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names


def inputs_config(inputs: Any) -> dict[str, Any]:
    """A nest of inputs as JSON has it: one, a list or a dict."""
    if isinstance(inputs, Mapping):
        return {"dict": {name: input_config(value) for name, value in inputs.items()}}
    if isinstance(inputs, list | tuple):
        return {"list": [input_config(value) for value in inputs]}
    return {"one": input_config(inputs)}


def inputs_from_config(config: Mapping[str, Any]) -> Any:
    """The nest of new inputs that `inputs_config` described. Raises `GraphError`."""
    if "dict" in config:
        return {name: input_from_config(item) for name, item in config["dict"].items()}
    if "list" in config:
        return [input_from_config(item) for item in config["list"]]
    return input_from_config(config["one"])


def input_config(value: Value) -> dict[str, Any]:
    """An `Input` as JSON has it; a size that is not known is its text."""
    shape = [str(n) if isinstance(n, Dim) else n for n in value.shape[1:]]
    return {"shape": shape, "dtype": value.dtype.name, "name": value.attrs["name"]}


def input_from_config(config: Any) -> Traced:
    """The `Input` that `input_config` described. Raises `GraphError`."""
    if not isinstance(config, Mapping) or set(config) != {"shape", "dtype", "name"}:
        ops.refuse("Input", f"expected an input with shape, dtype and name, got {config!r}")
    shape = tuple(parse_size(n) if isinstance(n, str) else n for n in config["shape"])
    return Input(shape, config["dtype"], name=config["name"])
