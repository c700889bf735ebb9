"""Paths of variables: `dense_1/kernel` by a variable's place in its model, as saved files name it.

They stand apart from the names of layers, which count all layers of a process: the same model, declared twice,
has the same paths.
"""

from __future__ import annotations

import re
from collections import Counter

from graphc.nn.layers.base import Layer
from graphc.nn.naming import snake_case
from graphc.variables import Variable


def variables_by_path(root: Layer) -> dict[str, Variable]:
    """Every variable of a model once, outer layers first."""
    found: dict[str, Variable] = {}
    seen: set[Variable] = set()
    visited: set[Layer] = set()
    waiting = [(root, "")]
    while waiting:
        layer, prefix = waiting.pop()
        if layer in visited:
            continue
        visited.add(layer)
        taken: Counter[str] = Counter()
        for variable in (*layer.own_weights(), *layer.random_state()):
            if variable not in seen:
                seen.add(variable)
                found[prefix + _numbered(_own_name(variable, layer), taken)] = variable
        taken = Counter()
        inside = [(child, f"{prefix}{_numbered(_key(child), taken)}/") for child in layer.layers]
        waiting.extend(reversed(inside))
    return found


def _key(layer: Layer) -> str:
    """The name of a layer; without its number if it was given automatically."""
    automatic = snake_case(type(layer).__name__)
    return automatic if re.fullmatch(rf"{automatic}(_\d+)?", layer.name) else layer.name


def _own_name(variable: Variable, layer: Layer) -> str:
    name = variable.name.removeprefix(f"{layer.name}/")
    return "variable" if re.fullmatch(r"variable_\d+", name) else name


def _numbered(key: str, taken: Counter[str]) -> str:
    number = taken[key]
    taken[key] += 1
    return f"{key}_{number}" if number else key
