"""Canonicalize: one spelling per meaning, so that later passes need one pattern where users have many spellings.

It exists because explicit broadcasting, keepdims and transposes leave nests of views that say one thing, and
because rules with a literal would otherwise need every order of operands. All of it is exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphc import ops
from graphc.ir.graph import Graph, rewrite
from graphc.ir.value import Value, emit
from graphc.ops.definition import Trait, op_of
from graphc.passes.literals import refilled, same_number
from graphc.passes.log import note


def canonicalize(graph: Graph) -> Graph:
    """Literals to the right, nests of views merged, views of literals filled anew, needless conversions dropped."""
    return rewrite(graph, _canonical)


def _canonical(value: Value) -> Value:
    op = op_of(value)
    if Trait.VIEW in op.traits:
        if value.operands and all(o.op.name == "full" for o in value.operands):
            value = _fill_anew(value)
        merge = _MERGES.get(value.op.name)
        while merge is not None:
            new = merge(value)
            if new is value:
                break
            note(f"merge-{value.op.name}")
            value, merge = new, _MERGES.get(new.op.name)
    elif Trait.COMMUTATIVE in op.traits:
        a, b = value.operands
        if a.op.name == "full" and b.op.name != "full":
            note("literal-right")
            return emit(op, b, a)
    elif op.name == "astype":
        return _merge_astype(value)
    return value


def _fill_anew(value: Value) -> Value:
    """A view of one number is that number in another shape (`pad` brings a number of its own)."""
    first = value.operands[0]
    numbers = [o.attrs["value"] for o in (*value.operands, value) if "value" in o.attrs]
    if not all(same_number(n, numbers[0]) for n in numbers):
        return value
    note("view-of-literal")
    return refilled(first, value.shape)


def _merge_reshape(value: Value) -> Value:
    (x,) = value.operands
    if x.shape == value.shape:
        return x
    if x.op.name == "reshape":
        return ops.reshape(x.operands[0], value.shape)
    if x.op.name == "broadcast_to":
        return _broadcast_under_new_ones(value, x)
    return value


def _broadcast_under_new_ones(value: Value, x: Value) -> Value:
    """reshape(broadcast_to(a)) that only adds or drops axes of size 1 is broadcast_to(reshape(a))."""
    if [n for n in value.shape if n != 1] != [n for n in x.shape if n != 1]:
        return value
    (a,) = x.operands
    sizes = (1,) * (x.ndim - a.ndim) + a.shape
    kept = iter([small for small, size in zip(sizes, x.shape, strict=True) if size != 1])
    return ops.broadcast_to(ops.reshape(a, tuple(1 if n == 1 else next(kept) for n in value.shape)), value.shape)


def _merge_permute(value: Value) -> Value:
    (x,) = value.operands
    axes = value.attrs["axes"]
    if x.op.name == "permute_dims":
        return ops.permute_dims(x.operands[0], tuple(x.attrs["axes"][a] for a in axes))
    moved = [a for a in axes if x.shape[a] != 1]
    if moved == sorted(moved):  # only axes of size 1 change place
        return ops.reshape(x, value.shape)
    return value


def _merge_broadcast(value: Value) -> Value:
    (x,) = value.operands
    if x.op.name == "broadcast_to":
        return ops.broadcast_to(x.operands[0], value.shape)
    if x.size == value.size:
        return ops.reshape(x, value.shape)
    if x.op.name == "reshape":  # leading axes of size 1 come for free
        (a,) = x.operands
        if a.ndim < x.ndim and x.shape == (1,) * (x.ndim - a.ndim) + a.shape:
            return ops.broadcast_to(a, value.shape)
    return value


def _merge_astype(value: Value) -> Value:
    """A conversion there and back, or on from a lossless one, is one conversion or none."""
    (x,) = value.operands
    if x.dtype is value.dtype:
        return x
    if x.op.name != "astype":
        return value
    (a,) = x.operands
    if not np.can_cast(a.dtype.numpy, x.dtype.numpy, "safe"):
        return value
    if a.dtype is value.dtype or np.can_cast(x.dtype.numpy, value.dtype.numpy, "safe"):
        note("merge-astype")
        return ops.astype(a, value.dtype)
    return value


_MERGES: dict[str, Callable[[Value], Value]] = {
    "reshape": _merge_reshape,
    "permute_dims": _merge_permute,
    "broadcast_to": _merge_broadcast,
}
