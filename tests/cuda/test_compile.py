"""`gc.compile(..., device="cuda…")`: compiled ahead of time where nvcc is found, refused with the reason elsewhere.

It stands apart from the kernels' tests because it looks at the public API alone.
"""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc.backends.cuda import device, target

needs_nvcc = pytest.mark.skipif(target.find_compiler() is None, reason="nvcc is not found")


def step(where: str):
    batch = gc.dim("batch")
    x, t = gc.input("x", (batch, 4)), gc.input("t", (batch,), "int64")
    w = gc.variable(np.ones((4, 3), np.float32), name="w")
    loss = gc.nn.losses.cross_entropy(x @ w, t)
    return gc.compile([x, t], {"loss": loss}, {w: w - gc.grad(loss, w)}, device=where, name="step")


@needs_nvcc
def test_ahead_of_time(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path / "cache"))
    program = step("cuda:sm_90a")
    assert program.name == "step"
    assert 'extern "C" __global__ void' in program.dump("kernels")
    assert "gemm" in program.dump("plan") and "graph step" in program.dump("graph")
    code = program.compilation.code
    assert code.architecture == "sm_90a" and b"sm_90a" in code.image
    assert [one.symbol for one in code.launches] == [k.name for k in program.compilation.schedule.kernels]
    assert not code.from_cache and step("cuda:sm_90a").compilation.code.from_cache
    assert not step("cuda:sm_80").compilation.code.from_cache


@needs_nvcc
def test_a_call_is_refused_and_says_why():
    with pytest.raises(gc.RuntimeFault) as caught:
        step("cuda:sm_80")(np.ones((2, 4), np.float32), np.zeros(2, np.int64))
    assert str(caught.value) == (
        "program step: expected a program for this machine, got kernels compiled ahead of time for sm_80; "
        "compile it with device='cpu' to run it here"
    )


@pytest.mark.parametrize("where", ["cuda", "cuda:1"])
def test_a_device_that_is_not_here_is_refused_with_what_is_missing(where, monkeypatch):
    monkeypatch.setattr(device, "missing", lambda: ["no driver", "no compiler"])
    with pytest.raises(gc.CompileError) as caught:
        step(where)
    assert str(caught.value) == (
        f"test_compile.py:22: compile: expected a CUDA device that programs can run on for device={where!r}, got: "
        "no driver; no compiler; device='cuda:sm_90a' compiles kernels ahead of time"
    )


def test_what_is_missing_is_named():
    reasons = device.missing()
    assert reasons and all(reason.startswith("no ") for reason in reasons)


def test_without_nvcc_compiling_ahead_of_time_is_refused(monkeypatch):
    monkeypatch.setattr(target, "find_compiler", lambda: None)
    with pytest.raises(gc.CompileError, match="expected nvcc for a CUDA device, got none on PATH"):
        step("cuda:sm_90a")


@pytest.mark.parametrize("where", ["gpu", "cuda:", "cuda:-1", "cuda:sm_", "cuda:sm_90a; rm", 3])
def test_other_devices_are_refused(where):
    with pytest.raises(gc.GraphError, match="expected device 'cpu', 'cuda', 'cuda:1' or an architecture"):
        step(where)
