"""Runs one kernel through the interpreter and the backends, on copies of the same arrays, for comparison.

It stands apart from the tests because all of them compare the same three implementations bit by bit.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from graphc import dims
from graphc.backends import NativeCode, build
from graphc.kernel_ir import interpreter
from graphc.kernel_ir.kernel import Kernel
from graphc.kernel_ir.scratch import scratch_bytes

BACKENDS = ("numba", "cpp")
FUNCTION = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
)
Arrays = Mapping[str, np.ndarray]


@dataclass
class Outcome:
    """What a run left: every buffer and the returned code."""

    arrays: dict[str, np.ndarray]
    code: int


def interpret(kernel: Kernel, arrays: Arrays, sizes: Mapping[str, int]) -> Outcome:
    """The kernel's meaning."""
    copies = {name: array.copy() for name, array in arrays.items()}
    return Outcome(copies, interpreter.run(kernel, copies, sizes))


def execute(
    code: NativeCode, kernel: Kernel, arrays: Arrays, sizes: Mapping[str, int], splits: int = 1, skew: int = 0
) -> Outcome:
    """Native code, its units cut into `splits` calls, last call first; `skew` elements off alignment."""
    copies = {name: _skewed(array, skew) for name, array in arrays.items()}
    partials = interpreter.partial_buffers(kernel, sizes)
    operands = [copies[b.name] for b in kernel.buffers] + partials
    pointers = np.array([a.ctypes.data for a in operands] + [0], np.uint64)
    named = np.array([sizes[s] for s in kernel.symbols] + [0], np.int64)
    memory = np.full(dims.evaluate(scratch_bytes(kernel), sizes) + 128, 0xA5, np.uint8)
    scratch = (memory.ctypes.data + 63) // 64 * 64
    units = sum(interpreter.unit_counts(kernel, sizes))
    bounds = [units * i // splits for i in range(splits + 1)]
    call = FUNCTION(code.addresses[kernel.name])
    status = 0
    for begin, end in reversed(list(pairwise(bounds))):
        status = max(status, call(pointers.ctypes.data, named.ctypes.data, begin, end, scratch))
    if kernel.has_finish:
        finish = FUNCTION(code.addresses[f"{kernel.name}_finish"])
        status = max(status, finish(pointers.ctypes.data, named.ctypes.data, 0, units, scratch))
    return Outcome({name: array.copy() for name, array in copies.items()}, status)


def assert_same(got: Outcome, want: Outcome, what: str) -> None:
    """The same bits; any NaN equals any other."""
    assert got.code == want.code, what
    for name, array in want.arrays.items():
        np.testing.assert_array_equal(_bits(got.arrays[name]), _bits(array), err_msg=f"{what}: {name}")


def check(kernel: Kernel, arrays: Arrays, sizes: Mapping[str, int], splits: Sequence[int] = (1, 3)) -> Outcome:
    """Interpreter ≡ every backend, however the units are cut and wherever the buffers lie."""
    want = interpret(kernel, arrays, sizes)
    for backend in BACKENDS:
        code = build([kernel], backend)
        for count in splits:
            for skew in (0, 1):
                got = execute(code, kernel, arrays, sizes, count, skew)
                assert_same(got, want, f"{backend}, {count} calls, skew {skew}, sizes {dict(sizes)}")
    return want


def _skewed(array: np.ndarray, skew: int) -> np.ndarray:
    """A copy that begins `skew` elements after a 64-byte boundary, with the memory around it watched."""
    memory = np.zeros(array.nbytes + 192, np.uint8)
    start = -memory.ctypes.data % 64 + 64 + skew * array.itemsize
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def _bits(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != "f":
        return array
    plain = np.where(np.isnan(array), np.nan, array)
    return np.ascontiguousarray(plain, array.dtype).view(f"u{array.itemsize}")
