"""Scalar expressions: a small closed set of typed operations, interned so that equal means identical.

Smart constructors (`add`, `select`, …) and operators check dtypes; integer index arithmetic is
simplified as it is built, floating point never is, because its bits are part of the meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from graphc import dtypes
from graphc.dims import Size
from graphc.dtypes import DType

# op → (arity, operand kinds, result): the closed set. "same" = that of the operands.
#   kinds: f float, i signed/unsigned integer, b bool
ARITHMETIC = {  # name: (arity, kinds, result)
    "add": (2, "fi", "same"), "sub": (2, "fi", "same"), "mul": (2, "fi", "same"), "neg": (1, "fi", "same"),
    "div": (2, "f", "same"),
    "quot": (2, "i", "same"),  # truncates; the divisor is never 0 and never overflows (the builder guards)
    "rem": (2, "i", "same"),   # sign of the dividend
    "fma": (3, "f", "same"),   # a*b + c, one rounding
    "abs": (1, "fi", "same"),
    "min": (2, "fib", "same"),  # a < b or a is NaN ? a : b
    "max": (2, "fib", "same"),  # a > b or a is NaN ? a : b
    "sqrt": (1, "f", "same"), "floor": (1, "f", "same"), "ceil": (1, "f", "same"), "trunc": (1, "f", "same"),
    "round": (1, "f", "same"),  # half to even
    "shl": (2, "i", "same"), "shr": (2, "i", "same"),  # shr: arithmetic if signed; 0 ≤ count < bits
    "and": (2, "ib", "same"), "or": (2, "ib", "same"), "xor": (2, "ib", "same"), "not": (1, "ib", "same"),
    "lt": (2, "fib", "bool"), "le": (2, "fib", "bool"), "eq": (2, "fib", "bool"), "ne": (2, "fib", "bool"),
}  # fmt: skip
# Functions that no target has as an instruction: `expand` turns them into the arithmetic above.
TRANSCENDENTAL = {"exp": 1, "expm1": 1, "log": 1, "log1p": 1, "sin": 1, "cos": 1, "tanh": 1, "erf": 1, "pow": 2}
# Leaves and the rest:
#   const(attr=python/NumPy scalar)   index(attr=loop index name): i64     dim(attr=Size): i64
#   var(attr=name)                    a Let or an accumulator of the kernel
#   load(*indices, attr=buffer name)  one element of a buffer or a local array
#   load_if(cond, *indices, attr=buffer name)  a masked load: 0 (False) and no access to memory unless cond
#   check(cond, value, attr=message)  value; the schedule turns it into a `Check`, so kernels never hold it
#   select(cond, a, b)                cast(x) to self.dtype (float→int truncates, saturating is not defined)
#   bitcast(x) to self.dtype, of the same width

_interned: WeakValueDictionary[tuple, Expr] = WeakValueDictionary()


class Expr:
    """A node: `op(args)` of `dtype`, with one attribute. Make it with the constructors below."""

    __slots__ = ("__weakref__", "args", "attr", "dtype", "op")
    op: str
    args: tuple[Expr, ...]
    dtype: DType
    attr: Any

    def __new__(cls, op: str, args: tuple[Expr, ...], dtype: DType, attr: Any = None) -> Expr:
        key = (op, tuple(id(a) for a in args), dtype, _attr_key(attr))
        found = _interned.get(key)
        if found is None:
            found = object.__new__(cls)
            found.op, found.args, found.dtype, found.attr = op, args, dtype, attr
            _interned[key] = found
        return found

    def __add__(self, other: Any) -> Expr:
        return add(self, other)

    def __radd__(self, other: Any) -> Expr:
        return add(const(other, self.dtype), self)

    def __sub__(self, other: Any) -> Expr:
        return sub(self, other)

    def __rsub__(self, other: Any) -> Expr:
        return sub(const(other, self.dtype), self)

    def __mul__(self, other: Any) -> Expr:
        return mul(self, other)

    def __rmul__(self, other: Any) -> Expr:
        return mul(const(other, self.dtype), self)

    def __truediv__(self, other: Any) -> Expr:
        return div(self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return div(const(other, self.dtype), self)

    def __neg__(self) -> Expr:
        return neg(self)

    def __lt__(self, other: Any) -> Expr:
        return lt(self, other)

    def __le__(self, other: Any) -> Expr:
        return le(self, other)

    def __gt__(self, other: Any) -> Expr:
        return lt(_like(other, self), self)

    def __ge__(self, other: Any) -> Expr:
        return le(_like(other, self), self)

    def __repr__(self) -> str:
        return _outline(self, 3)


def _outline(node: Expr, levels: int) -> str:
    """The node and a few levels of operands: expressions are deep, and shared parts would repeat."""
    name = node.op if node.attr is None else f"{node.op}[{node.attr}]"
    if not node.args:
        return name
    return f"{name}({', '.join(_outline(a, levels - 1) for a in node.args) if levels else '…'})"


def _attr_key(attr: Any) -> Any:
    if isinstance(attr, (float, np.floating)):  # -0.0 and NaN payloads are distinct constants
        return ("float", np.float64(attr).tobytes())
    return (type(attr).__name__, attr)


def const(value: Any, dtype: DType) -> Expr:
    """A constant, rounded to `dtype` now."""
    if isinstance(value, Expr):
        return value
    rounded = dtype.numpy.type(value).item()
    return Expr("const", (), dtype, rounded if rounded == rounded else float("nan"))  # all NaNs are one


def int_const(value: int) -> Expr:
    """An i64 constant, for index arithmetic."""
    return const(value, dtypes.int64)


def index(name: str) -> Expr:
    """The value of a loop's index, i64."""
    return Expr("index", (), dtypes.int64, name)


