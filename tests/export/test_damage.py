"""Packages from outside: whatever is wrong with one, it is refused with an error, never with a crash."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hosts
import numpy as np
import pytest
import small_networks

import graphc as gc
from graphc.errors import CompileError
from graphc.program.package import CODE, unpack

HERE = Path(__file__).parent
SOURCES = [
    *(hosts.ROOT / "csrc" / "runtime" / f"{n}.cpp" for n in "byte_reader decode layout memory size solve".split()),
    *(hosts.ROOT / "csrc" / "host" / f"{n}.cpp" for n in "cpu file package package_file sha256".split()),
]
FLAGS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small package with two programs, variables, a constant and code for one target."""
    programs = small_networks.classifier()
    path = tmp_path_factory.mktemp("small") / "small.gcp"
    gc.export({"train": programs["train"], "sample": programs["sample"]}, path, targets=[])
    return path


def test_loader_survives_under_sanitizers(small, tmp_path):
    includes = [f"-I{hosts.ROOT / 'csrc'}", f"-I{hosts.ROOT / 'csrc' / 'include'}"]

    def compile_one(source: Path) -> str:
        made = tmp_path / f"{source.stem}.o"
        subprocess.run(["g++", *hosts.FLAGS, *FLAGS, *includes, "-c", source, "-o", made], check=True)
        return str(made)

    with ThreadPoolExecutor() as pool:
        objects = list(pool.map(compile_one, [*SOURCES, HERE / "damage_test.cpp"]))
    binary = tmp_path / "damage_test"
    hosts.run("g++", *hosts.FLAGS, *FLAGS, *objects, "-o", binary)
    described = next(s.begin for s in unpack(small.read_bytes()).sections if s.kind == CODE)
    assert hosts.run(binary, small, str(described)).stdout == b"ok\n"


def test_inspection_refuses_damage(small):
    data = small.read_bytes()
    for length in (0, 7, 63, 64, 200, len(data) - 1):
        with pytest.raises(CompileError):
            unpack(data[:length])
    rng = np.random.default_rng(5)
    for position in rng.integers(0, len(data), 300):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        with pytest.raises(CompileError):
            unpack(bytes(damaged))
