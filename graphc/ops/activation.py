"""The activations that have a stable form of their own: sigmoid, softplus, relu and the error function.

They stand apart from the layers in `graphc.nn` because passes recognise them by their record; whatever is a
mere product of these (gelu, silu) is a function there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc import ops
from graphc.dtypes import FLOATING, SIGNED
from graphc.kernel_ir.expansion import MAX_ULP
from graphc.ops.definition import Reals, Trait
from graphc.ops.families import SPECIAL, unary


def _sigmoid(k: Any, x: Any) -> Any:
    """exp only ever sees -|x|, so that nothing overflows and small results keep their places."""
    z = k.exp(k.neg(k.abs(x)))
    return k.div(k.select(k.lt(x, 0), z, 1), k.add(z, 1))


sigmoid = unary(
    "sigmoid",
    summary="1 / (1 + exp(-x)), without overflow for large -x.",
    dtypes=FLOATING,
    reference=lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x))),
    gradient=lambda g, x, y: (g * y * (1 - y),),
    lower=_sigmoid,
    domain=(Reals(-80, 80, also=(*SPECIAL, 1000.0, -1000.0)),),
    max_ulp={"float32": 3.5, "float64": 3.5},
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
    onnx="Sigmoid",
)

softplus = unary(
    "softplus",
    summary="log(1 + exp(x)), without overflow for large x.",
    dtypes=FLOATING,
    reference=lambda x: np.logaddexp(x, x.dtype.type(0)),
    gradient=lambda g, x, y: (g * sigmoid(x),),
    lower=lambda k, x: k.add(k.max(x, 0), k.log1p(k.exp(k.neg(k.abs(x))))),
    domain=(Reals(-80, 80, also=(*SPECIAL, 1000.0, -1000.0)),),
    max_ulp={"float32": 3, "float64": 3},
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
    onnx="Softplus",
)

relu = unary(
    "relu",
    summary="max(x, 0); the gradient at 0 is 0.",
    dtypes=SIGNED + FLOATING,
    reference=lambda x: np.maximum(x, x.dtype.type(0)),
    gradient=lambda g, x, y: (ops.where(y > 0, g, 0),),  # y, not x: x need not be kept for it
    lower=lambda k, x: k.max(x, 0),
    traits=Trait.MONOTONE | Trait.IDEMPOTENT,
    onnx="Relu",
)

erf = unary(
    "erf",
    summary="The error function: 2/sqrt(pi) times the integral of exp(-t*t) from 0 to x.",
    dtypes=FLOATING,
    reference=lambda x: np.vectorize(math.erf, otypes=[x.dtype])(x),
    gradient=lambda g, x, y: (2 / math.sqrt(math.pi) * g * ops.exp(-x * x),),
    lower=lambda k, x: k.erf(x),
    domain=(Reals(-6, 6, also=(*SPECIAL, 1e-10, 100.0)),),
    max_ulp=MAX_ULP["erf"],
    traits=Trait.MONOTONE | Trait.EXPENSIVE,
    onnx="Erf",
)
