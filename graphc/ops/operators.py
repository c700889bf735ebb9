"""What a value does in Python: its operators, its methods and properties, from one table.

It stands apart because `graphc.ir` knows no op: a value gets its arithmetic here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from graphc import ops
from graphc.ir.value import Value
from graphc.ops.definition import refuse

BINARY = {  # Python's name → the function; each has a reflected form too
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
COMPARISON = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}
METHODS = (
    "all",
    "any",
    "argmax",
    "argmin",
    "astype",
    "clip",
    "max",
    "mean",
    "min",
    "prod",
    "reshape",
    "std",
    "sum",
    "var",
)
PROPERTIES = {"T": "transpose", "mT": "matrix_transpose"}


def install() -> None:
    """Give `Value` its operators. Called once, when `graphc.ops` is imported."""
    for python, function in BINARY.items():
        setattr(Value, f"__{python}__", _operator(function))
        setattr(Value, f"__r{python}__", _reflected(function))
    for python, function in (COMPARISON | UNARY).items():
        setattr(Value, f"__{python}__", _operator(function))
    for name in METHODS:
        setattr(Value, name, _operator(name))
    for name, function in PROPERTIES.items():
        setattr(Value, name, property(_operator(function)))
    for special in (_getitem, _len, _iter, _array, _float, _int):
        setattr(Value, f"_{special.__name__}__", special)  # _len → __len__
    # NumPy must not take `array * value` apart: without this it would loop over the array's elements.
    Value.__array_ufunc__ = None  # type: ignore[attr-defined]


def _operator(function: str) -> Callable[..., Value]:
    def apply(self: Value, *args: Any, **kwargs: Any) -> Value:
        return getattr(ops, function)(self, *args, **kwargs)

    apply.__name__ = function
    apply.__doc__ = f"`graphc.{function}` of this value."
    return apply


def _reflected(function: str) -> Callable[[Value, Any], Value]:
    def apply(self: Value, other: Any) -> Value:
        return getattr(ops, function)(other, self)

    apply.__name__ = f"reflected_{function}"
    return apply


def _getitem(self: Value, key: Any) -> Value:
    return ops.index(self, key)


def _len(self: Value) -> int:
    return _static_length(self, "len")


def _iter(self: Value) -> Iterator[Value]:
    return (ops.index(self, i) for i in range(_static_length(self, "iteration")))


def _static_length(value: Value, use: str) -> int:
    if not value.shape:
        refuse(use, f"expected at least one axis, got {value.type}")
    length = value.shape[0]
    if not isinstance(length, int):
        refuse(use, f"expected a first axis whose size is known when the graph is declared, got {value.type}")
    return length


def _array(self: Value, *_: Any, **__: Any) -> NoReturn:
    refuse("numpy", f"expected an array, got the symbolic value {self!r}; compile and call a program to get numbers")


def _float(self: Value) -> NoReturn:
    refuse("float", f"expected a number, got the symbolic value {self!r}; compile and call a program to get numbers")


def _int(self: Value) -> NoReturn:
    refuse("int", f"expected a number, got the symbolic value {self!r}; compile and call a program to get numbers")
