"""Evaluates graphs with NumPy, and the index map (`pull`) of every view against the op's reference.

It stands apart from the reference interpreter of graphs so that index maps are tested before a schedule exists:
a load out of bounds, even of an element that is then thrown away, fails here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc import dims, dtypes
from graphc.ir.graph import topological
from graphc.ir.value import Value
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.evaluate import OPS
from tests import reference


def evaluate(value: Value, inputs: Mapping[str, np.ndarray], sizes: Mapping[str, int] | None = None) -> np.ndarray:
    """The array that `value` stands for; every view on the way is evaluated twice and compared."""
    order = topological([value])
    results = reference.evaluate(order, inputs, sizes or {})
    arrays = dict(zip(order, results, strict=True))
    for v in order:
        if v.op.pull is not None:
            pulled = pull(v, [arrays[o] for o in v.operands], arrays[v].shape, sizes or {})
            np.testing.assert_array_equal(pulled, arrays[v], err_msg=repr(v))
    return arrays[value]


def pull(value: Value, operands: list[np.ndarray], shape: tuple[int, ...], sizes: Mapping[str, int]) -> np.ndarray:
    """Every element of a view, through its `pull`."""
    buffers = {str(n): array for n, array in enumerate(operands)}
    readers = [_reader(str(n), o) for n, o in enumerate(value.operands)]
    element = index_map(value, readers)
    places = dict(zip((f"i{a}" for a in range(len(shape))), np.indices(shape), strict=True))
    if 0 in shape:
        return np.zeros(shape, value.dtype.numpy)
    return np.broadcast_to(_evaluate(element, buffers, places, sizes), shape)


def index_map(value: Value, readers: list[Any]) -> k.Expr:
    """The element of `value` at the loop indices i0, i1, …"""
    return value.op.pull(k, value, tuple(k.index(f"i{a}") for a in range(value.ndim)), *readers)


def _reader(name: str, operand: Value) -> Any:
    def read(index: tuple[k.Expr, ...]) -> k.Expr:
        assert len(index) == operand.ndim and all(i.dtype is dtypes.int64 for i in index)
        return k.load(name, index, operand.dtype)

    return read


def _evaluate(root: k.Expr, buffers: Mapping, places: Mapping, sizes: Mapping) -> np.ndarray:
    values: dict[k.Expr, Any] = {}
    for node in k.walk(root):
        args = [values[a] for a in node.args]
        if node.op == "const":
            result = node.dtype.numpy.type(node.attr)
        elif node.op == "index":
            result = places[node.attr]
        elif node.op == "dim":
            result = np.int64(dims.evaluate(node.attr, sizes))
        elif node.op == "check":
            assert np.all(args[0]), node.attr
            result = args[1]
        elif node.op == "load":
            result = _load(buffers[node.attr], np.bool_(True), args)
        elif node.op == "load_if":
            result = _load(buffers[node.attr], args[0], args[1:])
        else:
            assert node.op not in ("quot", "rem") or np.all(args[1] != 0), "division by zero"
            result = OPS[node.op](*args)
        values[node] = result
    return values[root]


def _load(array: np.ndarray, where: Any, index: list[Any]) -> np.ndarray:
    for i, n in zip(index, array.shape, strict=True):
        inside = (i >= 0) & (i < n)
        assert np.all(inside | ~where), f"load outside of an axis of size {n}"
    if array.size == 0:
        return np.zeros(np.broadcast_shapes(*(np.shape(i) for i in index), np.shape(where)), array.dtype)
    places = tuple(np.clip(i, 0, n - 1) for i, n in zip(index, array.shape, strict=True))
    return np.where(where, array[places], np.zeros((), array.dtype))