def size(value: Size) -> Expr:
    """A size that is known when the kernel is called, i64."""
    return int_const(value) if isinstance(value, int) else Expr("dim", (), dtypes.int64, value)


def var(name: str, dtype: DType) -> Expr:
    """The value of a `Let` or of an `Accumulator`."""
    return Expr("var", (), dtype, name)


def load(buffer: str, indices: tuple[Expr, ...], dtype: DType) -> Expr:
    """One element of a buffer or of a local array."""
    return Expr("load", tuple(indices), dtype, buffer)


def load_if(cond: Expr, buffer: str, indices: tuple[Expr, ...], dtype: DType) -> Expr:
    """`load` where `cond`, else 0 (False); memory is touched only where `cond` holds, so indices may be out of
    range elsewhere."""
    assert cond.dtype is dtypes.bool_, cond.dtype
    if cond.op == "const":
        return load(buffer, indices, dtype) if cond.attr else const(0, dtype)
    return Expr("load_if", (cond, *indices), dtype, buffer)


def check(cond: Expr, value: Expr, message: str) -> Expr:
    """`value`, which must be harmless in any case; unless `cond` holds, the program fails with `message`."""
    assert cond.dtype is dtypes.bool_, cond.dtype
    return value if cond.op == "const" and cond.attr else Expr("check", (cond, value), value.dtype, message)


def masked(cond: Expr, value: Expr) -> Expr:
    """`value` where `cond`, else anything: its loads touch no memory and its checks pass unless `cond` holds."""
    assert cond.dtype is dtypes.bool_, cond.dtype
    if cond.op == "const" and cond.attr:
        return value

    def change(node: Expr) -> Expr | None:
        if node.op == "load":
            return load_if(cond, node.attr, node.args, node.dtype)
        if node.op == "load_if":
            return load_if(all_of(cond, node.args[0]), node.attr, node.args[1:], node.dtype)
        if node.op == "check":
            return check(or_(not_(cond), node.args[0]), node.args[1], node.attr)
        return None

    return substitute(value, change)


def guarded(cond: Expr, value: Expr, otherwise: Any) -> Expr:
    """`value` where `cond`, else `otherwise`; nothing of `value` is loaded or checked unless `cond` holds."""
    otherwise = _like(otherwise, value)
    if cond.op == "const":
        return value if cond.attr else otherwise
    return select(cond, masked(cond, value), otherwise)


def all_of(*conditions: Expr) -> Expr:
    """The conjunction; constant conditions are dropped or decide it."""
    result = Expr("const", (), dtypes.bool_, True)
    for condition in conditions:
        if condition.op == "const" and not condition.attr:
            return condition
        if condition.op == "const" or condition is result:
            continue
        result = condition if result.op == "const" else and_(result, condition)
    return result


def select(cond: Expr, a: Any, b: Any) -> Expr:
    """`a` where `cond`, else `b`; both are evaluated, so both must be harmless."""
    a = _like(a, b)
    b = _like(b, a)
    assert cond.dtype is dtypes.bool_ and a.dtype is b.dtype, (cond.dtype, a.dtype, b.dtype)
    if cond.op == "const":
        return a if cond.attr else b
    return a if a is b else Expr("select", (cond, a, b), a.dtype)


def cast(x: Expr, dtype: DType) -> Expr:
    """Convert the value: int→float rounds to nearest, float→int truncates, to bool is x ≠ 0."""
    if x.dtype is dtype:
        return x
    if dtype is dtypes.bool_:
        return ne(x, const(0, x.dtype))
    if x.op == "const" and not (x.dtype.is_float and dtype.is_integer):
        return const(x.attr, dtype)
    return Expr("cast", (x,), dtype)


def bitcast(x: Expr, dtype: DType) -> Expr:
    """The same bits as another dtype of the same width."""
    assert x.dtype.itemsize == dtype.itemsize
    return x if x.dtype is dtype else Expr("bitcast", (x,), dtype)


