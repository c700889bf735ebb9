"""CSVLogger and TensorBoard: the numbers of every epoch in files.

They stand apart from the history, which is lost with the process.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from graphc import ops
from graphc.nn.saving.files import PathLike
from graphc.nn.training.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """One line for each epoch, under a line of names; the file is closed after each, so that none is lost.

    `append=True` goes on with a file that is there. A name that comes later than the first epoch is left out.
    """

    def __init__(self, filename: PathLike, separator: str = ",", append: bool = False):
        self.path, self.separator, self.append = Path(filename), separator, append
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._names = None
        if self.append and self.path.is_file():
            with open(self.path, newline="") as file:
                self._names = next(csv.reader(file, delimiter=self.separator), None)
        if self._names is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        row: dict[str, Any] = {"epoch": epoch, **{n: v for n, v in (logs or {}).items() if np.ndim(v) == 0}}
        first, self._names = self._names is None, self._names or list(row)
        with open(self.path, "a", newline="") as file:
            writer = csv.DictWriter(
                file, self._names, restval="NA", extrasaction="ignore", delimiter=self.separator, lineterminator="\n"
            )
            if first:
                writer.writeheader()
            writer.writerow(row)


class TensorBoard(Callback):
    """Event files in `log_dir`/train and `log_dir`/validation; `tensorboard --logdir …` draws them.

    With `histogram_freq` n, histograms of all weights every n epochs. Needs the package tensorboardX.
    """

    def __init__(self, log_dir: PathLike = "logs", histogram_freq: int = 0):
        self.log_dir, self.histogram_freq = Path(log_dir), histogram_freq
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError as missing:
            hint = "pip install tensorboardX"
            raise ModuleNotFoundError(f"expected tensorboardX for TensorBoard, got '{missing}': {hint}") from None
        self._writer = SummaryWriter
        if not isinstance(histogram_freq, int) or histogram_freq < 0:
            ops.refuse("TensorBoard", f"expected histogram_freq to be an int ≥ 0, got {histogram_freq!r}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        numbers = {name: value for name, value in (logs or {}).items() if np.ndim(value) == 0}
        parts = {
            "train": {n: v for n, v in numbers.items() if not n.startswith("val_")},
            "validation": {n.removeprefix("val_"): v for n, v in numbers.items() if n.startswith("val_")},
        }
        for part, values in parts.items():
            if values:
                with self._open(part) as writer:
                    for name, value in values.items():
                        writer.add_scalar(f"epoch_{name}", value, epoch)
        if self.histogram_freq and (epoch + 1) % self.histogram_freq == 0:
            with self._open("train") as writer:
                for path, variable in self.model.named_variables().items():
                    if variable.dtype.is_float:
                        writer.add_histogram(path, variable.value, epoch)

    def _open(self, part: str) -> Any:
        """A writer for one epoch: nothing stays open when training fails."""
        return self._writer(str(self.log_dir / part), flush_secs=3600)
