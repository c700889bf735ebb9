"""Graphs that break an invariant are refused, with the lines around the place."""

from __future__ import annotations

import pytest

from graphc import dtypes, ops
from graphc.errors import GraphError
from graphc.ir.graph import Graph, topological
from graphc.ir.value import TensorType, Value
from graphc.ir.verifier import verify

F32 = TensorType(dtypes.float32, (3,))


def variable(name="W"):
    return ops.variable(name=name, state=F32)


def retyped(value: Value, type: TensorType) -> Value:
    return Value(value.op, value.operands, value.attrs, type, value.origin)


def test_a_good_graph_passes():
    x, W = ops.input("x", (3,)), variable()
    verify(Graph("g", (x,), (("y", x + W),), ((W, x),)))
    verify(Graph("empty", (), ()))


def test_a_wrong_type_is_shown_among_its_neighbours():
    x = ops.input("x", (3,))
    y = retyped(ops.exp(ops.negative(x)), F32.with_shape((4,)))
    with pytest.raises(GraphError) as error:
        verify(Graph("g", (x,), (("y", retyped(ops.abs(y), F32.with_shape((4,)))),)))
    message, *lines = str(error.value).splitlines()
    assert message.startswith("test_verifier.py:") and message.endswith(
        ": expected f32[3], which exp gives, got f32[4]"
    )
    assert [line.split("@")[0].strip() for line in lines] == [
        "",
        "%0: f32[3] = negative(%x)",
        ">   %1: f32[4] = exp(%0)",
        "%2: f32[4] = abs(%1)",
        "out y = %2",
    ]


def test_operands_that_an_op_refuses():
    x, z = ops.input("x", (3,)), ops.input("z", (4,))
    good = ops.add(x, x)
    bad = Value(good.op, (x, z), {}, F32, good.origin)
    assert refusal(Graph("g", (x, z), (("y", bad),))) == "add: expected operands of one shape, got f32[3] and f32[4]"


def refusal(graph: Graph) -> str:
    with pytest.raises(GraphError) as error:
        verify(graph)
    return str(error.value).splitlines()[0].split(": ", 1)[1]


def test_inputs():
    x, z = ops.input("x", (3,)), ops.input("z", (3,))
    message = "expected <z: f32[3]> among the graph's inputs, got <x: f32[3]>"
    assert refusal(Graph("g", (x,), (("y", x + z),))) == message
    assert refusal(Graph("g", (x, ops.input("x", (3,))), ())) == "expected inputs of different names, got 'x' twice"
    assert refusal(Graph("g", (x, x), ())) == "expected inputs of different names, got 'x' twice"
    assert refusal(Graph("g", (x + x,), ())) == "expected inputs made by gc.input, got <add: f32[3]>"


def test_outputs():
    x = ops.input("x", (3,))
    assert refusal(Graph("g", (x,), (("y", x), ("y", x)))) == "expected output names that differ, got y, y"


def test_updates():
    x, W = ops.input("x", (3,)), variable()
    assert refusal(Graph("g", (x,), (), ((x, x),))) == "expected a variable to update, got <x: f32[3]>"
    assert (
        refusal(Graph("g", (x,), (), ((W, x), (W, x))))
        == "expected one update for each variable, got two of <W: f32[3]>"
    )
    wrong = ops.astype(x, "float64")
    assert refusal(Graph("g", (x,), (), ((W, wrong),))) == "expected f32[3] for <W: f32[3]>, got f64[3]"


def test_a_cycle():
    x = ops.input("x", (3,))
    y = ops.exp(x)
    z = ops.negative(y)
    y.operands = (z,)  # no function of graphc does this
    with pytest.raises(GraphError, match="expected a graph without cycles"):
        topological([z])
