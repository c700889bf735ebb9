"""Activations by name, as layers take them: `activation="relu"`.

They stand apart from the functions, which know no names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir.value import Value
from graphc.nn import functional
from graphc.nn.naming import suggestion
from graphc.ops import refuse

Activation = Callable[[Any], Value]

BY_NAME: dict[str, Activation] = {
    "linear": functional.linear,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "swish": functional.silu,
    "mish": functional.mish,
    "sigmoid": functional.sigmoid,
    "hard_sigmoid": functional.hard_sigmoid,
    "log_sigmoid": functional.log_sigmoid,
    "tanh": functional.tanh,
    "softmax": functional.softmax,
    "log_softmax": functional.log_softmax,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "exponential": functional.exponential,
}


def get(identifier: str | Activation | None) -> Activation:
    """The function of that name; a function is itself and None is `linear`. Raises `GraphError`."""
    if identifier is None:
        return functional.linear
    if isinstance(identifier, str):
        if identifier not in BY_NAME:
            known = suggestion(identifier, BY_NAME)
            refuse("activation", f"expected the name of an activation ({known}), got {identifier!r}")
        return BY_NAME[identifier]
    if callable(identifier):
        return identifier
    refuse("activation", f"expected the name of an activation or a function, got {identifier!r}")


def name_of(function: Callable[..., Any]) -> str:
    """The name under which `get` finds the function. Raises `GraphError` for one that has none."""
    for name, known in BY_NAME.items():
        if known is function:
            return name
    shown = getattr(function, "__name__", repr(function))
    refuse("get_config", f"expected an activation with a known name, got the function {shown}, which JSON can't hold")
