"""Sine, cosine and the hyperbolic tangent.

They stand apart because their derivatives are one another, or a polynomial in the result.
"""

from __future__ import annotations

import numpy as np

from graphc.dtypes import FLOATING
from graphc.kernel_ir.expansion import MAX_ULP
from graphc.ops.definition import Reals, Trait
from graphc.ops.families import SPECIAL, Elementwise, unary

sin = unary(
    "sin",
    summary="The sine of x in radians; NaN for an infinite x.",
    dtypes=FLOATING,
    reference=np.sin,
    gradient=lambda g, x, y: (g * cos(x),),
    lower=lambda k, x: k.sin(x),
    domain=(Reals(-100, 100, also=SPECIAL),),
    max_ulp=MAX_ULP["sin"],
    traits=Trait.EXPENSIVE,
    onnx="Sin",
)

cos: Elementwise = unary(
    "cos",
    summary="The cosine of x in radians; NaN for an infinite x.",
    dtypes=FLOATING,
    reference=np.cos,
    gradient=lambda g, x, y: (-g * sin(x),),
    lower=lambda k, x: k.cos(x),
    domain=(Reals(-100, 100, also=SPECIAL),),
    max_ulp=MAX_ULP["cos"],
    traits=Trait.EXPENSIVE,
    onnx="Cos",
)

tanh = unary(
    "tanh",
    summary="The hyperbolic tangent.",
    dtypes=FLOATING,
    reference=np.tanh,
    gradient=lambda g, x, y: (g * (1 - y * y),),
    lower=lambda k, x: k.tanh(x),
    domain=(Reals(-10, 10, also=(*SPECIAL, 1e-10, 1000.0)),),
    max_ulp=MAX_ULP["tanh"],
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
    onnx="Tanh",
)
