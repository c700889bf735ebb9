"""Generated data sets of any size and difficulty, made by scikit-learn, with graphc's dtypes.

They stand apart from the real ones because they have arguments; a seed determines them completely.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.data.dataset import Dataset
from graphc.data.sources import optional_module
from graphc.errors import GraphError


def make_classification(n_samples: int = 100, *, multilabel: bool = False, seed: int = 0, **options: Any) -> Dataset:
    """Clusters of points with classes: x (n, features) float32, y (n,) int64.

    With `multilabel` a sample may have several classes or none: y (n, classes) int64 of 0 and 1. `options` are those
    of scikit-learn's `make_classification` (n_features, n_informative, n_classes, class_sep, flip_y, …) and
    `make_multilabel_classification` (n_features, n_classes, n_labels, …). Raises `GraphError` for options that these
    refuse.
    """
    made = _made("make_multilabel_classification" if multilabel else "make_classification", n_samples, seed, options)
    return Dataset(made[0].astype(np.float32), made[1].astype(np.int64))


def make_regression(n_samples: int = 100, *, seed: int = 0, **options: Any) -> Dataset:
    """A random linear law with noise: x (n, features) float32, y (n,) or (n, targets) float32.

    `options` are those of scikit-learn's `make_regression` (n_features, n_informative, n_targets, bias, noise, …).
    Raises `GraphError` for options that it refuses.
    """
    made = _made("make_regression", n_samples, seed, options)
    return Dataset(made[0].astype(np.float32), made[1].astype(np.float32))


def _made(function: str, n_samples: int, seed: int, options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    generate = getattr(optional_module("sklearn.datasets", "scikit-learn"), function)
    for taken in ("random_state", "return_distributions", "return_indicator", "return_X_y", "coef"):
        if taken in options:
            hint = "seed" if taken == "random_state" else "no such option"
            raise GraphError(f"{function}: expected {hint}, got {taken}={options[taken]!r}")
    try:
        x, y = generate(n_samples, random_state=seed, **options)
    except (TypeError, ValueError) as refused:
        raise GraphError(f"{function}: expected options of scikit-learn's function, got others ({refused})") from None
    return x, y
