"""Values in lists, tuples and dicts, as layers with several inputs or outputs take and give them.

It stands apart because layers, recordings and models walk the same nests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphc.ir.value import Value


def leaves(nest: Any) -> list[Any]:
    """What is in the nest, in order; a nest that is no list, tuple or dict is its only leaf."""
    if isinstance(nest, list | tuple):
        return [leaf for item in nest for leaf in leaves(item)]
    if isinstance(nest, Value):
        return [nest]  # the common leaf, before the slow question of an abstract class
    if isinstance(nest, Mapping):
        return leaves(list(nest.values()))
    return [nest]


def map_leaves(function: Callable[[Any], Any], nest: Any) -> Any:
    """The same nest with `function` of each leaf in its place."""
    if isinstance(nest, Mapping):
        return {key: map_leaves(function, item) for key, item in nest.items()}
    if isinstance(nest, tuple):
        return tuple(map_leaves(function, item) for item in nest)
    if isinstance(nest, list):
        return [map_leaves(function, item) for item in nest]
    return function(nest)
