"""The LLVM instruction for each operation of the kernel IR.

A table apart from the renderer, so that what an operation means on this target is read in one place.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence

from graphc.dtypes import DType
from graphc.kernel_ir.expr import Expr

_SCALARS = {"bool": "i1", "float32": "float", "float64": "double"}
_FLOAT_BINARY = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_INTEGER_BINARY = {"add": "add", "sub": "sub", "mul": "mul", "shl": "shl", "and": "and", "or": "or", "xor": "xor"}
_FLOAT_INTRINSIC = {
    "fma": "fma", "sqrt": "sqrt", "abs": "fabs", "floor": "floor", "ceil": "ceil", "trunc": "trunc",
    "round": "roundeven",
}  # fmt: skip
_FLOAT_COMPARE = {"lt": "olt", "le": "ole", "eq": "oeq", "ne": "une"}
_BOOL_AS = {"min": "and", "max": "or"}


class Assembler:
    """Appends instructions to `lines` and hands out the names of their results."""

    def __init__(self, fresh: Callable[[str], str], declarations: set[str]):
        self.fresh, self.declarations = fresh, declarations

    def emit(self, lines: list[str], text: str, hint: str = "v") -> str:
        """`%name = text`; returns `%name`."""
        name = f"%{self.fresh(hint)}"
        lines.append(f"  {name} = {text}")
        return name

    def intrinsic(
        self, lines: list[str], name: str, result: str, types: Sequence[str], args: Sequence[str], hint: str = "v"
    ) -> str:
        """A call of an LLVM intrinsic, declared on the way."""
        self.declarations.add(f"declare {result} @{name}({', '.join(types)})")
        call = f"call {result} @{name}({', '.join(f'{t} {a}' for t, a in zip(types, args, strict=True))})"
        if result == "void":
            lines.append(f"  {call}")
            return ""
        return self.emit(lines, call, hint)

    def arithmetic(
        self, lines: list[str], op: str, dtype: DType, args: Sequence[str], lanes: int, hint: str = "v"
    ) -> str:
        """An operation of ARITHMETIC on operands of `dtype`."""
        if dtype.is_float:
            return self._float(lines, op, dtype, args, lanes, hint)
        kind = register_type(dtype, lanes)
        if dtype.kind == "bool":
            op = _BOOL_AS.get(op, op)
        if op in _INTEGER_BINARY:
            return self.emit(lines, f"{_INTEGER_BINARY[op]} {kind} {args[0]}, {args[1]}", hint)
        signed = dtype.kind == "int"
        if op in ("min", "max"):
            name = f"llvm.{'s' if signed else 'u'}{op}.{mangled(dtype, lanes)}"
            return self.intrinsic(lines, name, kind, (kind, kind), args, hint)
        if op in ("quot", "rem"):
            word = {"quot": "div", "rem": "rem"}[op]
            return self.emit(lines, f"{'s' if signed else 'u'}{word} {kind} {args[0]}, {args[1]}", hint)
        if op == "shr":
            return self.emit(lines, f"{'ashr' if signed else 'lshr'} {kind} {args[0]}, {args[1]}", hint)
        if op in ("lt", "le", "eq", "ne"):
            condition = op if op in ("eq", "ne") else f"{'s' if signed else 'u'}{op}"
            return self.emit(lines, f"icmp {condition} {kind} {args[0]}, {args[1]}", hint)
        if op == "not":
            ones = "true" if dtype.kind == "bool" else "-1"
            return self.emit(lines, f"xor {kind} {args[0]}, {splat(ones, scalar_type(dtype), lanes)}", hint)
        if op == "neg":
            return self.emit(lines, f"sub {kind} {splat('0', scalar_type(dtype), lanes)}, {args[0]}", hint)
        assert op == "abs", op
        if not signed:
            return args[0]
        name = f"llvm.abs.{mangled(dtype, lanes)}"
        return self.intrinsic(lines, name, kind, (kind, "i1"), (args[0], "false"), hint)

    def _float(self, lines: list[str], op: str, dtype: DType, args: Sequence[str], lanes: int, hint: str) -> str:
        kind = register_type(dtype, lanes)
        if op in _FLOAT_BINARY:
            return self.emit(lines, f"{_FLOAT_BINARY[op]} {kind} {args[0]}, {args[1]}", hint)
        if op == "neg":
            return self.emit(lines, f"fneg {kind} {args[0]}", hint)
        if op in _FLOAT_INTRINSIC:
            name = f"llvm.{_FLOAT_INTRINSIC[op]}.{mangled(dtype, lanes)}"
            return self.intrinsic(lines, name, kind, (kind,) * len(args), args, hint)
        if op in _FLOAT_COMPARE:
            return self.emit(lines, f"fcmp {_FLOAT_COMPARE[op]} {kind} {args[0]}, {args[1]}", hint)
        a, b = args
        flags = register_type_of("i1", lanes)
        wins = "lt" if op == "min" else "gt"
        if is_number(b) or is_number(a):  # "or a is NaN" is then the unordered comparison, or never
            better = self.emit(lines, f"fcmp {'u' if is_number(b) else 'o'}{wins} {kind} {a}, {b}")
            return self.emit(lines, f"select {flags} {better}, {kind} {a}, {kind} {b}", hint)
        better = self.emit(lines, f"fcmp o{wins} {kind} {a}, {b}")
        ordered = self.emit(lines, f"select {flags} {better}, {kind} {a}, {kind} {b}")  # one min/max instruction
        nan = self.emit(lines, f"fcmp uno {kind} {a}, {a}")
        return self.emit(lines, f"select {flags} {nan}, {kind} {a}, {kind} {ordered}", hint)

    def convert(self, lines: list[str], source: DType, target: DType, arg: str, lanes: int, hint: str = "v") -> str:
        """A cast. Out-of-range floats give some integer, never undefined behaviour: hence the freeze."""
        kind, result = register_type(source, lanes), register_type(target, lanes)
        if source.is_float and target.is_float:
            word = "fpext" if target.itemsize > source.itemsize else "fptrunc"
        elif source.is_float:
            word = "fptosi" if target.kind == "int" else "fptoui"
            raw = self.emit(lines, f"{word} {kind} {arg} to {result}")
            return self.emit(lines, f"freeze {result} {raw}", hint)
        elif target.is_float:
            word = "sitofp" if source.kind == "int" else "uitofp"
        elif source.kind == "bool" or target.itemsize > source.itemsize:
            word = "sext" if source.kind == "int" else "zext"
        elif target.itemsize < source.itemsize:
            word = "trunc"
        else:
            return arg
        return self.emit(lines, f"{word} {kind} {arg} to {result}", hint)


def scalar_type(dtype: DType) -> str:
    """The LLVM type of one value in a register."""
    return _SCALARS.get(dtype.name) or f"i{8 * dtype.itemsize}"


def register_type_of(scalar: str, lanes: int) -> str:
    """`<16 x float>`, or the scalar itself for 0 lanes."""
    return f"<{lanes} x {scalar}>" if lanes else scalar


def register_type(dtype: DType, lanes: int = 0) -> str:
    """The LLVM type of a value, or of one value per lane."""
    return register_type_of(scalar_type(dtype), lanes)


def memory_type(dtype: DType, lanes: int = 0) -> str:
    """As in memory: a bool is a byte."""
    return register_type_of("i8" if dtype.kind == "bool" else scalar_type(dtype), lanes)


def mangled(dtype: DType, lanes: int = 0, memory: bool = False) -> str:
    """The suffix of an intrinsic's name, like `v16f32`."""
    bits = 1 if dtype.kind == "bool" and not memory else 8 * dtype.itemsize
    return f"{f'v{lanes}' if lanes else ''}{'f' if dtype.is_float else 'i'}{bits}"


def splat(constant: str, scalar: str, lanes: int) -> str:
    """A constant in every lane."""
    return f"splat ({scalar} {constant})" if lanes else constant


def is_number(text: str) -> bool:
    """Whether an operand is a floating-point constant that is not NaN."""
    bits = re.search(r"0x([0-9A-F]{16})", text) if not text.startswith("%") else None
    return bits is not None and int(bits[1], 16) & ~(1 << 63) <= 0x7FF0000000000000


def iota(lanes: int, kind: str = "i64") -> str:
    """The numbers of the lanes."""
    return "<" + ", ".join(f"{kind} {lane}" for lane in range(lanes)) + ">"


def literal(node: Expr) -> str:
    """The text of a constant; floats by their bits."""
    if node.dtype.kind == "bool":
        return "true" if node.attr else "false"
    if node.dtype.is_float:
        return f"0x{struct.unpack('<Q', struct.pack('<d', node.attr))[0]:016X}"
    return str(node.attr)
