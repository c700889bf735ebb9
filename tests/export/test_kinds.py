"""Exports as source and as object: hosts without a package file, an installed library or a dynamic loader."""

from __future__ import annotations

from pathlib import Path

import hosts
import numpy as np
import pytest
import small_networks

import graphc as gc

HERE = Path(__file__).parent
HOST = HERE / "linked_host.cpp"
CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(host LANGUAGES CXX)
add_subdirectory(model)
add_executable(host {host})
target_link_libraries(host PRIVATE model)
"""


@pytest.fixture(scope="module")
def programs():
    return small_networks.classifier()


def expected_lines(programs) -> str:
    """What the host prints, by Python with the own GEMM; the variables are put back."""
    before = [state.get() for state in programs["train"].states]
    x = np.array([[1, 2, 3, 4], [-1, -2, -3, -4]], "float32")
    losses = [programs["train"](x, np.array([0, 2]))["loss"] for _ in range(3)]
    for state, value in zip(programs["train"].states, before, strict=True):
        state.set(value)
    return "".join(f"{np.float32(loss).view(np.uint32):08x}\n" for loss in losses)


def test_source(programs, own_gemm, tmp_path):
    gc.export(programs, tmp_path / "model", kind="source")
    (tmp_path / "CMakeLists.txt").write_text(CMAKE.format(host=HOST))
    hosts.build(tmp_path, tmp_path / "build", "-DMODEL_KERNEL_OPTIONS=-march=native", "-DCMAKE_BUILD_TYPE=Debug")
    assert hosts.run(tmp_path / "build" / "host").stdout.decode() == expected_lines(programs)
    symbols = hosts.run("nm", "-D", tmp_path / "build" / "host").stdout.decode()
    assert "dlopen" not in symbols


def test_object(programs, own_gemm, tmp_path):
    gc.export(programs, tmp_path / "model", kind="object")
    include = tmp_path / "model" / "include"
    library = tmp_path / "model" / "libmodel.a"
    hosts.run("g++", *hosts.FLAGS, f"-I{include}", HOST, library, "-o", tmp_path / "host")
    assert hosts.run(tmp_path / "host").stdout.decode() == expected_lines(programs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "wheel"}, "export: expected a kind among 'package', 'source', 'object', got 'wheel'"),
        ({"targets": ["z80"]}, "expected targets among 'x86-64'"),
        ({"kind": "source", "targets": ["x86-64"]}, "expected no targets with kind='source'"),
        ({"kind": "object", "targets": ["x86-64", "x86-64-v3"]}, "expected one target with kind='object', got 2"),
        ({"kind": "object", "sign": bytes(32)}, "expected kind='package' with a signature, got 'object'"),
        ({"metadata": {"a": 1}}, "expected metadata of strings"),
    ],
)
def test_wrong_arguments(programs, tmp_path, options, message):
    with pytest.raises(gc.GraphError, match=message):
        gc.export(programs, tmp_path / "model", **options)
