"""Activations as functions: those that the ops have, and the products of them that networks use.

It stands apart from the ops because nothing here is a record: each is written as a user could write it.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir.value import Value
from graphc.ops import as_value, erf, log_softmax, logsumexp, refuse, relu, sigmoid, softmax, softplus, tanh

__all__ = [
    "gelu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def gelu(x: Any, approximate: str = "none") -> Value:
    """x * P(X ≤ x) for a standard normal X, elementwise; `approximate="tanh"` takes tanh for the error function.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units, arXiv:1606.08415. Raises `GraphError`.
    """
    x = as_value(x)
    if approximate == "none":
        return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))
    if approximate != "tanh":
        refuse("gelu", f"expected approximate to be 'none' or 'tanh', got {approximate!r}")
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def silu(x: Any) -> Value:
    """x * sigmoid(x), elementwise; also known as swish."""
    x = as_value(x)
    return x * sigmoid(x)


def log_sigmoid(x: Any) -> Value:
    """log(sigmoid(x)), elementwise, without underflow for large -x."""
    return -softplus(-as_value(x))
