"""Gradient control: ops that compute nothing of their own and change what differentiation sees.

They stand apart from arithmetic because their whole meaning is their gradient.
"""

from __future__ import annotations

from graphc import dtypes
from graphc.ops.definition import Trait
from graphc.ops.families import unary

stop_gradient = unary(
    "stop_gradient",
    summary="x itself, as a constant to differentiation: its gradient is zero.",
    dtypes=dtypes.ALL,
    reference=lambda x: x,
    gradient=lambda g, x, y: (None,),
    lower=lambda k, x: x,
    traits=Trait.IDEMPOTENT | Trait.MONOTONE,
)
