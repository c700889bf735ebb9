"""What an op is: one record, in one place, from which every other part of graphc is driven.

The families (`unary`, `binary`, `reduction`, …) are constructors in their own files; they fill in
arity, type rule and shape rule, so that a record says only what is new about its op.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from graphc.dtypes import DType
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value, emit
from graphc.origin import here


class Trait(enum.Flag):
    """Algebra and behaviour that passes ask for, instead of names."""

    NONE = 0
    COMMUTATIVE = enum.auto()
    ASSOCIATIVE = enum.auto()
    IDEMPOTENT = enum.auto()
    MONOTONE = enum.auto()
    INVOLUTION = enum.auto()  # f(f(x)) == x
    VIEW = enum.auto()  # moves elements without arithmetic: free to duplicate into every consumer
    RESHAPE = enum.auto()  # keeps the row-major order of the elements: the same memory with another shape
    SOURCE = enum.auto()  # no operands and no memory: full, iota
    LEAF = enum.auto()  # input, variable, constant: a buffer that exists before the program runs
    EXPENSIVE = enum.auto()  # transcendental, or a square root: not worth computing twice
    CHECKS = enum.auto()  # may fail while running (an index out of range)
    READS_RANDOM = enum.auto()


@dataclass(frozen=True)
class NoGradient:
    """Why an op has no gradient."""

    reason: str


@dataclass(frozen=True)
class Reals:
    """Sampling domain of one operand: uniform in [low, high], plus the values in `also`."""

    low: float = -4.0
    high: float = 4.0
    also: tuple[float, ...] = ()


@dataclass(frozen=True)
class ReduceRule:
    """How a reduction lowers: `combine` is a kernel-IR update, `identity` its neutral element."""

    combine: str  # "add" | "mul" | "max" | "min" | "and" | "or"
    identity: Callable[[DType], Any]  # Python or NumPy scalar of that dtype


# Signatures of the callables in a record:
#   reference(*arrays, **attrs) -> array                NumPy; slow and obvious
#   gradient(g, *operands, y, **attrs) -> tuple         one Value or None per operand; y is the op's own result
#   lower(k, *exprs, **attrs) -> Expr                   elementwise: all operands at the same index
#   pull(k, value, index, *operands) -> Expr            the element of `value` at `index` (a tuple of i64 Exprs);
#                                                       operand i is a function from index tuple to Expr
#   decompose(*operands, **attrs) -> Value              in public ops
# `k` is a `graphc.kernel_ir.expr` module-like builder; see there.
@dataclass(frozen=True, eq=False)
class Op:
    """One op. Exactly one of `lower`, `pull`, `reduce`, `decompose`, `library` is set, but for leaves."""

    name: str
    family: str
    summary: str
    infer: Callable[..., TensorType]
    reference: Callable[..., np.ndarray] | None
    gradient: Callable[..., tuple[Value | None, ...]] | NoGradient
    lower: Callable[..., Any] | None = None
    pull: Callable[..., Any] | None = None
    reduce: ReduceRule | None = None
    decompose: Callable[..., Value] | None = None
    library: str | None = None  # a library step of the program: "gemm", "scatter_add"
    dtypes: tuple[DType, ...] = ()  # accepted dtypes of the first operand
    domain: tuple[Reals, ...] = (Reals(),)  # per operand; the last one repeats
    max_ulp: Mapping[str, float] = field(default_factory=dict)  # dtype name → bound; {}: exact, or a reduction
    traits: Trait = Trait.NONE
    onnx: str | None = None
    implied: Mapping[str, Callable[[TensorType], Any]] = field(default_factory=dict)  # see `OpLike`

    def __post_init__(self) -> None:
        ways = [w for w in (self.lower, self.pull, self.reduce, self.decompose, self.library) if w is not None]
        if len(ways) != (0 if Trait.LEAF in self.traits else 1):
            raise AssertionError(f"op {self.name}: expected exactly one way to lower it, got {len(ways)}")
        if self.name in REGISTRY:
            raise AssertionError(f"op {self.name} is defined twice")
        if not self.summary:
            raise AssertionError(f"op {self.name} has no summary")
        REGISTRY[self.name] = self

    def __call__(self, *operands: Value, **attrs: Any) -> Value:
        """Make a value of this op from values that are broadcast and promoted already."""
        return emit(self, *operands, **attrs)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


# For `Op.implied`: what the text need not say, because the type at the left of the line does.
SHAPE: Mapping[str, Callable[[TensorType], Any]] = {"shape": lambda result: result.shape}
DTYPE: Mapping[str, Callable[[TensorType], Any]] = {"dtype": lambda result: result.dtype}


def refuse(function: str, message: str) -> NoReturn:
    """Raise `GraphError` with the user's line, from a public function that checks before it emits."""
    raise GraphError(f"{here()}: {function}: {message}")


REGISTRY: dict[str, Op] = {}


def lookup(name: str) -> Op:
    """The op of that name; raises `GraphError`."""
    if name not in REGISTRY:
        raise GraphError(f"expected the name of an op, got {name!r}")
    return REGISTRY[name]


def op_of(value: Value) -> Op:
    """The record behind a value's op; the graph language itself knows only its name and type rule."""
    assert isinstance(value.op, Op)
    return value.op
