"""Views: ops that move elements without arithmetic, and the functions that are spelled with them.

They stand apart because they cost nothing when fused: each is an index map, `pull`, from an element of the
result to an element of the operand. All of them keep the dtype and take every dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.dims import Shape, Size, floordiv, maximum, product, shape_text
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value
from graphc.ops.axes import as_shape, one_axis, several_axes
from graphc.ops.definition import SHAPE, NoGradient, Op, Trait, refuse
from graphc.ops.leaves import as_value


def view(
    name: str,
    *,
    summary: str,
    infer: Callable[..., TensorType],
    reference: Callable[..., np.ndarray],
    gradient: Callable[..., tuple[Value | None, ...]],
    pull: Callable[..., Any],
    traits: Trait = Trait.NONE,
    onnx: str | None = None,
    implied: Mapping[str, Callable[[TensorType], Any]] | None = None,
) -> Op:
    """An op that only moves the elements of its operands."""
    return Op(
        name,
        "view",
        summary,
        infer,
        reference,
        gradient,
        pull=pull,
        dtypes=dtypes.ALL,
        traits=Trait.VIEW | traits,
        onnx=onnx,
        implied=implied or {},
    )


# broadcast_to ----------------------------------------------------------------------------------------


def _broadcast_type(x: TensorType, *, shape: Shape) -> TensorType:
    padded = (1,) * (len(shape) - x.rank) + x.shape
    if len(padded) != len(shape) or any(n not in (1, m) for n, m in zip(padded, shape, strict=True)):
        raise GraphError(f"expected a shape that {shape_text(x.shape)} broadcasts to, got {shape_text(shape)}")
    return x.with_shape(shape)


def _broadcast_gradient(g: Value, x: Value, *, y: Value, shape: Shape) -> tuple[Value]:
    added = len(shape) - x.ndim
    repeated = tuple(a for a, m in enumerate(shape) if a < added or x.shape[a - added] != m)
    return (reshape(ops.sum(g, axis=repeated) if repeated else g, x.shape),)


def _broadcast_pull(k: Any, value: Value, index: tuple, x: Callable) -> Any:
    kept = index[value.ndim - value.operands[0].ndim :]
    return x(tuple(k.int_const(0) if n == 1 else i for n, i in zip(value.operands[0].shape, kept, strict=True)))


_broadcast_to = view(
    "broadcast_to",
    summary="Repeat x along new leading axes and along axes of size 1 so that it gets the given shape.",
    infer=_broadcast_type,
    reference=lambda x, *, shape: np.broadcast_to(x, shape),
    gradient=_broadcast_gradient,
    pull=_broadcast_pull,
    onnx="Expand",
    implied=SHAPE,
)


def broadcast_to(x: Any, shape: int | Sequence[Size]) -> Value:
    """x repeated to `shape`, by the broadcasting rule; x itself if it has that shape. Raises `GraphError`."""
    x, shape = as_value(x), as_shape("broadcast_to", shape)
    return x if x.shape == shape else _broadcast_to(x, shape=shape)


# reshape ---------------------------------------------------------------------------------------------


def _reshape_type(x: TensorType, *, shape: Shape) -> TensorType:
    if product(shape) != x.size:
        raise GraphError(f"expected a shape with {x.size} elements for {shape_text(x.shape)}, got {shape_text(shape)}")
    return x.with_shape(shape)


def group_axes(old: Shape, new: Shape) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """The shortest runs of axes of `old` and of `new` that hold the same number of elements, in order.

    Axes of size 1 are in no group. `old` and `new` have equal products.
    """
    a = [i for i, n in enumerate(old) if n != 1]
    b = [j for j, n in enumerate(new) if n != 1]
    groups = []
    while a or b:
        for total in range(2, len(a) + len(b) + 1):
            taken = next(
                (
                    s
                    for s in range(1, total)
                    if s <= len(a)
                    and total - s <= len(b)
                    and product(old[i] for i in a[:s]) == product(new[j] for j in b[: total - s])
                ),
                None,
            )
            if taken is not None:
                break
        else:  # zero-size shapes, where products say nothing
            taken, total = len(a), len(a) + len(b)
        groups.append((tuple(a[:taken]), tuple(b[: total - taken])))
        a, b = a[taken:], b[total - taken :]
    return tuple(groups)


def _reshape_pull(k: Any, value: Value, index: tuple, x: Callable) -> Any:
    old, new = value.operands[0].shape, value.shape
    source = [k.int_const(0)] * len(old)
    for old_axes, new_axes in group_axes(old, new):
        linear = k.int_const(0)
        for j in new_axes:
            linear = k.add(k.mul(linear, k.size(new[j])), index[j])
        for i in reversed(old_axes[1:]):
            divisor = k.size(maximum(old[i], 1))
            source[i] = k.rem(linear, divisor)
            linear = k.quot(linear, divisor)
        if old_axes:
            source[old_axes[0]] = linear
    return x(tuple(source))


_reshape = view(
    "reshape",
    summary="The same elements in row-major order under another shape.",
    infer=_reshape_type,
    reference=lambda x, *, shape: np.reshape(x, shape),
    gradient=lambda g, x, *, y, shape: (reshape(g, x.shape),),
    pull=_reshape_pull,
    traits=Trait.RESHAPE,
    onnx="Reshape",
    implied=SHAPE,
)


def reshape(x: Any, shape: int | Sequence[Size]) -> Value:
    """x under `shape`, in which one entry may be -1 for what is left; x itself if it has that shape.

    Sizes are compared as integer polynomials: [B, 28, 28] → [B, 784] → [B*784]. Raises `GraphError`.
    """
    x, wanted = as_value(x), as_shape("reshape", shape, inferred=True)
    if -1 in wanted:
        wanted = _infer_size(x, wanted)
    return x if x.shape == wanted else _reshape(x, shape=wanted)


def _infer_size(x: Value, wanted: Shape) -> Shape:
    left, known = list(x.shape), [n for n in wanted if n != -1]
    if len(known) != len(wanted) - 1:
        refuse("reshape", f"expected at most one -1, got {shape_text(wanted)}")
    for n in tuple(known):  # equal sizes cancel, whether or not the rest divides as a polynomial
        if n in left and n != 0:
            left.remove(n)
            known.remove(n)
    divisor = product(known)
    if isinstance(divisor, int) and divisor == 0:
        refuse("reshape", f"expected sizes that leave one choice for -1, got {shape_text(wanted)}")
    size = floordiv(product(left), divisor)
    if size * divisor != product(left):
        refuse("reshape", f"expected sizes that divide {x.size} elements, got {shape_text(wanted)}")
    return tuple(size if n == -1 else n for n in wanted)


def expand_dims(x: Any, *, axis: int | Sequence[int] = 0) -> Value:
    """x with new axes of size 1, at the positions `axis` of the result."""
    x = as_value(x)
    rank = x.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new, old = several_axes("expand_dims", axis, rank), iter(x.shape)
    return reshape(x, tuple(1 if a in new else next(old) for a in range(rank)))


def squeeze(x: Any, axis: int | Sequence[int]) -> Value:
    """x without the axes `axis`, each of size 1; refuses others."""
    x = as_value(x)
    axes = several_axes("squeeze", axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            refuse("squeeze", f"expected axis {a} to have size 1, got {shape_text(x.shape)}")
    return reshape(x, tuple(n for a, n in enumerate(x.shape) if a not in axes))


# permute_dims ----------------------------------------------------------------------------------------


def _permute_type(x: TensorType, *, axes: tuple[int, ...]) -> TensorType:
    if sorted(axes) != list(range(x.rank)):
        raise GraphError(f"expected a permutation of the axes 0 to {x.rank - 1}, got {axes}")
    return x.with_shape(tuple(x.shape[a] for a in axes))


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axes.index(a) for a in range(len(axes)))


_permute_dims = view(
    "permute_dims",
    summary="Reorder the axes: axis i of the result is axis axes[i] of x.",
    infer=_permute_type,
    reference=lambda x, *, axes: np.transpose(x, axes),
    gradient=lambda g, x, *, y, axes: (permute_dims(g, _inverse(axes)),),
    pull=lambda k, value, index, x: x(tuple(index[a] for a in _inverse(value.attrs["axes"]))),
    onnx="Transpose",
)


def permute_dims(x: Any, axes: Sequence[int]) -> Value:
    """x with its axes reordered: axis i of the result is axis axes[i] of x. Raises `GraphError`."""
    x = as_value(x)
    order = several_axes("permute_dims", tuple(axes), x.ndim)
    if len(order) != x.ndim:
        refuse("permute_dims", f"expected {x.ndim} axes, got {tuple(axes)}")
    return x if order == tuple(range(x.ndim)) else _permute_dims(x, axes=order)


def matrix_transpose(x: Any) -> Value:
    """x with its last two axes swapped; also `x.mT`."""
    x = as_value(x)
    if x.ndim < 2:
        refuse("matrix_transpose", f"expected at least 2 axes, got {x.type}")
    return swapaxes(x, -1, -2)


def transpose(x: Any) -> Value:
    """x with its axes in reverse; also `x.T`."""
    x = as_value(x)
    return permute_dims(x, tuple(reversed(range(x.ndim))))


def swapaxes(x: Any, axis1: int, axis2: int) -> Value:
    """x with two axes exchanged."""
    x = as_value(x)
    a, b = one_axis("swapaxes", axis1, x.ndim), one_axis("swapaxes", axis2, x.ndim)
    order = list(range(x.ndim))
    order[a], order[b] = b, a
    return permute_dims(x, order)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Value:
    """x with the axes `source` moved to the positions `destination`; the others keep their order."""
    x = as_value(x)
    old, new = several_axes("moveaxis", source, x.ndim), several_axes("moveaxis", destination, x.ndim)
    if len(old) != len(new):
        refuse("moveaxis", f"expected as many destinations as sources, got {source} and {destination}")
    order = [a for a in range(x.ndim) if a not in old]
    for position, axis in sorted(zip(new, old, strict=True)):
        order.insert(position, axis)
    return permute_dims(x, order)


# iota ------------------------------------------------------------------------------------------------


def _iota_type(*, shape: Shape, axis: int) -> TensorType:
    if not 0 <= axis < len(shape):
        raise GraphError(f"expected an axis in [0, {len(shape)}), got {axis}")
    return TensorType(dtypes.int64, shape)


def _iota_reference(*, shape: tuple[int, ...], axis: int) -> np.ndarray:
    column = (-1,) + (1,) * (len(shape) - axis - 1)
    return np.broadcast_to(np.arange(shape[axis]).reshape(column), shape)


_iota = Op(
    "iota",
    "view",
    "The index along one axis, i64: 0, 1, 2, … along it, constant along the others.",
    _iota_type,
    _iota_reference,
    NoGradient("it has no operands"),
    pull=lambda k, value, index: index[value.attrs["axis"]],
    dtypes=(dtypes.int64,),
    traits=Trait.SOURCE,
    implied=SHAPE,
)


def iota(shape: int | Sequence[Size], axis: int = 0) -> Value:
    """The i64 index along `axis`, in every element of an array of `shape`."""
    shape = as_shape("iota", shape)
    return _iota(shape=shape, axis=one_axis("iota", axis, len(shape)))
