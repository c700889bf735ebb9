"""Joining and filling: `concat` and `pad`, and the functions spelled with them.

They stand apart from the views because an element of the result comes from one of several places, so their
index maps guard their loads: nothing is read where the condition that picks an operand is false.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from graphc.dims import Dim, Shape, Size, at_most, shape_text
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value
from graphc.ops.axes import one_axis
from graphc.ops.broadcasting import promoted
from graphc.ops.definition import SHAPE, refuse
from graphc.ops.indexing import index
from graphc.ops.leaves import as_value, full
from graphc.ops.slicing import slice_axis, strided
from graphc.ops.views import expand_dims, reshape, view

# concat ----------------------------------------------------------------------------------------------


def _concat_type(*operands: TensorType, axis: int) -> TensorType:
    first = operands[0]
    total: Size = 0
    for x in operands:
        if x.dtype is not first.dtype:
            raise GraphError(f"expected operands of one dtype, got {first} and {x}")
        if x.shape[:axis] + x.shape[axis + 1 :] != first.shape[:axis] + first.shape[axis + 1 :]:
            raise GraphError(f"expected operands that agree but for axis {axis}, got {first} and {x}")
        total = total + x.shape[axis]
    return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))


def _concat_gradient(g: Value, *operands: Value, y: Value, axis: int) -> tuple[Value, ...]:
    parts: list[Value] = []
    start: Size = 0
    for x in operands:
        parts.append(slice_axis(g, axis, start, x.shape[axis]))
        start = start + x.shape[axis]
    return tuple(parts)


def _concat_pull(k: Any, value: Value, index: tuple, *operands: Callable) -> Any:
    axis, end = value.attrs["axis"], value.shape[value.attrs["axis"]]
    i = index[axis]
    result = None
    for n, x in reversed(list(zip((v.shape[axis] for v in value.operands), operands, strict=True))):
        start = end - n
        after_start = k.all_of() if start == 0 else k.le(k.size(start), i)
        before_end = k.all_of() if result is None else k.lt(i, k.size(end))
        element = x((*index[:axis], i - k.size(start), *index[axis + 1 :]))
        element = k.masked(k.all_of(after_start, before_end), element)
        result = element if result is None else k.select(before_end, element, result)
        end = start
    return result


_concat = view(
    "concat",
    summary="The operands one after the other along an axis.",
    infer=_concat_type,
    reference=lambda *operands, axis: np.concatenate(operands, axis),
    gradient=_concat_gradient,
    pull=_concat_pull,
    onnx="Concat",
)


def concat(arrays: Sequence[Any], *, axis: int | None = 0) -> Value:
    """The arrays one after the other along `axis`, promoted to one dtype; None joins them flattened.

    Shapes agree but for `axis`. Raises `GraphError`.
    """
    if not isinstance(arrays, (tuple, list)) or not arrays:
        refuse("concat", f"expected a sequence of at least one array, got {arrays!r}")
    values = promoted(*arrays, function="concat")
    if axis is None:
        values, axis = tuple(reshape(x, (-1,)) for x in values), 0
    ranks = {x.ndim for x in values}
    if len(ranks) != 1:
        refuse("concat", f"expected arrays of one rank, got {' and '.join(str(x.type) for x in values)}")
    axis = one_axis("concat", axis, ranks.pop())
    filled = [x for x in values if x.shape[axis] != 0]
    if len(filled) < 2:
        _concat.infer(*(x.type for x in values), axis=axis)
        return (filled or list(values))[0]
    return _concat(*values, axis=axis) if len(filled) == len(values) else _concat(*filled, axis=axis)


def stack(arrays: Sequence[Any], *, axis: int = 0) -> Value:
    """Arrays of one shape along a new axis."""
    if not isinstance(arrays, (tuple, list)) or not arrays:
        refuse("stack", f"expected a sequence of at least one array, got {arrays!r}")
    values = promoted(*arrays, function="stack")
    if any(x.shape != values[0].shape for x in values):
        refuse("stack", f"expected arrays of one shape, got {' and '.join(str(x.type) for x in values)}")
    axis = one_axis("stack", axis, values[0].ndim + 1)
    return concat([expand_dims(x, axis=axis) for x in values], axis=axis)


def split(x: Any, sections: int | Sequence[Size], *, axis: int = 0) -> list[Value]:
    """x cut along `axis`: into `sections` equal parts, or before each index of `sections`. Raises `GraphError`."""
    x = as_value(x)
    axis = one_axis("split", axis, x.ndim)
    size = x.shape[axis]
    if isinstance(sections, int):
        if sections < 1:
            refuse("split", f"expected at least 1 section, got {sections}")
        part = size // sections
        if part * sections != size:
            refuse("split", f"expected a size that {sections} divides, got {size}")
        bounds = [part * i for i in range(sections + 1)]
    else:
        bounds = [0, *sections, size]
        if not all(isinstance(b, (int, Dim)) for b in bounds):
            refuse("split", f"expected ints or dims to split at, got {sections!r}")
    lead = (slice(None),) * axis
    return [index(x, (*lead, slice(start, stop))) for start, stop in pairwise(bounds)]


def unstack(x: Any, *, axis: int = 0) -> tuple[Value, ...]:
    """The slices of x along `axis`, whose size must be an int, without that axis."""
    x = as_value(x)
    axis = one_axis("unstack", axis, x.ndim)
    if not isinstance(x.shape[axis], int):
        refuse("unstack", f"expected axis {axis} to have a known size, got {shape_text(x.shape)}")
    return tuple(index(x, (slice(None),) * axis + (i,)) for i in range(x.shape[axis]))


def roll(x: Any, shift: int, *, axis: int) -> Value:
    """x with its elements moved by `shift` along `axis`, the last ones coming first."""
    x = as_value(x)
    axis = one_axis("roll", axis, x.ndim)
    size = x.shape[axis]
    if isinstance(size, int):
        start = -shift % size if size else 0
    else:
        start = -shift if shift <= 0 else size - shift
        if not (at_most(0, start) and at_most(start, size)):
            refuse("roll", f"expected an axis that holds {abs(shift)} elements for sure, got size {size}")
    lead = (slice(None),) * axis
    return concat([index(x, (*lead, slice(start, None))), index(x, (*lead, slice(None, start)))], axis=axis)


# pad -------------------------------------------------------------------------------------------------


def _pad_type(
    x: TensorType, *, low: tuple[Size, ...], interior: tuple[int, ...], shape: Shape, value: bool | int | float
) -> TensorType:
    if not len(low) == len(interior) == len(shape) == x.rank:
        raise GraphError(f"expected one entry for each of {x.rank} axes, got {low}, {interior} and {shape}")
    for n, before, gap, m in zip(x.shape, low, interior, shape, strict=True):
        if gap < 0:
            raise GraphError(f"expected a gap ≥ 0 between elements, got {gap}")
        if not (isinstance(n, int) and isinstance(before, int) and isinstance(m, int)):
            continue
        if n > 0 and (before < 0 or before + (n - 1) * (gap + 1) >= m):
            raise GraphError(f"expected a result that holds {shape_text(x.shape)}, got {shape_text(shape)}")
    return x.with_shape(shape)


def _pad_reference(x: np.ndarray, *, low: tuple, interior: tuple, shape: tuple, value: Any) -> np.ndarray:
    result = np.full(shape, value, x.dtype)
    if x.size:
        places = (range(b, b + n * (g + 1), g + 1) for b, n, g in zip(low, x.shape, interior, strict=True))
        result[np.ix_(*places)] = x
    return result


def _pad_gradient(
    g: Value, x: Value, *, y: Value, low: tuple, interior: tuple, shape: Shape, value: Any
) -> tuple[Value]:
    return (strided(g, low, x.shape, tuple(gap + 1 for gap in interior)),)


def _pad_pull(k: Any, value: Value, index: tuple, x: Callable) -> Any:
    inside, source = [], []
    shapes = zip(index, value.operands[0].shape, value.shape, value.attrs["low"], value.attrs["interior"], strict=True)
    for i, n, m, low, gap in shapes:
        place = i - k.size(low)
        if low != 0:
            inside.append(k.le(k.int_const(0), place))
        if gap:
            inside.append(k.eq(k.rem(place, k.int_const(gap + 1)), k.int_const(0)))
            place = k.quot(place, k.int_const(gap + 1))
        if gap or low + n != m:
            inside.append(k.lt(place, k.size(n)))
        source.append(place)
    element = x(tuple(source))
    return k.guarded(k.all_of(*inside), element, value.attrs["value"])


_pad = view(
    "pad",
    summary="x[i] at low + i * (interior + 1) of an array of the given shape, which holds `value` elsewhere.",
    infer=_pad_type,
    reference=_pad_reference,
    gradient=_pad_gradient,
    pull=_pad_pull,
    onnx="Pad",
    implied=SHAPE,
)


def pad(x: Any, pad_width: int | Sequence[Any], *, constant_values: bool | int | float = 0) -> Value:
    """x with `constant_values` before and after along each axis, as `numpy.pad`.

    `pad_width`: one width for all sides, one (before, after) for all axes, or one pair for each axis.
    """
    x = as_value(x)
    pairs = _pad_pairs(pad_width, x.ndim)
    shape = tuple(before + n + after for (before, after), n in zip(pairs, x.shape, strict=True))
    value = full((), constant_values, x.dtype).attrs["value"]
    return place(x, tuple(before for before, _ in pairs), (1,) * x.ndim, shape, value)


def place(
    x: Value, starts: tuple[Size, ...], steps: tuple[int, ...], shape: Shape, value: bool | int | float = 0
) -> Value:
    """An array of `shape` that holds x[i] at starts + i * steps and `value` elsewhere; x if that is all."""
    if x.shape == shape and all(s == 1 for s in steps) and all(s == 0 for s in starts):
        return x
    return _pad(x, low=starts, interior=tuple(s - 1 for s in steps), shape=shape, value=value)


def _pad_pairs(width: Any, rank: int) -> tuple[tuple[Size, Size], ...]:
    def is_width(n: Any) -> bool:
        return isinstance(n, Dim) or (isinstance(n, int | np.integer) and bool(n >= 0))

    if is_width(width):
        pairs = ((width, width),) * rank
    elif isinstance(width, (tuple, list)) and len(width) == 2 and all(is_width(n) for n in width):
        pairs = (tuple(width),) * rank
    else:
        listed = width if isinstance(width, (tuple, list)) else ()
        pairs = tuple(tuple(p) if isinstance(p, (tuple, list)) else (p, p) for p in listed)
        pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank or not all(len(p) == 2 and all(is_width(n) for n in p) for p in pairs):
        refuse("pad", f"expected (before, after) ≥ 0 for each of {rank} axes, got {width!r}")
    return pairs
