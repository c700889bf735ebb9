"""The two pictures of the demo: learning curves and misclassified digits.

They stand apart so that the demo reads without matplotlib in it. Figures are made without pyplot: no
window system and no global state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

TRAIN, VALIDATION = "#2a6fbb", "#d1495b"
STYLES = ("-", "--", ":")


@dataclass
class History:
    """What one training measured after every epoch, and the epoch whose parameters it kept."""

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    kept: int = 0


def save_learning_curves(histories: Mapping[str, Mapping[str, History]], path: Path) -> None:
    """One column a network, one line style an optimiser; losses above, accuracies below.

    `histories`: network → optimiser → history.
    """
    figure = Figure(figsize=(4 * len(histories), 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(histories), squeeze=False)
    for column, (network, by_optimizer) in enumerate(histories.items()):
        loss, accuracy = axes[:, column]
        for style, (optimizer, history) in zip(STYLES, by_optimizer.items(), strict=False):
            epochs = range(1, len(history.train_loss) + 1)
            loss.plot(epochs, history.train_loss, style, color=TRAIN, label=f"{optimizer}, training")
            loss.plot(epochs, history.validation_loss, style, color=VALIDATION, label=f"{optimizer}, validation")
            loss.plot(history.kept + 1, history.validation_loss[history.kept], "o", color=VALIDATION)
            accuracy.plot(epochs, history.train_accuracy, style, color=TRAIN)
            accuracy.plot(epochs, history.validation_accuracy, style, color=VALIDATION)
        loss.set(title=network, yscale="log")
        accuracy.set(xlabel="epoch")
        for axis in (loss, accuracy):
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("loss (mean cross entropy)")
    axes[1, 0].set_ylabel("accuracy")
    axes[0, 0].legend(fontsize="small", title="● parameters kept", title_fontsize="small")
    figure.savefig(path, dpi=110)


def save_misclassified(
    images: np.ndarray, labels: np.ndarray, predicted: np.ndarray, path: Path, shape: Sequence[int] = (4, 8)
) -> None:
    """A grid of wrongly recognised digits, each with what it is and what it was taken for.

    `images` (n, 784), `labels` and `predicted` (n,): the wrong ones among them are drawn in order, as many
    as fit.
    """
    wrong = np.flatnonzero(labels != predicted)
    rows, columns = shape
    figure = Figure(figsize=(1.3 * columns, 1.5 * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{len(wrong)} of {len(labels)} test digits misclassified: label → prediction")
    for axis in figure.subplots(rows, columns, squeeze=False).flat:
        axis.set_axis_off()
    for axis, index in zip(figure.axes, wrong, strict=False):
        axis.imshow(images[index].reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        axis.set_title(f"{labels[index]} → {predicted[index]}", fontsize=11)
    figure.savefig(path, dpi=110)
