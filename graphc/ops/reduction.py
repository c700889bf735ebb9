"""Reductions that a kernel folds directly: sum, prod, max, min, any, all.

They stand apart from the statistics built on them, which are decomposed into these.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.dims import Shape, product
from graphc.dtypes import BOOLEAN, NUMERIC, DType, DTypeLike
from graphc.ir.value import Value
from graphc.ops.axes import several_axes
from graphc.ops.definition import NoGradient, Op, ReduceRule, Trait, refuse
from graphc.ops.families import reduction
from graphc.ops.leaves import as_value, checked_dtype

Axis = int | Sequence[int] | None


def reduced_axes(function: str, axis: Axis, rank: int) -> tuple[int, ...]:
    """The axes that `axis` names, sorted; all of them for None. Raises `GraphError`."""
    return tuple(range(rank)) if axis is None else tuple(sorted(several_axes(function, axis, rank)))


def spread(y: Value, shape: Shape, axes: tuple[int, ...]) -> Value:
    """A reduced value repeated along the axes that were dropped, so that it has `shape` again."""
    if y.ndim < len(shape):
        y = ops.expand_dims(y, axis=axes)
    return ops.broadcast_to(y, shape)


def reduce(op: Op, x: Value, axes: tuple[int, ...], keepdims: bool = False, **attrs: Any) -> Value:
    """The reduction with its axes kept as size 1 if `keepdims`; x itself where a fold has nothing to do."""
    if not axes and op.reduce is not None:
        return x
    y = op(x, axes=axes, **attrs)
    return ops.expand_dims(y, axis=axes) if keepdims and axes else y


def refuse_empty(function: str, x: Value, axes: tuple[int, ...]) -> None:
    """Refuse to reduce no elements, where nothing is the right answer."""
    if builtins.any(isinstance(x.shape[a], int) and x.shape[a] == 0 for a in axes):
        refuse(function, f"expected at least one element along the axes {axes}, got {x.type}")


def _numpy(fold: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """NumPy's reduction in the operand's own dtype."""
    return lambda x, *, axes: np.asarray(fold(x, axis=axes), x.dtype)


# sum and product --------------------------------------------------------------------------------------

_sum = reduction(
    "sum",
    summary="The sum along axes; 0 of nothing.",
    dtypes=NUMERIC,
    reference=_numpy(np.sum),
    gradient=lambda g, x, y, axes: (spread(g, x.shape, axes),),
    reduce=ReduceRule("add", lambda dtype: 0),
    onnx="ReduceSum",
)


def sum(x: Any, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False) -> Value:
    """The sum along `axis` (all axes for None). Floats keep their dtype; bools and integers sum in 64 bits."""
    x = _accumulated("sum", x, dtype)
    return reduce(_sum, x, reduced_axes("sum", axis, x.ndim), keepdims)


def _prod_gradient(g: Value, x: Value, y: Value, axes: tuple[int, ...]) -> tuple[Value]:
    if builtins.all(isinstance(x.shape[a], int) for a in axes):
        return (spread(g, x.shape, axes) * exclusive_product(x, axes),)
    is_zero = x == 0
    zeros = spread(sum(is_zero, axis=axes), x.shape, axes)
    without = ops.where(is_zero, 1, x)
    nonzero = spread(prod(without, axis=axes), x.shape, axes)
    others = ops.where(zeros == 0, nonzero / without, ops.where(ops.logical_and(zeros == 1, is_zero), nonzero, 0))
    return (spread(g, x.shape, axes) * others,)


def exclusive_product(x: Value, axes: tuple[int, ...]) -> Value:
    """For each element, the product of all others along `axes`, of static size; no division.

    Pairs are multiplied up a tree; on the way down each half gets its sibling's product. Every derivative is
    right, whatever is zero. O(n) products, O(log n) levels.
    """
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    order = kept + axes
    rows = tuple(x.shape[a] for a in kept)
    flat = ops.reshape(ops.permute_dims(x, order), (*rows, product(x.shape[a] for a in axes)))
    levels = [flat]
    while int(levels[-1].shape[-1]) > 1:
        level = levels[-1]
        if int(level.shape[-1]) % 2:
            level = levels[-1] = ops.concat([level, ops.ones_like(level[..., :1])], axis=-1)
        levels.append(level[..., 0::2] * level[..., 1::2])
    others = ops.ones_like(levels[-1])
    for level in reversed(levels[:-1]):
        others = others[..., : level.shape[-1] // 2]
        left, right = others * level[..., 1::2], others * level[..., 0::2]
        others = ops.reshape(ops.stack([left, right], axis=-1), level.shape)
    others = others[..., : flat.shape[-1]]
    inverse = tuple(order.index(a) for a in range(x.ndim))
    return ops.permute_dims(ops.reshape(others, tuple(x.shape[a] for a in order)), inverse)


_prod = reduction(
    "prod",
    summary="The product along axes; 1 of nothing.",
    dtypes=NUMERIC,
    reference=_numpy(np.prod),
    gradient=_prod_gradient,
    reduce=ReduceRule("mul", lambda dtype: 1),
    onnx="ReduceProd",
)


def prod(x: Any, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False) -> Value:
    """The product along `axis` (all axes for None), in the dtype that `sum` would have.

    The first derivative is right with any number of zeros; higher ones too, if the sizes along `axis` are static.
    """
    x = _accumulated("prod", x, dtype)
    return reduce(_prod, x, reduced_axes("prod", axis, x.ndim), keepdims)


def _accumulated(function: str, x: Any, dtype: DTypeLike | None) -> Value:
    x = as_value(x)
    if dtype is not None:
        return ops.astype(x, checked_dtype(function, dtype))
    if x.dtype.is_float:
        return x
    return ops.astype(x, dtypes.uint64 if x.dtype.kind == "uint" else dtypes.int64)


# extrema ----------------------------------------------------------------------------------------------


def _extremum_gradient(g: Value, x: Value, y: Value, axes: tuple[int, ...]) -> tuple[Value]:
    """Shared equally by all elements that attain the extremum; NaN attains nothing."""
    attained = x == spread(y, x.shape, axes)
    share = g / ops.maximum(sum(ops.astype(attained, x.dtype), axis=axes), 1)
    return (ops.where(attained, spread(share, x.shape, axes), 0),)


def _least(dtype: DType) -> float:
    return float("-inf") if dtype.is_float else int(np.iinfo(dtype.numpy).min)


def _greatest(dtype: DType) -> float:
    return float("inf") if dtype.is_float else int(np.iinfo(dtype.numpy).max)


def _numpy_extremum(fold: Callable[..., Any], identity: Callable[[DType], float]) -> Callable[..., np.ndarray]:
    def reference(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
        return np.asarray(fold(x, axis=axes, initial=identity(dtypes.as_dtype(x.dtype))), x.dtype)

    return reference


max_op = reduction(
    "max",
    summary="The largest element along axes, NaN if one is; of nothing, the least number of the dtype.",
    dtypes=NUMERIC,
    reference=_numpy_extremum(np.max, _least),
    gradient=_extremum_gradient,
    reduce=ReduceRule("max", _least),
    traits=Trait.IDEMPOTENT,
    onnx="ReduceMax",
)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Value:
    """The largest element along `axis` (all axes for None), NaN if one is; equal ones share the gradient.

    Refuses an axis of size 0. Where a symbolic size is 0 at run time, gives -inf or the least integer.
    """
    x = as_value(x)
    axes = reduced_axes("max", axis, x.ndim)
    refuse_empty("max", x, axes)
    return any(x, axis, keepdims) if x.dtype is dtypes.bool_ else reduce(max_op, x, axes, keepdims)


min_op = reduction(
    "min",
    summary="The smallest element along axes, NaN if one is; of nothing, the greatest number of the dtype.",
    dtypes=NUMERIC,
    reference=_numpy_extremum(np.min, _greatest),
    gradient=_extremum_gradient,
    reduce=ReduceRule("min", _greatest),
    traits=Trait.IDEMPOTENT,
    onnx="ReduceMin",
)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Value:
    """The smallest element along `axis` (all axes for None), NaN if one is; equal ones share the gradient.

    Refuses an axis of size 0. Where a symbolic size is 0 at run time, gives inf or the greatest integer.
    """
    x = as_value(x)
    axes = reduced_axes("min", axis, x.ndim)
    refuse_empty("min", x, axes)
    return all(x, axis, keepdims) if x.dtype is dtypes.bool_ else reduce(min_op, x, axes, keepdims)


# any and all ------------------------------------------------------------------------------------------

_any = reduction(
    "any",
    summary="Whether any element along axes is true; False of nothing.",
    dtypes=BOOLEAN,
    reference=_numpy(np.any),
    gradient=NoGradient("it takes bools"),
    reduce=ReduceRule("or", lambda dtype: False),
    traits=Trait.IDEMPOTENT,
)


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Value:
    """Whether any element along `axis` is not zero."""
    x = ops.astype(x, dtypes.bool_)
    return reduce(_any, x, reduced_axes("any", axis, x.ndim), keepdims)


_all = reduction(
    "all",
    summary="Whether all elements along axes are true; True of nothing.",
    dtypes=BOOLEAN,
    reference=_numpy(np.all),
    gradient=NoGradient("it takes bools"),
    reduce=ReduceRule("and", lambda dtype: True),
    traits=Trait.IDEMPOTENT,
)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Value:
    """Whether all elements along `axis` are other than zero."""
    x = ops.astype(x, dtypes.bool_)
    return reduce(_all, x, reduced_axes("all", axis, x.ndim), keepdims)
