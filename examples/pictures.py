"""Where the examples draw, and what their command line says: how long to run, and where the pictures go.

It stands apart so that an example reads without canvas and file handling in it. Figures are made without pyplot: no
window system and no global state; in a notebook a saved picture shows itself.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

TRAIN, VALIDATION, TRUTH = "#2a6fbb", "#d1495b", "#777777"
CLASSES = ("#2a6fbb", "#d1495b", "#3a9b5c", "#c98a1b")


@dataclass(frozen=True)
class Picture:
    """A PNG on disk; as the last value of a notebook's cell it is shown."""

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()


def settings(description: str) -> tuple[bool, Path]:
    """QUICK and OUTPUT of an example, from its command line: `--quick` and `--output DIR`."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short run, to see that everything works")
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path("examples-output"), help="where PNGs go")
    arguments = parser.parse_args()
    return arguments.quick, arguments.output


def panels(rows: int, columns: int, size: tuple[float, float] = (4.0, 3.4)) -> tuple[Figure, np.ndarray]:
    """A figure and its axes, an array (rows, columns); `size` is that of one panel in inches."""
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    return figure, axes


def save(figure: Figure, path: Path) -> Picture:
    """Write the figure, say where, and hand it out as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    print(f"Picture: {path}")
    return Picture(path)


def draw_regions(axis: Any, predict: Any, reach: float, classes: int) -> None:
    """Colour the square [-reach, reach]² by `predict`, a function from points (n, 2) float32 to class numbers (n,)."""
    line = np.linspace(-reach, reach, 151, dtype="float32")
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    labels = np.asarray(predict(points)).reshape(len(line), len(line))
    axis.contourf(line, line, labels, levels=np.arange(classes + 1) - 0.5, colors=CLASSES[:classes], alpha=0.15)


def draw_points(axis: Any, x: np.ndarray, y: np.ndarray) -> None:
    """Points (n, 2) in the colours of their class numbers (n,)."""
    axis.scatter(*x.T, c=[CLASSES[label] for label in y], s=14, edgecolors="white", linewidths=0.4, zorder=3)


def draw_confusion(axis: Any, matrix: np.ndarray, names: list[str]) -> None:
    """A confusion matrix (true class, predicted class) of counts as a heat map with its numbers."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, int(count), ha="center", va="center", color=colour, fontsize="small")
    axis.set(xlabel="predicted", ylabel="true", xticks=range(len(names)), yticks=range(len(names)))
    axis.set_xticklabels(names)
    axis.set_yticklabels(names)
    axis.grid(False)
