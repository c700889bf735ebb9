"""Programs that must be refused, each with its exact sentence: the user's file and line, expected, got."""

from __future__ import annotations

import copy
import pickle
import re
import textwrap

import numpy as np
import pytest

import graphc as gc

SETUP = """
import numpy as np
import graphc as gc
B = gc.dim("batch")
x = gc.input("x", (B, 784))
t = gc.input("t", (B,), "int64")
W = gc.variable(np.zeros((784, 10), "float32"), name="W")
b = gc.variable(np.zeros(10, "float32"), name="b")
"""

# (what is wrong, the line, the sentence after "user.py:1: ")
DECLARATIONS = [
    ("inner dims", "x @ W.T", "matmul: expected the inner dims to agree, got [batch, 784] @ [10, 784]"),
    ("broadcast", "x + b", "add: expected shapes that broadcast together, got [batch, 784] and [10]"),
    ("axis", "gc.sum(x, axis=2)", "sum: expected an axis in [-2, 2), got 2"),
    ("reshape", "gc.reshape(x, (B, 785))",
     "reshape: expected a shape with 784*batch elements for [batch, 784], got [batch, 785]"),
    ("dtype name", "gc.input('q', (3,), 'float31')", "input: expected a dtype among bool, int8, int16, int32, int64, "
     "uint8, uint16, uint32, uint64, float32, float64, got 'float31'"),
    ("input name", "gc.input('no name', (3,))", "input: expected a name like 'x', got 'no name'"),
    ("truth value", "bool(x > 0)", None),
    ("not a scalar", "gc.grad(x @ W, W)", None),
    ("integer wrt", "gc.grad(gc.sum(x), t)", None),
    ("missing input", "gc.compile([t], x @ W)",
     "compile: expected every input that a result needs among the inputs, got none for x (from user.py:5)"),
    ("update of no variable", "gc.compile([x], x, {x: x})",
     "compile: expected updates of variables, got an update of input x (from user.py:5)"),
    ("two updates", "gc.compile([], [], [(b, b + 1), (b, b + 2)])", "compile: expected one update of b, got two"),
    ("update of another shape", "gc.compile([], [], {b: W})",
     "compile: expected the next value of b to be f32[10], got f32[784, 10] (from user.py:7)"),
    ("update of another dtype", "gc.compile([], [], {b: gc.astype(b, 'float64')})",
     "compile: expected the next value of b to be f32[10], got f64[10] (from user.py:1)"),
    ("rate of nan", "gc.compile([], [], {b: b - float('nan') * b})",
     "compile: expected finite constants in the arithmetic of the next value of b, got nan (from user.py:1)"),
    ("rate of infinity", "gc.compile([], [], {b: b - gc.astype(gc.constant(np.inf), 'float32') * b})", None),
    ("same input twice", "gc.compile([x, x], x)", "compile: expected inputs of different names, got x twice"),
    ("no input", "gc.compile([W], W)",
     "compile: expected a list of gc.input values, got variable W (from user.py:7) in it"),
    ("device", "gc.compile([x], x, device='tpu')", None),
    ("backend", "gc.compile([x], x, backend='java')", "compile: expected a backend among 'numba', 'cpp', got 'java'"),
    ("program name", "gc.compile([x], x, name='1st')", "compile: expected a program name like 'step', got '1st'"),
    ("stage", "gc.compile([x], x).dump('asm')", None),
    ("unknown size", "gc.compile([t], gc.sum(t) / gc.dim('q'))",
     "compile: expected an input whose shape determines q, got none (for user.py:1)"),
    ("unknown size in a shape", "gc.compile([x], gc.sum(gc.input('y', (B // 2,))))", None),
    ("more than all memory", "gc.full((2**62, 16), 1.0)",
     "full: expected an array of less than 2**63 bytes, got f64[4611686018427387904, 16]"),
    ("variable of text", "gc.variable('abc', 'float32')", None),
    ("name of a variable", "gc.variable(1.0, name=5)", "variable: expected a name like 'W', got 5"),
]  # fmt: skip


