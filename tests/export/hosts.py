"""Builds and runs C++ hosts for the tests: the installed library once a session, and hosts against it."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphc import dtypes

ROOT = Path(__file__).parents[2]
FLAGS = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread")


def tool(name: str) -> str:
    """cmake or ninja: beside this Python, as the test requirements bring them, or on PATH."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    assert found, f"expected {name}: pip install {name}"
    return found


def run(*command: str | Path, **options) -> subprocess.CompletedProcess:
    done = subprocess.run([str(part) for part in command], capture_output=True, **options)
    assert done.returncode == 0, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    return done


def build(source: Path, folder: Path, *settings: str, install: Path | None = None) -> None:
    """Configure and build a CMake project, and install it."""
    run(tool("cmake"), "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}", *settings)
    run(tool("cmake"), "--build", folder)
    if install is not None:
        run(tool("cmake"), "--install", folder, "--prefix", install)


def compile_host(sources: Sequence[Path], prefix: Path, binary: Path, *flags: str) -> Path:
    """A host linked with the installed static library."""
    compiler = "gcc" if sources[0].suffix == ".c" else "g++"
    standard = ("-std=c99", *FLAGS[1:]) if compiler == "gcc" else FLAGS
    objects = [*map(str, sources)]
    link = ["-lstdc++"] if compiler == "gcc" else []
    library = str(prefix / "lib" / "libgraphc.a")
    run(compiler, *standard, *flags, f"-I{prefix / 'include'}", *objects, library, *link, "-ldl", "-lm", "-o", binary)
    return binary


def run_program(
    runner: Path, package: Path, program, inputs: Sequence[np.ndarray], folder: Path, *, name: str, calls: int = 1,
    target: str = "",
) -> list[list[np.ndarray]]:  # fmt: skip
    """The outputs of `calls` runs in the C++ host; the package is saved to folder/saved.gcp."""
    arguments = []
    for i, array in enumerate(inputs):
        (folder / f"input{i}").write_bytes(np.ascontiguousarray(array).tobytes())
        number = dtypes.ALL.index(dtypes.as_dtype(array.dtype))
        arguments.append(f"{number}:{','.join(map(str, array.shape))}:{folder / f'input{i}'}")
    data = run(runner, package, target, name, str(calls), folder / "saved.gcp", *arguments).stdout
    results = []
    for _ in range(calls):
        results.append([])
        for like in program:
            results[-1].append(np.frombuffer(data[: like.nbytes], like.dtype).reshape(like.shape))
            data = data[like.nbytes :]
    assert not data
    return results
