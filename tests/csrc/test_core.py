"""Builds the C++ tests of the core, without Python in them, plainly and under the sanitizers, and runs them."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import plans
import pytest
import small_programs

from graphc.dtypes import float32
from graphc.program.serializer import encode

ROOT = Path(__file__).parents[2]
FLAGS = ["-std=c++17", "-g", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-pthread"]
INCLUDES = [f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'csrc' / 'include'}", f"-I{ROOT / 'kernels'}"]
CORE = [*(ROOT / "csrc" / "runtime").glob("*.cpp"), *(ROOT / "csrc" / "library").glob("*.cpp")]
KERNELS = [*(ROOT / "kernels" / "cpu" / "gemm").glob("*.cpp")]  # tests/kernels has them under the sanitizers
TESTS = [ROOT / "tests" / "csrc" / "runtime_test.cpp", ROOT / "tests" / "runtime" / "kernels.cpp"]
BUILDS = {
    "plain": ["-O2", "-DCOUNT_ALLOCATIONS"],
    "address": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "thread": ["-O1", "-fsanitize=thread"],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs that the C++ tests read."""
    folder = tmp_path_factory.mktemp("programs")
    made = {
        "scale": small_programs.scale(),
        "total": small_programs.total(),
        "guarded_count": small_programs.guarded_count(),
        "mirror": small_programs.mirror(),
        "gemm": small_programs.gemm(float32, 2, 3, 5, 4, epilogue=True),
        "training_step": plans.training_step(),
        "copies": plans.copies(),
    }
    for name, program in made.items():
        (folder / name).write_bytes(encode(program))
    return folder


@pytest.mark.parametrize("build", BUILDS)
def test_core(build: str, programs: Path, tmp_path: Path) -> None:
    sources = [*KERNELS, *CORE, *TESTS]
    if build == "plain":
        sources.append(ROOT / "tests" / "csrc" / "allocations.cpp")
    objects = [tmp_path / f"{i}.o" for i in range(len(sources))]

    def compile_one(source: Path, target: Path) -> None:
        flags = ["-O2"] if source in KERNELS else BUILDS[build]
        subprocess.run(["g++", *FLAGS, *flags, *INCLUDES, "-c", str(source), "-o", str(target)], check=True)

    with ThreadPoolExecutor() as pool:
        list(pool.map(compile_one, sources, objects))
    binary = tmp_path / "runtime_test"
    subprocess.run(["g++", *FLAGS, *BUILDS[build], *map(str, objects), "-ldl", "-o", str(binary)], check=True)
    result = subprocess.run([str(binary), str(programs)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout == "ok\n"


def test_the_core_knows_no_python() -> None:
    for path in (ROOT / "csrc").rglob("*.[ch]*"):
        if path.parent.name != "python":
            text = path.read_text()
            assert "pybind11" not in text and "Python.h" not in text, path
