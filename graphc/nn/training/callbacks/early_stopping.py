"""EarlyStopping: the lesson's answer to overfitting — stop when validation rises, and keep the best model.

It stands apart from checkpoints because it holds the best weights in memory and writes no file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.nn.training.callbacks.callback import Callback, Logs
from graphc.nn.training.callbacks.monitor import Monitor, checked_count

_STATE = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")


class EarlyStopping(Callback):
    """Stop when `monitor` has not become better by `min_delta` for `patience` epochs.

    With `restore_best_weights` the model ends with the weights of its best epoch, also if it was never stopped.
    `baseline` is a number to beat from the start; epochs before `start_from_epoch` do not count. After training
    `stopped_epoch` is the epoch of the stop (0: none), `best_epoch` that of the best number `best`.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        self.watched = Monitor(monitor, mode, abs(min_delta))
        self.monitor, self.verbose, self.baseline = monitor, verbose, baseline
        self.patience = checked_count("patience", patience, 0)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = checked_count("start_from_epoch", start_from_epoch, 0)
        self._begin()

    def _begin(self) -> None:
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best = self.watched.worst
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.watched.read(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)  # if no epoch is better than the baseline, the first one is the best there is
        self.wait += 1
        if self.watched.better(value, self.best):
            self.best = value
            self._keep(epoch)
            if self.baseline is None or self.watched.better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            print(f"Stopped after epoch {self.stopped_epoch + 1}; best: epoch {self.best_epoch + 1}")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def get_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        for name in _STATE:
            setattr(self, name, state[name])
