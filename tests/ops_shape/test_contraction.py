"""matmul, tensordot and einsum against NumPy, in floats, integers and bools."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from graphc import ops
from graphc.dims import dim
from graphc.errors import GraphError
from graphc.ir.graph import topological
from tests.ops_shape.index_maps import evaluate

B = dim("batch")


def array(shape, dtype="float64", seed=0):
    numbers = np.random.default_rng(seed).integers(-4, 5, shape)
    return (numbers > 0) if dtype == "bool" else numbers.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8", "bool"])
@pytest.mark.parametrize("a, b", [
    ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)),
    ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)), ((0, 3), (3, 4)), ((2, 0), (0, 4)), ((3,), (5, 3, 4)),
])  # fmt: skip
def test_matmul(a, b, dtype):
    x, y = array(a, dtype), array(b, dtype, 1)
    result = evaluate(ops.matmul(ops.input("x", a, dtype), ops.input("y", b, dtype)), {"x": x, "y": y})
    np.testing.assert_array_equal(result, np.matmul(x, y))
    assert result.dtype == np.matmul(x, y).dtype


def test_matmul_promotes():
    x, y = ops.input("x", (2, 3), "int32"), ops.input("y", (3, 4), "float64")
    assert ops.matmul(x, y).dtype.name == "float64"


def test_a_batch_times_a_matrix_is_one_gemm():
    y = ops.matmul(ops.input("x", (B, 5, 3)), ops.input("w", (3, 4)))
    (gemm,) = [v for v in topological([y]) if v.op.library == "gemm"]
    assert y.shape == (B, 5, 4) and gemm.shape == (5 * B, 4)


@pytest.mark.parametrize("transpose_a, transpose_b", itertools.product([False, True], repeat=2))
def test_the_gradient_of_matmul(transpose_a, transpose_b):
    x = array((5, 3, 2) if transpose_a else (5, 2, 3))
    w = array((5, 4, 3) if transpose_b else (5, 3, 4), seed=1)
    g = array((5, 2, 4), seed=2)
    a, b, c = (ops.input(n, v.shape, "float64") for n, v in zip("xwg", (x, w, g), strict=True))
    y = ops.contraction._matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b, alpha=0.5)
    feed = {"x": x, "w": w, "g": g}
    grad_a, grad_b = (evaluate(v, feed) for v in y.op.gradient(c, a, b, y=y, **y.attrs))
    # y is linear in each operand: <g, y(d)> = <grad, d> for every d.
    for gradient, operand, other in ((grad_a, "x", w), (grad_b, "w", x)):
        direction = array(feed[operand].shape, seed=3)
        moved = evaluate(y, {**feed, operand: direction})
        assert gradient.shape == direction.shape and other.size
        np.testing.assert_allclose((g * moved).sum(), (gradient * direction).sum())


@pytest.mark.parametrize("a, b, axes", [
    ((2, 3, 4), (3, 4, 5), 2), ((2, 3), (4,), 0), ((2, 3, 4), (4, 2), ((0, 2), (1, 0))), ((2, 3), (3, 2), ([1], [0])),
    ((2, 3), (2, 3), 0), ((2, 3), (2, 3), ((0, 1), (0, 1))), ((3, 2), (2,), (1, 0)), ((2, 3), (3, 4), ((-1,), (0,))),
])  # fmt: skip
def test_tensordot(a, b, axes):
    x, y = array(a), array(b, seed=1)
    result = evaluate(
        ops.tensordot(ops.input("x", a, "float64"), ops.input("y", b, "float64"), axes=axes), {"x": x, "y": y}
    )
    np.testing.assert_array_equal(result, np.tensordot(x, y, axes))


@pytest.mark.parametrize("dtype", ["float64", "int16", "bool"])
@pytest.mark.parametrize("subscripts, shapes", [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ba,cb", [(2, 3), (4, 2)]),
    ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
    ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]),
    ("ij->ji", [(2, 3)]),
    ("ij->", [(2, 3)]),
    ("ij", [(2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iij->j", [(3, 3, 2)]),
    ("iji,j->i", [(3, 2, 3), (2,)]),
    ("iii->i", [(3, 3, 3)]),
    ("i,j->ij", [(2,), (3,)]),
    ("i,j->ji", [(2,), (3,)]),
    ("i,i", [(3,), (3,)]),
    ("bi,bi->b", [(4, 3), (4, 3)]),
    ("ij,ij->ij", [(2, 3), (2, 3)]),
    ("ij,k->i", [(2, 3), (4,)]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("i,ij,j", [(2,), (2, 3), (3,)]),
    ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
    ("...ij,...jk->...ik", [(6, 1, 2, 3), (5, 3, 4)]),
    ("...i->...", [(2, 3, 4)]),
    ("i...,i...", [(3, 2), (3, 2)]),
    ("...,...->...", [(2, 3), (3,)]),
    ("ij,jk->ik", [(2, 1), (3, 4)]),
    (" i j , j -> i ", [(2, 3), (3,)]),
    (",i->i", [(), (3,)]),
])  # fmt: skip
def test_einsum(subscripts, shapes, dtype):
    data = [array(shape, dtype, seed) for seed, shape in enumerate(shapes)]
    names = "xyz"[: len(data)]
    y = ops.einsum(subscripts, *(ops.input(n, d.shape, dtype) for n, d in zip(names, data, strict=True)))
    result = evaluate(y, dict(zip(names, data, strict=True)))
    np.testing.assert_array_equal(result, np.einsum(subscripts, *data))
    assert result.dtype == data[0].dtype


def test_einsum_of_symbolic_sizes():
    y = ops.einsum("bi,ij->bj", ops.input("x", (B, 3), "float64"), ops.input("w", (3, 4), "float64"))
    assert y.shape == (B, 4)
    x, w = array((5, 3)), array((3, 4))
    np.testing.assert_array_equal(evaluate(y, {"x": x, "w": w}, {"batch": 5}), x @ w)


@pytest.mark.parametrize("axis", [-1, -2])
def test_vecdot_and_outer(axis):
    x, y = array((3, 3)), array((3, 3), seed=1)
    result = evaluate(
        ops.vecdot(ops.input("x", (3, 3), "float64"), ops.input("y", (3, 3), "float64"), axis=axis), {"x": x, "y": y}
    )
    np.testing.assert_array_equal(result, (x * y).sum(axis))
    result = evaluate(
        ops.outer(ops.input("x", (3,), "float64"), ops.input("y", (3,), "float64")), {"x": x[0], "y": y[0]}
    )
    np.testing.assert_array_equal(result, np.outer(x[0], y[0]))


X = ops.input("x", (B, 784), "float32")


@pytest.mark.parametrize("call, message", [
    (lambda: X @ ops.input("w", (700, 10)), "expected the inner dims to agree, got [batch, 784] @ [700, 10]"),
    (lambda: ops.matmul(X, 2.0), "expected operands of rank ≥ 1, got f32[batch, 784] and f32[]"),
    (lambda: ops.matmul(ops.input("a", (2, 3, 4)), ops.input("b", (5, 4, 3))),
     "expected batch dims that broadcast together, got f32[2, 3, 4] and f32[5, 4, 3]"),
    (lambda: ops.vecdot(X, X[:, 1:]), "expected one size along axis -1, got f32[batch, 784] and f32[batch, 783]"),
    (lambda: ops.outer(X, X), "expected two vectors, got f32[batch, 784] and f32[batch, 784]"),
    (lambda: ops.tensordot(X, X, axes=3), "expected at most 2 axes, got 3"),
    (lambda: ops.tensordot(X, X, axes=1),
     "expected the sizes along (1,) and (0,) to agree, got f32[batch, 784] and f32[batch, 784]"),
    (lambda: ops.einsum("ij,jk->ik", X), "expected 2 operands for 'ij,jk->ik', got 1"),
    (lambda: ops.einsum("i1", X), "expected subscripts like 'ij,jk->ik', got 'i1'"),
    (lambda: ops.einsum("ijk", X), "expected an operand of rank 3 for 'ijk', got f32[batch, 784]"),
    (lambda: ops.einsum("ij->k", X), "expected 'k' of the output among the inputs, got 'ij->k'"),
    (lambda: ops.einsum("ij->ii", X), "expected each letter once in the output, got 'ij->ii'"),
    (lambda: ops.einsum("ii", X), "expected one size for 'i' in 'ii', got batch and 784"),
    (lambda: ops.einsum("...i->i", X), "expected '...' in the output of '...i->i', got 'i'"),
])  # fmt: skip
def test_mistakes_are_refused_with_the_users_line(call, message):
    with pytest.raises(GraphError) as error:
        call()
    assert str(error.value).startswith("test_contraction.py:") and str(error.value).endswith(message)