def run(line: str) -> None:
    names: dict = {}
    exec(compile(SETUP, "user.py", "exec"), names)
    exec(compile(line, "user.py", "exec"), names)


@pytest.mark.parametrize(("line", "sentence"), [d[1:] for d in DECLARATIONS], ids=[d[0] for d in DECLARATIONS])
def test_a_wrong_declaration_is_refused(line, sentence):
    with pytest.raises(gc.GraphError) as caught:
        run(line)
    text = str(caught.value)
    if sentence is not None:
        assert text == f"user.py:1: {sentence}"
    assert re.search(r"expected .*got ", text), text
    assert "\n" not in text


@pytest.fixture
def step():
    batch = gc.dim("batch")
    x, t = gc.input("x", (batch, 4)), gc.input("t", (batch,), "int64")
    w = gc.variable(np.ones((4, 3), np.float32), name="w")
    loss = gc.nn.losses.cross_entropy(x @ w, t)
    program = gc.compile([x, t], {"loss": loss}, {w: w - gc.grad(loss, w)})
    program.w = w
    return program


X, T = np.ones((5, 4), np.float32), np.zeros(5, np.int64)

CALLS = [
    ("missing", (X,), {}, "missing input t"),
    ("unknown", (X, T), {"q": T}, "unknown input q"),
    ("twice", (X, T), {"x": X}, "x"),
    ("too many", (X, T, T), {}, "expected"),
    ("rank", (X[0], T), {}, "input x: expected shape [batch, 4], got [4]"),
    ("dim", (X[:, :3], T), {}, "input x: expected shape [batch, 4], got [5, 3]"),
    ("contradiction", (X, T[:4]), {}, "input t: expected batch = 5 (from input x), got 4"),
    ("dtype", (X.astype(np.float64), T), {}, "input x: expected float32, got float64"),
    ("text", ("abc", T), {}, "input x"),
    ("none", (None, T), {}, "input x"),
    ("objects", (np.array([object()] * 4), T), {}, "input x"),
    ("complex", (X.astype(np.complex64), T), {}, "input x: expected float32, got complex64"),
]


@pytest.mark.parametrize(("arrays", "named", "part"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS])
def test_a_wrong_call_is_refused_and_changes_nothing(step, arrays, named, part):
    before = step.w.value
    with pytest.raises(gc.GraphError, match=re.escape(part)):
        step(*arrays, **named)
    np.testing.assert_array_equal(step.w.value, before)
    assert np.isfinite(step(X, T)["loss"])


@pytest.mark.parametrize("label", [3, -1, 2**40, -(2**63)])
def test_a_label_out_of_range_fails_the_step_and_changes_nothing(step, label):
    before = step.w.value
    bad = T.copy()
    bad[2] = label
    with pytest.raises(gc.RuntimeFault, match=r"test_refusals\.py:\d+"):
        step(X, bad)
    np.testing.assert_array_equal(step.w.value, before)


def test_arrays_of_any_layout_are_taken(step):
    want = gc_loss(step, X * np.arange(4, dtype=np.float32))
    wide = np.ones((5, 8), np.float32)[:, ::2] * np.arange(4, dtype=np.float32)
    fortran = np.asfortranarray(wide)
    backwards = wide[::-1][::-1]
    read_only = wide.copy()
    read_only.setflags(write=False)
    swapped = wide.astype(">f4")
    for layout in (wide, fortran, backwards, read_only):
        assert gc_loss(step, layout) == want
    try:
        assert gc_loss(step, swapped) == want
    except gc.GraphError as error:
        assert "input x" in str(error)


def gc_loss(step, array):  # type: ignore[no-untyped-def]
    step.w.value = np.ones((4, 3), np.float32)
    return float(step(array, T)["loss"])


