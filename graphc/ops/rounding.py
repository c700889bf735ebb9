"""Rounding to whole numbers; integers are whole already.

It stands apart because every op here is a step function, whose gradient is zero almost everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.dtypes import NUMERIC
from graphc.ops.definition import Trait
from graphc.ops.families import Elementwise, unary


def _rounding(
    name: str, summary: str, reference: Callable[..., Any], lower: Callable[..., Any], onnx: str | None
) -> Elementwise:
    return unary(
        name,
        summary=summary,
        dtypes=NUMERIC,
        reference=lambda x: reference(x) if x.dtype.kind == "f" else x,
        gradient=lambda g, x, y: (None,),
        lower=lambda k, x: lower(k, x) if x.dtype.is_float else x,
        traits=Trait.MONOTONE | Trait.IDEMPOTENT,
        onnx=onnx,
    )


floor = _rounding("floor", "The largest whole number ≤ x.", np.floor, lambda k, x: k.floor(x), "Floor")
ceil = _rounding("ceil", "The smallest whole number ≥ x.", np.ceil, lambda k, x: k.ceil(x), "Ceil")
trunc = _rounding("trunc", "x without its fraction.", np.trunc, lambda k, x: k.trunc(x), None)
round = _rounding(
    "round", "The nearest whole number; halves to the even one.", np.rint, lambda k, x: k.round(x), "Round"
)
