"""The memory of a variable, which outlives calls and may be shared between programs.

It stands apart from executables, since a state belongs to no program.
"""

from __future__ import annotations

import numpy as np

from graphc import dtypes
from graphc.errors import GraphError
from graphc.runtime import _core


class StateBuffer:
    """A copy of `array` in aligned memory; dtype and shape never change."""

    __slots__ = ("dtype", "memory", "name", "shape")

    def __init__(self, array: np.ndarray, name: str = "variable"):
        array = np.asarray(array)
        self.name = name
        self.dtype = dtypes.as_dtype(array.dtype)
        self.shape: tuple[int, ...] = array.shape
        self.memory = _core.State(dtypes.ALL.index(self.dtype), array.nbytes)
        self.set(array)

    def get(self) -> np.ndarray:
        """A copy of the value; waits for a program that is using it."""
        array = np.empty(self.shape, self.dtype.numpy)
        self.memory.read(array)
        return array

    def set(self, array: np.ndarray) -> None:
        """Replace the value. Raises `GraphError` unless dtype and shape are the variable's."""
        array = np.asarray(array)
        dtype = self.dtype.numpy
        if array.dtype.newbyteorder("=") != dtype or array.shape != self.shape:
            raise GraphError(
                f"variable {self.name}: expected {self.dtype.name}{list(self.shape)}, "
                f"got {array.dtype.name}{list(array.shape)}"
            )
        self.memory.write(np.asarray(array, dtype, order="C"))
