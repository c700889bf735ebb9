"""LearningRateScheduler and ReduceLROnPlateau: other learning rates from one epoch to the next.

They stand apart from schedules, which change the rate inside the compiled step, by the number of steps.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from graphc import ops
from graphc.nn.training.callbacks.callback import Callback, Logs
from graphc.nn.training.callbacks.monitor import Monitor, checked_count

_STATE = ("best", "wait", "cooldown_counter")  # of ReduceLROnPlateau


class LearningRateScheduler(Callback):
    """Before each epoch the learning rate becomes `schedule(epoch, learning_rate)`, or `schedule(epoch)`."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        if not callable(schedule):
            ops.refuse("LearningRateScheduler", f"expected a function of the epoch and the rate, got {schedule!r}")
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = len(inspect.signature(schedule).parameters) > 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = (
            self.schedule(epoch, optimizer.learning_rate) if self._takes_rate else self.schedule(epoch)
        )
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {optimizer.learning_rate:.4g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(Callback):
    """Multiply the learning rate by `factor` when `monitor` has not become better by `min_delta` for `patience` epochs,
    then wait `cooldown` epochs; never below `min_lr`."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        if not 0 < factor < 1:
            ops.refuse("ReduceLROnPlateau", f"expected a factor in (0, 1), got {factor!r}")
        self.watched = Monitor(monitor, mode, min_delta)
        self.monitor, self.factor, self.verbose = monitor, factor, verbose
        self.patience = checked_count("patience", patience, 0)
        self.cooldown, self.min_lr = checked_count("cooldown", cooldown, 0), min_lr
        self._begin()

    def _begin(self) -> None:
        self.best, self.wait, self.cooldown_counter = self.watched.worst, 0, 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value, optimizer = self.watched.read(logs), self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = optimizer.learning_rate
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.watched.better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience and optimizer.learning_rate > self.min_lr:
                optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    print(f"Epoch {epoch + 1}: learning rate reduced to {optimizer.learning_rate:.4g}")

    def get_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        for name in _STATE:
            setattr(self, name, state[name])
