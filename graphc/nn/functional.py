"""Activations and dropout as functions: those that the ops have, and the products of them that networks use.

It stands apart from the ops because nothing here is a record: each is written as a user could write it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.dims import Size
from graphc.ir.value import Value
from graphc.ops import (
    abs,
    as_value,
    clip,
    erf,
    exp,
    expm1,
    log_softmax,
    logsumexp,
    refuse,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
    where,
    zeros_like,
)
from graphc.random import Generator, default_generator

__all__ = [
    "dropout",
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]

# Klambauer et al., Self-Normalizing Neural Networks, arXiv:1706.02515: the fixed point at mean 0, variance 1.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def linear(x: Any) -> Value:
    """x itself."""
    return as_value(x)


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


def mish(x: Any) -> Value:
    """x * tanh(softplus(x)), elementwise. Source: Misra, arXiv:1908.08681."""
    x = as_value(x)
    return x * tanh(softplus(x))


def log_sigmoid(x: Any) -> Value:
    """log(sigmoid(x)), elementwise, without underflow for large -x."""
    return -softplus(-as_value(x))


def elu(x: Any, alpha: float = 1.0) -> Value:
    """x where it is positive, else alpha * (exp(x) - 1). Source: Clevert et al., arXiv:1511.07289."""
    x = as_value(x)
    return where(x > 0, x, alpha * expm1(x))


def selu(x: Any) -> Value:
    """The `elu` that keeps mean 0 and variance 1 from layer to layer. Source: Klambauer et al., arXiv:1706.02515."""
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Value:
    """x where it is positive, else negative_slope * x."""
    x = as_value(x)
    return where(x > 0, x, negative_slope * x)


def relu6(x: Any) -> Value:
    """x limited to [0, 6]; the gradient on both bounds is 0."""
    x = as_value(x)
    return where(x < 6, relu(x), 6.0)


def softsign(x: Any) -> Value:
    """x / (1 + |x|), elementwise."""
    x = as_value(x)
    return x / (1 + abs(x))


def hard_sigmoid(x: Any) -> Value:
    """x / 6 + 1 / 2 limited to [0, 1]."""
    return clip(as_value(x) / 6 + 0.5, 0, 1)


def exponential(x: Any) -> Value:
    """exp(x), elementwise."""
    return exp(as_value(x))


def dropout(
    x: Any, rate: float, generator: Generator | None = None, noise_shape: Sequence[Size] | None = None
) -> Value:
    """x with each element set to 0 with probability `rate`, the others divided by 1 - rate, anew in every call.

    The mask is drawn again where the gradient needs it, and stored nowhere. It comes from `generator`, or from the
    default one of `gc.random`, in `noise_shape`, which broadcasts to that of x. Raises `GraphError`.
    Source: Srivastava et al., Dropout, JMLR 15 (2014), inverted.
    """
    x = as_value(x)
    if not x.dtype.is_float:
        refuse("dropout", f"expected floating elements, got {x.type}")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        refuse("dropout", f"expected a rate in [0, 1], got {rate!r}")
    if rate == 0:
        return x
    if rate == 1:
        return zeros_like(x)
    shape = x.shape if noise_shape is None else tuple(noise_shape)
    keep = (default_generator if generator is None else generator).bernoulli(1 - rate, shape)
    return where(keep, x / (1 - rate), 0)
