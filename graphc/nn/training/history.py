"""History: what `fit` measured after every epoch, and what it says about overfitting.

It stands apart from the callbacks because it outlives training: it can be plotted, diagnosed and saved.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphc import ops
from graphc.nn.naming import suggestion
from graphc.nn.training.diagnosis import Diagnosis, diagnose, turning_point

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class History:
    """`history` maps "loss", "val_loss" and other names to a number for each epoch in `epoch` (counted from 0).

    `baseline` is the loss of the best constant prediction, where `fit` knows it.
    """

    def __init__(
        self,
        history: Mapping[str, Sequence[Any]] | None = None,
        epoch: Sequence[int] | None = None,
        baseline: float | None = None,
    ):
        self.baseline = baseline
        self.history: dict[str, list[Any]] = {name: list(values) for name, values in (history or {}).items()}
        longest = max(map(len, self.history.values()), default=0)
        self.epoch: list[int] = list(range(longest)) if epoch is None else list(epoch)

    def append(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Add the numbers of one epoch; a name that is missing in some epochs has NaN there."""
        for name in dict.fromkeys((*self.history, *logs)):
            values = self.history.setdefault(name, [math.nan] * len(self.epoch))
            values.append(logs.get(name, math.nan))
        self.epoch.append(epoch)

    def complete(self, logs: Mapping[str, Any]) -> None:
        """Add numbers that came late to the last epoch."""
        for name, value in logs.items():
            if name not in self.history:
                self.history[name] = [math.nan] * len(self.epoch)
            self.history[name][-1] = value

    def turning_point(self, monitor: str = "val_loss") -> int | None:
        """The epoch after which validation became worse for good while the training loss went on falling; the lesson's
        sign of overfitting. None if there was none. Raises `GraphError` without validation."""
        train, validation = self._curves(monitor)
        place = turning_point(train, validation)
        return None if place is None else self.epoch[place]

    def diagnose(self, monitor: str = "val_loss", baseline: float | None = None) -> Diagnosis:
        """ "underfit", "good fit" or "overfit", with the numbers behind the word and what to try; print it.

        `baseline` is the loss of a model that knows nothing; without it, that of the history, or the training loss of
        the first epoch. The rules stand in `graphc.nn.training.diagnosis`. Raises `GraphError` without validation.
        """
        train, validation = self._curves(monitor)
        return diagnose(train, validation, self.epoch, self.baseline if baseline is None else baseline)

    def plot(self, path: str | os.PathLike[str] | None = None, metrics: Sequence[str] | None = None) -> Figure:
        """The training and validation curves as a matplotlib figure, saved to `path` if given.

        One panel for each of `metrics` (all, unless given). Where validation turned, the epoch is marked and the gap
        after it shaded. Raises `ModuleNotFoundError` without matplotlib.
        """
        from graphc.nn.training.plots import plot_history  # matplotlib is optional

        names = list(self.history) if metrics is None else list(metrics)
        for name in names:
            if name not in self.history:
                ops.refuse("plot", f"expected the name of a curve ({suggestion(name, self.history)}), got {name!r}")
        return plot_history(self, names, path)

    def _curves(self, monitor: str) -> tuple[list[float], list[float]]:
        if monitor not in self.history or not monitor.startswith("val_"):
            known = ", ".join(name for name in self.history if name.startswith("val_")) or "none"
            wanted = "a validation loss in the history (fit with validation_data or validation_split)"
            ops.refuse("diagnose", f"expected {wanted}, got {monitor!r} among: {known}")
        return self.history[monitor.removeprefix("val_")], self.history[monitor]

    def __repr__(self) -> str:
        last = {name: values[-1] for name, values in self.history.items() if values}
        shown = ", ".join(f"{name} {value:.4g}" for name, value in last.items() if isinstance(value, int | float))
        return f"<History: {len(self.epoch)} epochs; last: {shown}>"
