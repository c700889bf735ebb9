"""LambdaCallback and TerminateOnNaN.

They stand apart as callbacks without a state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import ops
from graphc.nn.naming import suggestion
from graphc.nn.training.callbacks.callback import Callback, Logs


class TerminateOnNaN(Callback):
    """Stop training after the batch that made the mean loss of its epoch NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            print(f"Batch {batch + 1}: the loss is {loss}; training stops. fit(…, debug_nan=True) names the layer.")
            self.model.stop_training = True


class LambdaCallback(Callback):
    """Functions for hooks, by their names: `LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))`."""

    def __new__(cls, **functions: Callable[..., Any]) -> LambdaCallback:
        hooks = [name for name in vars(Callback) if name.startswith("on_")]
        for name, function in functions.items():
            if name not in hooks or not callable(function):
                wanted = f"a function for the name of a hook ({suggestion(name, hooks)})"
                ops.refuse("LambdaCallback", f"expected {wanted}, got {name}={function!r}")
        methods = {name: staticmethod(function) for name, function in functions.items()}
        return object.__new__(type("LambdaCallback", (cls,), methods))  # a class, so that only these hooks count

    def __init__(self, **functions: Callable[..., Any]):
        super().__init__()
