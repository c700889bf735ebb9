"""The loss of the best constant prediction: what a model that learns nothing from its inputs reaches.

It stands apart because it needs targets and a loss, and no model; the diagnosis measures underfitting by it.
"""

from __future__ import annotations

import numpy as np

from graphc.nn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)


def baseline_loss(loss: Loss | None, targets: np.ndarray) -> float | None:
    """The loss of the best constant for these targets [samples, …]; None for a loss without a formula here.

    Cross entropies: the entropy of the class frequencies. Squared error: the variance. Absolute error: the mean
    distance from the median. Label smoothing and weights are left out.
    """
    if len(targets) == 0:
        return None
    if isinstance(loss, SparseCategoricalCrossentropy):
        return _entropy(np.unique(targets, return_counts=True)[1] / targets.size)
    if isinstance(loss, CategoricalCrossentropy):
        return _entropy(targets.reshape(-1, targets.shape[-1]).mean(axis=0, dtype=np.float64))
    if isinstance(loss, BinaryCrossentropy):
        p = targets.mean(axis=0, dtype=np.float64)
        return float(np.mean([_entropy(np.array([q, 1 - q])) for q in np.ravel(p)]))
    if isinstance(loss, MeanSquaredError):
        return float(targets.var(axis=0, dtype=np.float64).mean())
    if isinstance(loss, MeanAbsoluteError):
        return float(np.abs(targets - np.median(targets, axis=0)).mean())
    return None


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
