"""A typed SSA value and its type: what a user declares, what `grad` returns and what passes rewrite.

Values know their op only as an object with a name and a type rule; the ops live in `graphc.ops`,
which also installs the operators (`x + y`, `x[2:5]`) on `Value`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from graphc import origin as origins
from graphc.dims import Shape, Size, product, shape_text
from graphc.dtypes import DType
from graphc.errors import GraphError


@dataclass(frozen=True)
class TensorType:
    """Element type and shape; prints as `f32[batch, 10]`."""

    dtype: DType
    shape: Shape

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Size:
        return product(self.shape)

    @property
    def nbytes(self) -> Size:
        return self.size * self.dtype.itemsize

    def with_shape(self, shape: Shape) -> TensorType:
        return TensorType(self.dtype, tuple(shape))

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        return f"{self.dtype.short}{shape_text(self.shape)}"


class OpLike(Protocol):
    """What the graph language needs to know of an op."""

    @property
    def name(self) -> str:
        """As the text prints it."""

    @property
    def implied(self) -> Mapping[str, Callable[[TensorType], Any]]:
        """Attributes that the text leaves out where they are what the type of the result implies, or a default."""

    def infer(self, *operands: TensorType, **attrs: Any) -> TensorType:
        """The type of the result; raises `GraphError` without a position."""


_MEMORY = 2**63  # bytes: from here on the runtime's 64-bit integers hold no size
_Unary = Callable[["Value"], "Value"]
_Binary = Callable[["Value", Any], "Value"]  # as methods: the first argument is the value itself


class Value:
    """An immutable node: `op(operands, attrs) : type`, declared at `origin`.

    Attributes must be hashable (NumPy arrays are wrapped in `Literal`). Identity is the value's
    identity: `==` builds a graph, so compare with `is`, and use values as dictionary keys freely.
    """

    __slots__ = ("__weakref__", "attrs", "op", "operands", "origin", "type")

    if TYPE_CHECKING:  # what graphc.ops.operators installs, for type checkers and editors
        __add__: _Binary
        __radd__: _Binary
        __sub__: _Binary
        __rsub__: _Binary
        __mul__: _Binary
        __rmul__: _Binary
        __truediv__: _Binary
        __rtruediv__: _Binary
        __floordiv__: _Binary
        __rfloordiv__: _Binary
        __mod__: _Binary
        __rmod__: _Binary
        __pow__: _Binary
        __rpow__: _Binary
        __matmul__: _Binary
        __rmatmul__: _Binary
        __and__: _Binary
        __rand__: _Binary
        __or__: _Binary
        __ror__: _Binary
        __xor__: _Binary
        __rxor__: _Binary
        __lshift__: _Binary
        __rlshift__: _Binary
        __rshift__: _Binary
        __rrshift__: _Binary
        __lt__: _Binary
        __le__: _Binary
        __gt__: _Binary
        __ge__: _Binary
        __eq__: _Binary  # type: ignore[assignment]
        __ne__: _Binary  # type: ignore[assignment]
        __neg__: _Unary
        __pos__: _Unary
        __abs__: _Unary
        __invert__: _Unary
        __getitem__: _Binary
        __len__: Callable[[Value], int]
        __iter__: Callable[[Value], Iterator[Value]]
        all: Callable[..., Value]
        any: Callable[..., Value]
        argmax: Callable[..., Value]
        argmin: Callable[..., Value]
        astype: Callable[..., Value]
        clip: Callable[..., Value]
        max: Callable[..., Value]
        mean: Callable[..., Value]
        min: Callable[..., Value]
        prod: Callable[..., Value]
        reshape: Callable[..., Value]
        std: Callable[..., Value]
        sum: Callable[..., Value]
        var: Callable[..., Value]
        T: Value
        mT: Value

    def __init__(
        self,
        op: OpLike,
        operands: tuple[Value, ...],
        attrs: Mapping[str, Any],
        type: TensorType,
        origin: origins.Origin,
    ):
        self.op = op
        self.operands = operands
        self.attrs = attrs
        self.type = type
        self.origin = origin

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def shape(self) -> Shape:
        return self.type.shape

    @property
    def ndim(self) -> int:
        return self.type.rank

    @property
    def size(self) -> Size:
        return self.type.size

    __hash__ = object.__hash__  # stays, and stays in C, when `__eq__` is installed

    def __bool__(self) -> bool:
        raise GraphError(
            f"{origins.here()}: expected a Python bool, got the symbolic value {self!r}; use gc.where, or gc.cond"
        )

    def __copy__(self) -> Value:
        return self  # nothing of it changes, and a twin would be another value

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return self

    def __reduce__(self) -> NoReturn:
        raise GraphError(
            f"expected values to stay in their process, got {self!r} to pickle; keep arrays, or a graph's text"
        )

    def __repr__(self) -> str:
        return f"<{self.attrs.get('name', self.op.name)}: {self.type}>"


def emit(op: OpLike, *operands: Value, **attrs: Any) -> Value:
    """Make a value; its type is inferred now, and a mistake is refused with the user's line."""
    place = origins.here()
    try:
        type = op.infer(*(o.type for o in operands), **attrs)
        if prod(n for n in type.shape if isinstance(n, int)) * type.dtype.itemsize >= _MEMORY:
            raise GraphError(f"expected an array of less than 2**63 bytes, got {type}")
    except GraphError as error:
        raise GraphError(f"{place}: {op.name}: {error}") from None
    return Value(op, operands, attrs, type, place)


class Literal:
    """An immutable array as an attribute: hashed and compared by dtype, shape and bytes."""

    __slots__ = ("_key", "array")

    def __init__(self, array: Any):
        import numpy as np

        array = np.array(array, order="C")
        array.setflags(write=False)
        self.array = array
        self._key = (array.dtype.str, array.shape, array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Literal({self.array.dtype}{list(self.array.shape)})"
