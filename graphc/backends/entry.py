"""From a kernel to the statements of its two functions: the call over a range of units, and the finish.

It stands apart from the renderers because units, partial results and scratch memory are the kernel
ABI's business (kernel_abi.h) and the same for every target; it is written in kernel IR itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphc import dims, dtypes
from graphc.dims import Dim, Size
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import (
    Accumulator,
    Buffer,
    Kernel,
    Local,
    Loop,
    Nest,
    Statement,
    Store,
    Update,
    identity,
)

BEGIN = k.var("begin", dtypes.int64)  # the arguments of the function, in units of the whole kernel
END = k.var("end", dtypes.int64)
UNIT = "unit"  # the index of the loop over the units of one nest


@dataclass(frozen=True)
class Range:
    """for index in [start, stop): body; every loop is printed through it."""

    index: str
    start: Expr
    stop: Expr
    body: tuple[Statement | Range, ...]
    lanes: int = 0


@dataclass(frozen=True)
class Section:
    """What a function does for one nest."""

    locals: tuple[Local, ...]
    statements: tuple[Statement | Range, ...]


@dataclass(frozen=True)
class Entry:
    """The functions of a kernel. `buffers` has the partial results after the operands, as the ABI says."""

    buffers: tuple[Buffer, ...]
    call: tuple[Section, ...]
    finish: tuple[Section, ...] | None


def entry(kernel: Kernel) -> Entry:
    """The two functions of `kernel`."""
    buffers = list(kernel.buffers)
    calls: list[Section] = []
    finishes: list[Section] = []
    offset: Size = 0
    for nest, partials in zip(kernel.nests, partial_buffers(kernel), strict=True):
        count = nest.units
        buffers.extend(partials)
        calls.append(Section(nest.locals, (_call(nest, partials, offset, count),)))
        finishes.append(Section((), _finish(nest, partials, count)))
        offset = offset + count
    return Entry(tuple(buffers), tuple(calls), tuple(finishes) if kernel.has_finish else None)


def partial_buffers(kernel: Kernel) -> tuple[tuple[Buffer, ...], ...]:
    """For each nest, the hidden buffers that take the results of its accumulators, one element a unit."""
    return tuple(
        tuple(Buffer(f"{a.name}.partials{number}", a.dtype, (nest.units,), "readwrite") for a in nest.accumulators)
        for number, nest in enumerate(kernel.nests)
    )


def unit_statements(nest: Nest, partials: tuple[Buffer, ...]) -> tuple[Statement | Range, ...]:
    """What unit `UNIT` of a nest with accumulators does."""
    grain, unit = k.int_const(nest.grain), k.index(UNIT)
    accumulators = tuple(
        Accumulator(a.name, a.dtype, a.combine, identity(a.combine, a.dtype)) for a in nest.accumulators
    )
    loop, stop = nest.loop, k.min((unit + 1) * grain, k.size(nest.loop.extent))
    leave = tuple(
        Store(p.name, (unit,), k.var(a.name, a.dtype)) for p, a in zip(partials, nest.accumulators, strict=True)
    )
    return (*accumulators, Range(loop.index, unit * grain, stop, loop.body, loop.lanes), *leave)


def size_expr(size: Size) -> Expr:
    """A size as index arithmetic over the named sizes alone; `dim` leaves with one symbol stay."""
    if isinstance(size, int):
        return k.int_const(size)
    total = k.int_const(0)
    for monomial, coefficient in size.terms.items():
        term = k.int_const(coefficient)
        for atom in monomial:
            term = term * _atom(atom)
        total = total + term
    return total


def _atom(atom: dims.Atom) -> Expr:
    kind, *operands = atom
    if kind == "symbol":
        return k.size(dims.dim(operands[0]))
    a, b = (size_expr(o) for o in operands)
    if kind == "min":
        return k.min(a, b)
    if kind == "max":
        return k.max(a, b)
    if b.op != "const":
        b = k.max(b, 1)  # a size that is never used may divide by a size that is 0
    quotient = k.quot(a, b)
    if dims.non_negative(operands[0]):
        return quotient
    return k.select(k.lt(a - quotient * b, 0), quotient - 1, quotient)


def is_symbol(size: Dim) -> bool:
    """Whether `size` is one named size, which the ABI passes."""
    return len(size.terms) == 1 and size == dims.dim(next(iter(size.symbols()), "_"))


def constant_length(loop: Range) -> int | None:
    """How often the loop runs, where that is known now and it begins at 0."""
    zero = k.int_const(0)
    return loop.stop.attr if loop.start is zero and loop.stop.op == "const" else None


def assigned(body: Iterable[Statement | Range]) -> frozenset[str]:
    """The accumulators and buffers that `body` changes."""
    flat = flatten(body)
    stored = frozenset(s.buffer for s in flat if isinstance(s, Store))
    return stored | updated(flat) | declared(flat)


def updated(body: Iterable[Statement | Range]) -> frozenset[str]:
    """The accumulators that `body` updates."""
    return frozenset(s.name for s in flatten(body) if isinstance(s, Update))


def declared(body: Iterable[Statement | Range]) -> frozenset[str]:
    """The accumulators that `body` declares."""
    return frozenset(s.name for s in flatten(body) if isinstance(s, Accumulator))


def flatten(body: Iterable[Statement | Range]) -> list[Statement | Range]:
    """All statements of `body` and of the loops in it."""
    flat = list(body)
    for statement in flat:  # grows on the way
        if isinstance(statement, (Loop, Range)):
            flat.extend(statement.body)
    return flat


def _call(nest: Nest, partials: tuple[Buffer, ...], offset: Size, count: Size) -> Range:
    first = k.max(BEGIN - k.size(offset), 0)
    last = k.min(END - k.size(offset), k.size(count))
    loop, grain = nest.loop, k.int_const(nest.grain)
    extent = k.size(loop.extent)
    if not nest.accumulators:  # adjacent units are one longer loop
        stop = k.min(last * grain, extent) if nest.grain > 1 else last
        return Range(loop.index, first * grain, stop, loop.body, loop.lanes)
    return Range(UNIT, first, last, unit_statements(nest, partials))


def _finish(nest: Nest, partials: tuple[Buffer, ...], count: Size) -> tuple[Statement | Range, ...]:
    statements: list[Statement | Range] = []
    for buffer, accumulator in zip(partials, nest.accumulators, strict=True):
        update = Update(accumulator.name, k.load(buffer.name, (k.index(UNIT),), buffer.dtype))
        statements += [accumulator, Loop(UNIT, count, (update,))]
    return (*statements, *nest.finish)
