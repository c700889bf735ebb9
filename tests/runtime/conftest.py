"""Builds the runtime tests' own kernels once per run, and gives every test the thread count it began with."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphc.runtime.threads import get_num_threads, set_num_threads

ROOT = Path(__file__).parents[2]
NAMES = ("scale", "total", "total_finish", "guard", "count", "mirror", "bias_relu_f32", "bias_relu_f64")


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The entries of the kernels in kernels.cpp."""
    library = tmp_path_factory.mktemp("kernels") / "kernels.so"
    source = Path(__file__).with_name("kernels.cpp")
    flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{ROOT / 'csrc' / 'include'}"]
    subprocess.run(["g++", *flags, "-o", str(library), str(source)], check=True)
    loaded = ctypes.CDLL(str(library))
    return {name: ctypes.cast(loaded[name], ctypes.c_void_p).value or 0 for name in NAMES}


@pytest.fixture(autouse=True)
def restore_threads() -> Iterator[None]:
    before = get_num_threads()
    yield
    set_num_threads(before)
