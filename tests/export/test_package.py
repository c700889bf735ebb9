"""The package file: what Python writes it reads again, shared variables stay shared, files are replaced whole."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig

import numpy as np
import pytest
import small_networks

import graphc as gc
from graphc.__main__ import main
from graphc.program import package as package_file
from graphc.program.package import CODE, Package, PackagedProgram, pack, unpack


@pytest.fixture(scope="module")
def programs():
    return small_networks.classifier(backend="numba")


@pytest.fixture
def exported(programs, tmp_path):
    gc.export(programs, tmp_path / "model.gcp", targets=[], metadata={"accuracy": "0.97"})
    return tmp_path / "model.gcp"


def test_round_trip(programs, exported):
    read = unpack(exported.read_bytes())
    assert read.producer == f"graphc {gc.__version__}" and read.metadata == {"accuracy": "0.97"}
    assert [p.name for p in read.programs] == ["predict", "train", "sample"]
    for packaged in read.programs:
        original = programs[packaged.name]
        assert [read.variables[v][0] for v in packaged.variables] == [s.name for s in original.program.states]
        assert packaged.program.steps == original.program.steps
    for name, array in read.variables:
        state = next(s for p in programs.values() for s in p.states if s.name == name)
        np.testing.assert_array_equal(array, state.get())
    assert pack(read) == exported.read_bytes()


def test_variables_are_shared_and_aligned(exported):
    read = unpack(exported.read_bytes())
    predict, train, sample = read.programs
    assert set(predict.variables) == set(train.variables) and not set(train.variables) & set(sample.variables)
    assert all(section.begin % 64 == 0 for section in read.sections)


def test_two_variables_of_one_name(tmp_path):
    a, b = gc.variable(1.0, name="v"), gc.variable(2.0, name="v")
    gc.export(gc.compile([], a + b, name="sum"), tmp_path / "sum.gcp", targets=[])
    read = unpack((tmp_path / "sum.gcp").read_bytes())
    assert sorted((name, float(value)) for name, value in read.variables) in (
        [("v", 1.0), ("v_1", 2.0)],
        [("v", 2.0), ("v_1", 1.0)],
    )


def test_code_for_several_targets_is_small(programs, tmp_path):
    gc.export(programs, tmp_path / "model.gcp", targets=["x86-64-v3"] if "x86" in sysconfig.get_platform() else [])
    read = unpack((tmp_path / "model.gcp").read_bytes())
    assert len(read.code) == sum(s.kind == CODE for s in read.sections) and all(read.code.values())
    weights = sum(array.nbytes for _, array in read.variables)
    assert (tmp_path / "model.gcp").stat().st_size - weights < 200_000


def test_exporting_over_a_file_is_atomic(programs, exported, monkeypatch):
    before = exported.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(package_file.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        gc.export(programs["sample"], exported, targets=[])
    assert exported.read_bytes() == before and os.listdir(exported.parent) == ["model.gcp"]


def test_inspect(exported, capsys):
    assert main(["inspect", str(exported), "--plans"]) == 0
    text = capsys.readouterr().out
    for line in ("program train(batch)", "  in  t: i64[batch]", "  set W", "  accuracy: 0.97", "every hash is right",
                 "  W: f32[4, 3]", "  1  library  gemm(%x, %W)"):  # fmt: skip
        assert line in text
    exported.write_bytes(exported.read_bytes()[:-1])
    done = subprocess.run([sys.executable, "-m", "graphc", "inspect", exported], capture_output=True, text=True)
    assert done.returncode == 1 and "expected a package of" in done.stderr


def test_refusals(tmp_path):
    x = gc.input("x", (1,) * 9)
    with pytest.raises(gc.GraphError, match="of at most 8 axes, got x of 9"):
        gc.export(gc.compile([x], x + 1), tmp_path / "deep.gcp")
    with pytest.raises(gc.GraphError, match="expected a compiled program or a dict of them by name, got int"):
        gc.export({"a": 3}, tmp_path / "a.gcp")
    with pytest.raises(gc.GraphError, match="expected at least one program"):
        gc.export({}, tmp_path / "a.gcp")


def test_signature_covers_every_other_section(programs):
    program = programs["sample"].program
    values = [(s.name, s.get()) for s in programs["sample"].states]
    unsigned = Package("tests", {}, values, [PackagedProgram("sample", program, (0,))], {"x86-64": b"code"})
    messages: list[bytes] = []
    read = unpack(pack(unsigned, lambda message: messages.append(message) or bytes(range(64))))
    assert read.signature == bytes(range(64))
    assert messages[0].startswith(b"graphc package 1") and len(messages[0]) == 16 + 4 * 64
    assert all(messages[0].count(s.sha256) == 1 for s in read.sections[:-1])
