"""Indexing: `x[...]` as NumPy reads it, gathering by integer arrays, and the functions spelled with them.

It stands apart from the slices because indices are data: `check_index` checks them while the program runs,
before `gather` loads through them. Masks select a number of elements that no shape can state, and are refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.dims import Dim, Shape, Size, at_most, non_negative, shape_text
from graphc.dtypes import DTypeLike
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value
from graphc.ops.axes import one_axis
from graphc.ops.broadcasting import broadcast
from graphc.ops.definition import NoGradient, Op, Trait, refuse
from graphc.ops.leaves import as_value, checked_dtype, constant
from graphc.ops.slicing import resolve_slice, strided
from graphc.ops.views import broadcast_to, expand_dims, iota, permute_dims, reshape, view

# check_index -----------------------------------------------------------------------------------------


def _check_index_type(i: TensorType, *, size: Size) -> TensorType:
    if not i.dtype.is_integer:
        raise GraphError(f"expected integers as indices, got {i}")
    return i.with_dtype(dtypes.int64)


def _check_index_reference(i: np.ndarray, *, size: int) -> np.ndarray:
    wrapped = np.where(i < 0, i + size, i).astype(np.int64)
    if ((wrapped < 0) | (wrapped >= size)).any():
        raise IndexError(f"expected indices in [{-size}, {size}), got {i}")
    return wrapped


def _check_index_lower(k: Any, i: Any, *, size: Size) -> Any:
    signed = i.dtype.kind == "int"
    i, n, zero = k.cast(i, dtypes.int64), k.size(size), k.int_const(0)
    wrapped = k.select(k.lt(i, zero), k.add(i, n), i) if signed else i  # u64 beyond i64 turns negative: refused
    inside = k.all_of(k.le(zero, wrapped), k.lt(wrapped, n))
    message = f"expected an index in [-n, n) for an axis of size n = {size}"
    return k.check(inside, k.select(inside, wrapped, zero), message)


_check_index = Op(
    "check_index",
    "indexing",
    "An index as i64 in [0, size): negative ones count from the end, others stop the program.",
    _check_index_type,
    _check_index_reference,
    NoGradient("indices are integers"),
    lower=_check_index_lower,
    dtypes=dtypes.INTEGER,
    traits=Trait.CHECKS,
)

# gather ----------------------------------------------------------------------------------------------


def _gather_type(x: TensorType, *indices: TensorType, axes: tuple[int, ...]) -> TensorType:
    if not indices or len(indices) != len(axes) or len(set(axes)) != len(axes):
        raise GraphError(f"expected one index array for each of the axes {axes}, got {len(indices)}")
    if not all(0 <= a < x.rank for a in axes):
        raise GraphError(f"expected axes in [0, {x.rank}), got {axes}")
    if any(i.dtype is not dtypes.int64 or i.shape != indices[0].shape for i in indices):
        raise GraphError(f"expected i64 indices of one shape, got {' and '.join(map(str, indices))}")
    return x.with_shape(indices[0].shape + tuple(n for a, n in enumerate(x.shape) if a not in axes))


def _gather_reference(x: np.ndarray, *indices: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.moveaxis(x, axes, range(len(axes)))[tuple(indices)]


def _gather_pull(k: Any, value: Value, index: tuple, x: Callable, *indices: Callable) -> Any:
    axes, rank = value.attrs["axes"], value.operands[1].ndim
    place, rest = tuple(i(index[:rank]) for i in indices), iter(index[rank:])
    shape = value.operands[0].shape
    element = x(tuple(place[axes.index(a)] if a in axes else next(rest) for a in range(len(shape))))
    # An axis of size 0 holds nothing that could be loaded, so that no index into it is right. The guard takes the
    # check of the index with it; this one stands in.
    filled = k.all_of(*(k.lt(k.int_const(0), k.size(shape[a])) for a in axes if not at_most(1, shape[a])))
    return k.check(filled, k.guarded(filled, element, 0), "expected no index into an empty axis")


gather = view(
    "gather",
    summary="x at i64 indices of one shape along `axes`; the index's axes come first, then the rest of x's.",
    infer=_gather_type,
    reference=_gather_reference,
    gradient=lambda g, x, *indices, y, axes: (
        ops.scatter.scatter_add(g, *indices, shape=x.shape, axes=axes),
        *(None for _ in indices),
    ),
    pull=_gather_pull,
    onnx="GatherND",
)


def checked_index(indices: Any, size: Size) -> Value:
    """Integer indices as i64 in [0, size): constants are checked now if the size is known, others while running."""
    if isinstance(indices, int | np.integer | np.ndarray | list | tuple):
        array = np.asarray(indices)
        if array.size == 0:
            array = array.astype(np.int64)
        if array.dtype.kind not in "iu":
            refuse("index", f"expected integers, got an array of {array.dtype}")
        if isinstance(size, int):
            if array.size and not (-size <= array.min() and array.max() < size):
                refuse("index", f"expected indices in [{-size}, {size}), got {_outlier(array, size)}")
            return constant(np.where(array < 0, array + size, array).astype(np.int64))
        indices = array.astype(np.int64)
    i = as_value(indices)
    if not i.dtype.is_integer:
        refuse("index", f"expected integers as indices, got {i.type}")
    return _check_index(i, size=size)


def _outlier(array: np.ndarray, size: int) -> int:
    return int(array[(array < -size) | (array >= size)].flat[0])


# x[key] ----------------------------------------------------------------------------------------------


_NEW, _INDICES = -1, -2  # among the axes of x in a result: an axis of size 1, and the axes of the index arrays


@dataclass
class _Plan:
    """What a key says: slices that come first, indices that are gathered, and the axes of the result in order."""

    starts: list[Size]
    sizes: list[Size]
    steps: list[int]
    gathered: dict[int, Any]  # axis of x → integer, dim, array or value
    result: list[int]  # axes of x, _NEW and _INDICES


def index(x: Value, key: Any) -> Value:
    """x[key] by NumPy's rules: integers, slices, None, Ellipsis and integer arrays.

    Raises `GraphError` for a boolean mask, for too many indices and for a constant that is out of range; an
    index that is data and out of range stops the program when it runs.
    """
    plan = _read_key(x, key if isinstance(key, tuple) else (key,))
    y = strided(x, plan.starts, plan.sizes, plan.steps)
    if not plan.gathered:
        return reshape(y, tuple(1 if a == _NEW else y.shape[a] for a in plan.result))
    axes = tuple(plan.gathered)
    indices = broadcast("index", *(checked_index(i, x.shape[a]) for a, i in plan.gathered.items()))
    y = gather(y, *indices, axes=axes)
    rank = indices[0].ndim
    rest = [a for a in range(x.ndim) if a not in axes]
    kept = [a for a in plan.result if a != _NEW]
    # The axes of the indices come first; bring them to where the key names them. (An axis that an integer dropped
    # is still there with size 1, but only if all indices are scalars, and then there is nothing to bring.)
    before = sum(1 for a in rest if a in kept[: kept.index(_INDICES)])
    order = [rank + a for a in range(before)] + list(range(rank)) + [rank + a for a in range(before, len(rest))]
    y = permute_dims(y, order)
    shape: list[Size] = []
    for a in plan.result:
        shape.extend(indices[0].shape if a == _INDICES else (1,) if a == _NEW else (plan.sizes[a],))
    return reshape(y, tuple(shape))


def _read_key(x: Value, key: tuple[Any, ...]) -> _Plan:
    key = tuple(np.asarray(k) if isinstance(k, list) else k for k in key)
    for k in key:
        _refuse_mask(k)
    used = sum(1 for k in key if k is not None and k is not Ellipsis)
    dots = [n for n, k in enumerate(key) if k is Ellipsis]
    if used > x.ndim or len(dots) > 1:
        refuse("index", f"expected at most {x.ndim} indices and one ..., got {len(key)} for {x.type}")
    at = dots[0] if dots else len(key)
    # The Ellipsis stays as a marker: it parts array indices even where it stands for no axis.
    items = [*key[:at], Ellipsis, *(slice(None),) * (x.ndim - used), *key[at + 1 :]]

    plan = _Plan([0] * x.ndim, list(x.shape), [1] * x.ndim, {}, [])
    is_gathered = [_is_integer(k) or isinstance(k, Value | np.ndarray) for k in items]
    has_arrays = any(isinstance(k, Value | np.ndarray) for k in items)
    axis, runs = 0, 0
    for n, item in enumerate(items):
        if item is Ellipsis:
            continue
        if item is None:
            plan.result.append(_NEW)
            continue
        if isinstance(item, slice):
            plan.starts[axis], plan.sizes[axis], plan.steps[axis] = resolve_slice(item, x.shape[axis])
            plan.result.append(axis)
        elif not is_gathered[n]:
            refuse("index", f"expected ints, slices, None, ... or integer arrays, got {item!r}")
        else:
            place = None if has_arrays else _known_place(item, x.shape[axis])
            if place is not None:
                plan.starts[axis], plan.sizes[axis] = place, 1
            else:
                plan.gathered[axis] = item
                if n == 0 or not is_gathered[n - 1]:
                    runs += 1
                if _INDICES not in plan.result:
                    plan.result.append(_INDICES)
        axis += 1
    if runs > 1:  # NumPy: array indices that are apart put their axes in front
        plan.result.remove(_INDICES)
        plan.result.insert(0, _INDICES)
    return plan


def _refuse_mask(k: Any) -> None:
    if isinstance(k, bool | np.bool_) or (
        isinstance(k, np.ndarray | Value) and dtypes.as_dtype(k.dtype) is dtypes.bool_
    ):
        refuse("index", "expected integers, got a boolean mask, whose result has no shape in advance; use gc.where")


def _is_integer(k: Any) -> bool:
    return isinstance(k, int | np.integer | Dim)


def _known_place(item: Any, size: Size) -> Size | None:
    """The index from the front, if it is in range for sure; refuses one that is out of range for sure."""
    if isinstance(item, Dim):
        return item if non_negative(item) and at_most(item + 1, size) else None
    i = operator.index(item)
    if isinstance(size, int) and not -size <= i < size:
        refuse("index", f"expected an index in [{-size}, {size}), got {i}")
    place = i + size if i < 0 else i
    return place if non_negative(place) and at_most(place + 1, size) else None


# functions -------------------------------------------------------------------------------------------


def take(x: Any, indices: Any, *, axis: int | None = None) -> Value:
    """The elements of x at integer `indices` along `axis`, which may be left out if x has one axis only."""
    x = as_value(x)
    if axis is None and x.ndim != 1:
        refuse("take", f"expected an axis for {x.type}, got None")
    axis = one_axis("take", 0 if axis is None else axis, x.ndim)
    indices = indices if isinstance(indices, Value) else np.asarray(indices)
    return index(x, (*(slice(None),) * axis, indices))


def take_along_axis(x: Any, indices: Any, *, axis: int = -1) -> Value:
    """x[..., indices[..., j, ...], ...]: one index along `axis` for each element of the result.

    x and `indices` have one rank and broadcast against each other along the other axes. Raises `GraphError`.
    """
    x = as_value(x)
    indices = indices if isinstance(indices, Value) else np.asarray(indices)
    if indices.ndim != x.ndim:
        refuse("take_along_axis", f"expected indices of rank {x.ndim}, got {shape_text(indices.shape)}")
    axis = one_axis("take_along_axis", axis, x.ndim)
    i = checked_index(indices, x.shape[axis])
    common = _common_shape(x.shape, i.shape, axis)
    x = broadcast_to(x, (*common[:axis], x.shape[axis], *common[axis + 1 :]))
    i = broadcast_to(i, common)
    places = tuple(i if a == axis else iota(common, a) for a in range(x.ndim))
    return gather(x, *places, axes=tuple(range(x.ndim)))


def _common_shape(x: Shape, i: Shape, axis: int) -> Shape:
    for a, (n, m) in enumerate(zip(x, i, strict=True)):
        if a != axis and n != m and 1 not in (n, m):
            refuse("take_along_axis", f"expected shapes that broadcast but for axis {axis}, got {x} and {i}")
    return tuple(m if a == axis or n == 1 else n for a, (n, m) in enumerate(zip(x, i, strict=True)))


def diagonal(x: Value, axis1: int, axis2: int) -> Value:
    """The elements of x at equal places along two axes of one size; their common axis comes first."""
    places = iota((x.shape[axis1],))
    return gather(x, places, places, axes=(axis1, axis2))


# one_hot ---------------------------------------------------------------------------------------------


def _one_hot_type(indices: TensorType, *, n: Size, dtype: dtypes.DType) -> TensorType:
    if not indices.dtype.is_integer:
        raise GraphError(f"expected integers as indices, got {indices}")
    return TensorType(dtype, (*indices.shape, n))


def _one_hot_decomposition(indices: Value, *, n: Size, dtype: dtypes.DType) -> Value:
    places = iota((*indices.shape, n), -1)
    wanted = broadcast_to(expand_dims(ops.astype(indices, dtypes.int64), axis=-1), places.shape)
    return ops.astype(ops.equal(places, wanted), dtype)


_one_hot = Op(
    "one_hot",
    "indexing",
    "1 at the place that each index names along a new last axis of size n, else 0; 0 everywhere if out of range.",
    _one_hot_type,
    lambda indices, *, n, dtype: (indices[..., None] == np.arange(n)).astype(dtype.numpy),
    NoGradient("indices are integers"),
    decompose=_one_hot_decomposition,
    dtypes=dtypes.INTEGER,
    onnx="OneHot",
)


def one_hot(indices: Any, n: Size, *, dtype: DTypeLike = "float32") -> Value:
    """1 at index indices[...] of a new last axis of size n, 0 elsewhere and wherever an index is out of range."""
    return _one_hot(as_value(indices), n=n, dtype=checked_dtype("one_hot", dtype))
