"""The element of a value at an index, as a scalar expression over what is stored in memory.

Inlining is function composition: each op says how its element follows from elements of its operands,
so that fusion, broadcasting, slicing and transposition need no code of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from graphc.dims import Shape
from graphc.ir.value import Value
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.ops.definition import Trait, op_of

Index = tuple[Expr, ...]


@dataclass(frozen=True, eq=False)
class Source:
    """What a `load` reads before buffers have names: a stored value, seen with `shape` (same row-major order)."""

    value: Value
    shape: Shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and self.value is other.value and self.shape == other.shape

    def __hash__(self) -> int:
        return hash((id(self.value), self.shape))

    def __repr__(self) -> str:
        return repr(self.value)


def storage(value: Value) -> Value:
    """The value whose memory serves `value` too: reshapes move nothing."""
    while Trait.RESHAPE in op_of(value).traits:
        value = value.operands[0]
    return value


def only_moves_ones(value: Value) -> bool:
    """True for a reshape that adds or drops axes of size 1 and nothing else."""
    before, after = value.operands[0].shape, value.shape
    return [s for s in before if s != 1] == [s for s in after if s != 1]


class Elements:
    """Reads elements of the values of one graph, down to the `stored` ones, which become loads."""

    def __init__(self, stored: Set[Value]):
        self.stored = stored
        self._memo: dict[tuple[Value, Index], Expr] = {}

    def read(self, value: Value, index: Index) -> Expr:
        """The element of `value` at `index`, loaded if it is stored."""
        if value in self.stored:
            return _load(Source(value, value.shape), index)
        if Trait.RESHAPE in op_of(value).traits and not only_moves_ones(value):
            base = storage(value)
            if base in self.stored:
                return _load(Source(base, value.shape), index)
        return self.compute(value, index)

    def compute(self, value: Value, index: Index) -> Expr:
        """The element of `value` at `index`, from its operands even if it is stored itself."""
        key = (value, index)
        found = self._memo.get(key)
        if found is None:
            op = op_of(value)
            if op.lower is not None:
                operands = (self.read(o, index) for o in value.operands)
                found = op.lower(k, *operands, **value.attrs)
            else:
                assert op.pull is not None, op
                found = op.pull(k, value, index, *map(self._reader, value.operands))
            assert found.dtype is value.dtype, f"{op.name} lowers to {found.dtype}, expected {value.dtype}"
            if Trait.CHECKS in op.traits and found.op == "check":
                condition, checked = found.args
                found = k.check(condition, checked, f"{value.origin}: {found.attr}")
            self._memo[key] = found
        return found

    def _reader(self, value: Value) -> Callable[[Index], Expr]:
        return lambda index: self.read(value, index)


def _load(source: Source, index: Index) -> Expr:
    return Expr("load", index, source.value.dtype, source)


def loads(root: Expr) -> tuple[Expr, ...]:
    """All loads in an expression, guarded ones included."""
    return tuple(node for node in k.walk(root) if node.op in ("load", "load_if"))


def load_index(node: Expr) -> Index:
    """The index tuple of a load; `load_if` carries its condition first."""
    return node.args[1:] if node.op == "load_if" else node.args
