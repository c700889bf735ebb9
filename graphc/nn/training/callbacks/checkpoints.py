"""ModelCheckpoint and BackupAndRestore: files written during training.

They stand apart from `saving`, which knows no epochs. All writes are atomic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graphc import ops
from graphc.nn.saving.files import PathLike
from graphc.nn.training.callbacks.callback import Callback, Logs
from graphc.nn.training.callbacks.monitor import Monitor


class ModelCheckpoint(Callback):
    """Save the model, or its weights, after every epoch or every `save_freq` batches.

    `filepath` may hold {epoch} (from 1) and the logs, like "{epoch:02d}-{val_loss:.2f}.gcm". With `save_best_only` only
    when `monitor` became better than ever, than `initial_value_threshold` at first.
    """

    def __init__(
        self,
        filepath: PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        self.filepath, self.monitor, self.verbose = str(filepath), monitor, verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq = _checked_frequency(save_freq)
        self.watched = Monitor(monitor, mode)
        self.best = self.watched.worst if initial_value_threshold is None else initial_value_threshold
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if isinstance(self.save_freq, int) and (batch + 1) % self.save_freq == 0:
            self._save(self._epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: Logs) -> None:
        best = self.best
        if self.save_best_only:
            value = self.watched.read(logs)
            if value is None or not self.watched.better(value, best):
                return
            best = value
        path = _filled(self.filepath, epoch, logs)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self.best = best  # now that it is on the disk
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved {path}")

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]


class BackupAndRestore(Callback):
    """Resume a training that was interrupted: run the same script again, and `fit` goes on bit for bit.

    The state of the training is kept in `backup_dir`, written after every epoch or every `save_freq` batches, and
    deleted when training ends unless `delete_checkpoint` is False.
    """

    runs_last = True

    def __init__(self, backup_dir: PathLike, save_freq: str | int = "epoch", delete_checkpoint: bool = True):
        self.path = Path(backup_dir) / "training.gcc"
        self.save_freq, self.delete_checkpoint = _checked_frequency(save_freq), delete_checkpoint

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.path.is_file():
            self.model.load_checkpoint(self.path)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if isinstance(self.save_freq, int) and (batch + 1) % self.save_freq == 0:
            self.model.save_checkpoint(self.path)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self.model.save_checkpoint(self.path)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            self.path.unlink(missing_ok=True)


def _checked_frequency(value: Any) -> str | int:
    if value != "epoch" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        ops.refuse("callbacks", f"expected save_freq 'epoch' or a number of batches ≥ 1, got {value!r}")
    return value


def _filled(template: str, epoch: int, logs: Logs) -> str:
    numbers = {name: value for name, value in logs.items() if np.ndim(value) == 0}
    try:
        return template.format(epoch=epoch + 1, **numbers)
    except (KeyError, IndexError) as missing:
        known = ", ".join(["epoch", *numbers])
        ops.refuse("ModelCheckpoint", f"expected a filepath with names among {known}, got {template!r} with {missing}")
