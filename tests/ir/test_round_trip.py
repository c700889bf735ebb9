"""Every graph prints as a text that reads back to an equal graph."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphc import dtypes, ops
from graphc.dims import Dim, dim, maximum, minimum
from graphc.ir.equality import graphs_equal
from graphc.ir.graph import Graph, topological
from graphc.ir.parser import parse_graph
from graphc.ir.printer import attribute_text, print_graph
from graphc.ir.value import Literal, TensorType, Value
from graphc.ir.verifier import verify
from graphc.ops.definition import REGISTRY, Op, lookup
from tests.ops import samples

B, N = dim("batch"), dim("n")
OPS = tuple(REGISTRY.values())  # before a test defines a toy
_WORDS = (dtypes.uint32, dtypes.uint64)


def graph_of(*outputs: Value, updates=(), name="g") -> Graph:
    roots = (*outputs, *(v for _, v in updates))
    inputs = tuple(v for v in topological(roots) if v.op.name == "input")
    return Graph(name, inputs, tuple((f"out{n}", v) for n, v in enumerate(outputs)), tuple(updates))


def assert_round_trip(graph: Graph) -> Graph:
    verify(graph)
    text = print_graph(graph)
    again = parse_graph(text, lookup)
    verify(again)
    assert print_graph(again) == text
    assert graphs_equal(graph, again)
    assert [str(v.origin) for v in again.values if not is_header(v)] == [
        str(v.origin) for v in graph.values if not is_header(v)
    ]
    return again


def is_header(value: Value) -> bool:
    return value.op.name in ("input", "variable")


def examples(op: Op) -> list[Value]:
    x, i = ops.input("x", (B, 2 * N, 3), "float32"), ops.input("i", (N // 2 + 1,), "int64")
    key = ops.input("key", (), "uint64")
    if op.family in ("elementwise", "reduction"):
        result = []
        for dtype in op.dtypes:
            values = [ops.input(f"x{n}", (B, 3), t) for n, t in enumerate(samples.operand_dtypes(op, dtype))]
            result += [op(*values, **attrs) for attrs in samples.attributes(op, 2)]
        return result
    return {
        "input": lambda: [x],
        "variable": lambda: [ops.variable(name="W", state=TensorType(dtypes.float32, (2, 3)))],
        "constant": lambda: [ops.constant(np.arange(6).reshape(2, 3)), ops.constant(np.zeros((40, 3), "uint8"))],
        "full": lambda: [ops.full((B, 2), v) for v in (True, -3, 0.1, -0.0, math.inf, -math.inf, math.nan, 1e-40)],
        "size_of": lambda: [ops.size_of(minimum(B // 2, N) + 1)],
        "broadcast_to": lambda: [ops.broadcast_to(x, (4, B, 2 * N, 3)), ops.broadcast_to(ops.full((1,), 1), (N,))],
        "reshape": lambda: [ops.reshape(x, (-1,)), ops.reshape(x, (N, 2, -1)), ops.reshape(ops.full((1,), 1), ())],
        "permute_dims": lambda: [ops.transpose(x)],
        "iota": lambda: [ops.iota((B, 3), 1)],
        "slice": lambda: [x[1:, ::-2, 2:0:-1], x[N : N + 3]],
        "gather": lambda: [x[:, i], x[0]],
        "check_index": lambda: [x[i]],
        "concat": lambda: [ops.concat([x, x[1:]])],
        "pad": lambda: [ops.pad(x, ((1, B), (0, 0), (2, 0)), constant_values=math.nan)],
        "matmul": lambda: [x @ ops.full((3, 4), 1.0, "float32"), lookup("matmul")(x, x, **REFLECTED)],
        "one_hot": lambda: [ops.one_hot(i, N)],
        "random_bits": lambda: [ops.random_bits(key, key, site=3, dtype=t, shape=(B, 3)) for t in _WORDS],
        "random_permutation": lambda: [ops.random_permutation(ops.input("keys", (20, 3), "uint32"), size=5)],
        "scatter_add": lambda: [
            lookup("scatter_add")(ops.full((N // 2 + 1,), 1.0), i, shape=(maximum(N, 4),), axes=(0,))
        ],
    }[op.name]()


REFLECTED = {"transpose_a": False, "transpose_b": True, "alpha": -0.25}


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_op_reads_back(op):
    values = examples(op)
    graph = graph_of(*values)
    assert any(v.op is op for v in graph.values)
    # Inputs of one name but different types stand in one graph only if they are renamed.
    for value in values:
        assert_round_trip(graph_of(value))


def test_the_text():
    x, t = ops.input("x", (B, 784)), ops.input("t", (B, 10))
    W = ops.variable(name="W", state=TensorType(dtypes.float32, (784, 10)))
    r = x @ W - t
    loss = ops.sum(r * r)
    gradient = ops.matmul(ops.transpose(x), r)
    graph = Graph("step", (x, t), (("loss", loss),), ((W, W - 0.5 * gradient),))
    text = print_graph(assert_round_trip(graph))
    assert "\n".join(line.split("   @")[0].rstrip() for line in text.splitlines()) == TEXT
    assert "@ test_round_trip.py:" in text


TEXT = """\
graph step(batch) {
  in  %x: f32[batch, 784]
  in  %t: f32[batch, 10]
  var %W: f32[784, 10]

  %0: f32[batch, 10]  = matmul(%x, %W)
  %1: f32[batch, 10]  = subtract(%0, %t)
  %2: f32[batch, 10]  = multiply(%1, %1)
  %3: f32[]           = sum(%2, axes=(0, 1))
  %4: f32[784, 10]    = full(value=0.5)
  %5: f32[784, batch] = permute_dims(%x, axes=(1, 0))
  %6: f32[784, 10]    = matmul(%5, %1)
  %7: f32[784, 10]    = multiply(%4, %6)
  %8: f32[784, 10]    = subtract(%W, %7)
  out loss = %3
  set %W = %8
}"""


def test_names_are_made_unique_and_kept():
    state = TensorType(dtypes.float64, ())
    names = ["x", "dense/kernel", "dense kernel", "1", ""]
    variables = [ops.variable(name=name, state=state) for name in names]
    x = ops.input("x", (), "float64")
    graph = Graph("a graph", (x,), (("my loss", x), ('with "quotes"\n', x)), tuple((v, x) for v in variables))
    again = assert_round_trip(graph)
    assert [v.attrs["name"] for v in again.variables] == names


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3), (3, 17)])
def test_arrays_keep_their_bits(dtype, shape):
    array = np.random.default_rng(0).integers(0, 255, (int(np.prod(shape)) * dtype.itemsize,), "uint8")
    array = (array > 100) if dtype is dtypes.bool_ else array.view(dtype.numpy)
    value = lookup("constant")(value=Literal(array.reshape(shape)))
    again = assert_round_trip(graph_of(value)).outputs[0][1]
    assert again.attrs["value"] == value.attrs["value"]


def test_special_floats_keep_their_bits():
    array = np.array([np.nan, -np.nan, -0.0, np.inf, -np.inf, 5e-324, 1e308])
    value = lookup("constant")(value=Literal(array))
    assert assert_round_trip(graph_of(value)).outputs[0][1].attrs["value"] == value.attrs["value"]


SIZES = st.recursive(
    st.one_of(st.integers(0, 9), st.sampled_from([B, N])),
    lambda s: st.one_of(
        st.builds(lambda a, b: a + b, s, s),
        st.builds(lambda a, b: a * b, s, s),
        st.builds(minimum, s, s),
        st.builds(lambda a, b: a // (b + 1), s, st.integers(0, 3)),
    ),
    max_leaves=5,
)
ATTRIBUTES = st.recursive(
    st.one_of(
        SIZES,
        st.integers(),
        st.floats(),
        st.booleans(),
        st.none(),
        st.text(max_size=5),
        st.sampled_from(dtypes.ALL),
    ),
    lambda a: st.lists(a, max_size=3).map(tuple),
    max_leaves=6,
)


class Anything:
    """An op that takes every attribute."""

    name = "anything"
    implied: ClassVar[dict] = {}

    def infer(self, *operands, **attrs):
        return TensorType(dtypes.float32, ())


@example("\r\x85\u2028")
@given(ATTRIBUTES)
def test_every_attribute_reads_back(attr):
    op = Anything()
    x = ops.input("x", (B,))
    value = Value(op, (x,), {"a": attr, "b": 1}, op.infer(), x.origin)
    graph = Graph("g", (x,), (("y", value),))
    again = parse_graph(print_graph(graph), lambda name: op if name == "anything" else lookup(name))
    read = again.outputs[0][1].attrs["a"]
    assert attribute_text(read) == attribute_text(attr) and type(read) is type(attr)
    if not isinstance(attr, float | tuple):
        assert read == attr
    assert not isinstance(attr, Dim) or hash(read) == hash(attr)


def test_a_chain_of_10000():
    x = ops.input("x", (), "float32")
    y = x
    for _ in range(10_000):
        y = ops.negative(y)
    assert_round_trip(Graph("chain", (x,), (("y", y),)))


def test_what_makes_graphs_different():
    x, z = ops.input("x", (3,)), ops.input("z", (3,))

    def graph(value, **changes):
        return Graph(changes.get("name", "g"), changes.get("inputs", (x, z)), ((changes.get("out", "y"), value),))

    shared = ops.exp(x)
    base = graph(ops.add(x, z))
    assert graphs_equal(base, graph(ops.add(x, z)))
    for other in (
        graph(ops.add(z, x)),
        graph(ops.subtract(x, z)),
        graph(ops.add(x, z), out="other"),
        graph(ops.add(x, z), name="h"),
        graph(ops.add(x, z), inputs=(z, x)),
    ):
        assert not graphs_equal(base, other)
    assert not graphs_equal(graph(ops.add(shared, shared)), graph(ops.add(ops.exp(x), ops.exp(x))))
    assert not graphs_equal(graph(ops.full((3,), 0.0)), graph(ops.full((3,), -0.0)))
    assert graphs_equal(graph(ops.full((3,), math.nan)), graph(ops.full((3,), math.nan)))
