"""Reductions: their public functions against NumPy, their decompositions and folds against their references."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc import dtypes, ops
from graphc.dims import dim
from graphc.kernel_ir.evaluate import OPS
from graphc.ops.definition import Op
from tests.ops import samples
from tests.reference import evaluate

REDUCTIONS = samples.ops_of("reduction")
CASES = [pytest.param(op, dtype, id=f"{op.name}-{dtype.short}") for op in REDUCTIONS for dtype in op.dtypes]
SHAPES = ((1,), (3,), (17,), (5, 7), (2, 1, 3, 1, 2))
EMPTY = ((0,), (3, 0, 2))


def has_axis_of_size_0(shape: tuple[int, ...], attrs: dict[str, Any]) -> bool:
    return any(shape[a] == 0 for a in attrs.get("axes", (attrs.get("axis"),)))


@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_type_rule_and_lowering(op: Op, dtype: dtypes.DType) -> None:
    for shape in SHAPES + EMPTY:
        arrays = samples.operands(op, dtype, shape)
        for attrs in samples.attributes(op, len(shape)):
            if op.name in ("argmax", "argmin") and has_axis_of_size_0(shape, attrs):
                continue  # refused by the public functions
            x = samples.inputs(arrays)
            (expected,) = evaluate(op(*x, **attrs), dict(zip(x, arrays, strict=True)))  # asserts the type
            if op.reduce is not None:
                got = folded(op, arrays[0], **attrs)
            else:
                (got,) = evaluate(op.decompose(*x, **attrs), dict(zip(x, arrays, strict=True)))
            assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
            tolerance = 64 * np.finfo(dtype.numpy).eps if expected.dtype.kind == "f" else 0
            np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def folded(op: Op, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """What a kernel does: from the identity, one element after the other."""
    dtype = dtypes.as_dtype(x.dtype)
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    count = int(np.prod([x.shape[a] for a in axes]))
    rows = x.transpose(kept + axes).reshape([x.shape[a] for a in kept] + [count])
    total = np.full(rows.shape[:-1], op.reduce.identity(dtype), dtype.numpy)
    with np.errstate(all="ignore"):
        for i in range(count):
            total = np.asarray(OPS[op.reduce.combine](total, rows[..., i]))
    return total


NUMPY = {
    name: getattr(np, name)
    for name in ("sum", "prod", "max", "min", "any", "all", "mean", "argmax", "argmin", "var", "std")
}


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint16", "int64", "bool"])
def test_public_function_is_numpys(name: str, dtype: str) -> None:
    array = np.random.default_rng(0).integers(0, 5, (3, 4, 2)).astype(dtype)
    axes = [None, 0, -1, 1] if name.startswith("arg") else [None, 0, -1, (0, 2), (2, 0), (-1, 1)]
    for axis in axes:
        for keepdims in (False, True):
            x = ops.input("x", array.shape, dtype)
            (got,) = evaluate(getattr(ops, name)(x, axis=axis, keepdims=keepdims), {"x": array})
            expected = NUMPY[name](array, axis=axis, keepdims=keepdims)
            assert got.shape == expected.shape
            assert got.dtype == (expected.dtype if expected.dtype != np.float16 else np.float64)
            np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_dtype_of_sum_and_prod() -> None:
    x = ops.input("x", (3,), "int8")
    assert ops.sum(x).dtype is dtypes.int64 and ops.sum(x, dtype="float32").dtype is dtypes.float32
    assert ops.prod(ops.astype(x, "uint8")).dtype is dtypes.uint64


def test_extrema_and_positions_follow_nan() -> None:
    array = np.array([[1.0, np.nan, 5.0], [2.0, 7.0, 7.0]])
    x = ops.input("x", array.shape, "float64")
    for name in ("max", "min", "argmax", "argmin"):
        value = getattr(ops, name)(x, axis=1)
        decomposed = value.op.decompose(x, **value.attrs) if value.op.decompose else value
        np.testing.assert_array_equal(evaluate(decomposed, {"x": array})[0], getattr(np, name)(array, axis=1))


def test_a_symbolic_axis_is_counted_at_run_time() -> None:
    x = ops.input("x", (dim("n"), 2), "float32")
    array = np.arange(10, dtype="float32").reshape(5, 2)
    for value, expected in ((ops.mean(x, axis=0), array.mean(0)), (ops.var(x, correction=1), array.var(ddof=1))):
        (got,) = evaluate(value.op.decompose(x, **value.attrs), {"x": array})
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_empty_sums() -> None:
    x = ops.input("x", (dim("n"), 2), "float32")
    empty = {"x": np.zeros((0, 2), "float32")}
    results = evaluate([ops.sum(x, axis=0), ops.prod(x, axis=0), ops.max(x, axis=0), ops.logsumexp(x, axis=0)], empty)
    for got, expected in zip(results, (0, 1, -np.inf, -np.inf), strict=True):
        np.testing.assert_array_equal(got, np.full(2, expected))


def test_no_axes_change_nothing() -> None:
    x = ops.input("x", (), "float32")
    assert all(f(x) is x for f in (ops.sum, ops.prod, ops.max, ops.min, ops.mean, ops.logsumexp))
    assert evaluate(ops.var(x), {"x": np.float32(3)})[0] == 0


def test_logsumexp_and_softmax_are_stable() -> None:
    array = np.array([[1000.0, 1000.0], [-1000.0, -np.inf]])
    x = ops.input("x", array.shape, "float64")
    for value, expected in (
        (ops.logsumexp(x, axis=1), [1000 + np.log(2), -1000]),
        (ops.softmax(x), [[0.5, 0.5], [1, 0]]),
        (ops.log_softmax(x), [[-np.log(2), -np.log(2)], [0, -np.inf]]),
    ):
        np.testing.assert_allclose(evaluate(value.op.decompose(x, **value.attrs), {"x": array})[0], expected)
