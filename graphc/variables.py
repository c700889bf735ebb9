"""Variables: graph values whose array lives in the runtime and outlives every call.

They stand apart because they are the one thing that both the graph and the runtime hold.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, NoReturn

import numpy as np

from graphc.dtypes import DTypeLike, as_dtype
from graphc.errors import GraphError
from graphc.ir.value import Value
from graphc.ops import leaves
from graphc.origin import here
from graphc.runtime.arrays import as_array
from graphc.runtime.buffers import StateBuffer

_numbers = count()


class Variable(Value):
    """A variable: a value in graphs, and `value` to read and set its array between calls.

    With a rule to `advance`, programs that read it move it on by that rule unless their updates say otherwise.
    """

    __slots__ = ("advance",)
    advance: Callable[[Variable], Value] | None

    @property
    def name(self) -> str:
        return self.attrs["name"]

    @property
    def value(self) -> np.ndarray:
        """A copy of the array. Setting it takes what a program's input takes, in this shape; raises `GraphError`."""
        return self.attrs["state"].get()

    @value.setter
    def value(self, array: Any) -> None:
        self.attrs["state"].set(as_array(array, f"variable {self.name}", self.dtype.name))

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise GraphError(f"expected variables to stay one of a kind, got {self!r} to copy; make another of its value")


def variable(
    initial: Any,
    dtype: DTypeLike | None = None,
    *,
    name: str | None = None,
    advance: Callable[[Variable], Value] | None = None,
) -> Variable:
    """State of shape and dtype of `initial` (an array or a number; Python floats become float32).

    Programs read it, and `compile(..., updates={variable: next_value})` moves it on; where a program reads it and
    has no update for it, the next value is `advance(variable)` if given. Raises `GraphError`.
    """
    if name is not None and not isinstance(name, str):
        raise GraphError(f"{here()}: variable: expected a name like 'W', got {name!r}")
    array = np.asarray(initial)
    wanted = dtype if dtype is not None and array.dtype.kind in "biuf" else array.dtype
    if dtype is None and array.dtype == np.float64 and not isinstance(initial, (np.ndarray, np.generic)):
        wanted = np.float32
    try:
        array = array.astype(as_dtype(wanted).numpy, copy=False)
    except GraphError as error:
        raise GraphError(f"{here()}: variable: {error}") from None
    label = name if name is not None else f"variable_{next(_numbers)}"
    made = leaves.variable(name=label, state=StateBuffer(array, label))
    result = Variable(made.op, made.operands, made.attrs, made.type, made.origin)
    result.advance = advance
    return result
