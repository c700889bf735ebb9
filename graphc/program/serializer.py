"""Programs as bytes and back: what Python hands to the C++ runtime, and what a package file will hold.

It stands apart because it is the only seam between the two sides; `csrc/runtime/decode.cpp` reads the same
layout. Everything is little-endian and unaligned; every count and length is checked on both sides.

    program  = "GCPL", u32 version (1), string name,
               list(string) symbols, list(port) inputs, list(port) outputs, list(state), list(constant),
               list(slot), size arena, list(kernel), list(step), list(string) messages; then the end
    list(X)  = u32 count, X × count              string = u32 bytes, UTF-8
    size     = u32 words, i64 × words: postfix   CONST=0 v | SYMBOL=1 k | ADD=2 | MUL=3 | FLOORDIV=4 | MIN=5 | MAX=6
    shape    = list(size)                        dtype = u8, the position in `dtypes.ALL`
    port     = string name, dtype, shape         state = port, u8 updated
    constant = port, u64 bytes, the elements in C order
    slot     = port, size offset, i64 first, i64 last
    kernel   = string symbol, list(u32 symbol) symbols, list(size extent, i64 grain) nests, u8 has_finish,
               size scratch, size read, size written, size flops, string origin,
               list(u8 access: read, write, readwrite), u8 checks
    ref      = u8 space (input, output, state, constant, slot), u32 index
    call     = u32 kernel, list(ref) operands
    step     = u8 1, call
             | u8 2, dtype, ref a, ref b, ref c, size batch, size m, size n, size k,
                     u8 flags (1 transpose_a, 2 transpose_b, 4 broadcast_a, 8 broadcast_b, 16 epilogue),
                     f64 alpha, call if there is an epilogue, string origin
             | u8 3, ref source, ref target
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from graphc import dtypes
from graphc.dims import Dim, Size, dim, floordiv, maximum, minimum
from graphc.dtypes import DType
from graphc.errors import CompileError, GraphError
from graphc.program.program import (
    Constant,
    CopyStep,
    GemmStep,
    KernelCall,
    KernelInfo,
    KernelStep,
    Port,
    Program,
    Ref,
    Slot,
    Space,
    State,
    Step,
)

MAGIC, VERSION = b"GCPL", 1
CONST, SYMBOL, ADD, MUL, FLOORDIV, MIN, MAX = range(7)
ACCESSES = ("read", "write", "readwrite")
SPACES: tuple[Space, ...] = ("input", "output", "state", "constant", "slot")
KERNEL, GEMM, COPY = 1, 2, 3
_BINARY: dict[int, Callable[[Size, Size], Size]] = {
    ADD: lambda a, b: a + b,
    MUL: lambda a, b: a * b,
    FLOORDIV: floordiv,
    MIN: minimum,
    MAX: maximum,
}
_TOKEN_OF_ATOM = {"floordiv": FLOORDIV, "min": MIN, "max": MAX}
_T = TypeVar("_T")


def encode(program: Program) -> bytes:
    """The bytes of `program`. Raises `CompileError` for a size whose symbol the program does not list."""
    return _Writer(program.symbols).program(program)


def decode(data: bytes) -> Program:
    """The program in `data`. Raises `CompileError` for anything that `encode` does not write."""
    return _Reader(data).program()


class _Writer:
    def __init__(self, symbols: tuple[str, ...]):
        self.parts: list[bytes] = []
        self.index_of = {name: i for i, name in enumerate(symbols)}

    def pack(self, layout: str, *values: Any) -> None:
        self.parts.append(struct.pack("<" + layout, *values))

    def items(self, items: Iterable[_T], write: Callable[[_T], None]) -> None:
        items = tuple(items)
        self.pack("I", len(items))
        for item in items:
            write(item)

    def string(self, text: str) -> None:
        data = text.encode()
        self.pack("I", len(data))
        self.parts.append(data)

    def symbol(self, name: str) -> int:
        if name not in self.index_of:
            raise CompileError(
                f"expected a size over the symbols {', '.join(self.index_of) or 'of none'}, got {name!r}"
            )
        return self.index_of[name]

    def size(self, size: Size) -> None:
        words = self.words(size)
        self.pack(f"I{len(words)}q", len(words), *words)

    def words(self, size: Size) -> list[int]:
        if not isinstance(size, Dim):
            return [CONST, int(size)]
        words: list[int] = []
        for i, (monomial, coefficient) in enumerate(size.terms.items()):
            factors = [] if coefficient == 1 and monomial else [[CONST, coefficient]]
            for kind, *operands in monomial:
                if kind == "symbol":
                    factors.append([SYMBOL, self.symbol(operands[0])])
                else:
                    factors.append([*self.words(operands[0]), *self.words(operands[1]), _TOKEN_OF_ATOM[kind]])
            for j, factor in enumerate(factors):
                words += factor if j == 0 else [*factor, MUL]
            words += [ADD] if i else []
        return words

    def shape(self, shape: Iterable[Size]) -> None:
        self.items(shape, self.size)

    def port(self, name: str, dtype: DType, shape: Iterable[Size]) -> None:
        self.string(name)
        self.pack("B", dtypes.ALL.index(dtype))
        self.shape(shape)

    def state(self, state: State) -> None:
        self.port(state.name, state.dtype, state.shape)
        self.pack("B", state.updated)

    def constant(self, constant: Constant) -> None:
        array = np.asarray(constant.array, order="C")
        dtype = dtypes.as_dtype(array.dtype)
        data = array.astype(dtype.numpy.newbyteorder("<"), copy=False).tobytes()
        self.port(constant.name, dtype, array.shape)
        self.pack("Q", len(data))
        self.parts.append(data)

    def slot(self, slot: Slot) -> None:
        self.port(slot.name, slot.dtype, slot.shape)
        self.size(slot.offset)
        self.pack("qq", slot.first, slot.last)

    def nest(self, nest: tuple[Size, int]) -> None:
        self.size(nest[0])
        self.pack("q", nest[1])

    def kernel(self, kernel: KernelInfo) -> None:
        self.string(kernel.symbol)
        self.items(kernel.symbols, lambda name: self.pack("I", self.symbol(name)))
        self.items(kernel.nests, self.nest)
        self.pack("B", kernel.has_finish)
        for size in (kernel.scratch, kernel.read, kernel.written, kernel.flops):
            self.size(size)
        self.string(kernel.origin)
        self.items(kernel.access, lambda access: self.pack("B", ACCESSES.index(access)))
        self.pack("B", kernel.checks)

    def ref(self, ref: Ref) -> None:
        self.pack("BI", SPACES.index(ref.space), ref.index)

    def call(self, call: KernelCall) -> None:
        self.pack("I", call.kernel)
        self.items(call.operands, self.ref)

    def step(self, step: Step) -> None:
        if isinstance(step, KernelStep):
            self.pack("B", KERNEL)
            self.call(step.call)
        elif isinstance(step, GemmStep):
            self.gemm(step)
        else:
            self.pack("B", COPY)
            self.ref(step.source)
            self.ref(step.target)

    def gemm(self, step: GemmStep) -> None:
        flags = (step.transpose_a, step.transpose_b, step.broadcast_a, step.broadcast_b, step.epilogue is not None)
        self.pack("BB", GEMM, dtypes.ALL.index(step.dtype))
        for ref in (step.a, step.b, step.c):
            self.ref(ref)
        for size in (step.batch, step.m, step.n, step.k):
            self.size(size)
        self.pack("Bd", sum(bool(flag) << bit for bit, flag in enumerate(flags)), step.alpha)
        if step.epilogue is not None:
            self.call(step.epilogue)
        self.string(step.origin)

    def program(self, program: Program) -> bytes:
        self.parts.append(MAGIC)
        self.pack("I", VERSION)
        self.string(program.name)
        self.items(program.symbols, self.string)
        self.items(program.inputs, lambda p: self.port(p.name, p.dtype, p.shape))
        self.items(program.outputs, lambda p: self.port(p.name, p.dtype, p.shape))
        self.items(program.states, self.state)
        self.items(program.constants, self.constant)
        self.items(program.slots, self.slot)
        self.size(program.arena)
        self.items(program.kernels, self.kernel)
        self.items(program.steps, self.step)
        self.items(program.messages, self.string)
        return b"".join(self.parts)


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at = memoryview(data), 0
        self.symbols: tuple[str, ...] = ()

    def take(self, count: int) -> memoryview:
        if count > len(self.data) - self.at:
            raise CompileError(f"expected {count} more bytes of a program, got {len(self.data) - self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, layout: str) -> Any:
        (value,) = struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))
        return value

    def below(self, bound: int, layout: str, what: str) -> int:
        value = self.unpack(layout)
        if value >= bound:
            raise CompileError(f"expected {what} below {bound}, got {value}")
        return value

    def items(self, read: Callable[[], _T]) -> tuple[_T, ...]:
        count = self.unpack("I")
        if count > len(self.data) - self.at:  # every item takes a byte at least
            raise CompileError(f"expected a count of at most {len(self.data) - self.at}, got {count}")
        return tuple(read() for _ in range(count))

    def flag(self) -> bool:
        return bool(self.below(2, "B", "a flag"))

    def string(self) -> str:
        try:
            return bytes(self.take(self.unpack("I"))).decode()
        except UnicodeDecodeError as error:
            raise CompileError("expected a name in UTF-8, got other bytes") from error

    def size(self) -> Size:
        count = self.unpack("I")
        words = list(struct.unpack(f"<{count}q", self.take(8 * count)))
        stack: list[Size] = []
        position = 0
        try:
            while position < count:
                token = words[position]
                position += 1
                if token == CONST:
                    stack.append(words[position])
                    position += 1
                elif token == SYMBOL:
                    stack.append(dim(dict(enumerate(self.symbols))[words[position]]))
                    position += 1
                else:
                    b, a = stack.pop(), stack.pop()
                    stack.append(_BINARY[token](a, b))
            (result,) = stack
        except (IndexError, KeyError, ValueError, GraphError) as error:
            raise CompileError(f"expected a size in postfix form, got {words}") from error
        return result

    def shape(self) -> tuple[Size, ...]:
        return self.items(self.size)

    def fixed_shape(self) -> tuple[int, ...]:
        shape = self.shape()
        if not all(isinstance(extent, int) and extent >= 0 for extent in shape):
            raise CompileError(f"expected a shape without symbols, got {shape}")
        return tuple(int(extent) for extent in shape if isinstance(extent, int))

    def dtype(self) -> DType:
        return dtypes.ALL[self.below(len(dtypes.ALL), "B", "a dtype")]

    def port(self) -> Port:
        return Port(self.string(), self.dtype(), self.shape())

    def state(self) -> State:
        return State(self.string(), self.dtype(), self.fixed_shape(), self.flag())

    def constant(self) -> Constant:
        name, dtype, shape = self.string(), self.dtype(), self.fixed_shape()
        data = self.take(self.unpack("Q"))
        expected = dtype.itemsize
        for extent in shape:
            expected *= extent
        if len(data) != expected:
            raise CompileError(f"constant {name}: expected {expected} bytes, got {len(data)}")
        array = np.frombuffer(data, dtype.numpy.newbyteorder("<")).astype(dtype.numpy).reshape(shape)
        array.flags.writeable = False
        return Constant(name, array)

    def slot(self) -> Slot:
        return Slot(self.string(), self.dtype(), self.shape(), self.size(), self.unpack("q"), self.unpack("q"))

    def nest(self) -> tuple[Size, int]:
        return self.size(), self.unpack("q")

    def symbol(self) -> str:
        return self.symbols[self.below(len(self.symbols), "I", "a symbol")]

    def kernel(self) -> KernelInfo:
        name, symbols, nests, has_finish = self.string(), self.items(self.symbol), self.items(self.nest), self.flag()
        scratch, read, written, flops = (self.size() for _ in range(4))
        origin, access, checks = self.string(), self.items(self.access), self.flag()
        return KernelInfo(name, symbols, nests, has_finish, scratch, read, written, flops, origin, access, checks)

    def access(self) -> str:
        return ACCESSES[self.below(len(ACCESSES), "B", "an access")]

    def ref(self) -> Ref:
        return Ref(SPACES[self.below(len(SPACES), "B", "a space")], self.unpack("I"))

    def call(self) -> KernelCall:
        return KernelCall(self.unpack("I"), self.items(self.ref))

    def step(self) -> Step:
        kind = self.unpack("B")
        if kind == KERNEL:
            return KernelStep(self.call())
        if kind == GEMM:
            return self.gemm()
        if kind == COPY:
            return CopyStep(self.ref(), self.ref())
        raise CompileError(f"expected a step of kind 1 to 3, got {kind}")

    def gemm(self) -> GemmStep:
        dtype = self.dtype()
        a, b, c = (self.ref() for _ in range(3))
        batch, m, n, k = (self.size() for _ in range(4))
        flags = self.below(32, "B", "the flags of a gemm")
        return GemmStep(
            dtype=dtype,
            a=a,
            b=b,
            c=c,
            batch=batch,
            m=m,
            n=n,
            k=k,
            transpose_a=bool(flags & 1),
            transpose_b=bool(flags & 2),
            broadcast_a=bool(flags & 4),
            broadcast_b=bool(flags & 8),
            alpha=self.unpack("d"),
            epilogue=self.call() if flags & 16 else None,
            origin=self.string(),
        )

    def program(self) -> Program:
        if bytes(self.take(4)) != MAGIC:
            raise CompileError("expected the bytes of a graphc program, got something else")
        version = self.unpack("I")
        if version != VERSION:
            raise CompileError(f"expected a program of version {VERSION}, got version {version}")
        name = self.string()
        self.symbols = self.items(self.string)
        program = Program(
            name=name,
            symbols=self.symbols,
            inputs=self.items(self.port),
            outputs=self.items(self.port),
            states=self.items(self.state),
            constants=self.items(self.constant),
            slots=self.items(self.slot),
            arena=self.size(),
            kernels=self.items(self.kernel),
            steps=self.items(self.step),
            messages=self.items(self.string),
        )
        if self.at != len(self.data):
            raise CompileError(f"expected the end of the program, got {len(self.data) - self.at} more bytes")
        return program
