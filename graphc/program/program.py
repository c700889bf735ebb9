"""A program: what the C++ runtime executes. Flat data, no graph, no Python objects but arrays.

Every size may be symbolic; the runtime solves the symbols from the shapes of a call's inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choice

import numpy as np

from graphc.dims import Shape, Size
from graphc.dtypes import DType

Space = Choice["input", "output", "state", "constant", "slot"]


@dataclass(frozen=True)
class Ref:
    """An operand of a step: the `index`-th buffer of a space."""

    space: Space
    index: int


@dataclass(frozen=True)
class Port:
    """An input or an output of the program: a C-contiguous array of the caller's."""

    name: str
    dtype: DType
    shape: Shape


@dataclass(frozen=True)
class State:
    """A variable: a buffer that outlives calls and may be shared between programs. Its shape has no symbols."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    updated: bool  # False: this program only reads it


@dataclass(frozen=True)
class Constant:
    """An array that is part of the program."""

    name: str
    array: np.ndarray


@dataclass(frozen=True)
class Slot:
    """A range of the arena, 64-byte aligned; alive from step `first` to step `last` (from 0), both included."""

    name: str
    dtype: DType
    shape: Shape
    offset: Size  # bytes
    first: int
    last: int


@dataclass(frozen=True)
class KernelInfo:
    """What the runtime must know of a kernel to call it (see csrc/include/graphc/kernel_abi.h)."""

    symbol: str
    symbols: tuple[str, ...]  # the dim names of the ABI's `dims`, in order
    nests: tuple[tuple[Size, int], ...]  # (extent, grain): units = Σ ceil(extent / grain)
    has_finish: bool  # also exports `<symbol>_finish`
    scratch: Size  # bytes for each worker
    read: Size  # bytes, for the profile
    written: Size
    flops: Size
    origin: str = ""  # the user's lines, for error messages and profiles
    access: tuple[str, ...] = ()  # of each buffer: "read", "write" or "readwrite"; () if not known
    checks: bool = False  # True: a call may return the code of a failed check


@dataclass(frozen=True)
class KernelCall:
    """A kernel over its operands: `buffers` as the kernel declares them, then one slot per partial."""

    kernel: int
    operands: tuple[Ref, ...]


@dataclass(frozen=True)
class KernelStep:
    call: KernelCall


@dataclass(frozen=True)
class GemmStep:
    """c[i] = alpha * op(a[i]) @ op(b[i]) for i in [0, batch): row-major; then `epilogue` on the same rows.

    op(a): [m, k], stored [k, m] if transpose_a; op(b): [k, n], stored [n, k] if transpose_b. `a` or `b` may
    be one matrix for all i (`broadcast_*`). The epilogue is a kernel with one nest whose extent is batch*m;
    it runs on the units of the rows that a tile has just written.
    """

    dtype: DType
    a: Ref
    b: Ref
    c: Ref
    batch: Size
    m: Size
    n: Size
    k: Size
    transpose_a: bool = False
    transpose_b: bool = False
    broadcast_a: bool = False
    broadcast_b: bool = False
    alpha: float = 1.0
    epilogue: KernelCall | None = None
    origin: str = ""


@dataclass(frozen=True)
class CopyStep:
    """target = source, all bytes; of one type."""

    source: Ref
    target: Ref


Step = KernelStep | GemmStep | CopyStep


@dataclass(frozen=True)
class Program:
    """Steps run in order. No step that writes a state comes before one that may fail (messages)."""

    name: str
    symbols: tuple[str, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    states: tuple[State, ...]
    constants: tuple[Constant, ...]
    slots: tuple[Slot, ...]
    arena: Size  # bytes
    kernels: tuple[KernelInfo, ...]
    steps: tuple[Step, ...]
    messages: tuple[str, ...] = ()  # messages[code - 1] says what a kernel's return code means
