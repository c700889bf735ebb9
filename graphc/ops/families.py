"""The elementwise and the reduction family: constructors that fill in arity, dtypes, type rule and call.

They stand apart from the ops so that a record says only what is new about its op.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import FLOATING, INTEGER, DType, bool_, float64
from graphc.errors import GraphError
from graphc.ir.value import TensorType, Value, emit
from graphc.ops import broadcasting
from graphc.ops.definition import NoGradient, Op, Reals, ReduceRule, Trait

INF, NAN = float("inf"), float("nan")
SPECIAL = (0.0, -0.0, 1.0, -1.0, INF, -INF, NAN)  # sampled with every elementwise op unless it says otherwise
EXACT: Mapping[str, float] = {}


@dataclass(frozen=True, eq=False)
class Elementwise(Op):
    """An op whose result element depends on the operands' elements at the same index.

    It is its own public function: operands are promoted and broadcast when it is called; integers are
    converted to float64 for an op that takes floating dtypes only.
    """

    arity: int = 1
    selects: bool = False  # the first operand is a bool condition, which takes no part in the promotion

    def __call__(self, *operands: Any, **attrs: Any) -> Value:
        if len(operands) != self.arity:
            raise TypeError(f"{self.name} takes {self.arity} operands, got {len(operands)}")
        if self.selects:
            condition, *choices = operands
            values = (broadcasting.as_value(condition), *self._promoted(*choices))
        else:
            values = self._promoted(*operands)
        return emit(self, *broadcasting.broadcast(self.name, *values), **attrs)

    def _promoted(self, *operands: Any) -> tuple[Value, ...]:
        values = broadcasting.promoted(*operands, function=self.name)
        if self.dtypes == FLOATING and values[0].dtype in INTEGER:
            return tuple(ops.astype(v, float64) for v in values)
        return values


def elementwise(
    name: str,
    *,
    arity: int,
    summary: str,
    dtypes: tuple[DType, ...],
    reference: Callable[..., np.ndarray],
    gradient: Callable[..., tuple[Value | None, ...]] | NoGradient,
    lower: Callable[..., Any],
    result: DType | None = None,
    domain: tuple[Reals, ...] = (Reals(also=SPECIAL),),
    max_ulp: Mapping[str, float] = EXACT,
    traits: Trait = Trait.NONE,
    onnx: str | None = None,
    selects: bool = False,
) -> Elementwise:
    """An elementwise op; its result has the operands' dtype, or `result`."""

    def infer(*operands: TensorType) -> TensorType:
        if selects and operands[0].dtype is not bool_:
            raise GraphError(f"expected a bool condition, got {operands[0]}")
        first, *others = operands[1:] if selects else operands
        if first.dtype not in dtypes:
            raise GraphError(f"expected a dtype among {_names(dtypes)}, got {first}")
        if any(o.dtype is not first.dtype for o in others):
            raise GraphError(f"expected operands of one dtype, got {_types(operands)}")
        if any(o.shape != first.shape for o in operands):
            raise GraphError(f"expected operands of one shape, got {_types(operands)}")
        return TensorType(result or first.dtype, first.shape)

    op = Elementwise(
        name,
        "elementwise",
        summary,
        infer,
        reference,
        gradient,
        lower=lower,
        dtypes=dtypes,
        domain=domain,
        max_ulp=max_ulp,
        traits=traits,
        onnx=onnx,
        arity=arity,
        selects=selects,
    )
    object.__setattr__(op, "__doc__", summary)
    object.__setattr__(op, "__name__", name)
    return op


def unary(name: str, **record: Any) -> Elementwise:
    """f(x)."""
    return elementwise(name, arity=1, **record)


def binary(name: str, **record: Any) -> Elementwise:
    """f(x1, x2)."""
    return elementwise(name, arity=2, **record)


def ternary(name: str, **record: Any) -> Elementwise:
    """f(x1, x2, x3)."""
    return elementwise(name, arity=3, **record)


def comparison(name: str, **record: Any) -> Elementwise:
    """A test of two operands, with a bool result."""
    return elementwise(name, arity=2, result=bool_, gradient=NoGradient("its result is a bool"), **record)


def reduction(
    name: str,
    *,
    summary: str,
    dtypes: tuple[DType, ...],
    reference: Callable[..., np.ndarray],
    gradient: Callable[..., tuple[Value | None, ...]] | NoGradient,
    reduce: ReduceRule | None = None,
    decompose: Callable[..., Value] | None = None,
    keeps_axes: bool = False,
    domain: tuple[Reals, ...] = (Reals(),),
    traits: Trait = Trait.NONE,
    onnx: str | None = None,
) -> Op:
    """An op along the attribute `axes` (sorted, each in [0, rank)), which it drops unless it `keeps_axes`.

    It has no ULP bound: the error of a sum grows with the number of elements.
    """

    def infer(x: TensorType, *, axes: tuple[int, ...], **_: Any) -> TensorType:
        if x.dtype not in dtypes:
            raise GraphError(f"expected a dtype among {_names(dtypes)}, got {x}")
        if list(axes) != sorted(set(axes)) or any(not 0 <= a < x.rank for a in axes):
            raise GraphError(f"expected sorted axes in [0, {x.rank}), got {axes}")
        return x if keeps_axes else x.with_shape(tuple(n for a, n in enumerate(x.shape) if a not in axes))

    return Op(
        name,
        "reduction",
        summary,
        infer,
        reference,
        gradient,
        reduce=reduce,
        decompose=decompose,
        dtypes=dtypes,
        domain=domain,
        traits=traits,
        onnx=onnx,
    )


def _names(dtypes: tuple[DType, ...]) -> str:
    return ", ".join(d.name for d in dtypes)


def _types(operands: tuple[TensorType, ...]) -> str:
    return " and ".join(str(o) for o in operands)
