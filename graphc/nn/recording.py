"""Recordings: what the layers leave behind while a network is declared, beside its output.

They stand apart from layers because one recording spans all layers of one program: a layer that occurs twice
in it moves its statistics on twice, while a layer in two programs keeps these apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphc.ir.value import Value
from graphc.variables import Variable

if TYPE_CHECKING:
    from graphc.nn.layers.base import Layer


@dataclass(frozen=True)
class Call:
    """One call of a layer: its arguments and its output are values, or nests of them."""

    layer: Layer
    inputs: tuple[Any, ...]
    output: Any
    training: bool


@dataclass
class Recording:
    """The calls of layers in order, the next values of variables and the losses of activities."""

    calls: list[Call] = field(default_factory=list)
    updates: dict[Variable, Value] = field(default_factory=dict)
    losses: list[tuple[Layer, Value]] = field(default_factory=list)
    training: bool = False  # of the call that is being declared

    def latest(self, variable: Variable) -> Value:
        """The value that `variable` will have after the updates so far."""
        return self.updates.get(variable, variable)

    @contextmanager
    def mode(self, training: bool) -> Iterator[None]:
        """Let `training` be what calls inside the block have unless they say otherwise."""
        before, self.training = self.training, training
        try:
            yield
        finally:
            self.training = before


_open: ContextVar[Recording | None] = ContextVar("graphc_recording", default=None)


def current() -> Recording | None:
    """The open recording."""
    return _open.get()


@contextmanager
def recording() -> Iterator[Recording]:
    """Record all calls of layers in the block in one recording.

    with gc.nn.recording() as record:
        loss = measure(layer(left, training=True), layer(right, training=True))
    step = gc.compile([left, right], loss, updates=record.updates)

    A call outside of any block opens a recording of its own, which its sublayers join.
    """
    record = Recording()
    token = _open.set(record)
    try:
        yield record
    finally:
        _open.reset(token)
