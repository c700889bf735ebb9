"""Time, bytes and FLOPs of every step of a program, against the measured roofline, as a table."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.dims import evaluate, product
from graphc.errors import GraphError
from graphc.program.program import (
    CopyStep,
    GemmStep,
    KernelCall,
    KernelStep,
    Port,
    Program,
    Ref,
    Slot,
    State,
    Step,
)
from graphc.roofline import Roofline, measured


@dataclass(frozen=True)
class StepProfile:
    """One step: median seconds, bytes of its operands, FLOPs, and the floor's share of its time."""

    name: str
    seconds: float
    nbytes: int
    flops: int
    share: float  # of the roofline: floor / seconds
    origin: str


@dataclass(frozen=True)
class Profile:
    """The steps of a program in order; `str()` is the table. `result` is what the last call returned."""

    steps: tuple[StepProfile, ...]
    roofline: Roofline
    sizes: Mapping[str, int]
    result: Any

    @property
    def seconds(self) -> float:
        """The sum of the steps' medians."""
        return sum(s.seconds for s in self.steps)

    def __str__(self) -> str:
        width = max([len(s.name) for s in self.steps] + [4])
        lines = [f"{'step':{width}} {'µs':>9} {'kB':>9} {'kFLOP':>10} {'GB/s':>7} {'GFLOP/s':>8} {'roofline':>8}  from"]
        for s in self.steps:
            lines.append(
                f"{s.name:{width}} {s.seconds * 1e6:9.1f} {s.nbytes / 1e3:9.1f} {s.flops / 1e3:10.1f} "
                f"{s.nbytes / max(s.seconds, 1e-9) / 1e9:7.1f} {s.flops / max(s.seconds, 1e-9) / 1e9:8.1f} "
                f"{s.share:8.0%}  {s.origin[:60]}"
            )
        lines.append(f"{'total':{width}} {self.seconds * 1e6:9.1f}")
        lines.append(
            f"roofline measured here: {self.roofline.bandwidth / 1e9:.1f} GB/s from memory, "
            f"{self.roofline.peak / 1e9:.0f} GFLOP/s; a share above 100 % means that operands came from a cache"
        )
        return "\n".join(lines)


def profile(
    run: Callable[..., Any], program: Program, arrays: Sequence[Any], named: Mapping[str, Any], repeat: int
) -> Profile:
    """Call `run` (the runtime's own profiled call) `repeat` times and take medians."""
    if not isinstance(repeat, int) or repeat < 1:
        raise GraphError(f"expected a positive number of repetitions, got {repeat!r}")
    times: list[Sequence[int]] = []
    for _ in range(repeat + 1):
        last = run(*arrays, **named)  # earlier results are let go: their memory serves the next call
        times.append(last.nanoseconds)
    sizes = last.sizes
    roofline = measured()
    steps = []
    for number, step in enumerate(program.steps):
        seconds = statistics.median(t[number] for t in times[1:]) * 1e-9
        nbytes, flops = _work(program, step, sizes)
        share = roofline.seconds(nbytes, flops) / max(seconds, 1e-9)
        steps.append(StepProfile(_name(program, step), seconds, nbytes, flops, share, _origin(program, step)))
    return Profile(tuple(steps), roofline, sizes, last.result)


def _work(program: Program, step: Step, sizes: Mapping[str, int]) -> tuple[int, int]:
    if isinstance(step, CopyStep):
        return 2 * _nbytes(program, step.source, sizes), 0
    if isinstance(step, KernelStep):
        return _kernel_work(program, step.call, sizes)
    batch, m, n, k = (evaluate(s, sizes) for s in (step.batch, step.m, step.n, step.k))
    nbytes = sum(_nbytes(program, ref, sizes) for ref in (step.a, step.b, step.c))
    flops = 2 * batch * m * n * k
    if step.epilogue is not None:
        more_bytes, more_flops = _kernel_work(program, step.epilogue, sizes)
        nbytes += more_bytes - _nbytes(program, step.c, sizes)
        flops += more_flops
    return nbytes, flops


def _kernel_work(program: Program, call: KernelCall, sizes: Mapping[str, int]) -> tuple[int, int]:
    kernel = program.kernels[call.kernel]
    return evaluate(kernel.read, sizes) + evaluate(kernel.written, sizes), evaluate(kernel.flops, sizes)


def _nbytes(program: Program, ref: Ref, sizes: Mapping[str, int]) -> int:
    if ref.space == "constant":
        return program.constants[ref.index].array.nbytes
    spaces: dict[str, Sequence[Port | State | Slot]] = {
        "input": program.inputs,
        "output": program.outputs,
        "state": program.states,
        "slot": program.slots,
    }
    buffer = spaces[ref.space][ref.index]
    return evaluate(product(buffer.shape), sizes) * buffer.dtype.itemsize


def _name(program: Program, step: Step) -> str:
    if isinstance(step, KernelStep):
        return program.kernels[step.call.kernel].symbol
    if isinstance(step, GemmStep):
        return "gemm" if step.epilogue is None else f"gemm + {program.kernels[step.epilogue.kernel].symbol}"
    return "copy"


def _origin(program: Program, step: Step) -> str:
    if isinstance(step, KernelStep):
        return program.kernels[step.call.kernel].origin.removeprefix("from ")
    return step.origin if isinstance(step, GemmStep) else ""
