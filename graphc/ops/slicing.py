"""Slices: the core op `slice`, Python's slicing rules on sizes that may be symbolic, and `flip`.

They stand apart from the rest of indexing because they are views: bounds are settled when the graph is
declared, so nothing has to be checked while it runs.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import ops
from graphc.dims import Dim, Shape, Size, ceildiv, maximum, minimum, non_negative, shape_text
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value
from graphc.ops.axes import several_axes
from graphc.ops.definition import refuse
from graphc.ops.leaves import as_value
from graphc.ops.views import view


def _slice_type(x: TensorType, *, starts: Shape, sizes: Shape, steps: tuple[int, ...]) -> TensorType:
    if not len(starts) == len(sizes) == len(steps) == x.rank:
        raise GraphError(f"expected one entry for each of {x.rank} axes, got {starts}, {sizes} and {steps}")
    for n, start, size, step in zip(x.shape, starts, sizes, steps, strict=True):
        if step == 0:
            raise GraphError("expected a step other than 0")
        if isinstance(n, int) and isinstance(start, int) and isinstance(size, int) and size > 0:
            last = start + (size - 1) * step
            if not (0 <= start < n and 0 <= last < n):
                raise GraphError(f"expected elements of {shape_text(x.shape)}, got {size} from {start} by {step}")
    return x.with_shape(sizes)


def _slice_reference(x: np.ndarray, *, starts: tuple, sizes: tuple, steps: tuple) -> np.ndarray:
    places = (start + np.arange(size) * step for start, size, step in zip(starts, sizes, steps, strict=True))
    return x[np.ix_(*places)] if all(sizes) else np.zeros(sizes, x.dtype)


def _slice_gradient(g: Value, x: Value, *, y: Value, starts: Shape, sizes: Shape, steps: tuple) -> tuple[Value]:
    lowest = tuple(
        start if step > 0 else start + (size - 1) * step for start, size, step in zip(starts, sizes, steps, strict=True)
    )
    backwards = tuple(a for a, step in enumerate(steps) if step < 0)
    forward = flip(g, axis=backwards) if backwards else g
    return (ops.joining.place(forward, lowest, tuple(builtins.abs(s) for s in steps), x.shape),)


def _slice_pull(k: Any, value: Value, index: tuple, x: Callable) -> Any:
    return x(
        tuple(
            k.add(k.mul(i, k.int_const(step)), k.size(start))
            for i, start, step in zip(index, value.attrs["starts"], value.attrs["steps"], strict=True)
        )
    )


_slice = view(
    "slice",
    summary="sizes[a] elements of each axis a, from starts[a] by steps[a], which may be negative.",
    infer=_slice_type,
    reference=_slice_reference,
    gradient=_slice_gradient,
    pull=_slice_pull,
    onnx="Slice",
    implied={"sizes": lambda result: result.shape},
)


def strided(x: Value, starts: Sequence[Size], sizes: Sequence[Size], steps: Sequence[int]) -> Value:
    """The `slice` op, or x itself if it would take everything in order."""
    if tuple(sizes) == x.shape and all(s == 0 for s in starts) and all(s == 1 for s in steps):
        return x
    return _slice(x, starts=tuple(starts), sizes=tuple(sizes), steps=tuple(steps))


def slice_axis(x: Value, axis: int, start: Size, size: Size) -> Value:
    """`size` elements from `start` on along one axis, all of the others."""
    starts = (*(0,) * axis, start, *(0,) * (x.ndim - axis - 1))
    return strided(x, starts, (*x.shape[:axis], size, *x.shape[axis + 1 :]), (1,) * x.ndim)


def flip(x: Any, *, axis: int | Sequence[int] | None = None) -> Value:
    """x with the order of its elements reversed along `axis`; None: along every axis."""
    x = as_value(x)
    axes = tuple(range(x.ndim)) if axis is None else several_axes("flip", axis, x.ndim)
    starts = tuple(n - 1 if a in axes else 0 for a, n in enumerate(x.shape))
    return strided(x, starts, x.shape, tuple(-1 if a in axes else 1 for a in range(x.ndim))) if axes else x


def resolve_slice(key: slice, size: Size) -> tuple[Size, Size, int]:
    """(start, size, step) of the elements that `key` takes from an axis of `size`, as Python's slicing does.

    Bounds are ints, dims or None. A dim counts from the front, and as 0 where it turns out negative, unless its
    negation is a size (x[-B:]). Raises `GraphError`.
    """
    step = 1 if key.step is None else _as_bound(key.step)
    if not isinstance(step, int) or step == 0:
        refuse("slice", f"expected a non-zero int as step, got {key.step!r}")
    if step > 0:
        start = 0 if key.start is None else _clamp_below(_as_bound(key.start), size, 0)
        stop = size if key.stop is None else minimum(_clamp_below(_as_bound(key.stop), size, 0), size)
        return start, ceildiv(maximum(stop - start, 0), step), step
    last = size - 1
    start = last if key.start is None else minimum(_clamp_below(_as_bound(key.start), size, -1), last)
    stop = -1 if key.stop is None else _clamp_below(_as_bound(key.stop), size, -1)
    return start, ceildiv(maximum(start - stop, 0), -step), step


def _as_bound(bound: Any) -> Size:
    if isinstance(bound, Dim):
        return bound
    try:
        return operator.index(bound)
    except TypeError:
        refuse("slice", f"expected ints, dims or None in a slice, got {bound!r}")


def _clamp_below(bound: Size, size: Size, least: int) -> Size:
    from_the_end = bound < 0 if isinstance(bound, int) else non_negative(-bound)
    return maximum(bound + size if from_the_end else bound, least if from_the_end else 0)
