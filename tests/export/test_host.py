"""The C++ host library: what it computes is what Python computes, and its interface keeps its promises."""

from __future__ import annotations

from pathlib import Path

import hosts
import numpy as np
import pytest
import small_networks
from hosts import run_program

import graphc as gc
from graphc.program.package import unpack

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "classifier.gcp"
    gc.export(small_networks.classifier(), path, metadata={"owner": "tests"})
    return path


@pytest.mark.parametrize("flags", [(), ("-fno-exceptions",)], ids=["exceptions", "no-exceptions"])
def test_interface(flags, prefix, package, tmp_path):
    binary = hosts.compile_host([HERE / "host_test.cpp"], prefix, tmp_path / "host_test", *flags)
    assert hosts.run(binary, package, tmp_path / "saved.gcp").stdout == b"ok\n"


def test_c_interface(prefix, package, tmp_path):
    binary = hosts.compile_host([HERE / "host_test.c"], prefix, tmp_path / "host_test")
    assert hosts.run(binary, package).stdout == b"ok\n"


@pytest.mark.parametrize("target", ["x86-64", "x86-64-v3", "x86-64-v4"])
def test_training_steps_give_pythons_bits(target, runner, tmp_path, own_gemm):
    if target not in supported_targets():
        target = ""
    programs = small_networks.classifier()
    path = tmp_path / "model.gcp"
    gc.export(programs, path)
    rng = np.random.default_rng(2)
    arrays = [rng.normal(size=(17, 4)).astype("float32"), rng.integers(0, 3, 17)]
    steps = run_program(runner, path, [np.float32(0)], arrays, tmp_path, name="train", calls=5, target=target)
    for (loss,) in steps:
        assert loss.tobytes() == programs["train"](*arrays)["loss"].tobytes()
    saved = dict(unpack((tmp_path / "saved.gcp").read_bytes()).variables)
    for state in programs["train"].states:
        assert saved[state.name].tobytes() == state.get().tobytes()
    probabilities = programs["predict"](arrays[0])
    ((found,),) = run_program(
        runner, tmp_path / "saved.gcp", [probabilities], arrays[:1], tmp_path, name="predict", target=target
    )
    assert found.tobytes() == probabilities.tobytes()


def test_default_backend_within_its_bound(runner, tmp_path):
    programs = small_networks.classifier(backend="numba")
    gc.export(programs, tmp_path / "model.gcp")
    x = np.random.default_rng(3).normal(size=(33, 4)).astype("float32")
    expected = programs["predict"](x)
    ((found,),) = run_program(runner, tmp_path / "model.gcp", [expected], [x], tmp_path, name="predict")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_elementwise_and_reductions_give_pythons_bits(runner, tmp_path):
    n = gc.dim("n")
    x, m = gc.input("x", (n, 7), "float64"), gc.input("m", (n,), "bool")
    outputs = [gc.exp(gc.sin(x)), gc.sum(gc.tanh(x), axis=1), gc.any(m), gc.where(m[:, None], x, -x), gc.std(x)]
    program = gc.compile([x, m], outputs, name="mixed", backend="cpp")
    gc.export(program, tmp_path / "mixed.gcp")
    rng = np.random.default_rng(4)
    for count in (0, 1, 1823):
        arrays = [rng.normal(size=(count, 7)), rng.random(count) < 0.5]
        with np.errstate(all="ignore"):
            expected = program(*arrays)
        (found,) = run_program(runner, tmp_path / "mixed.gcp", expected, arrays, tmp_path, name="mixed")
        assert [a.tobytes() for a in found] == [np.asarray(a).tobytes() for a in expected]


def supported_targets() -> list[str]:
    """The targets that this machine can run."""
    flags = Path("/proc/cpuinfo").read_text()
    return ["x86-64", *(["x86-64-v3"] if " avx2" in flags else []), *(["x86-64-v4"] if " avx512vl" in flags else [])]
