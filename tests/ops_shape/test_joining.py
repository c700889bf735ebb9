"""concat, pad and what is spelled with them, against NumPy; operands may turn out empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc import ops
from graphc.dims import dim
from graphc.errors import GraphError
from tests.ops_shape.index_maps import evaluate

A, B = dim("a"), dim("b")


def array(shape, dtype="float32"):
    return np.arange(1, int(np.prod(shape)) + 1, dtype=dtype).reshape(shape)


@given(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, -1]))
def test_concat_of_symbolic_sizes(a, b, axis):
    def shape(size):
        return (size, 2) if axis == 0 else (2, size)

    data = [array(shape(a)), array(shape(b)), array(shape(2))]
    values = [ops.input(name, shape(n)) for name, n in zip("xyz", (A, B, 2), strict=True)]
    y = ops.concat(values, axis=axis)
    result = evaluate(y, dict(zip("xyz", data, strict=True)), {"a": a, "b": b})
    np.testing.assert_array_equal(result, np.concatenate(data, axis))


def test_the_gradient_of_concat_takes_it_apart():
    x, z = ops.input("x", (A, 2)), ops.input("z", (3, 2))
    y = ops.concat([x, z])
    g = ops.input("g", y.shape)
    data = array((5, 2))
    first, second = y.op.gradient(g, x, z, y=y, **y.attrs)
    np.testing.assert_array_equal(evaluate(first, {"g": data}, {"a": 2}), data[:2])
    np.testing.assert_array_equal(evaluate(second, {"g": data}, {"a": 2}), data[2:])


def test_concat_promotes_flattens_and_drops_what_is_empty():
    x, z = ops.input("x", (2, 1), "int32"), ops.input("z", (3,), "float64")
    y = ops.concat([x, z], axis=None)
    result = evaluate(y, {"x": array((2, 1), "int32"), "z": array((3,), "float64")})
    np.testing.assert_array_equal(result, [1, 2, 1, 2, 3])
    assert y.dtype.name == "float64"
    assert ops.concat([z, ops.input("e", (0,), "float64")]) is z


def test_joining_views_of_one_value():
    """Guards reach through views of views: nothing outside of x is loaded."""
    x = ops.input("x", (B, 2))
    y = ops.concat([ops.pad(ops.flip(x), ((1, 0), (0, 0))), x[::2]])
    data = array((3, 2))
    expected = np.concatenate([np.pad(data[::-1, ::-1], ((1, 0), (0, 0))), data[::2]])
    np.testing.assert_array_equal(evaluate(y, {"x": data}, {"b": 3}), expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_stack_and_unstack(axis):
    data = [array((2, 3)), -array((2, 3))]
    y = ops.stack([ops.input("x", (2, 3)), ops.input("z", (2, 3))], axis=axis)
    feed = dict(zip("xz", data, strict=True))
    np.testing.assert_array_equal(evaluate(y, feed), np.stack(data, axis))
    for part, expected in zip(ops.unstack(y, axis=axis), data, strict=True):
        np.testing.assert_array_equal(evaluate(part, feed), expected)


@pytest.mark.parametrize("sections", [3, 1, [2], [1, 4], [4, 2], [-1], [0, 9]])
def test_split(sections):
    data = array((2, 6))
    parts = ops.split(ops.input("x", (2, 6)), sections, axis=1)
    expected = np.split(data, sections, axis=1)
    assert len(parts) == len(expected)
    for part, wanted in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(evaluate(part, {"x": data}), wanted)


def test_split_of_a_symbolic_axis():
    first, second = ops.split(ops.input("x", (2 * B,)), 2)
    assert first.shape == second.shape == (B,)
    np.testing.assert_array_equal(evaluate(second, {"x": array((6,))}, {"b": 3}), [4, 5, 6])
    first, second = ops.split(ops.input("x", (B + 2,)), [B])
    assert first.shape == (B,) and second.shape == (2,)


@pytest.mark.parametrize("shift", [0, 1, -2, 7])
def test_roll(shift):
    data = array((2, 5))
    y = ops.roll(ops.input("x", (2, 5)), shift, axis=1)
    np.testing.assert_array_equal(evaluate(y, {"x": data}), np.roll(data, shift, 1))


@pytest.mark.parametrize("shift", [2, -1])
def test_roll_of_a_symbolic_axis(shift):
    y = ops.roll(ops.input("x", (B + 2,)), shift, axis=0)
    np.testing.assert_array_equal(evaluate(y, {"x": array((5,))}, {"b": 3}), np.roll(array((5,)), shift))


@pytest.mark.parametrize("width", [2, 0, (1, 2), ((1, 0), (0, 3)), ((0, 0), (2, 2)), ((1, 2),)])
@pytest.mark.parametrize("rows", [3, 0])
def test_pad(width, rows):
    data = array((rows, 2))
    y = ops.pad(ops.input("x", (B, 2)), width, constant_values=-1)
    result = evaluate(y, {"x": data}, {"b": rows})
    np.testing.assert_array_equal(result, np.pad(data, width, constant_values=-1))


def test_pad_by_a_dim():
    y = ops.pad(ops.input("x", (2,)), (A, 1))
    np.testing.assert_array_equal(evaluate(y, {"x": array((2,))}, {"a": 3}), [0, 0, 0, 1, 2, 0])


def test_the_gradient_of_pad_is_a_slice():
    x = ops.input("x", (B,))
    y = ops.pad(x, (2, 1))
    g = ops.input("g", y.shape)
    (back,) = y.op.gradient(g, x, y=y, **y.attrs)
    np.testing.assert_array_equal(evaluate(back, {"g": array((6,))}, {"b": 3}), [3, 4, 5])


X = ops.input("x", (B, 6), "float32")


@pytest.mark.parametrize("call, message", [
    (lambda: ops.concat([]), "expected a sequence of at least one array, got []"),
    (lambda: ops.concat([X, X[0]]), "expected arrays of one rank, got f32[b, 6] and f32[6]"),
    (lambda: ops.concat([X, X[:, 1:]]), "expected operands that agree but for axis 0, got f32[b, 6] and f32[b, 5]"),
    (lambda: ops.concat([X, X], axis=2), "expected an axis in [-2, 2), got 2"),
    (lambda: ops.stack([X, X[:, 1:]]), "expected arrays of one shape, got f32[b, 6] and f32[b, 5]"),
    (lambda: ops.split(X, 4, axis=1), "expected a size that 4 divides, got 6"),
    (lambda: ops.split(X, 2), "expected a size that 2 divides, got b"),
    (lambda: ops.split(X, [0.5]), "expected ints or dims to split at, got [0.5]"),
    (lambda: ops.unstack(X), "expected axis 0 to have a known size, got [b, 6]"),
    (lambda: ops.roll(X, 1, axis=0), "expected an axis that holds 1 elements for sure, got size b"),
    (lambda: ops.pad(X, -1), "expected (before, after) ≥ 0 for each of 2 axes, got -1"),
    (lambda: ops.pad(X, ((1, 1), (2, -1))), "expected (before, after) ≥ 0 for each of 2 axes, got ((1, 1), (2, -1))"),
    (lambda: ops.pad(ops.astype(X, "uint8"), 1, constant_values=300), "expected a number that uint8 holds, got 300"),
])  # fmt: skip
def test_mistakes_are_refused_with_the_users_line(call, message):
    with pytest.raises(GraphError) as error:
        call()
    assert str(error.value).startswith("test_joining.py:") and str(error.value).endswith(message)
