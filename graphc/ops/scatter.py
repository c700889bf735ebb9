"""Scattering: `scatter_add`, the transpose of `gather`.

It stands apart because several updates may meet in one element: it is a step of its own in the program,
which adds them in a fixed order, so that the bits do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np

from graphc import dtypes, ops
from graphc.dims import Shape, shape_text
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value
from graphc.ops.definition import SHAPE, Op


def _scatter_add_type(updates: TensorType, *indices: TensorType, shape: Shape, axes: tuple[int, ...]) -> TensorType:
    if not indices or len(indices) != len(axes) or len(set(axes)) != len(axes):
        raise GraphError(f"expected one index array for each of the axes {axes}, got {len(indices)}")
    if not all(0 <= a < len(shape) for a in axes):
        raise GraphError(f"expected axes in [0, {len(shape)}), got {axes}")
    if any(i.dtype is not dtypes.int64 or i.shape != indices[0].shape for i in indices):
        raise GraphError(f"expected i64 indices of one shape, got {' and '.join(map(str, indices))}")
    wanted = indices[0].shape + tuple(n for a, n in enumerate(shape) if a not in axes)
    if updates.shape != wanted:
        raise GraphError(f"expected updates of shape {shape_text(wanted)}, got {updates}")
    return updates.with_shape(shape)


def _scatter_add_reference(
    updates: np.ndarray, *indices: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...]
) -> np.ndarray:
    result = np.zeros(shape, updates.dtype)
    np.add.at(np.moveaxis(result, axes, range(len(axes))), tuple(indices), updates)
    return result


def _scatter_add_gradient(
    g: Value, updates: Value, *indices: Value, y: Value, shape: Shape, axes: tuple[int, ...]
) -> tuple[Value | None, ...]:
    return (ops.indexing.gather(g, *indices, axes=axes), *(None for _ in indices))


scatter_add = Op(
    "scatter_add",
    "scatter",
    "Zeros of the given shape, plus each update at its i64 indices along `axes`; updates that meet add up.",
    _scatter_add_type,
    _scatter_add_reference,
    _scatter_add_gradient,
    library="scatter_add",
    dtypes=dtypes.NUMERIC,
    implied=SHAPE,
)
