"""Contractions: the core op `matmul` (a GEMM) and the functions that are spelled with it.

They stand apart because a floating-point matmul is a library step with a fused epilogue, while everything
else is fused loops; integer contractions are spelled as a sum of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes, ops
from graphc.dims import product, shape_text
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value
from graphc.ops.axes import several_axes
from graphc.ops.broadcasting import broadcast, broadcast_shapes, promoted
from graphc.ops.definition import Op, refuse
from graphc.ops.views import broadcast_to, expand_dims, permute_dims, reshape, squeeze


def _matmul_type(a: TensorType, b: TensorType, *, transpose_a: bool, transpose_b: bool, alpha: float) -> TensorType:
    if a.rank < 2 or b.rank != a.rank or a.dtype is not b.dtype or not a.dtype.is_float:
        raise GraphError(f"expected two floating-point stacks of matrices, got {a} and {b}")
    m, k = reversed(a.shape[-2:]) if transpose_a else a.shape[-2:]
    k_b, n = reversed(b.shape[-2:]) if transpose_b else b.shape[-2:]
    if k != k_b:
        left, right = shape_text((*a.shape[:-2], m, k)), shape_text((*b.shape[:-2], k_b, n))
        raise GraphError(f"expected the inner dims to agree, got {left} @ {right}")
    if a.shape[:-2] != b.shape[:-2]:
        raise GraphError(f"expected equal batch dims, got {a} and {b}")
    return a.with_shape((*a.shape[:-2], m, n))


def _matmul_reference(
    a: np.ndarray, b: np.ndarray, *, transpose_a: bool, transpose_b: bool, alpha: float
) -> np.ndarray:
    left = np.swapaxes(a, -1, -2) if transpose_a else a
    right = np.swapaxes(b, -1, -2) if transpose_b else b
    return a.dtype.type(alpha) * np.matmul(left, right)


def _matmul_gradient(
    g: Value, a: Value, b: Value, *, y: Value, transpose_a: bool, transpose_b: bool, alpha: float
) -> tuple[Value, Value]:
    if transpose_a:
        grad_a = _matmul(b, g, transpose_a=transpose_b, transpose_b=True, alpha=alpha)
    else:
        grad_a = _matmul(g, b, transpose_a=False, transpose_b=not transpose_b, alpha=alpha)
    if transpose_b:
        grad_b = _matmul(g, a, transpose_a=True, transpose_b=transpose_a, alpha=alpha)
    else:
        grad_b = _matmul(a, g, transpose_a=not transpose_a, transpose_b=False, alpha=alpha)
    return grad_a, grad_b


_matmul = Op(
    "matmul",
    "contraction",
    "alpha * a @ b over equal batch dims; a matrix is stored transposed where transpose_a, transpose_b say so.",
    _matmul_type,
    _matmul_reference,
    _matmul_gradient,
    library="gemm",
    dtypes=dtypes.FLOATING,
    onnx="MatMul",
    implied={"transpose_a": lambda _: False, "transpose_b": lambda _: False, "alpha": lambda _: 1.0},
)


def matmul(a: Any, b: Any) -> Value:
    """a @ b by NumPy's rules: matrices in the last two axes, the others broadcast, 1-D operands are vectors.

    Any dtype, promoted; integers and bools are summed in theirs. Raises `GraphError`.
    """
    a, b = promoted(a, b, function="matmul")
    if a.ndim == 0 or b.ndim == 0:
        refuse("matmul", f"expected operands of rank ≥ 1, got {a.type} and {b.type}")
    if a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        refuse("matmul", f"expected the inner dims to agree, got {shape_text(a.shape)} @ {shape_text(b.shape)}")
    left = expand_dims(a, axis=0) if a.ndim == 1 else a
    right = expand_dims(b, axis=1) if b.ndim == 1 else b
    y = _product_of_matrices(left, right)
    vectors = tuple(axis for axis, x in ((-2, a), (-1, b)) if x.ndim == 1)
    return squeeze(y, vectors) if vectors else y


def _product_of_matrices(a: Value, b: Value) -> Value:
    if not a.dtype.is_float:
        return _sum_of_products(expand_dims(a, axis=-1), expand_dims(b, axis=-3), axis=-2)
    if b.ndim == 2 and a.ndim > 2:  # one big matrix: the rows of all batches
        rows = reshape(a, (product(a.shape[:-1]), a.shape[-1]))
        return reshape(_gemm(rows, b), (*a.shape[:-1], b.shape[-1]))
    try:
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except GraphError:
        refuse("matmul", f"expected batch dims that broadcast together, got {a.type} and {b.type}")
    return _gemm(broadcast_to(a, (*batch, *a.shape[-2:])), broadcast_to(b, (*batch, *b.shape[-2:])))


def _gemm(a: Value, b: Value) -> Value:
    return _matmul(a, b, transpose_a=False, transpose_b=False, alpha=1.0)


def _sum_of_products(a: Value, b: Value, *, axis: int | tuple[int, ...]) -> Value:
    a, b = broadcast("matmul", a, b)
    if a.dtype is dtypes.bool_:
        return ops.any(ops.logical_and(a, b), axis=axis)
    return ops.sum(ops.multiply(a, b), axis=axis, dtype=a.dtype)


def vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Value:
    """The dot products of vectors along `axis`, which have one size; the other axes broadcast."""
    a, b = promoted(x1, x2, function="vecdot")
    if a.ndim == 0 or b.ndim == 0 or a.shape[axis] != b.shape[axis]:
        refuse("vecdot", f"expected one size along axis {axis}, got {a.type} and {b.type}")
    return _sum_of_products(a, b, axis=axis)


def outer(a: Any, b: Any) -> Value:
    """a[i] * b[j] for two vectors."""
    a, b = promoted(a, b, function="outer")
    if a.ndim != 1 or b.ndim != 1:
        refuse("outer", f"expected two vectors, got {a.type} and {b.type}")
    return ops.multiply(expand_dims(a, axis=1), expand_dims(b, axis=0))


def tensordot(x1: Any, x2: Any, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Value:
    """The sum of products over `axes`: that many last of x1 and first of x2, or a pair of lists of axes."""
    a, b = promoted(x1, x2, function="tensordot")
    if isinstance(axes, int):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            refuse("tensordot", f"expected at most {min(a.ndim, b.ndim)} axes, got {axes}")
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    over_a, over_b = (
        several_axes("tensordot", tuple(over) if isinstance(over, Sequence) else (over,), x.ndim)
        for over, x in zip(axes, (a, b), strict=True)
    )
    if [a.shape[i] for i in over_a] != [b.shape[i] for i in over_b]:
        refuse("tensordot", f"expected the sizes along {over_a} and {over_b} to agree, got {a.type} and {b.type}")
    return contract(a, b, batch=((), ()), over=(over_a, over_b))


def contract(
    a: Value, b: Value, *, batch: tuple[tuple[int, ...], tuple[int, ...]], over: tuple[tuple[int, ...], tuple[int, ...]]
) -> Value:
    """Sum of products over the axes `over`, elementwise along `batch`; the result: batch, rest of a, rest of b.

    The two lists of each pair name axes of equal sizes, in the same order.
    """
    free_a = tuple(i for i in range(a.ndim) if i not in batch[0] + over[0])
    free_b = tuple(i for i in range(b.ndim) if i not in batch[1] + over[1])
    sizes = tuple(a.shape[i] for i in batch[0])
    m, n = tuple(a.shape[i] for i in free_a), tuple(b.shape[i] for i in free_b)
    if not over[0] or not (m or n) or not a.dtype.is_float:
        left = permute_dims(a, batch[0] + free_a + over[0])
        left = reshape(left, sizes + m + (1,) * len(n) + left.shape[len(sizes + m) :])
        right = permute_dims(b, batch[1] + free_b + over[1])
        right = reshape(right, sizes + (1,) * len(m) + right.shape[len(sizes) :])
        if not over[0]:
            return ops.multiply(left, right) if a.dtype is not dtypes.bool_ else ops.logical_and(left, right)
        return _sum_of_products(left, right, axis=tuple(range(-len(over[0]), 0)))
    k = product(a.shape[i] for i in over[0])
    left = reshape(permute_dims(a, batch[0] + free_a + over[0]), (*sizes, product(m), k))
    right = reshape(permute_dims(b, batch[1] + over[1] + free_b), (*sizes, k, product(n)))
    return reshape(_gemm(left, right), sizes + m + n)
