"""The meaning of every scalar op on NumPy scalars and arrays, to the bit.

It stands apart from the interpreter because the ULP measurement evaluates bare expressions over
millions of arguments with the same definitions.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.kernel_ir.expr import Expr, walk

_libm = ctypes.CDLL(ctypes.util.find_library("m"))
for _name, _type in (("fma", ctypes.c_double), ("fmaf", ctypes.c_float)):
    getattr(_libm, _name).restype = _type
    getattr(_libm, _name).argtypes = (_type,) * 3

_LEAVES = ("index", "dim", "var", "load", "load_if")  # whose values come from outside the expression
_FEW = 64  # elements; below that a loop over the C library's fma is faster than forty array operations


def fma(a: Any, b: Any, c: Any) -> Any:
    """a*b + c with one rounding, elementwise; float32 or float64."""
    if np.ndim(a) == np.ndim(b) == np.ndim(c) == 0:
        return _fma_each(a, b, c)
    a, b, c = np.broadcast_arrays(a, b, c)
    if a.size <= _FEW:
        return _fma_each(a, b, c)
    return _fma_single(a, b, c) if a.dtype == np.float32 else _fma_double(a, b, c)


def _fma_each(a: Any, b: Any, c: Any) -> Any:
    """The C library's fma, one element at a time."""
    kind = np.asarray(a).dtype.type
    function = _libm.fmaf if kind is np.float32 else _libm.fma
    if np.ndim(a) == 0:
        return kind(function(a, b, c))
    return np.array([function(*t) for t in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)], kind)


def _fma_single(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """float32: the product is exact in float64; the sum is rounded to odd, so that rounding again is harmless."""
    product = a.astype(np.float64) * b.astype(np.float64)
    return _add_to_odd(product, c.astype(np.float64)).astype(np.float32)


def _fma_double(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """float64: Boldo & Melquiond, "Emulation of FMA and correctly rounded sums" (IEEE TC 2008), where no
    intermediate can over- or underflow; the C library's fma elsewhere."""
    product = a * b
    low = _product_error(a, b, product)
    safe = (np.abs(a) < 2.0**500) & (np.abs(b) < 2.0**500) & (np.abs(c) < 2.0**1000)
    safe &= (np.abs(a) > 2.0**-400) & (np.abs(b) > 2.0**-400)
    sum_low, error_low = _two_sum(c, low)
    sum_high, error_high = _two_sum(product, sum_low)
    result = sum_high + _add_to_odd(error_low, error_high)
    # an exact zero takes its sign from the plain sum, which is exact as well
    result = np.where(result == 0, product + c, result)
    rest = np.flatnonzero(~safe)
    if rest.size:
        flat = result.ravel()
        flat[rest] = _fma_each(a.ravel()[rest], b.ravel()[rest], c.ravel()[rest])
        result = flat.reshape(a.shape)
    return result


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rounded sum and its error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product_error(a: np.ndarray, b: np.ndarray, product: np.ndarray) -> np.ndarray:
    """a*b - product, exact (Dekker, with Veltkamp's splitting)."""
    splitter = np.float64(2**27 + 1)
    a_high = splitter * a - (splitter * a - a)
    b_high = splitter * b - (splitter * b - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _add_to_odd(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a + b in float64, rounded to odd when inexact."""
    total, error = _two_sum(a, b)
    even = (np.ascontiguousarray(total).view(np.int64) & 1) == 0
    toward = np.where(error > 0, np.inf, -np.inf)
    return np.where(even & (error != 0) & np.isfinite(error), np.nextafter(total, toward), total)


def _choose(condition: Any, a: Any, b: Any) -> Any:
    chosen: Any = np.where(condition, a, b)
    return chosen[()]  # scalars stay scalars


def _quot(a: Any, b: Any) -> Any:
    return (a - np.fmod(a, b)) // b


OPS: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative, "div": np.divide,
    "quot": _quot, "rem": np.fmod, "fma": fma, "abs": np.abs,
    "min": lambda a, b: _choose((a < b) | (a != a), a, b),
    "max": lambda a, b: _choose((a > b) | (a != a), a, b),
    "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.rint,
    "shl": np.left_shift, "shr": np.right_shift,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.bitwise_not,
    "lt": np.less, "le": np.less_equal, "eq": np.equal, "ne": np.not_equal,
    "select": _choose,
}  # fmt: skip


def _operation(node: Expr) -> Callable[..., Any]:
    dtype = node.dtype.numpy
    if node.op == "cast":
        return lambda x: x.astype(dtype)
    if node.op == "bitcast":
        return lambda x: np.ascontiguousarray(x).view(dtype)[()] if np.ndim(x) else x.view(dtype)
    return OPS[node.op]


class Evaluator:
    """Evaluates some expressions, again and again, with leaves that change.

    `leaf(node, *operands)` gives the value of a node of `_LEAVES`, whose operands (the indices of a load, after
    the condition of a load_if) are evaluated already. Raises `KeyError` for transcendental nodes: expand them first.
    """

    def __init__(self, *roots: Expr):
        order = walk(*roots)
        place = {node: i for i, node in enumerate(order)}
        self.values: list[Any] = [None] * len(order)
        self.steps: list[tuple[int, Callable[..., Any] | None, tuple[int, ...], Expr]] = []
        for i, node in enumerate(order):
            operands = tuple(place[a] for a in node.args)
            if node.op == "const":
                self.values[i] = node.dtype.numpy.type(node.attr)
            elif node.op in _LEAVES:
                self.steps.append((i, None, operands, node))
            else:
                self.steps.append((i, _operation(node), operands, node))
        self.results = [place[r] for r in roots]

    def __call__(self, leaf: Callable[..., Any]) -> list[Any]:
        """The values of the roots, in order."""
        values = self.values
        for i, operation, operands, node in self.steps:
            arguments = [values[o] for o in operands]
            values[i] = leaf(node, *arguments) if operation is None else operation(*arguments)
        return [values[r] for r in self.results]


def evaluate(root: Expr, variables: dict[str, np.ndarray]) -> np.ndarray:
    """The value of `root`, an expression over `var`s only, for all elements of arrays of one shape."""
    with np.errstate(all="ignore"):
        return Evaluator(root)(lambda node: variables[node.attr])[0]
