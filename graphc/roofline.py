"""The roofline of this machine, measured: memory bandwidth by a triad and peak FLOP/s by a GEMM.

They run as graphc programs on as many threads as programs do, so that a profile's shares compare like
with like. Source of the model: Williams, Waterman, Patterson, "Roofline", CACM 52(4), 2009.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from graphc.runtime.threads import get_num_threads

TRIAD_ELEMENTS = 1 << 23  # 32 MB an array: beyond most second-level caches
GEMM_SIZE = 768
REPEAT = 5


@dataclass(frozen=True)
class Roofline:
    """bandwidth in bytes/s, peak in float32 FLOP/s."""

    bandwidth: float
    peak: float

    def seconds(self, nbytes: int, flops: int) -> float:
        """The least time that moving `nbytes` and computing `flops` takes."""
        return max(nbytes / self.bandwidth, flops / self.peak)


def measured() -> Roofline:
    """The roofline for the current number of threads; measured once for each."""
    return _measure(get_num_threads())


@cache
def _measure(threads: int) -> Roofline:
    from graphc.compiler import compile
    from graphc.ops import input
    from graphc.variables import variable

    rng = np.random.default_rng(0)
    b = variable(rng.random(TRIAD_ELEMENTS, dtype=np.float32))
    c = variable(rng.random(TRIAD_ELEMENTS, dtype=np.float32))
    a = variable(np.zeros(TRIAD_ELEMENTS, np.float32))
    triad = compile([], [], {a: b + 0.5 * c}, name="triad")
    x = input("x", (GEMM_SIZE, GEMM_SIZE))
    product = variable(np.zeros((GEMM_SIZE, GEMM_SIZE), np.float32))
    gemm = compile([x], [], {product: x @ x}, name="gemm")
    matrix = rng.random((GEMM_SIZE, GEMM_SIZE), dtype=np.float32)
    return Roofline(
        bandwidth=3 * 4 * TRIAD_ELEMENTS / _best(triad),
        peak=2 * GEMM_SIZE**3 / _best(gemm, matrix),
    )


def _best(program: Callable[..., Any], *arrays: np.ndarray) -> float:
    times = []
    for _ in range(REPEAT):
        began = time.perf_counter()
        program(*arrays)
        times.append(time.perf_counter() - began)
    return min(times)
