"""The picture of a history: curves, the epoch where validation turned, and the gap after it.

It stands apart so that a history needs no matplotlib. Figures are made without pyplot: no window, no global state.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graphc.nn.training.history import History

_TRAIN, _VALIDATION, _TURN = "#2a6fbb", "#d1495b", "#555555"


def plot_history(history: History, names: Sequence[str], path: str | os.PathLike[str] | None) -> Any:
    """One panel for each name that is no "val_…" of another; returns the figure."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"expected matplotlib to plot with, got '{missing}': pip install matplotlib"
        ) from None
    plain = [n for n in names if not n.startswith("val_") or n.removeprefix("val_") not in names]
    panels = [n for n in plain if _drawable(history, n)]
    figure = Figure(figsize=(5.5 * max(1, len(panels)), 4), layout="constrained")
    FigureCanvasAgg(figure)
    turned = history.turning_point() if "val_loss" in history.history and "loss" in history.history else None
    for axes, name in zip(np.ravel(figure.subplots(1, max(1, len(panels)), squeeze=False)), panels, strict=False):
        _draw(axes, history, name, turned)
    if path is not None:
        figure.savefig(path, dpi=120)
    return figure


def _drawable(history: History, name: str) -> bool:
    return all(np.ndim(value) == 0 for value in history.history[name])


def _draw(axes: Any, history: History, name: str, turned: int | None) -> None:
    epochs = np.asarray(history.epoch) + 1
    axes.plot(epochs, history.history[name], color=_TRAIN, label="training", marker=".")
    validation = history.history.get(f"val_{name}")
    if validation is not None:
        axes.plot(epochs, validation, color=_VALIDATION, label="validation", marker=".")
        if turned is not None:
            _mark(axes, epochs, np.asarray(history.history[name]), np.asarray(validation), turned + 1, name)
    axes.set_xlabel("epoch")
    axes.set_ylabel(name.replace("_", " "))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def _mark(axes: Any, epochs: Any, train: Any, validation: Any, turned: int, name: str) -> None:
    """A line at the epoch where validation turned, and the gap between the curves after it."""
    axes.axvline(turned, color=_TURN, linestyle="--", linewidth=1)
    if name != "loss":
        return
    after = epochs >= turned
    axes.fill_between(
        epochs[after], train[after], validation[after], color=_VALIDATION, alpha=0.15, label="overfitting"
    )
    place = int(np.flatnonzero(epochs == turned)[0])
    axes.plot([turned], [validation[place]], marker="o", color=_VALIDATION)
    axes.annotate(
        f"best validation: epoch {turned}",
        (turned, validation[place]),
        xytext=(8, 28),
        textcoords="offset points",
        color=_TURN,
    )
