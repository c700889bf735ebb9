"""Views: index maps, gradients' shapes and refusals, for sizes that are ints or dims."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc import dims, ops
from graphc.dims import dim
from graphc.errors import GraphError
from graphc.ops.views import group_axes
from tests.ops_shape.index_maps import evaluate, index_map

B = dim("batch")


def array(shape, dtype="float32"):
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


@st.composite
def reshapes(draw):
    """Two factorisations of one number of elements, each with some axes of size 1, some factors symbolic."""
    factors = draw(st.lists(st.sampled_from([2, 3, 5, "a", "b"]), max_size=4))
    sizes = {"a": draw(st.integers(0, 3)), "b": draw(st.integers(1, 3))}

    def grouped():
        shape, rest = [], list(factors)
        while rest:
            take = draw(st.integers(1, len(rest)))
            shape.append(dims.product(dim(f) if isinstance(f, str) else f for f in rest[:take]))
            rest = rest[take:]
        for _ in range(draw(st.integers(0, 2))):
            shape.insert(draw(st.integers(0, len(shape))), 1)
        return tuple(shape)

    return grouped(), grouped(), sizes


@given(reshapes())
def test_reshape_keeps_row_major_order(case):
    old, new, sizes = case
    x = ops.input("x", old, "float32")
    data = array(tuple(dims.evaluate(n, sizes) for n in old))
    y = evaluate(ops.reshape(x, new), {"x": data}, sizes)
    np.testing.assert_array_equal(y, data.reshape([dims.evaluate(n, sizes) for n in new]))


@given(st.lists(st.integers(0, 4), max_size=3).flatmap(lambda s: st.tuples(st.just(s), st.permutations(s))))
def test_reshape_of_static_shapes(shapes):
    old, new = map(tuple, shapes)
    data = array(old)
    y = evaluate(ops.reshape(ops.input("x", old), new), {"x": data})
    np.testing.assert_array_equal(y, data.reshape(new))


@pytest.mark.parametrize(
    "old, new, groups",
    [
        ((B, 28, 28), (B, 784), (((0,), (0,)), ((1, 2), (1,)))),
        ((B, 784), (784 * B,), (((0, 1), (0,)),)),
        ((B, 3), (1, B, 1, 3), (((0,), (1,)), ((1,), (3,)))),
        ((2, 3, 4), (6, 2, 2), (((0, 1), (0,)), ((2,), (1, 2)))),
        ((2, 3), (3, 2), (((0, 1), (0, 1)),)),
        ((1, 1), (), ()),
    ],
)
def test_axes_are_split_and_merged_in_the_smallest_groups(old, new, groups):
    assert group_axes(old, new) == groups


def test_axes_of_size_1_cost_no_arithmetic():
    x = ops.input("x", (B, 3))
    seen = []
    index_map(ops.expand_dims(x, axis=1), [lambda index: seen.append(index)])
    assert [(i.op, i.attr) for i in seen[0]] == [("index", "i0"), ("index", "i2")]


@pytest.mark.parametrize(
    "shape, wanted, result",
    [
        ((B, 28, 28), (B, -1), (B, 784)),
        ((B, 784), (-1,), (784 * B,)),
        ((B + 1, 4), (2, -1, B + 1), (2, 2, B + 1)),
        ((2 * B, 3), (-1, 2, 3), (B, 2, 3)),
        ((0, 3), (-1, 3), (0, 3)),
        ((6,), (2, 3), (2, 3)),
    ],
)
def test_reshape_infers_a_size(shape, wanted, result):
    assert ops.reshape(ops.input("x", shape), wanted).shape == result


@pytest.mark.parametrize("name, args, numpy", [
    ("permute_dims", {"axes": (2, 0, 1)}, lambda x: x.transpose(2, 0, 1)),
    ("permute_dims", {"axes": (-1, 0, 1)}, lambda x: x.transpose(2, 0, 1)),
    ("moveaxis", {"source": 0, "destination": -1}, lambda x: np.moveaxis(x, 0, -1)),
    ("moveaxis", {"source": (0, 1), "destination": (2, 0)}, lambda x: np.moveaxis(x, (0, 1), (2, 0))),
    ("swapaxes", {"axis1": 0, "axis2": 2}, lambda x: x.swapaxes(0, 2)),
    ("matrix_transpose", {}, lambda x: x.swapaxes(1, 2)),
    ("transpose", {}, lambda x: x.T),
    ("expand_dims", {"axis": (0, -1)}, lambda x: x[None, ..., None]),
    ("flip", {}, lambda x: np.flip(x)),
    ("flip", {"axis": (0, -1)}, lambda x: np.flip(x, (0, -1))),
    ("broadcast_to", {"shape": (2, 3, 1, 4)}, lambda x: np.broadcast_to(x, (2, 3, 1, 4))),
])  # fmt: skip
@pytest.mark.parametrize("lead", [3, 0])
def test_functions_follow_numpy(name, args, numpy, lead):
    if lead == 0 and name == "broadcast_to":
        args, numpy = {"shape": (2, 0, 1, 4)}, lambda x: np.broadcast_to(x, (2, 0, 1, 4))
    data = array((lead, 1, 4))
    y = getattr(ops, name)(ops.input("x", data.shape), **args)
    np.testing.assert_array_equal(evaluate(y, {"x": data}), numpy(data))


def test_broadcast_of_a_symbolic_axis():
    y = ops.broadcast_to(ops.input("x", (1, 3)), (2, B, 3))
    data = array((1, 3))
    np.testing.assert_array_equal(evaluate(y, {"x": data}, {"batch": 4}), np.broadcast_to(data, (2, 4, 3)))


def test_iota():
    y = ops.iota((2, B, 2), axis=-2)
    np.testing.assert_array_equal(evaluate(y, {}, {"batch": 3}), np.indices((2, 3, 2))[1])


def test_squeeze():
    data = array((1, 3, 1))
    x = ops.input("x", data.shape)
    np.testing.assert_array_equal(evaluate(ops.squeeze(x, 0), {"x": data}), data[0])
    np.testing.assert_array_equal(evaluate(ops.squeeze(x, (0, -1)), {"x": data}), data[0, :, 0])


def test_a_view_of_everything_is_the_value_itself():
    x = ops.input("x", (B, 3))
    assert ops.reshape(x, (B, 3)) is x and ops.permute_dims(x, (0, 1)) is x and ops.broadcast_to(x, (B, 3)) is x


X = ops.input("x", (B, 6), "float32")


@pytest.mark.parametrize("call, message", [
    (lambda: ops.reshape(X, (B, 5)), "expected a shape with 6*batch elements for [batch, 6], got [batch, 5]"),
    (lambda: ops.reshape(X, (-1, 4)), "expected sizes that divide 6*batch elements, got [-1, 4]"),
    (lambda: ops.reshape(X, (-1, -1)), "expected at most one -1, got [-1, -1]"),
    (lambda: ops.reshape(X, (-1, 0)), "expected sizes that leave one choice for -1, got [-1, 0]"),
    (lambda: ops.reshape(X, (2.0, 3)), "expected a shape of ints and dims, got (2.0, 3)"),
    (lambda: ops.permute_dims(X, (0, 0)), "expected axes that differ, got (0, 0)"),
    (lambda: ops.permute_dims(X, (0,)), "expected 2 axes, got (0,)"),
    (lambda: ops.permute_dims(X, (0, 2)), "expected an axis in [-2, 2), got 2"),
    (lambda: ops.squeeze(X, 1), "expected axis 1 to have size 1, got [batch, 6]"),
    (lambda: ops.expand_dims(X, axis=4), "expected an axis in [-3, 3), got 4"),
    (lambda: ops.broadcast_to(X, (B, 7)), "expected a shape that [batch, 6] broadcasts to, got [batch, 7]"),
    (lambda: ops.broadcast_to(X, (6,)), "expected a shape that [batch, 6] broadcasts to, got [6]"),
    (lambda: ops.matrix_transpose(ops.input("v", (3,))), "expected at least 2 axes, got f32[3]"),
    (lambda: ops.iota((3,), axis="x"), "expected an int as axis, got 'x'"),
])  # fmt: skip
def test_mistakes_are_refused_with_the_users_line(call, message):
    with pytest.raises(GraphError) as error:
        call()
    assert str(error.value).startswith("test_views.py:") and str(error.value).endswith(message)
