"""`compile`: from declared values to a program that runs. The one module that sees every stage.

declare ──▶ graph ──▶ passes ──▶ schedule ──▶ kernels ──▶ native code ──▶ runtime
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from graphc import config
from graphc.backends.build import build
from graphc.compiled import Compilation, Program
from graphc.declaration import Inputs, Outputs, Updates, declare
from graphc.ir.verifier import verify as verify_graph
from graphc.passes.log import PassLog
from graphc.passes.pipeline import LOWERING, PIPELINE
from graphc.passes.pipeline import optimize as run_passes
from graphc.schedule.assemble import Schedule, schedule

PATIENCE = 1.0  # seconds of compiling before a line says so


def compile(
    inputs: Inputs,
    outputs: Outputs,
    updates: Updates | None = None,
    *,
    device: str = "cpu",
    backend: str = "numba",
    name: str = "program",
    optimize: bool = True,
) -> Program:
    """A program that maps arrays for `inputs` to `outputs` and moves variables on by `updates`.

    `outputs` is one value, a sequence or a dict of values; a call returns one array, a list or a dict.
    `updates` maps variables to their next values; all of them read the values from before the call.
    `backend` is "numba" (no compiler needed) or "cpp" (g++ or clang++); `optimize=False` runs every op
    as it was declared, one kernel each, to compare with.

    Raises `GraphError` for a wrong declaration and `CompileError` where native code can't be made.
    """
    graph, structure = declare(inputs, outputs, updates, device, backend, name)
    times: dict[str, float] = {}
    checking = config.verify.read()
    log: list[PassLog] = []
    with _progress(name), _timed(times, "total"):
        if checking:
            verify_graph(graph)
        with _timed(times, "passes"):
            optimized = run_passes(graph, PIPELINE if optimize else LOWERING, log.append, checking)
        with _timed(times, "schedule"):
            planned = schedule(optimized, fuse_kernels=optimize)
        if checking:
            _verify(planned)
        with _timed(times, "native code"):
            code = build(planned.kernels, backend)  # type: ignore[arg-type]
    compilation = Compilation(graph, optimized, tuple(log), planned, code, times)
    states = [v.attrs["state"] for v in optimized.variables]
    program = Program.link(compilation, states, structure)
    for stage in config.dump.read():
        print(program.dump(stage), file=sys.stderr)
    return program


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
