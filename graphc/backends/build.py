"""From the kernels of a program to native code, through the cache.

It stands apart from the targets because expanding, caching and timing are the same for all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

from graphc.backends import cache
from graphc.errors import GraphError
from graphc.kernel_ir.expansion import expand
from graphc.kernel_ir.kernel import Kernel

Backend = Literal["numba", "cpp"]
_TARGETS = {"numba": "graphc.backends.numba_cpu.target", "cpp": "graphc.backends.cpp.target"}


@dataclass
class NativeCode:
    """The compiled kernels of a program; their addresses are good as long as this object lives."""

    backend: Backend
    source: str  # as rendered
    addresses: dict[str, int]  # of every `<kernel>` and `<kernel>_finish`
    from_cache: bool
    why_missed: str  # "" on a hit
    seconds: float  # from kernels to addresses
    _assembly: Callable[[str], str] = field(repr=False)
    _library: Any = field(repr=False)  # keeps the code in memory

    def assembly(self) -> str:
        """The machine code as text, compiled again for the purpose."""
        return self._assembly(self.source)


def build(kernels: Sequence[Kernel], backend: Backend = "numba") -> NativeCode:
    """Compile `kernels` together, or load them from the cache. Raises `CompileError`."""
    began = time.perf_counter()
    target = _target(backend)
    source = target.render([expand(kernel) for kernel in kernels])
    key = cache.key_of(backend, source, *target.fingerprint())
    path, code, why_missed = cache.find(key, target.SUFFIX)
    if not code:
        code = target.compile_source(source)
        path = cache.store(key, target.SUFFIX, code)
    library = target.load(path, code)
    symbols = [name for kernel in kernels for name in symbols_of(kernel)]
    addresses = {symbol: library.address(symbol) for symbol in symbols}
    seconds = time.perf_counter() - began
    return NativeCode(backend, source, addresses, not why_missed, why_missed, seconds, target.assembly, library)


def symbols_of(kernel: Kernel) -> tuple[str, ...]:
    """What `kernel` exports."""
    return (kernel.name, f"{kernel.name}_finish") if kernel.has_finish else (kernel.name,)


def _target(backend: str) -> ModuleType:
    """The module of a target: `render`, `fingerprint`, `compile_source`, `load`, `assembly`, `SUFFIX`."""
    if backend not in _TARGETS:
        raise GraphError(f"expected a backend among {', '.join(map(repr, _TARGETS))}, got {backend!r}")
    return import_module(_TARGETS[backend])  # only now: importing a target costs milliseconds
