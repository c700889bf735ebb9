"""Parameters: variables that know how training treats them.

They stand apart from layers because optimisers meet them alone, as an entry of `model.trainable_variables`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.nn.constraints import Constraint
from graphc.nn.regularizers import Regularizer
from graphc.variables import Variable, variable


class Parameter(Variable):
    """A variable with `trainable`, `regularizer` (adds to the loss) and `constraint` (applied after each step)."""

    __slots__ = ("constraint", "regularizer", "trainable")

    trainable: bool
    regularizer: Regularizer | None
    constraint: Constraint | None

    def assign(self, array: Any) -> None:
        """Set the value. Raises `GraphError` for another shape or dtype."""
        self.value = array


def parameter(
    array: np.ndarray,
    name: str,
    trainable: bool = True,
    regularizer: Regularizer | None = None,
    constraint: Constraint | None = None,
) -> Parameter:
    """A parameter with the dtype, shape and values of `array`."""
    plain = variable(array, name=name)
    made = Parameter(plain.op, plain.operands, plain.attrs, plain.type, plain.origin)
    made.advance = None
    made.trainable, made.regularizer, made.constraint = trainable, regularizer, constraint
    return made