def apply(op: str, *args: Any) -> Expr:
    """Any op of `ARITHMETIC` or `TRANSCENDENTAL`; Python scalars take the dtype of the first Expr."""
    model = next(a for a in args if isinstance(a, Expr))
    operands = tuple(_like(a, model) for a in args)
    assert all(o.dtype is model.dtype for o in operands), (op, [o.dtype for o in operands])
    if op in TRANSCENDENTAL:
        assert len(operands) == TRANSCENDENTAL[op] and model.dtype.is_float
        return Expr(op, operands, model.dtype)
    arity, kinds, result = ARITHMETIC[op]
    kind = {"float": "f", "bool": "b"}.get(model.dtype.kind, "i")
    assert len(operands) == arity and kind in kinds, (op, model.dtype)
    if model.dtype is dtypes.int64 and op in _INTEGER_RULES:
        simplified = _INTEGER_RULES[op](*operands)
        if simplified is not None:
            return simplified
    return Expr(op, operands, dtypes.bool_ if result == "bool" else model.dtype)


def _like(value: Any, model: Any) -> Expr:
    return value if isinstance(value, Expr) else const(value, model.dtype)


def _constructor(op: str) -> Callable[..., Expr]:
    def construct(*args: Any) -> Expr:
        return apply(op, *args)

    construct.__name__ = op
    construct.__doc__ = f"`{op}` as ARITHMETIC or TRANSCENDENTAL says."
    return construct


add, sub, mul, div, neg = (_constructor(n) for n in ("add", "sub", "mul", "div", "neg"))
quot, rem, fma = (_constructor(n) for n in ("quot", "rem", "fma"))
min, max, abs = (_constructor(n) for n in ("min", "max", "abs"))
sqrt, floor, ceil, trunc, round = (_constructor(n) for n in ("sqrt", "floor", "ceil", "trunc", "round"))
shl, shr, and_, or_, xor, not_ = (_constructor(n) for n in ("shl", "shr", "and", "or", "xor", "not"))
lt, le, eq, ne = (_constructor(n) for n in ("lt", "le", "eq", "ne"))
exp, expm1, log, log1p = (_constructor(n) for n in ("exp", "expm1", "log", "log1p"))
sin, cos, tanh, erf, pow = (_constructor(n) for n in ("sin", "cos", "tanh", "erf", "pow"))


def _wrap(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


def _add_rule(a: Expr, b: Expr) -> Expr | None:
    if a.op == "const" and b.op == "const":
        return int_const(_wrap(a.attr + b.attr))
    if a.op == "const" and a.attr == 0:
        return b
    if b.op == "const" and b.attr == 0:
        return a
    return None


def _sub_rule(a: Expr, b: Expr) -> Expr | None:
    if a.op == "const" and b.op == "const":
        return int_const(_wrap(a.attr - b.attr))
    return a if b.op == "const" and b.attr == 0 else None


def _mul_rule(a: Expr, b: Expr) -> Expr | None:
    if a.op == "const" and b.op == "const":
        return int_const(_wrap(a.attr * b.attr))
    for x, y in ((a, b), (b, a)):
        if x.op == "const" and x.attr == 1:
            return y
        if x.op == "const" and x.attr == 0:
            return x
    return None


def _compare_rule(test: Callable[[int, int], bool]) -> Callable[[Expr, Expr], Expr | None]:
    def rule(a: Expr, b: Expr) -> Expr | None:
        if a.op == "const" and b.op == "const":
            return Expr("const", (), dtypes.bool_, test(a.attr, b.attr))
        return None

    return rule


_INTEGER_RULES: dict[str, Callable[..., Expr | None]] = {
    "add": _add_rule,
    "sub": _sub_rule,
    "mul": _mul_rule,
    "lt": _compare_rule(lambda a, b: a < b),
    "le": _compare_rule(lambda a, b: a <= b),
    "eq": _compare_rule(lambda a, b: a == b),
}


def walk(*roots: Expr) -> tuple[Expr, ...]:
    """Every node once, operands before users; iterative."""
    order: dict[Expr, None] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if node in order:
            continue
        if ready:
            order[node] = None
        else:
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(node.args))
    return tuple(order)


def substitute(root: Expr, change: Callable[[Expr], Expr | None], memo: dict[Expr, Expr] | None = None) -> Expr:
    """Rebuild bottom-up; `change` gets each node over new operands and returns a replacement or None."""
    memo = {} if memo is None else memo
    for node in walk(root):
        if node in memo:
            continue
        args = tuple(memo[a] for a in node.args)
        new = node if args == node.args else Expr(node.op, args, node.dtype, node.attr)
        memo[node] = change(new) or new
    return memo[root]
