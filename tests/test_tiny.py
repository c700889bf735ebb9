"""The whole line in ten seconds: declare, differentiate, compile, run, train."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

import graphc as gc


def test_declare_grad_compile_run():
    n = gc.dim("n")
    x = gc.input("x", (n,))
    y = gc.sum(gc.square(x))
    value, slope = gc.compile([x], [y, gc.grad(y, x)])(np.arange(4, dtype=np.float32))
    assert value == 14 and slope.tolist() == [0, 2, 4, 6]


def test_train_a_line():
    rng = np.random.default_rng(0)
    xs = rng.uniform(-1, 1, 64).astype("float32")
    n = gc.dim("n")
    x, t = gc.input("x", (n,)), gc.input("t", (n,))
    a, b = gc.variable(0.0, name="a"), gc.variable(0.0, name="b")
    loss = gc.mean(gc.square(a * x + b - t))
    ga, gb = gc.grad(loss, [a, b])
    step = gc.compile([x, t], loss, updates={a: a - 0.5 * ga, b: b - 0.5 * gb})
    losses = [float(step(xs, 3 * xs + 1)) for _ in range(100)]
    assert losses[-1] < 1e-6 < losses[0]
    np.testing.assert_allclose([a.value, b.value], [3, 1], atol=1e-3)


def test_every_stage_has_a_text():
    x = gc.input("x", (gc.dim("n"), 3))
    step = gc.compile([x], gc.softmax(x), name="soft")
    for stage in ("graph", "passes", "optimized", "schedule", "kernels", "plan"):
        assert step.dump(stage).strip()
    assert "softmax(%x" in step.dump("graph") and "max" in step.dump("optimized")


def test_structures_of_outputs():
    x = gc.input("x", (2,))
    array = np.ones(2, np.float32)
    assert isinstance(gc.compile([x], x + 1)(array), np.ndarray)
    assert [a.tolist() for a in gc.compile([x], [x + 1, x])(array)] == [[2, 2], [1, 1]]
    assert gc.compile([x], {"y": x * 3})(x=array)["y"].tolist() == [3, 3]
    assert gc.compile([x], [])(array) == []


def test_memory_is_reported_and_shared():
    x = gc.input("x", (gc.dim("n"), 64))
    y = x
    for _ in range(6):
        y = gc.tanh(y @ gc.constant(np.eye(64, dtype=np.float32)))
    step = gc.compile([x], y)
    sizes = {"n": 100}
    assert 0 < step.peak_memory(sizes) < step.unshared_memory(sizes)


def test_profile_is_a_table():
    x = gc.input("x", (64, 64))
    text = str(gc.compile([x], gc.relu(x @ x)).profile(np.eye(64, dtype=np.float32), repeat=2))
    assert "gemm + relu" in text and "roofline" in text


def test_info_says_what_was_found():
    text = str(gc.info())
    for word in ("cpu", "threads", "blas", "CUDA", "cache", "GRAPHC_NUM_THREADS"):
        assert word in text


def test_import_is_light():
    code = "import sys, graphc; print([m for m in ('numba', 'llvmlite', 'matplotlib', 'sklearn') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_slow_compilation_says_so(monkeypatch, capsys):
    monkeypatch.setattr("graphc.compiler.PATIENCE", 0.0)
    x = gc.input("x", (3,))
    gc.compile([x], gc.sin(x), name="slow_one")
    assert "compiled slow_one in" in capsys.readouterr().err


def test_dump_setting_prints_stages(monkeypatch, capsys):
    monkeypatch.setenv("GRAPHC_DUMP", "graph,plan")
    x = gc.input("x", (3,))
    gc.compile([x], x + 1, name="shown")
    err = capsys.readouterr().err
    assert "graph shown" in err and "plan shown" in err
