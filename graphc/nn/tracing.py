"""Tracing: values that remember the layer that made them, from which a functional model is read back.

It stands apart from recordings because a trace belongs to values and lives as long as they do: the network is
declared once with `Input` and replayed with `training` on and off, for any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import ops
from graphc.dims import Size, dim
from graphc.dtypes import DTypeLike, bool_
from graphc.ir.value import Value
from graphc.nn.naming import unique_name
from graphc.nn.recording import Call
from graphc.nn.structure import leaves, map_leaves
from graphc.ops import refuse


class Traced(Value):
    """A value that `call` made as its output number `number`; an `Input` has call None and number 0.

    Plain ops between layers make plain values: a replay emits them again on the replayed operands.
    """

    __slots__ = ("call", "number")

    call: Call | None
    number: int


def _traced(value: Value, call: Call | None, number: int) -> Traced:
    made = Traced(value.op, value.operands, value.attrs, value.type, value.origin)
    made.call, made.number = call, number
    return made


def Input(shape: Sequence[Size], dtype: DTypeLike = "float32", name: str | None = None) -> Traced:
    """An input of a functional model: `shape` is that of one sample, without the axis of the batch.

    Result: a value of shape (batch, *shape), `batch` symbolic. Raises `GraphError`.
    """
    if isinstance(shape, str | bytes) or not isinstance(shape, Sequence):
        refuse("Input", f"expected the shape of one sample as a tuple, got {shape!r}")
    value = ops.input(name or unique_name("input"), (dim("batch"), *shape), dtype)
    return _traced(value, None, 0)


def is_traced(inputs: Any) -> bool:
    """Whether any value in the nest comes from an `Input` through layers; ops hand it on."""
    return any(isinstance(leaf, Value) and _reaches_input(leaf) for leaf in leaves(inputs))


def _reaches_input(value: Value) -> bool:
    seen: set[Value] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Traced):
            return True
        if value not in seen:
            seen.add(value)
            waiting.extend(value.operands)
    return False


def trace(call: Call) -> Any:
    """The output of the call as values that remember it.

    An output that existed before the call (dropout, when not training) is copied by `positive`, so that each
    value was made by one call.
    """
    old = set(leaves(call.inputs))
    numbers = iter(range(len(leaves(call.output))))

    def mark(value: Value) -> Traced:
        if value in old or not value.operands:
            value = ops.logical_or(value, value) if value.dtype is bool_ else ops.positive(value)
        return _traced(value, call, next(numbers))

    return map_leaves(mark, call.output)
