"""A kernel: buffers and one or more loop nests. The units of its parallel loops are what threads share.

Semantics, which interpreter and renderers all follow to the bit:

* A nest's parallel loop is cut into *units* of `grain` iterations; unit u covers
  [u*grain, min((u+1)*grain, extent)). The units of all nests are numbered one after the other; a call
  runs units [begin, end). Different units never write the same element.
* `accumulators` of a nest are reduced across the parallel loop: each unit starts from the identity and
  leaves its result in `partials[unit of this nest]` (a hidden buffer per accumulator); after all units,
  the *finish* phase folds the partials from left to right, beginning with unit 0's, combines the initial
  value first (acc = init; acc = combine(acc, partial[0]); …), and runs the `finish` statements, once.
* A `Loop` with lanes = L > 0 is a vector loop: iterations j = k*L + l run as lane l. An accumulator
  declared outside and updated inside is split into L lane accumulators that start at the identity; after
  the loop they are folded as a tree (lane l with lane l + L/2, then L/4, …, 1), and the result is combined
  into the accumulator: acc = combine(acc, tree). Lanes beyond the extent are left untouched.
  An accumulator declared inside a vector loop is per lane: each lane runs as a scalar iteration would.
* In a scalar loop an accumulator is updated in iteration order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from graphc.dims import Shape, Size, ceildiv, symbols_of
from graphc.dtypes import DType
from graphc.kernel_ir.expr import Expr, const, walk


@dataclass(frozen=True)
class Buffer:
    """A C-contiguous operand. A kernel may read and write the same `readwrite` buffer at the same index only."""

    name: str
    dtype: DType
    shape: Shape
    access: str  # "read" | "write" | "readwrite"


@dataclass(frozen=True)
class Local:
    """A scratch array that lives in one iteration of the parallel loop."""

    name: str
    dtype: DType
    shape: Shape


@dataclass(frozen=True)
class Let:
    """An immutable scalar, visible to the statements after it in the same body and in bodies below."""

    name: str
    value: Expr


@dataclass(frozen=True)
class Accumulator:
    """A mutable scalar that only `Update` changes."""

    name: str
    dtype: DType
    combine: str  # "add" | "mul" | "max" | "min" | "and" | "or"
    init: Expr  # its value before the first update; the identity of `combine`


@dataclass(frozen=True)
class Update:
    """acc = combine(acc, value); with `combine` "add", `value` may be given as a product to be fused:
    acc = fma(factor, value, acc)."""

    name: str
    value: Expr
    factor: Expr | None = None


@dataclass(frozen=True)
class Store:
    """buffer[indices] = value; with `add`, buffer[indices] += value (scatter; never in a vector or parallel
    loop whose iterations could hit the same element)."""

    buffer: str
    indices: tuple[Expr, ...]
    value: Expr
    add: bool = False


@dataclass(frozen=True)
class Check:
    """Unless `condition` holds, the call returns `code` (> 0) after its work; never undefined behaviour."""

    condition: Expr
    code: int


@dataclass(frozen=True)
class Loop:
    """for index in [0, extent): body; `lanes` > 0 makes it a vector loop."""

    index: str
    extent: Size
    body: tuple[Statement, ...]
    lanes: int = 0


Statement = Let | Accumulator | Update | Store | Check | Loop


@dataclass(frozen=True)
class Nest:
    """One parallel loop with what follows it. `loop.extent` iterations in units of `grain`."""

    loop: Loop
    grain: int = 1
    locals: tuple[Local, ...] = ()
    accumulators: tuple[Accumulator, ...] = ()  # reduced across the parallel loop
    finish: tuple[Statement, ...] = ()  # once, after all units; sees the accumulators' final values

    @property
    def units(self) -> Size:
        """How many units the parallel loop is cut into."""
        return ceildiv(self.loop.extent, self.grain)

    @property
    def statements(self) -> list[Statement]:
        """Every statement, loops before their bodies."""
        return flatten((*self.accumulators, self.loop, *self.finish))


@dataclass(frozen=True)
class Kernel:
    """What one step of a program calls: `comment` says which graph values it computes."""

    name: str
    buffers: tuple[Buffer, ...]
    nests: tuple[Nest, ...]
    comment: str = ""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The named sizes that the kernel needs, sorted: the order of the ABI's `dims`."""
        sizes: list[Size] = [s for b in self.buffers for s in b.shape]
        sizes += [s for nest in self.nests for local in nest.locals for s in local.shape]
        sizes += [s.extent for s in self.statements if isinstance(s, Loop)]
        roots = [root for statement in self.statements for root in expressions(statement)]
        sizes += [node.attr for node in walk(*roots) if node.op == "dim"]
        return tuple(sorted(symbols_of(sizes)))

    @property
    def has_finish(self) -> bool:
        """Whether something is left to do after all units: the kernel then exports `<name>_finish` too."""
        return any(nest.accumulators or nest.finish for nest in self.nests)

    @property
    def statements(self) -> list[Statement]:
        """Every statement of every nest, loops before their bodies."""
        return [statement for nest in self.nests for statement in nest.statements]


def flatten(body: Iterable[Statement]) -> list[Statement]:
    """The statements of `body` and of all loops in it, loops before their bodies."""
    found: list[Statement] = []
    stack = list(body)[::-1]
    while stack:
        statement = stack.pop()
        found.append(statement)
        if isinstance(statement, Loop):
            stack.extend(reversed(statement.body))
    return found


def expressions(statement: Statement) -> tuple[Expr, ...]:
    """The expressions directly in a statement (not those in a loop's body)."""
    if isinstance(statement, Let):
        return (statement.value,)
    if isinstance(statement, Accumulator):
        return (statement.init,)
    if isinstance(statement, Update):
        return (statement.value,) if statement.factor is None else (statement.factor, statement.value)
    if isinstance(statement, Store):
        return (*statement.indices, statement.value)
    if isinstance(statement, Check):
        return (statement.condition,)
    return ()


def identity(combine: str, dtype: DType) -> Expr:
    """The value with which a partial result of `combine` starts."""
    if combine in ("add", "mul", "or"):
        return const(combine == "mul", dtype)
    if combine == "and":
        return const(
            True if dtype.kind == "bool" else (-1 if dtype.kind == "int" else np.iinfo(dtype.numpy).max), dtype
        )
    if dtype.kind == "bool":
        return const(combine == "min", dtype)
    if dtype.is_float:
        return const(float("inf") if combine == "min" else float("-inf"), dtype)
    limits = np.iinfo(dtype.numpy)
    return const(int(limits.max if combine == "min" else limits.min), dtype)
