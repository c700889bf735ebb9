"""The machine: what it is called and what it can do, measured in the same process as the rows.

It stands apart because a share of the roofline means something only beside the roof that was measured
then and there, with as many threads and on arrays as large.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


def describe() -> str:
    """The processor, its cores available to this process, and the operating system."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""

    def field(name: str) -> str:
        found = re.search(rf"^{name}\s*:\s*(.+)$", text, re.MULTILINE)
        return found.group(1) if found else "?"

    model = f"{field('model name')} (family {field('cpu family')}, model {field('model')})"
    wide = "AVX-512" if "avx512f" in text else "AVX2" if "avx2" in text else platform.machine()
    return f"{model}, {wide}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"


class OtherWork:
    """The cores that other processes kept busy since this was made: what makes a timing worthless."""

    def __init__(self) -> None:
        self._start = self._clocks()

    @staticmethod
    def _clocks() -> tuple[float, float]:
        """Seconds now, and CPU seconds that the whole machine spent outside this process."""
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
        )
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), busy - time.process_time()

    def cores(self) -> float:
        now, busy = self._clocks()
        return (busy - self._start[1]) / (now - self._start[0])


@dataclass(frozen=True)
class Roofline:
    """Seconds that no program on this machine can beat, from what it was measured to do."""

    threads: int
    flops_per_second: float  # float32 GEMM

    @classmethod
    def measure(cls, threads: int) -> Roofline:
        return cls(threads, _gemm_peak())

    def floor(self, nbytes: int, flops: int) -> float:
        """The longer of `nbytes` at the bandwidth of a triad that large and `flops` at the GEMM peak."""
        return max(nbytes / bandwidth(nbytes), flops / self.flops_per_second)


@functools.cache
def bandwidth(nbytes: int) -> float:
    """Triad bytes a second over three arrays of `nbytes` together, at least 24 kB, on this process's cores."""
    n = max(nbytes // 24, 1000)
    a, b, c = (np.full(n, value) for value in (0.0, 1.0, 2.0))
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (a, b, c)]
    triad, repeats = _triad(), max(1, 10**6 // n)
    return 24 * n * repeats / _best(lambda: triad(*pointers, 3.0, n, repeats))


@functools.cache
def _triad() -> Callable:
    """stream.cpp, compiled for this machine. Raises `CalledProcessError` or `FileNotFoundError` without g++."""
    source = Path(__file__).with_name("stream.cpp")
    library = Path(tempfile.mkdtemp()) / "stream.so"
    flags = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
    triad = ctypes.CDLL(str(library)).triad
    triad.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_double] + [ctypes.c_int64] * 2
    triad.restype = None
    return triad


def _gemm_peak(n: int = 2048) -> float:
    """Float32 operations a second of the fastest GEMM at hand: NumPy's BLAS or PyTorch's."""
    a, b = (np.random.default_rng(0).normal(size=(n, n)).astype("float32") for _ in range(2))
    out = np.empty_like(a)
    seconds = [_best(lambda: np.matmul(a, b, out=out))]
    try:
        import torch
    except ImportError:
        pass
    else:
        tensors = [torch.from_numpy(array) for array in (a, b, out)]
        seconds.append(_best(lambda: torch.mm(tensors[0], tensors[1], out=tensors[2])))
    return 2 * n**3 / min(seconds)


def _best(run: Callable[[], object], budget: float = 0.4) -> float:
    """The shortest of the runs, in seconds; short ones are timed in loops of about a millisecond."""
    run()
    started = time.perf_counter()
    run()
    repeats = max(1, int(1e-3 / max(time.perf_counter() - started, 1e-7)))
    best, ends = float("inf"), time.perf_counter() + budget
    while time.perf_counter() < ends:
        started = time.perf_counter()
        for _ in range(repeats):
            run()
        best = min(best, (time.perf_counter() - started) / repeats)
    return best
