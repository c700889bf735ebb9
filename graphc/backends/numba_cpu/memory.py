"""The LLVM instructions that reach memory: element addresses, bools as bytes.

It stands apart from the instructions of arithmetic because types in memory are not those in registers.
"""

from __future__ import annotations

from graphc.backends.numba_cpu.instructions import Assembler, memory_type, register_type, splat
from graphc.backends.renderer import Array
from graphc.dtypes import DType


class MemoryAssembler(Assembler):
    """An assembler that can load and store."""

    def element(self, lines: list[str], array: Array, offset: str, inbounds: bool = True) -> str:
        """The address of the element at `offset`, an i64, which is in the array if `inbounds`."""
        if offset == "0":
            return array.pointer
        word = "getelementptr inbounds" if inbounds else "getelementptr"
        return self.emit(lines, f"{word} {memory_type(array.dtype)}, ptr {array.pointer}, i64 {offset}")

    def pointer_if(self, lines: list[str], condition: str, pointer: str) -> str:
        """`pointer`, or that of a zero unless `condition` holds: a load without a branch."""
        self.declarations.add("@zero = private unnamed_addr constant i64 0, align 8")
        return self.emit(lines, f"select i1 {condition}, ptr {pointer}, ptr @zero")

    def from_memory(self, lines: list[str], dtype: DType, value: str, lanes: int) -> str:
        """What was loaded, as a register holds it."""
        if dtype.kind != "bool":
            return value
        return self.emit(lines, f"icmp ne {memory_type(dtype, lanes)} {value}, {splat('0', 'i8', lanes)}")

    def to_memory(self, lines: list[str], dtype: DType, value: str, lanes: int) -> str:
        """What is to be stored, as memory holds it."""
        if dtype.kind != "bool":
            return value
        return self.emit(lines, f"zext {register_type(dtype, lanes)} {value} to {memory_type(dtype, lanes)}")
