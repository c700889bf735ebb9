"""CUDA C++ text to a fat binary (machine code of one architecture, and PTX) through nvcc.

It stands apart from the renderer, which knows the language and no compiler, and it needs no GPU: the code is
loaded by the driver, or kept for a machine that has one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from graphc.backends import cache as disk
from graphc.backends.cuda.code import DeviceCode
from graphc.backends.cuda.mapping import launch
from graphc.backends.cuda.renderer import render_source
from graphc.errors import CompileError
from graphc.kernel_ir.expansion import expand
from graphc.kernel_ir.kernel import Kernel

SUFFIX = ".fatbin"
FLAGS = (
    "-std=c++17", "-O3",
    "-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true",  # the same bits as every other target
    "-diag-suppress=177",  # a size, or an operand of the finish phase, that a kernel does not use
)  # fmt: skip
_PROLOGUES = (  # where an installed package and a source tree have it
    Path(__file__).parents[2] / "_include" / "cuda.h",
    Path(__file__).parents[3] / "kernels" / "prologue" / "cuda.h",
)


def build(kernels: Sequence[Kernel], architecture: str) -> DeviceCode:
    """Compile `kernels` together, or load them from the cache. Raises `CompileError`."""
    began = time.perf_counter()
    source = render([expand(kernel) for kernel in kernels])
    key = disk.key_of("cuda", architecture, source, *FLAGS, _version(_compiler()))
    _, image, why_missed = disk.find(key, SUFFIX)
    if not image:
        image = compile_source(source, architecture)
        disk.store(key, SUFFIX, image)
    launches = tuple(launch(kernel) for kernel in kernels)
    return DeviceCode(architecture, source, image, launches, not why_missed, why_missed, time.perf_counter() - began)


def render(kernels: Sequence[Kernel]) -> str:
    """The translation unit of a program's kernels; complete, with the prologue's text in it."""
    return render_source(kernels, next(p for p in _PROLOGUES if p.exists()).read_text())


def compile_source(source: str, architecture: str) -> bytes:
    """The fat binary: machine code for `architecture`, and PTX for what comes after it. Raises `CompileError`."""
    virtual = architecture.replace("sm_", "compute_")
    code = f"arch={virtual},code=[{architecture},{virtual}]"
    return run_nvcc(source, ("-fatbin", "-gencode", code), "kernels.fatbin")[0]


def run_nvcc(source: str, options: Sequence[str], output: str) -> tuple[bytes, str]:
    """What nvcc makes of `source`, and what it says. Raises `CompileError`."""
    compiler = _compiler()
    with tempfile.TemporaryDirectory(prefix="graphc-") as folder:
        Path(folder, "kernels.cu").write_text(source)
        command = [compiler, *FLAGS, *options, "-o", output, "kernels.cu"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        said = done.stdout + done.stderr
        if done.returncode:
            lines = said.splitlines() or [f"exit status {done.returncode}"]
            first = next((line for line in lines if re.search("error|fatal", line)), lines[0])
            raise CompileError(f"expected nvcc to compile the kernels, got: {first.strip()}")
        return Path(folder, output).read_bytes(), said


def find_compiler() -> str | None:
    """The path of nvcc: on PATH, or where CUDA installs itself."""
    return shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")


def _compiler() -> str:
    path = find_compiler()
    if path is None:
        raise CompileError("expected nvcc for a CUDA device, got none on PATH; install the CUDA toolkit")
    return path


@cache
def _version(compiler: str) -> str:
    return subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout
