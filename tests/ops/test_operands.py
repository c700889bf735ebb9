"""What may be an operand: promotion, broadcasting, scalars, arrays and sizes; and the operators on values."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from graphc import dtypes, ops
from graphc.dims import dim
from graphc.ops import operators
from graphc.ops.broadcasting import broadcast_shapes
from tests.reference import evaluate

B, N = dim("batch"), dim("n")


@pytest.mark.parametrize("left", dtypes.ALL, ids=str)
@pytest.mark.parametrize("right", dtypes.ALL, ids=str)
def test_promotion_is_numpys(left: dtypes.DType, right: dtypes.DType) -> None:
    a, b = ops.input("a", (3,), left), ops.input("b", (3,), right)
    assert ops.equal(a, b).operands[0].dtype.numpy == np.result_type(left.numpy, right.numpy)


@pytest.mark.parametrize(
    ("dtype", "scalar", "expected"),
    [
        ("float32", 0.1, "float32"),
        ("float32", 3, "float32"),
        ("float32", True, "float32"),
        ("int8", 3, "int8"),
        ("int8", 0.5, "float64"),
        ("bool", 2, "int64"),
        ("float32", np.float64(0.1), "float64"),
        ("float32", np.float32(0.1), "float32"),
        ("float32", np.ones(3), "float64"),
        ("float32", B, "float32"),
        ("int32", B, "int32"),
    ],
)
def test_scalars_are_weak_and_arrays_are_not(dtype: str, scalar: object, expected: str) -> None:
    x = ops.input("x", (3,), dtype)
    assert (x * scalar).dtype.name == expected and (scalar * x).dtype.name == expected


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (((3, 1), (17,)), (3, 17)),
        (((), (0,)), (0,)),
        (((1,), (0, 1)), (0, 1)),
        (((B, 1), (1, N)), (B, N)),
        (((B,), (2 * B - B,)), (B,)),
        (((5, 1, 2), (3, 1), ()), (5, 3, 2)),
    ],
)
def test_broadcast_shapes(shapes: tuple, expected: tuple) -> None:
    assert broadcast_shapes(*shapes) == expected


def test_broadcasting_is_numpys() -> None:
    rng = np.random.default_rng(0)
    for left, right in (((3, 1), (4,)), ((2, 1, 3), (5, 1)), ((), (3,)), ((0, 1), (1, 2)), ((1,), (0,))):
        a, b = ops.input("a", left, "float64"), ops.input("b", right, "float64")
        feed = {"a": rng.normal(size=left), "b": rng.normal(size=right)}
        np.testing.assert_array_equal(evaluate(a - b, feed)[0], feed["a"] - feed["b"])


def test_a_scalar_is_one_full_of_the_right_shape() -> None:
    y = 2 * ops.input("x", (B, 3), "float32")
    scalar = y.operands[0]
    assert (scalar.op.name, scalar.shape, scalar.attrs["value"]) == ("full", (B, 3), 2.0)
    assert ops.full((), 0.1, "float32").attrs["value"] == float(np.float32(0.1))


PYTHON = {
    **{name: getattr(operator, f"__{name}__") for name in (*operators.BINARY, *operators.COMPARISON)},
    "matmul": operator.matmul,
}


@pytest.mark.parametrize("name", PYTHON)
def test_binary_operators(name: str) -> None:
    rng = np.random.default_rng(0)
    array, other = rng.integers(1, 6, (3, 3)), rng.integers(1, 6, (3, 3))
    x, f = ops.input("x", (3, 3), "int64"), PYTHON[name]
    np.testing.assert_allclose(evaluate(f(x, other), {"x": array})[0], f(array, other))
    np.testing.assert_allclose(evaluate(f(other, x), {"x": array})[0], f(other, array))
    if name != "matmul":
        np.testing.assert_allclose(evaluate(f(x, 2), {"x": array})[0], f(array, 2))
        np.testing.assert_allclose(evaluate(f(2, x), {"x": array})[0], f(2, array))


def test_unary_operators_methods_and_properties() -> None:
    array = np.array([[1, -2, 3], [0, 5, -6]])
    x = ops.input("x", array.shape, "int64")
    for got, expected in (
        (-x, -array),
        (+x, array),
        (abs(x), abs(array)),
        (~x, ~array),
        (x.T, array.T),
        (x.mT, array.T),
        (x.sum(axis=0), array.sum(axis=0)),
        (x.mean(axis=1, keepdims=True), array.mean(axis=1, keepdims=True)),
        (x.reshape((3, 2)), array.reshape(3, 2)),
        (x.astype("float32"), array.astype("float32")),
        (x[1, ::-1], array[1, ::-1]),
        (x.argmax(axis=1), array.argmax(axis=1)),
        (x.clip(-1, 1), array.clip(-1, 1)),
    ):
        np.testing.assert_array_equal(evaluate(got, {"x": array})[0], expected)


def test_length_and_iteration() -> None:
    x = ops.input("x", (3, 2), "float32")
    assert len(x) == 3
    first, second, third = x
    assert first.shape == third.shape == second.shape == (2,)


def test_values_are_dictionary_keys_by_identity() -> None:
    x, y = ops.input("x", (3,)), ops.input("x", (3,))
    table = {x: 1, y: 2}
    assert table[x] == 1 and table[y] == 2


def test_constants_are_copied_and_scalars_take_no_memory() -> None:
    array = np.arange(6, dtype=">f4").reshape(2, 3)[:, ::-1]
    c = ops.constant(array)
    expected = array.astype("float32")
    array[...] = 0
    np.testing.assert_array_equal(evaluate(c)[0], expected)
    assert ops.constant(np.float32(2)).op.name == "full"
    assert ops.constant(np.float32(2)).dtype is dtypes.float32


@pytest.mark.parametrize(
    "bounds", [(5,), (2, 7), (2, 9, 3), (9, 2, -2), (7, 2), (0.0, 1.0, 0.3), (1, 2, 0.25), (0,), (3, 3)]
)
def test_arange_is_numpys(bounds: tuple) -> None:
    (got,) = evaluate(ops.arange(*bounds))
    assert got.dtype == np.arange(*bounds).dtype
    np.testing.assert_allclose(got, np.arange(*bounds), rtol=1e-15)


def test_arange_and_eye_of_a_size() -> None:
    x = ops.input("x", (B,), "float32")
    got, identity = evaluate(
        [x + ops.arange(B, dtype="float32"), x * ops.eye(B, 3, 1)[:, 0]], {"x": np.ones(3, "float32")}
    )
    np.testing.assert_array_equal(got, [1, 2, 3])
    np.testing.assert_array_equal(evaluate(ops.eye(3, 4, 1))[0], np.eye(3, 4, 1))
    assert identity.shape == (3,)
