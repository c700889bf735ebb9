"""x[...] against NumPy: slices of known and of symbolic axes, integers, arrays, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc import ops
from graphc.dims import dim
from graphc.errors import GraphError
from tests.ops_shape.index_maps import evaluate, pull

B = dim("batch")
BOUND = st.one_of(st.none(), st.integers(-7, 7))
SLICES = st.builds(slice, BOUND, BOUND, st.one_of(st.none(), st.sampled_from([-3, -2, -1, 1, 2, 3])))


def array(shape):
    return np.arange(int(np.prod(shape)), dtype="float32").reshape(shape)


@given(SLICES, SLICES, st.integers(0, 6), st.integers(0, 6))
def test_slices_of_known_axes(first, second, n, m):
    data = array((n, m))
    y = ops.index(ops.input("x", (n, m)), (first, second))
    np.testing.assert_array_equal(evaluate(y, {"x": data}), data[first, second])


@given(SLICES, st.integers(0, 6))
def test_slices_of_symbolic_axes(key, n):
    data = array((n, 2))
    y = ops.input("x", (B, 2))[key]
    np.testing.assert_array_equal(evaluate(y, {"x": data}, {"batch": n}), data[key])


@given(SLICES, st.integers(0, 6))
def test_the_gradient_of_a_slice_puts_elements_back(key, n):
    x = ops.input("x", (B,))
    y = x[key]
    if y is x:
        return
    g = ops.input("g", y.shape)
    (back,) = y.op.gradient(g, x, y=y, **y.attrs)
    expected = np.zeros(n, "float32")
    sliced = expected[key]
    sliced[...] = array(sliced.shape) + 1
    np.testing.assert_array_equal(evaluate(back, {"g": sliced.copy()}, {"batch": n}), expected)


@pytest.mark.parametrize("key, shape", [
    (slice(1, None), (B + 1,)),
    (slice(None, -1), (B + 1,)),
    (slice(None, None, -1), (B + 2,)),
    (slice(B, None), (2,)),
    (slice(None, B), (B,)),
    (slice(-B, None), (B,)),
])  # fmt: skip
def test_provable_sizes_are_plain(key, shape):
    x = ops.input("x", (B + 2,))
    assert ops.index(x, key).shape == shape
    data = array((5,))
    python = slice(*(b.evaluate({"batch": 3}) if b is not None and not isinstance(b, int) else b
                     for b in (key.start, key.stop, key.step)))  # fmt: skip
    np.testing.assert_array_equal(evaluate(ops.index(x, key), {"x": data}, {"batch": 3}), data[python])


K, J = np.array([[0, 2], [-1, 1]]), np.array([1, 0])
KEYS = [
    (0,), (-1, 1), (slice(None), 1), (..., 1), (1, ..., None), (None, slice(1), None, 1), (1, 0, -2), (...,), (),
    (K,), (slice(None), J), (J, J), (K, slice(None), J), (..., J), (None, J), (J, None, J), (J, ..., J),
    (0, slice(None), J), (slice(None), 0, J), (slice(None), None, J), (J, 0), ([0, 1], slice(0, 1)), ([],),
    (slice(None, None, -1), K % 2, slice(1, 3)), (K, J, None, slice(1, None)), (slice(1), J, J),
    (np.int64(1), np.array(0)), (slice(None), np.uint8(1)),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("lead", [3, B])
def test_keys_follow_numpy(key, lead):
    data = array((3, 2, 4))
    y = ops.index(ops.input("x", (lead, 2, 4)), key)
    np.testing.assert_array_equal(evaluate(y, {"x": data}, {"batch": 3}), data[key])


def test_indices_that_are_data():
    data = array((3, 2))
    i = np.array([2, -1, 0], "int8")
    y = ops.input("x", (B, 2))[ops.input("i", (3,), "int8")]
    np.testing.assert_array_equal(evaluate(y, {"x": data, "i": i}, {"batch": 3}), data[i])


def test_a_dim_is_an_index():
    y = ops.input("x", (B + 1, 2))[B]
    assert y.op.name == "reshape"  # in range for sure: nothing to check
    data = array((4, 2))
    np.testing.assert_array_equal(evaluate(y, {"x": data}, {"batch": 3}), data[3])


def test_gathering_from_an_empty_axis_loads_nothing():
    y = ops.input("x", (B,))[ops.input("i", (0,), "int64")]
    assert evaluate(y, {"x": array((0,)), "i": np.zeros(0, "int64")}, {"batch": 0}).shape == (0,)
    gather = ops.indexing.gather(ops.input("x", (B,)), ops.input("i", (2,), "int64"), axes=(0,))
    with pytest.raises(AssertionError, match="expected no index into an empty axis"):  # and no load outside of it
        pull(gather, [array((0,)), np.zeros(2, "int64")], (2,), {"batch": 0})


def test_gather_and_scatter_add_are_each_others_gradient():
    x, i = ops.input("x", (B, 2)), ops.input("i", (4,), "int64")
    y = x[i]
    g = ops.input("g", (4, 2))
    gather = y
    scattered, none = gather.op.gradient(g, x, gather.operands[1], y=gather, **gather.attrs)
    assert none is None and scattered.op.name == "scatter_add" and scattered.shape == x.shape
    data, indices = array((4, 2)), np.array([1, 1, 0, 2])
    result = evaluate(scattered, {"g": data, "i": indices, "x": array((3, 2))}, {"batch": 3})
    np.testing.assert_array_equal(result, [data[2], data[0] + data[1], data[3]])
    back, _ = scattered.op.gradient(x, g, gather.operands[1], y=scattered, **scattered.attrs)
    result = evaluate(back, {"x": array((3, 2)), "i": indices}, {"batch": 3})
    np.testing.assert_array_equal(result, array((3, 2))[indices])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take(axis):
    data = array((3, 2, 4))
    y = ops.take(ops.input("x", data.shape), K % 2, axis=axis)
    np.testing.assert_array_equal(evaluate(y, {"x": data}), np.take(data, K % 2, axis))


@pytest.mark.parametrize(
    "shape, i_shape, axis", [((3, 4), (3, 2), 1), ((3, 4), (1, 2), -1), ((1, 4), (3, 4), 1), ((3, 4), (5, 4), 0)]
)
def test_take_along_axis(shape, i_shape, axis):
    data, i = array(shape), np.arange(int(np.prod(i_shape))).reshape(i_shape) % shape[axis]
    y = ops.take_along_axis(ops.input("x", shape), i, axis=axis)
    np.testing.assert_array_equal(evaluate(y, {"x": data}), np.take_along_axis(data, i, axis))


def test_one_hot():
    labels = np.array([[0, 2], [3, -1]])
    y = ops.one_hot(ops.input("i", (2, 2), "int64"), 3, dtype="float64")
    expected = np.array([[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]], "float64")
    np.testing.assert_array_equal(evaluate(y, {"i": labels}), expected)
    decomposed = y.op.decompose(*y.operands, **y.attrs)
    np.testing.assert_array_equal(evaluate(decomposed, {"i": labels}), expected)


X = ops.input("x", (3, 4))
MASK = "expected integers, got a boolean mask, whose result has no shape in advance; use gc.where"


@pytest.mark.parametrize("key, message", [
    (3, "expected an index in [-3, 3), got 3"),
    ((0, -5), "expected an index in [-4, 4), got -5"),
    (np.array([0, 7]), "expected indices in [-3, 3), got 7"),
    (np.array([True, False, True]), MASK),
    (True, MASK),
    (X > 0, MASK),
    (X, "expected integers as indices, got f32[3, 4]"),
    (np.array([0.5]), "expected integers, got an array of float64"),
    ((0, 0, 0), "expected at most 2 indices and one ..., got 3 for f32[3, 4]"),
    ((..., ...), "expected at most 2 indices and one ..., got 2 for f32[3, 4]"),
    ("a", "expected ints, slices, None, ... or integer arrays, got 'a'"),
    (1.0, "expected ints, slices, None, ... or integer arrays, got 1.0"),
    (slice(None, None, 0), "expected a non-zero int as step, got 0"),
    (slice(None, None, B), "expected a non-zero int as step, got batch"),
    (slice(1.5, None), "expected ints, dims or None in a slice, got 1.5"),
    ((np.array([0, 1]), np.array([0, 1, 2])), "expected shapes that broadcast together, got [2] and [3]"),
])  # fmt: skip
def test_mistakes_are_refused_with_the_users_line(key, message):
    with pytest.raises(GraphError) as error:
        X[key]
    assert str(error.value).startswith("test_indexing.py:") and str(error.value).endswith(message)
