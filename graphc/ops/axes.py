"""Axis and shape arguments: negative axes wrapped, whatever is out of range or no size refused with the user's line.

It stands apart because every family that takes them (leaves, reductions, views, joining, indexing) reads them alike.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dims import Dim, Shape, Size
from graphc.ops.definition import refuse


def one_axis(function: str, axis: Any, rank: int) -> int:
    """`axis` in [0, rank); raises `GraphError`."""
    try:
        index = operator.index(axis)
    except TypeError:
        refuse(function, f"expected an int as axis, got {axis!r}")
    if not -rank <= index < rank:
        refuse(function, f"expected an axis in [{-rank}, {rank}), got {index}")
    return index + rank if index < 0 else index


def several_axes(function: str, axes: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One axis or several, each in [0, rank), in the order given; raises `GraphError`."""
    listed = axes if isinstance(axes, (tuple, list)) else (axes,)
    result = tuple(one_axis(function, a, rank) for a in listed)
    if len(set(result)) != len(result):
        refuse(function, f"expected axes that differ, got {tuple(listed)}")
    return result


def as_shape(function: str, shape: Any, *, inferred: bool = False) -> Shape:
    """A tuple of ints ≥ 0 and dims, from one size or several; -1 too if `inferred`. Raises `GraphError`."""
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    result: list[Size] = []
    for n in sizes:
        if isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= (-1 if inferred else 0):
            result.append(int(n))
        elif isinstance(n, Dim):
            result.append(n)
        else:
            refuse(function, f"expected a shape of ints and dims, got {shape!r}")
    return tuple(result)
