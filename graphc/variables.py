"""Variables: graph values whose array lives in the runtime and outlives every call.

They stand apart because they are the one thing that both the graph and the runtime hold.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from graphc.dtypes import DTypeLike, as_dtype
from graphc.errors import GraphError
from graphc.ir.value import Value
from graphc.ops import leaves
from graphc.origin import here
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
        """A copy of the array. Setting it takes an array of the same shape and dtype; raises `GraphError`."""
        return self.attrs["state"].get()

    @value.setter
    def value(self, array: Any) -> None:
        self.attrs["state"].set(np.asarray(array, dtype=_lenient(array, self.dtype.numpy)))


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
    array = np.asarray(initial)
    if dtype is not None:
        array = array.astype(as_dtype(dtype).numpy)
    elif array.dtype == np.float64 and not isinstance(initial, (np.ndarray, np.generic)):
        array = array.astype(np.float32)
    try:
        as_dtype(array.dtype)
    except GraphError as error:
        raise GraphError(f"{here()}: variable: {error}") from None
    label = name if name is not None else f"variable_{next(_numbers)}"
    made = leaves.variable(name=label, state=StateBuffer(array, label))
    result = Variable(made.op, made.operands, made.attrs, made.type, made.origin)
    result.advance = advance
    return result


def _lenient(array: Any, dtype: np.dtype) -> np.dtype | None:
    """Python numbers and lists take the variable's dtype; arrays keep theirs, to be checked."""
    return None if isinstance(array, (np.ndarray, np.generic)) else dtype
