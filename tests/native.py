"""Calls one native kernel through the C ABI, as the runtime does, on NumPy arrays: for tests of renderers."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import numpy as np

from graphc.dims import evaluate
from graphc.kernel_ir import interpreter
from graphc.kernel_ir.kernel import Kernel
from graphc.kernel_ir.scratch import scratch_bytes

_SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
)


def call(
    kernel: Kernel,
    addresses: Mapping[str, int],
    buffers: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    slices: Sequence[tuple[int, int]] | None = None,
) -> int:
    """Run all units (cut into `slices`, if given) and the finish phase; returns the largest code."""
    arrays = [buffers[b.name] for b in kernel.buffers] + interpreter.partial_buffers(kernel, sizes)
    pointers = (ctypes.c_void_p * max(1, len(arrays)))(*(a.ctypes.data for a in arrays))
    dims = (ctypes.c_int64 * max(1, len(kernel.symbols)))(*(sizes[s] for s in kernel.symbols))
    scratch = np.zeros(evaluate(scratch_bytes(kernel), sizes) + 128, np.uint8)
    aligned = scratch.ctypes.data + (-scratch.ctypes.data) % 64
    units = sum(interpreter.unit_counts(kernel, sizes))
    codes = [0]
    run = _SIGNATURE(addresses[kernel.name])
    for begin, end in slices if slices is not None else [(0, units)]:
        codes.append(run(pointers, dims, begin, end, aligned))
    finish = addresses.get(f"{kernel.name}_finish")
    if finish is not None:
        codes.append(_SIGNATURE(finish)(pointers, dims, 0, units, aligned))
    return max(codes)
