"""Callback: what may happen between the steps of `fit`, `evaluate` and `predict`; and the list that a loop calls.

It stands apart from the callbacks, which each do one thing. Names: Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from graphc import ops

if TYPE_CHECKING:
    from graphc.nn.models.model import Model

Logs = dict[str, Any]


class Callback:
    """Subclass it and override what you need; `self.model` is the model, `self.params` the numbers of the run.

    `logs` are the numbers so far; what `on_epoch_end` adds to them comes into the history. Set
    `self.model.stop_training = True` to stop. Whatever a callback raises comes out of `fit`; the model is then as the
    last step left it. Batch hooks cost a read of all metrics at each step, so override them only to use them.
    """

    model: Model
    params: dict[str, Any]
    runs_last = False  # after the others, when the epoch is in the history

    def set_model(self, model: Model) -> None:
        """Called before anything else."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """`params`: epochs, steps (None if not known), verbose."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None: ...

    def on_train_end(self, logs: Logs | None = None) -> None: ...

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None: ...

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...

    def on_test_begin(self, logs: Logs | None = None) -> None: ...

    def on_test_end(self, logs: Logs | None = None) -> None: ...

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...

    def on_predict_begin(self, logs: Logs | None = None) -> None: ...

    def on_predict_end(self, logs: Logs | None = None) -> None: ...

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback: numbers, strings, lists, and arrays by name."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` gave."""


class CallbackList:
    """The callbacks of one run, called in order; hooks that nobody overrides cost nothing."""

    def __init__(self, callbacks: Iterable[Callback] | Callback | None, model: Model, params: dict[str, Any]):
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        for callback in given:
            if not isinstance(callback, Callback):
                shown = f"the class {callback.__name__}" if isinstance(callback, type) else repr(callback)
                ops.refuse("callbacks", f"expected objects of gc.nn.callbacks.Callback, got {shown}")
        self.callbacks = sorted(given, key=lambda callback: callback.runs_last)
        self._hooks: dict[tuple[str, bool | None], list[Callable[..., None]]] = {}
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)

    def hooks(self, name: str, last: bool | None = None) -> list[Callable[..., None]]:
        """The overridden methods of that name; `last` chooses those that run last, or the others."""
        key = name, last
        if key not in self._hooks:
            chosen = (c for c in self.callbacks if last is None or c.runs_last == last)
            overridden = [c for c in chosen if getattr(type(c), name) is not getattr(Callback, name)]
            self._hooks[key] = [getattr(c, name) for c in overridden]
        return self._hooks[key]

    def call(self, name: str, *arguments: Any, last: bool | None = None) -> None:
        """Call the hook of every callback."""
        for hook in self.hooks(name, last):
            hook(*arguments)

    def states(self) -> list[dict[str, Any]]:
        """The state of each callback, with the name of its class."""
        return [{"class": type(c).__name__, "state": c.get_state()} for c in self.callbacks]

    def restore(self, states: Iterable[dict[str, Any]]) -> None:
        """Give each callback the state that one of its class had; those of one class go by their order."""
        left = list(states)
        for callback in self.callbacks:
            found = next((s for s in left if s["class"] == type(callback).__name__), None)
            if found is not None:
                left.remove(found)
                callback.set_state(found["state"])
