"""Labelled samples and their split into training, validation and test parts.

It stands apart from the sources so that a user's own arrays go through the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from graphc.errors import GraphError

Array = np.ndarray


@dataclass(frozen=True)
class Dataset:
    """Samples in rows: `x` (n, …) float32 and their labels `y` (n, …)."""

    x: Array
    y: Array

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise GraphError(f"expected as many labels as samples, got {len(self.x)} samples and {len(self.y)} labels")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice | Array) -> Dataset:
        """The samples in a slice of rows or at an array of row numbers."""
        return Dataset(self.x[rows], self.y[rows])


@dataclass(frozen=True)
class Split:
    """Disjoint parts: fit on `train`, choose on `validation`, report on `test`."""

    train: Dataset
    validation: Dataset
    test: Dataset


def train_validation_test_split(
    x: Array, y: Array, fractions: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0
) -> Split:
    """Shuffle the rows and cut them in three.

    `fractions`: training, validation, test; positive, with sum 1. Each part gets at least one row. The
    same seed gives the same parts.
    """
    data = Dataset(np.asarray(x), np.asarray(y))
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise GraphError(f"expected three positive fractions with sum 1, got {tuple(fractions)}")
    first = round(fractions[0] * len(data))
    second = round((fractions[0] + fractions[1]) * len(data))
    if not 0 < first < second < len(data):
        raise GraphError(f"expected enough samples for three parts of {tuple(fractions)}, got {len(data)}")
    order = np.random.default_rng(seed).permutation(len(data))
    return Split(data[order[:first]], data[order[first:second]], data[order[second:]])


def standardize(split: Split) -> Split:
    """Shift and scale each feature by the mean and deviation of the *training* part.

    Features that are constant there (the border pixels of digits) are only shifted.
    """
    mean = split.train.x.mean(axis=0)
    deviation = split.train.x.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1).astype(mean.dtype)

    def scaled(part: Dataset) -> Dataset:
        return Dataset((part.x - mean) / scale, part.y)

    return Split(scaled(split.train), scaled(split.validation), scaled(split.test))


def minibatches(data: Dataset, batch_size: int, generator: np.random.Generator) -> Iterator[Dataset]:
    """One epoch: every sample once, in shuffled batches; the last one may be smaller."""
    if batch_size < 1:
        raise GraphError(f"expected a batch size of at least 1, got {batch_size}")
    order = generator.permutation(len(data))
    for start in range(0, len(data), batch_size):
        yield data[order[start : start + batch_size]]
