"""Wiring: how the layers of a functional model hang together, read back from the traces of its outputs.

It stands apart from models because it is only the network: it can be replayed on other values, with `training`
on or off, as often as programs need it, and every replay shares the layers' variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphc import ops
from graphc.dims import Dim, Size, shape_text, substitute
from graphc.ir.value import Value, emit
from graphc.nn.layers.base import Layer
from graphc.nn.recording import Call
from graphc.nn.structure import leaves, map_leaves
from graphc.nn.tracing import Traced
from graphc.origin import inherit
from graphc.variables import Variable


class Wiring:
    """The values between `inputs` and `outputs` (nests of traced values) in topological order.

    Each value is an `Input`, an output of a layer call, or a plain op on others, which a replay emits again.
    Raises `GraphError` for an output that needs an input which is not among `inputs`.
    """

    def __init__(self, inputs: Any, outputs: Any):
        self.inputs, self.outputs = inputs, map_leaves(ops.as_value, outputs)
        self.values = tuple(_topological(leaves(self.outputs)))
        self._check()

    @property
    def calls(self) -> list[Call]:
        """The calls of layers, each once, in topological order."""
        made = (v.call for v in self.values if isinstance(v, Traced) and v.call is not None)
        return list({id(call): call for call in made}.values())

    @property
    def layers(self) -> list[Layer]:
        """The layers, each once, in the order of their first call."""
        return list(dict.fromkeys(call.layer for call in self.calls))

    @property
    def plain_variables(self) -> list[Variable]:
        """Variables that plain ops between the layers read."""
        return [v for v in self.values if isinstance(v, Variable)]

    def replay(self, inputs: Any) -> Any:
        """The outputs for other inputs, a nest like that of the declared ones.

        Layers take `training` from the recording that is open, but for one that was traced with training=True, which
        has it always. Raises `GraphError` that names the input.
        """
        declared, given = leaves(self.inputs), leaves(inputs)
        if len(declared) != len(given):
            names = ", ".join(v.attrs["name"] for v in declared)
            ops.refuse("model", f"expected {len(declared)} inputs ({names}), got {len(given)}")
        sizes: dict[str, Size] = {}
        new: dict[Value, Value] = {}
        for wanted, value in zip(declared, given, strict=True):
            new[wanted] = fitted(wanted, value, sizes)
        outputs: dict[int, list[Value]] = {}
        for value in self.values:
            if value not in new:
                new[value] = _replayed(value, new, outputs, sizes)
        return map_leaves(new.__getitem__, self.outputs)

    def _check(self) -> None:
        given = leaves(self.inputs)
        for value in given:
            if not isinstance(value, Traced) or value.call is not None:
                ops.refuse("Model", f"expected values of gc.nn.Input as inputs, got {value!r}")
        if len(set(given)) != len(given):
            ops.refuse("Model", "expected different inputs, got one of them twice")
        known = set(given)
        for value in self.values:
            if isinstance(value, Traced) and value.call is None and value not in known:
                name = value.attrs["name"]
                ops.refuse(
                    "Model", f"expected all inputs that the outputs need, got none named {name!r} ({value.origin})"
                )
            if value.op.name == "input" and not isinstance(value, Traced):
                name = value.attrs["name"]
                ops.refuse(
                    "Model", f"expected outputs computed from gc.nn.Input, got gc.input {name!r} ({value.origin})"
                )


def fitted(declared: Value, value: Value, sizes: dict[str, Size]) -> Value:
    """`value` in the dtype of the declared input, whose named sizes are bound in `sizes`. Raises `GraphError`."""
    name = declared.attrs["name"]
    fits = value.ndim == declared.ndim and all(
        _bind(wanted, size, sizes) for wanted, size in zip(declared.shape, value.shape, strict=True)
    )
    if not fits:
        ops.refuse("model", f"expected {shape_text(declared.shape)} for input {name!r}, got {value.type}")
    if value.dtype.is_float and not declared.dtype.is_float:
        ops.refuse("model", f"expected {declared.dtype.name} for input {name!r}, got {value.type}")
    return ops.astype(value, declared.dtype)


def _bind(wanted: Size, size: Size, sizes: dict[str, Size]) -> bool:
    if isinstance(wanted, int):
        return wanted == size
    name = str(wanted)
    if wanted.symbols() == {name}:
        return sizes.setdefault(name, size) == size
    return substitute(wanted, sizes) == size


def _replayed(
    value: Value,
    new: Mapping[Value, Value],
    outputs: dict[int, list[Value]],
    sizes: Mapping[str, Size],
) -> Value:
    """`value` over replayed operands; `outputs` holds what the calls so far gave."""
    if isinstance(value, Traced):
        call = value.call
        assert call is not None, "inputs are bound already"
        if id(call) not in outputs:
            inputs = tuple(map_leaves(new.__getitem__, nest) for nest in call.inputs)
            outputs[id(call)] = leaves(call.layer(*inputs, training=call.training or None))
        return outputs[id(call)][value.number]
    attrs = {name: _substituted(attr, sizes) for name, attr in value.attrs.items()}
    operands = tuple(new[o] for o in value.operands)
    unchanged = all(a is b for a, b in zip(operands, value.operands, strict=True))
    if unchanged and all(attrs[name] is attr or attrs[name] == attr for name, attr in value.attrs.items()):
        return value
    with inherit(value.origin):
        return emit(value.op, *operands, **attrs)


def _substituted(attr: Any, sizes: Mapping[str, Size]) -> Any:
    if isinstance(attr, Dim):
        return substitute(attr, sizes)
    if isinstance(attr, tuple):
        return tuple(_substituted(item, sizes) for item in attr)
    return attr


def needed(value: Value) -> tuple[Value, ...]:
    """What a value is made of: the inputs of its layer call, or its operands."""
    if isinstance(value, Traced) and value.call is not None:
        return tuple(leaf for nest in value.call.inputs for leaf in leaves(nest))
    return value.operands


def _topological(roots: list[Value]) -> Iterator[Value]:
    """Everything that `roots` need, each once, operands first; iterative, since networks may be deep."""
    done: set[Value] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        value, ready = stack.pop()
        if value in done:
            continue
        if ready:
            done.add(value)
            yield value
        else:
            stack.append((value, True))
            stack.extend((v, False) for v in reversed(needed(value)) if v not in done)
