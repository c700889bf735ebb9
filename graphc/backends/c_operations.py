"""How C++ and CUDA C++ write the types, constants and operations of the kernel IR.

A table apart from the renderers, so that what an operation means in these languages is read in one place
(with the prologues in kernels/prologue/, whose functions it uses).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graphc.dtypes import DType
from graphc.kernel_ir.expr import Expr

_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
constexpr const_cast continue decltype default delete do double dynamic_cast else enum explicit export extern
false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or
or_eq private protected public register reinterpret_cast return short signed sizeof static static_assert
static_cast struct switch template this thread_local throw true try typedef typeid typename union unsigned using
virtual void volatile wchar_t while xor xor_eq int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t
graphc std main begin end buffers dims scratch status lane half linux unix
"""
KEYWORDS = frozenset(_WORDS.split())  # and what the printed functions call their own
_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "quot": "/", "rem": "%", "and": "&", "or": "|", "xor": "^",
    "shr": ">>", "lt": "<", "le": "<=", "eq": "==", "ne": "!=",
}  # fmt: skip
_BOOL_AS = {"min": "and", "max": "or"}


def type_name(dtype: DType) -> str:
    """The C++ type of a value."""
    if dtype.kind == "bool":
        return "bool"
    if dtype.is_float:
        return "float" if dtype.itemsize == 4 else "double"
    return f"{dtype.name}_t"


def memory_type(dtype: DType) -> str:
    """As in memory: a bool is a byte."""
    return "uint8_t" if dtype.kind == "bool" else type_name(dtype)


def literal(node: Expr) -> str:
    """The text of a constant, exact."""
    value, dtype = node.attr, node.dtype
    if dtype.kind == "bool":
        return "true" if value else "false"
    if dtype.is_integer:
        if dtype.kind == "uint":
            return f"{value}{'ull' if dtype.itemsize == 8 else 'u'}"
        if value == np.iinfo(dtype.numpy).min:  # no literal has this type
            return f"INT{8 * dtype.itemsize}_MIN"
        return f"{value}ll" if abs(value) > 2**31 - 1 else str(value)
    suffix = "f" if dtype.itemsize == 4 else ""
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}__builtin_inf{suffix}()"
    if math.isnan(value):
        return f'{"-" if math.copysign(1, value) < 0 else ""}__builtin_nan{suffix}("")'
    return f"{dtype.numpy.type(value)!s}{suffix}"


def operation(op: str, dtype: DType, args: Sequence[str]) -> str:
    """An operation of ARITHMETIC on operands of `dtype`; operands are atoms or in parentheses."""
    if dtype.kind == "bool":
        op = _BOOL_AS.get(op, op)
    if op in _INFIX:
        return f"{args[0]} {_INFIX[op]} {args[1]}"
    if op == "neg":
        return f"-{args[0]}"
    if op == "not":
        return f"!{args[0]}" if dtype.kind == "bool" else f"~{args[0]}"
    if op == "abs" and dtype.kind == "uint":
        return args[0]
    kind = type_name(dtype)
    typed = f"<{kind}>" if op in ("min", "max", "shl") else ""
    return f"graphc::{op}{typed}({', '.join(map(bare, args))})"


def bare(text: str) -> str:
    """An expression without the parentheses around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[1:-1] if position == len(text) - 1 else text
    return text
