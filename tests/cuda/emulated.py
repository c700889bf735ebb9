"""Runs the CUDA C++ of kernels on the CPU, by `emulation.h`, with the arguments that a launch would have.

It stands apart from the tests because all of them compile many kernels at once and launch them alike.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from graphc.backends.cuda.mapping import Launch, launch
from graphc.backends.cuda.target import render
from graphc.dims import evaluate
from graphc.kernel_ir import interpreter
from graphc.kernel_ir.expansion import expand
from graphc.kernel_ir.kernel import Kernel
from graphc.kernel_ir.printer import print_kernel

HERE = Path(__file__).parent
FLAGS = ("-std=c++17", "-O1", "-march=native", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC", "-w")
ORDERS = (0, 1, 2)  # of the threads: upwards, downwards, shuffled
EVERYTHING = 1 << 30
LAUNCHES = ((EVERYTHING, 0), (1, 1), (2, 0))  # the most blocks of a nest, how far operands lie off alignment
CANARY = 0xA5


class Emulation:
    """The compiled text of some kernels; every kernel has a name of its own."""

    def __init__(self, kernels: Sequence[Kernel], change: Callable[[str], str] = lambda text: text):
        launches = [launch(kernel) for kernel in kernels]
        symbols = [s for one in launches for s in (one.symbol, *([f"{one.symbol}_finish"] if one.has_finish else []))]
        stubs = [
            f'extern "C" const char* launch_{symbol}(void** arguments, unsigned blocks, unsigned threads, int order) '
            f"{{ return emulation::launch({symbol}, arguments, blocks, threads, order); }}"
            for symbol in symbols
        ]
        text = change(render([expand(kernel) for kernel in kernels]))
        with tempfile.TemporaryDirectory(prefix="graphc-cuda-") as folder:
            source = Path(folder, "kernels.cpp")
            source.write_text("\n".join([f'#include "{HERE / "emulation.h"}"', text, *stubs]))
            library = source.with_suffix(".so")
            subprocess.run(["g++", *FLAGS, "-o", str(library), str(source)], check=True)
            self.library = ctypes.CDLL(str(library))

    def call(
        self, symbol: str, arguments: Sequence[ctypes._SimpleCData], blocks: int, threads: int, order: int
    ) -> None:
        """Launch one function. Raises `AssertionError` for threads that do not meet."""
        function = getattr(self.library, f"launch_{symbol}")
        function.restype = ctypes.c_char_p
        pointers = (ctypes.c_void_p * len(arguments))(*(ctypes.addressof(a) for a in arguments))
        error = function(pointers, ctypes.c_uint(blocks), ctypes.c_uint(threads), ctypes.c_int(order))
        assert not error, f"{symbol}: {error.decode()}"


def run(
    emulation: Emulation,
    kernel: Kernel,
    arrays: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    most: int = 1 << 30,
    order: int = 0,
    skew: int = 0,
) -> tuple[dict[str, np.ndarray], int]:
    """The buffers after a launch with at most `most` blocks a nest, and the status.

    Every array lies `skew` elements behind a 64-byte boundary, and the bytes around it must stay as they are.
    """
    how = launch(kernel)
    partials = interpreter.partial_buffers(kernel, sizes)
    memory = {b.name: _Guarded(arrays[b.name], skew) for b in kernel.buffers}
    hidden = [_Guarded(p, 0) for p in partials]
    blocks = blocks_of(how, sizes, most)
    scratch = _Guarded(np.full(evaluate(how.scratch, sizes) * sum(blocks), 0xFF, np.uint8), 0)
    status = ctypes.c_int32(0)
    arguments: list[ctypes._SimpleCData] = [ctypes.c_void_p(g.array.ctypes.data) for g in (*memory.values(), *hidden)]
    arguments += [ctypes.c_int64(sizes[s]) for s in kernel.symbols]
    arguments += [ctypes.c_void_p(scratch.array.ctypes.data), ctypes.c_void_p(ctypes.addressof(status))]
    counts = [ctypes.c_uint32(count) for count in blocks[:-1]]
    emulation.call(how.symbol, arguments + counts, sum(blocks), how.threads, order)
    if how.has_finish:
        emulation.call(f"{how.symbol}_finish", arguments, 1, how.threads, order)
    for guard in (*memory.values(), *hidden, scratch):
        assert guard.intact(), f"{kernel.name} writes outside of its arrays"
    return {name: guard.array.copy() for name, guard in memory.items()}, status.value


def check(
    emulation: Emulation, kernel: Kernel, sizes: Mapping[str, int], arrays: Mapping[str, np.ndarray] | None = None
) -> None:
    """Interpreter ≡ emulation, in every order of the threads, for several grids, with and without packs."""
    before = arrays_for(kernel, sizes) if arrays is None else arrays
    want = {name: array.copy() for name, array in before.items()}
    code = interpreter.run(kernel, want, sizes)
    for order, (most, skew) in zip(ORDERS, LAUNCHES, strict=True):
        got, status = run(emulation, kernel, before, sizes, most, order, skew)
        assert status == code, print_kernel(kernel)
        for buffer in kernel.buffers:
            same = np.array_equal(_bits(got[buffer.name]), _bits(want[buffer.name]))
            assert same, f"{buffer.name} differs (order {order}, blocks {most}):\n{print_kernel(kernel)}"


def arrays_for(kernel: Kernel, sizes: Mapping[str, int], seed: int = 3) -> dict[str, np.ndarray]:
    """Arrays for every buffer; integers are 0 or 1, so that they may be indices."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for buffer in kernel.buffers:
        shape = tuple(evaluate(s, sizes) for s in buffer.shape)
        drawn = rng.normal(size=shape) if buffer.dtype.is_float else rng.integers(0, 2, shape)
        arrays[buffer.name] = np.asarray(drawn).astype(buffer.dtype.numpy)
    return arrays


def _bits(array: np.ndarray) -> np.ndarray:
    """Bit patterns; all NaNs are one, since no standard fixes their payload."""
    if array.dtype.kind != "f":
        return array
    clean = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return clean.view(f"u{array.dtype.itemsize}")


def blocks_of(how: Launch, sizes: Mapping[str, int], most: int) -> list[int]:
    """The blocks of each nest."""
    return [max(1, min(most, -(-evaluate(work, sizes) // teams))) for work, teams in how.nests]


class _Guarded:
    """A copy of an array, with memory around it that nobody may write."""

    def __init__(self, array: np.ndarray, skew: int):
        self.bytes = np.full(array.nbytes + 512, CANARY, np.uint8)
        self.start = -self.bytes.ctypes.data % 64 + 128 + skew * array.itemsize
        self.stop = self.start + array.nbytes
        self.array = self.bytes[self.start : self.stop].view(array.dtype).reshape(array.shape)
        self.array[...] = array

    def intact(self) -> bool:
        return bool((self.bytes[: self.start] == CANARY).all() and (self.bytes[self.stop :] == CANARY).all())
