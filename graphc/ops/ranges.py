"""Arrays that are computed from their indices: arange and eye.

They stand apart from the leaves because they are built from `iota`, and take no memory either.
"""

from __future__ import annotations

import math

from graphc import dtypes, ops
from graphc.dims import Dim, Size
from graphc.dtypes import DTypeLike
from graphc.ir.value import Value
from graphc.ops.definition import refuse
from graphc.ops.leaves import checked_dtype


def arange(
    start: Size | float, stop: Size | float | None = None, step: float = 1, dtype: DTypeLike | None = None
) -> Value:
    """start, start + step, … below `stop` (above it for a negative step); from 0 if only one bound is given.

    int64 for ints, else float64, unless `dtype` is given. A bound may be a size if the step is 1. Raises
    `GraphError` for a step of 0.
    """
    if stop is None:
        start, stop = 0, start
    if step == 0:
        refuse("arange", "expected a step other than 0, got 0")
    if isinstance(start, Dim) or isinstance(stop, Dim):
        count = _symbolic_count(start, stop, step)
    else:
        count = max(math.ceil((stop - start) / step), 0)
    whole = not any(isinstance(bound, float) for bound in (start, stop, step))
    type = checked_dtype("arange", (dtypes.int64 if whole else dtypes.float64) if dtype is None else dtype)
    index = ops.iota((count,), 0)
    if not whole:
        index = ops.astype(index, dtypes.float64)
    values = index if step == 1 else index * step
    return ops.astype(values if isinstance(start, int) and start == 0 else values + start, type)


def _symbolic_count(start: Size | float, stop: Size | float, step: float) -> Size:
    if step != 1 or isinstance(start, float) or isinstance(stop, float):
        refuse("arange", f"expected whole bounds and a step of 1 with a size, got {start}, {stop} and {step}")
    return stop - start


def eye(n_rows: Size, n_cols: Size | None = None, k: int = 0, dtype: DTypeLike = "float64") -> Value:
    """Ones on the k-th diagonal (above the main one for k > 0), zeros elsewhere: [n_rows, n_cols]."""
    shape = (n_rows, n_rows if n_cols is None else n_cols)
    return ops.astype(ops.iota(shape, 0) + k == ops.iota(shape, 1), dtype)