def test_zero_size_arrays():
    n = gc.dim("n")
    x = gc.input("x", (n, 3))
    outputs = {
        "y": gc.exp(x),
        "sum": gc.sum(x),
        "rows": gc.sum(x, axis=1),
        "columns": gc.sum(x, axis=0),
        "product": x @ gc.constant(np.ones((3, 2), np.float32)),
    }
    program = gc.compile([x], outputs)
    out = program(np.zeros((0, 3), np.float32))
    assert out["y"].shape == (0, 3) and out["sum"] == 0 and out["rows"].shape == (0,)
    np.testing.assert_array_equal(out["columns"], np.zeros(3, np.float32))
    assert out["product"].shape == (0, 2)


def test_a_cycle_is_refused():
    a = gc.constant(np.ones(3, np.float32)) + 1
    b = a * 2
    a.operands = (b, b)  # what only custom code can do
    with pytest.raises(gc.GraphError, match="without cycles"):
        gc.compile([], b)


def test_errors_are_one_sentence_with_the_users_line(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        textwrap.dedent("""
        import graphc as gc
        x = gc.input("x", (3,))
        y = x + gc.input("y", (4,))
    """)
    )
    with pytest.raises(gc.GraphError, match=r"^mine\.py:4: add: expected .* got \[3\] and \[4\]$"):
        exec(compile(script.read_text(), str(script), "exec"), {})


@pytest.mark.parametrize(
    "value", ["abc", None, [1, 2, 300], [1, 2, 3.7], np.zeros(3), np.zeros(2, np.int8), [[1], [2, 3]]]
)
def test_a_wrong_value_of_a_variable_is_refused_and_changes_nothing(value):
    v = gc.variable(np.ones(3, np.int8), name="v")
    with pytest.raises(gc.GraphError, match=r"^variable v: expected .*, got "):
        v.value = value
    v.value = [True, 2, -3]
    np.testing.assert_array_equal(v.value, np.array([1, 2, -3], np.int8))


def test_values_are_not_copied_or_pickled():
    x, v = gc.input("x", (3,)), gc.variable(1.0, name="v")
    assert copy.copy(x) is x and copy.deepcopy([x])[0] is x
    with pytest.raises(gc.GraphError, match="expected variables to stay one of a kind"):
        copy.deepcopy(v)
    for value in (x, v, x + v):
        with pytest.raises(gc.GraphError, match="to pickle"):
            pickle.dumps(value)
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(gc.compile([x], x + v))


def test_memory_that_nobody_has_is_an_error_and_changes_nothing():
    n, v = gc.dim("n"), gc.variable(1.0, name="v")
    x = gc.input("x", (n,))
    square = gc.outer(x, x)
    program = gc.compile([x], gc.sum(square @ square), {v: v + 1})
    with pytest.raises(MemoryError, match=r"expected \d+ bytes of memory, got none"):
        program(np.ones(10_000_000, np.float32))  # 400 TB
    assert v.value == 1 and program(np.ones(2, np.float32)) == 8 and v.value == 2
    with pytest.raises(gc.GraphError, match=r"expected sizes below 2\*\*63, got larger ones"):
        gc.compile([x], gc.broadcast_to(x[:, None, None, None, None], (n,) * 5))(np.ones(60000, np.float32))


def test_a_shape_that_leaves_a_dim_open_is_refused():
    m, n = gc.dim("m"), gc.dim("n")
    x, y = gc.input("x", (m * n,)), gc.input("y", (n,))
    program = gc.compile([x, y], gc.reshape(x, (m, n)) * y)
    assert program(np.ones(6, np.float32), np.ones(2, np.float32)).shape == (3, 2)
    with pytest.raises(gc.GraphError, match=r"with n = 0 \(from input y\) that determines m, got \[0\]"):
        program(np.ones(0, np.float32), np.ones(0, np.float32))
