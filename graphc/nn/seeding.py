"""The seeds of everything that draws numbers without a seed of its own.

They stand apart so that one call, `set_seed`, makes a whole model reproducible.
"""

from __future__ import annotations

import operator

import numpy as np

from graphc import random
from graphc.ops import refuse

_LIMIT = 2**63
_seeds: np.random.Generator | None = None  # of the operating system's entropy until `set_seed` is called


def generator(seed: int | None) -> np.random.Generator:
    """Counter-based Philox numbers: the same on every platform for the same seed; None takes the next seed."""
    return np.random.Generator(np.random.Philox(next_seed() if seed is None else checked_seed("seed", seed)))


def next_seed() -> int:
    """A seed in [0, 2**63), the next of those that `set_seed` determines."""
    global _seeds
    if _seeds is None:
        _seeds = np.random.Generator(np.random.Philox())
    return int(_seeds.integers(_LIMIT))


def set_seed(seed: int) -> None:
    """Make what follows reproducible: `gc.random`, initial weights, and dropout and noise that have no seed."""
    global _seeds
    _seeds = np.random.Generator(np.random.Philox(checked_seed("set_seed", seed)))
    random.seed(next_seed())


def checked_seed(function: str, seed: int) -> int:
    """`seed` as an int in [0, 2**63). Raises `GraphError`."""
    try:
        number = operator.index(seed)
    except TypeError:
        refuse(function, f"expected an int as seed, got {seed!r}")
    if not 0 <= number < _LIMIT:
        refuse(function, f"expected a seed in [0, 2**63), got {number}")
    return number
