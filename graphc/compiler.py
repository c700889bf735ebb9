"""`compile`: from declared values to a program that runs. The one module that sees every stage.

declare ──▶ graph ──▶ passes ──▶ schedule ──▶ kernels ──▶ native code ──▶ runtime
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, overload

from graphc import config
from graphc.backends.build import NativeCode, build
from graphc.backends.cuda.code import DeviceCode
from graphc.compiled import Compilation, DeviceProgram, Program
from graphc.declaration import Inputs, Outputs, Updates, declare
from graphc.errors import CompileError
from graphc.ir.verifier import verify as verify_graph
from graphc.origin import here
from graphc.passes.log import PassLog
from graphc.passes.pipeline import LOWERING, PIPELINE
from graphc.passes.pipeline import optimize as run_passes
from graphc.schedule.assemble import Schedule, schedule
from graphc.schedule.tuning import CPU, CUDA

PATIENCE = 1.0  # seconds of compiling before a line says so


@overload
def compile(
    inputs: Inputs,
    outputs: Outputs,
    updates: Updates | None = None,
    *,
    device: Literal["cpu"] = "cpu",
    backend: str = "numba",
    name: str = "program",
    optimize: bool = True,
) -> Program: ...


@overload
def compile(
    inputs: Inputs,
    outputs: Outputs,
    updates: Updates | None = None,
    *,
    device: str,
    backend: str = "numba",
    name: str = "program",
    optimize: bool = True,
) -> Program | DeviceProgram: ...


def compile(
    inputs: Inputs,
    outputs: Outputs,
    updates: Updates | None = None,
    *,
    device: str = "cpu",
    backend: str = "numba",
    name: str = "program",
    optimize: bool = True,
) -> Program | DeviceProgram:
    """A program that maps arrays for `inputs` to `outputs` and moves variables on by `updates`.

    `outputs` is one value, a sequence or a dict of values; a call returns one array, a list or a dict.
    `updates` maps variables to their next values; all of them read the values from before the call.
    `backend` is "numba" (no compiler needed) or "cpp" (g++ or clang++), for the CPU; `optimize=False` runs every
    op as it was declared, one kernel each, to compare with. `device` is "cpu", or "cuda:sm_90a" (any
    architecture that nvcc knows) to compile CUDA kernels ahead of time: such a program shows its stages and
    cannot be called.

    Raises `GraphError` for a wrong declaration and `CompileError` where native code can't be made.
    """
    graph, structure = declare(inputs, outputs, updates, device, backend, name)
    architecture = _architecture(device)
    times: dict[str, float] = {}
    checking = config.verify.read()
    log: list[PassLog] = []
    with _progress(name), _timed(times, "total"):
        if checking:
            verify_graph(graph)
        with _timed(times, "passes"):
            optimized = run_passes(graph, PIPELINE if optimize else LOWERING, log.append, checking)
        with _timed(times, "schedule"):
            planned = schedule(optimized, optimize, CUDA if architecture else CPU)
        if checking:
            _verify(planned)
        with _timed(times, "native code"):
            code = _build(planned, backend, architecture)
    compilation = Compilation(graph, optimized, tuple(log), planned, code, times)
    states = [v.attrs["state"] for v in optimized.variables]
    program = DeviceProgram(compilation) if architecture else Program.link(compilation, states, structure)
    for stage in config.dump.read():
        print(program.dump(stage), file=sys.stderr)
    return program


def _architecture(device: str) -> str | None:
    """The architecture to compile for ahead of time, None for the CPU; a CUDA device cannot run programs yet."""
    kind, _, which = device.partition(":")
    if kind == "cpu":
        return None
    if which.startswith("sm_"):
        return which
    from graphc.backends.cuda.device import missing

    lacking = "; ".join(missing())
    raise CompileError(
        f"{here()}: compile: expected a CUDA device that programs can run on for device={device!r}, got: {lacking}; "
        "device='cuda:sm_90a' compiles kernels ahead of time"
    )


def _build(planned: Schedule, backend: str, architecture: str | None) -> NativeCode | DeviceCode:
    if architecture is None:
        return build(planned.kernels, backend)  # type: ignore[arg-type]
    from graphc.backends.cuda.target import build as build_for_device

    return build_for_device(planned.kernels, architecture)


def _verify(planned: Schedule) -> None:
    """Check the kernels and the program; imported only here, since it is off by default."""
    from graphc.kernel_ir.verifier import verify as verify_kernel
    from graphc.program.verifier import verify as verify_program

    for kernel in planned.kernels:
        verify_kernel(kernel)
    verify_program(planned.program)


@contextmanager
def _timed(times: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    times[stage] = time.perf_counter() - began


@contextmanager
def _progress(name: str) -> Iterator[None]:
    """Say that something is being compiled once it takes longer than `PATIENCE`."""
    began = time.perf_counter()

    def report() -> None:
        print(f"graphc: compiling {name} …", file=sys.stderr, flush=True)

    timer = threading.Timer(PATIENCE, report)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    seconds = time.perf_counter() - began
    if seconds > PATIENCE:
        print(f"graphc: compiled {name} in {seconds:.1f} s", file=sys.stderr)
