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

HERE = Path(__file__).parent
FLAGS = ("-std=c++17", "-O1", "-march=native", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC", "-w")
ORDERS = (0, 1, 2)  # of the threads: upwards, downwards, shuffled
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
