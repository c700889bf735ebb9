"""Diagnostics of a step: which layer made the first number that is not finite.

It stands apart because a program with these flags reads every activation and gradient once more: `debug_nan=True`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import ops
from graphc.autodiff.reverse import grad
from graphc.ir.value import Value
from graphc.nn.structure import leaves
from graphc.variables import Variable

if TYPE_CHECKING:
    from graphc.nn.models.declaration import Declaration


@dataclass(frozen=True)
class Flags:
    """`packed` bool[n] says for each of n places whether all numbers are finite; `places` names them in words, in the
    order in which a step computes them."""

    packed: Value
    all_finite: Value
    places: tuple[str, ...]

    def first_bad(self, flags: np.ndarray) -> str | None:
        """The first place with a number that is not finite."""
        return next((place for place, fine in zip(self.places, flags, strict=True) if not fine), None)


def declare_flags(declared: Declaration, loss: Value, variables: Sequence[Variable]) -> Flags:
    """Flags for inputs, weights, outputs of layers, the loss and its gradients."""
    named = [(place, value) for place, value in _places(declared, loss, variables) if value.dtype.is_float]
    flags = [ops.all(ops.isfinite(value)) for _, value in named]
    everywhere = reduce(ops.logical_and, flags)
    return Flags(ops.stack(flags), everywhere, tuple(place for place, _ in named))


def _places(declared: Declaration, loss: Value, variables: Sequence[Variable]) -> Iterator[tuple[str, Value]]:
    for value in declared.input_values:
        yield f"the input {value.attrs['name']!r}", value
    for call in declared.record.calls:
        layer = f"layer {call.layer.name!r} ({type(call.layer).__name__})"
        for variable in call.layer.own_weights():
            yield f"the weight {variable.name!r} of {layer}, before the step", variable
        for value in _values(call.inputs):
            yield f"the functions between the layers, in the input of {layer}", value
        for value in leaves(call.output):
            yield f"the output of {layer}", value
    yield "the loss", loss
    # Backward from the loss: the gradient that is computed first belongs to the variable that is used last.
    for variable, gradient in reversed(list(zip(variables, grad(loss, list(variables)), strict=True))):
        yield f"the gradient of {variable.name!r}", gradient


def _values(nests: Sequence[Any]) -> Iterator[Value]:
    for nest in nests:
        yield from leaves(nest)
