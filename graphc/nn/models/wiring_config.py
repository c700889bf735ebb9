"""A wiring as JSON and back: layers by their configs, plain ops between them as text of the graph language.

It stands apart from the wiring, which needs no text to be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.ir.graph import Graph
from graphc.ir.parser import parse_graph
from graphc.ir.printer import print_graph
from graphc.ir.value import Value, emit
from graphc.nn.models.declaration import input_config, input_from_config
from graphc.nn.models.wiring import Wiring
from graphc.nn.parameter import parameter
from graphc.nn.serialization import deserialize, serialize
from graphc.nn.structure import leaves, map_leaves
from graphc.nn.tracing import Traced
from graphc.ops.definition import lookup
from graphc.variables import Variable


def wiring_config(wiring: Wiring) -> dict[str, Any]:
    """The network as JSON has it: `values` in topological order, nests of their numbers elsewhere.

    A value is {"input": …}, {"call": number, "output": number}, {"variable": …} or {"op": text, "operands": numbers}.
    Raises `GraphError` for what JSON can't hold.
    """
    number = {value: i for i, value in enumerate(wiring.values)}
    unused = [v for v in leaves(wiring.inputs) if v not in number]
    number.update((value, len(number) + i) for i, value in enumerate(unused))
    calls, layers = wiring.calls, wiring.layers
    call_number = {id(call): i for i, call in enumerate(calls)}
    layer_number = {layer: i for i, layer in enumerate(layers)}

    def described(value: Value) -> dict[str, Any]:
        if isinstance(value, Traced) and value.call is not None:
            return {"call": call_number[id(value.call)], "output": value.number}
        if isinstance(value, Traced):
            return {"input": input_config(value)}
        if isinstance(value, Variable):
            return {"variable": _variable_config(value)}
        return {"op": _op_text(value), "operands": [number[o] for o in value.operands]}

    return {
        "layers": [serialize(layer) for layer in layers],
        "calls": [
            {
                "layer": layer_number[call.layer],
                "inputs": [map_leaves(number.__getitem__, nest) for nest in call.inputs],
                "training": call.training,
            }
            for call in calls
        ],
        "values": [described(value) for value in number],
        "inputs": map_leaves(number.__getitem__, wiring.inputs),
        "outputs": map_leaves(number.__getitem__, wiring.outputs),
    }


def wiring_from_config(config: Mapping[str, Any]) -> tuple[Any, Any]:
    """New inputs and outputs, as nests, of a network that `wiring_config` described. Raises `GraphError`."""
    try:
        layers = [deserialize(layer) for layer in config["layers"]]
        values: list[Value] = []
        outputs: dict[int, list[Value]] = {}
        for described in config["values"]:
            values.append(_value(described, values, config["calls"], layers, outputs))
        return map_leaves(values.__getitem__, config["inputs"]), map_leaves(values.__getitem__, config["outputs"])
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        ops.refuse("Model", f"expected the description of a network, got one that is damaged ({error!r})")


def _value(
    described: Mapping[str, Any],
    values: list[Value],
    calls: list[Any],
    layers: list[Any],
    outputs: dict[int, list[Value]],
) -> Value:
    if "input" in described:
        return input_from_config(described["input"])
    if "variable" in described:
        return _new_variable(described["variable"])
    if "call" in described:
        number = described["call"]
        if number not in outputs:
            call = calls[number]
            inputs = [map_leaves(values.__getitem__, nest) for nest in call["inputs"]]
            outputs[number] = leaves(layers[call["layer"]](*inputs, training=call["training"]))
        return outputs[number][described["output"]]
    ((_, declared),) = parse_graph(described["op"], lookup).outputs
    return emit(declared.op, *(values[i] for i in described["operands"]), **declared.attrs)


def _op_text(value: Value) -> str:
    """A graph with nothing but `value` on inputs."""
    inputs = tuple(ops.input(f"in{i}", o.shape, o.dtype) for i, o in enumerate(value.operands))
    alone = Value(value.op, inputs, value.attrs, value.type, value.origin)
    return print_graph(Graph("op", inputs, (("out", alone),)))


def _variable_config(variable: Variable) -> dict[str, Any]:
    if variable.advance is not None or variable.dtype is dtypes.uint64:
        layers = "a layer like Dropout or GaussianNoise"
        ops.refuse(
            "get_config", f"expected random numbers from {layers}, got a draw between layers ({variable.origin})"
        )
    config = {"name": variable.name, "dtype": variable.dtype.name, "shape": list(variable.shape)}
    return {**config, "trainable": getattr(variable, "trainable", True)}


def _new_variable(config: Mapping[str, Any]) -> Variable:
    zeros = np.zeros(config["shape"], dtypes.as_dtype(config["dtype"]).numpy)
    return parameter(zeros, config["name"], config["trainable"])
