"""Run declared values as a compiled program, by the arrays of their inputs.

It stands apart so that the tests of layers, losses and metrics read as formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import graphc as gc

B = gc.dim("batch")


def like(name: str, array: Any) -> gc.Value:
    """An input for arrays like this one, of any batch size."""
    array = np.asarray(array)
    return gc.input(name, (B, *array.shape[1:]), array.dtype)


def run(outputs: Any, feed: Mapping[gc.Value, Any], updates: Any = None) -> Any:
    """What one call of the compiled program returns."""
    return gc.compile(list(feed), outputs, updates)(*feed.values())
