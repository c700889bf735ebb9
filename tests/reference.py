"""The oracle: a graph, evaluated value by value with each record's NumPy `reference`.

It stands apart from every stage of the compiler, so that whatever they share cannot hide a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from graphc.dims import Dim
from graphc.ir.graph import Graph, topological
from graphc.ir.value import Value

Arrays = Mapping[Any, Any]  # by the value itself, or by the name of an input or a variable
Sizes = Mapping[str, int]


def evaluate(
    roots: Value | Iterable[Value], feed: Arrays | None = None, sizes: Sizes | None = None
) -> list[np.ndarray]:
    """The arrays of `roots`, in order. Variables that are not fed have what their state holds.

    Sizes that are dims by themselves are read off the shapes of what is fed; name the others in `sizes`.
    """
    feed = dict(feed or {})
    roots = (roots,) if isinstance(roots, Value) else tuple(roots)
    order = topological(roots)
    arrays = {v: np.asarray(_fed(v, feed)) for v in order if v.op.name in ("input", "variable")}
    known = {**solve(arrays), **(sizes or {})}
    for value in order:
        if value not in arrays:
            arrays[value] = _apply(value, [arrays[o] for o in value.operands], known)
        check_type(value, arrays[value], known)
    return [arrays[v] for v in roots]


def run(graph: Graph, feed: Arrays | None = None, sizes: Sizes | None = None) -> dict[str, np.ndarray]:
    """The outputs of `graph` by name, and the next value of each variable as `set <name>`."""
    names = [name for name, _ in graph.outputs] + [f"set {v.attrs['name']}" for v, _ in graph.updates]
    return dict(zip(names, evaluate(graph.roots, feed, sizes), strict=True))


def solve(arrays: Mapping[Value, np.ndarray]) -> dict[str, int]:
    """The sizes that inputs name directly."""
    known: dict[str, int] = {}
    for value, array in arrays.items():
        for size, actual in zip(value.shape, array.shape, strict=True):
            if isinstance(size, Dim) and size.symbols() == {str(size)}:
                known[str(size)] = actual
    return known


def with_sizes(attr: Any, sizes: Sizes) -> Any:
    """An attribute with every dim in it, also inside tuples, replaced by its value."""
    if isinstance(attr, Dim):
        return attr.evaluate(sizes)
    return tuple(with_sizes(a, sizes) for a in attr) if isinstance(attr, tuple) else attr


def check_type(value: Value, array: np.ndarray, sizes: Sizes) -> None:
    """What the reference returned is what the type rule promised."""
    expected = (value.dtype.numpy, with_sizes(value.shape, sizes))
    assert (array.dtype, array.shape) == expected, f"{value!r}: {(array.dtype, array.shape)} is not {expected}"


def _apply(value: Value, operands: list[np.ndarray], sizes: Sizes) -> np.ndarray:
    attrs = {name: with_sizes(attr, sizes) for name, attr in value.attrs.items()}
    with np.errstate(all="ignore"):
        return np.asarray(value.op.reference(*operands, **attrs))


def _fed(value: Value, feed: Mapping[Any, Any]) -> Any:
    for key in (value, value.attrs["name"]):
        if key in feed:
            return feed[key]
    assert value.op.name == "variable", f"input {value.attrs['name']} is not fed"
    return value.attrs["state"].get()
