"""C++ text to a shared library through g++ or clang++, and a shared library to function addresses.

It stands apart from the renderer, which knows the language and no compiler.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from graphc.backends.cpp.renderer import render_source
from graphc.errors import CompileError
from graphc.kernel_ir.kernel import Kernel

SUFFIX = ".so"
FLAGS = (  # of any machine
    "-std=c++17", "-O3", "-fopenmp-simd",
    "-ffp-contract=off", "-fwrapv",  # the same bits as every other target
    "-fno-math-errno", "-fno-trapping-math",  # nobody looks at errno or at the exception flags
)  # fmt: skip
_NATIVE = ("-march=native", "-shared", "-fPIC")
_PROLOGUES = (  # where an installed package and a source tree have it
    Path(__file__).parents[2] / "_include" / "scalar.h",
    Path(__file__).parents[3] / "kernels" / "prologue" / "scalar.h",
)


def render(kernels: Sequence[Kernel]) -> str:
    """The translation unit of a program's kernels; complete, with the prologue's text in it."""
    return render_source(kernels, next(p for p in _PROLOGUES if p.exists()).read_text())


def fingerprint() -> tuple[str, ...]:
    """What the library depends on beside the source. Raises `CompileError` without a compiler."""
    return (*compiler(), *_flags(), *_machine(compiler()[0]))


def compile_source(source: str) -> bytes:
    """The shared library. Raises `CompileError`."""
    return run_compiler(source, _flags(), "kernels.so")


def assembly(source: str) -> str:
    """The machine code as text."""
    return run_compiler(source, (*_flags(), "-S"), "kernels.s").decode()


def load(path: Path | None, code: bytes) -> LoadedLibrary:
    """The code, ready to be called: from the cache, or from a file that is gone once it is mapped."""
    if path is not None:
        return LoadedLibrary(path)
    with tempfile.TemporaryDirectory(prefix="graphc-") as folder:
        file = Path(folder) / "kernels.so"
        file.write_bytes(code)
        return LoadedLibrary(file)


class LoadedLibrary:
    """A shared library in memory; it stays as long as the process does."""

    def __init__(self, path: Path):
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise CompileError(f"expected a folder from which shared libraries can be loaded, got: {error}") from error

    def address(self, symbol: str) -> int:
        """The address of an exported function."""
        return ctypes.cast(getattr(self._library, symbol), ctypes.c_void_p).value or 0


def run_compiler(source: str, flags: Sequence[str], output: str) -> bytes:
    """The bytes of the file `output`, compiled from `source`. Raises `CompileError`."""
    command = compiler()
    with tempfile.TemporaryDirectory(prefix="graphc-") as folder:
        Path(folder, "kernels.cpp").write_text(source)
        done = subprocess.run(
            [*command, *flags, "-o", output, "kernels.cpp"], cwd=folder, capture_output=True, text=True
        )
        if done.returncode:
            lines = done.stderr.splitlines() or [f"exit status {done.returncode}"]
            first = next((line for line in lines if "error" in line), lines[0])
            raise CompileError(f"expected {command[0]} to compile the kernels, got: {first.strip()}")
        return Path(folder, output).read_bytes()


def compiler() -> tuple[str, ...]:
    """The command: the environment's CXX, else g++, else clang++."""
    wanted = shlex.split(os.environ.get("CXX", ""))
    for command in [wanted] if wanted else [["g++"], ["clang++"]]:
        path = shutil.which(command[0])
        if path:
            return (path, *command[1:])
    raise CompileError(
        f"expected a C++ compiler for backend='cpp', got none: {wanted[0] if wanted else 'g++ or clang++'} is not on "
        'PATH; install one (Debian: apt install g++), set CXX, or use backend="numba"'
    )


def _flags() -> tuple[str, ...]:
    wide = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
    return (*FLAGS, *_NATIVE, *wide)


@cache
def compiler_version(command: str) -> str:
    """The first line that the compiler says of itself."""
    return subprocess.run([command, "--version"], capture_output=True, text=True).stdout.partition("\n")[0]


@cache
def _machine(command: str) -> tuple[str, ...]:
    """The compiler's version and this CPU's features."""
    try:
        description = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        description = platform.processor()
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return (compiler_version(command), *(line for line in description.splitlines() if line.startswith(wanted)))
