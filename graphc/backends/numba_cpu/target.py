"""LLVM IR text to object code through Numba's code generator, and object code to function addresses.

Numba is imported only to compile; loading needs llvmlite alone, so that a cached program starts without
it. Numba's front end is not used at all: typing hundreds of scalar statements takes it seconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from graphc.backends.numba_cpu.renderer import render_module
from graphc.errors import CompileError
from graphc.kernel_ir.kernel import Kernel

SUFFIX = ".o"
_NUMBA_SETTINGS = (
    "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX", "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE",
    "NUMBA_SLP_VECTORIZE",
)  # fmt: skip


def render(kernels: Sequence[Kernel]) -> str:
    """The LLVM module of a program's kernels."""
    return render_module(kernels)


def fingerprint() -> tuple[str, ...]:
    """What the object code depends on beside the source."""
    settings = [f"{name}={os.environ.get(name, '')}" for name in _NUMBA_SETTINGS]
    return (*_machine(), *settings)


def compile_source(source: str) -> bytes:
    """Object code for this machine. Raises `CompileError`."""
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        return _library(source).emit_native_object()


def assembly(source: str) -> str:
    """The machine code as text."""
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        library = _library(source)
        library.finalize()
        return library.get_asm_str()


def load(path: Path | None, code: bytes) -> LoadedObject:
    """The code, ready to be called."""
    return LoadedObject(code)


class LoadedObject:
    """Object code in memory; it stays as long as this object does."""

    def __init__(self, code: bytes):
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine()
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, symbol: str) -> int:
        """The address of an exported function."""
        return self._engine.get_function_address(symbol)


@cache
def _machine() -> tuple[str, ...]:
    versions = [f"{name} {metadata.version(name)}" for name in ("numba", "llvmlite")]
    return (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), *versions)


def _library(source: str) -> Any:
    """Numba's library of the optimised module."""
    library = _code_generator().create_library("graphc")
    try:
        module = llvm.parse_assembly(source)
        module.verify()
    except RuntimeError as error:
        raise CompileError(f"expected LLVM IR that LLVM accepts, got: {error}") from error
    module.triple = llvm.get_process_triple()
    library.add_llvm_module(module)
    return library


@cache
def _code_generator() -> Any:
    """Numba's generator of object files, for this very CPU (NUMBA_CPU_NAME and its like are respected)."""
    from numba.core.codegen import AOTCodeLibrary, AOTCPUCodegen

    class KernelLibrary(AOTCodeLibrary):
        """Optimises with a few passes: the renderer has vectorised, hoisted and shared already, and Numba's
        whole pipeline takes thirty times as long for the same machine code."""

        def _optimize_functions(self, ll_module: Any) -> None:
            ll_module.data_layout = self._codegen._data_layout

        def _optimize_final_module(self) -> None:
            passes = llvm.create_new_module_pass_manager()
            passes.add_sroa_pass()
            passes.add_instruction_combine_pass()
            passes.add_loop_rotate_pass()
            passes.add_simplify_cfg_pass()
            passes.add_aggressive_dce_pass()
            passes.run(self._final_module, self._codegen._pass_builder())

    class HostObjects(AOTCPUCodegen):
        _library_class = KernelLibrary

        def _customize_tm_features(self) -> str:
            return self._get_host_cpu_features()

    return HostObjects("graphc", cpu_name="host")
