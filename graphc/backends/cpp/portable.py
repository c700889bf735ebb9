"""C++ text to code for named CPUs, for packages that other machines load.

It stands apart from target.py, whose code is for this machine and this process.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from graphc.backends import cache
from graphc.backends.cpp.target import FLAGS, compiler, compiler_version, run_compiler
from graphc.errors import CompileError, GraphError

_X86 = ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4")
_DEFAULT = ("x86-64", "x86-64-v3", "x86-64-v4")
# Small, without the start-up code and unwind tables of a program, and needing libc and libm at most.
_LIBRARY = (
    "-shared", "-fPIC", "-nostartfiles", "-fno-exceptions", "-fno-asynchronous-unwind-tables", "-s",
    "-Wl,--as-needed,--build-id=none,--hash-style=gnu,-z,max-page-size=4096,-z,noseparate-code,-z,now",
)  # fmt: skip


def default_targets() -> tuple[str, ...]:
    """What this machine's compiler makes packages for: the machine's baseline, and what most CPUs have."""
    return _DEFAULT if _is_x86() else ("aarch64",)


def checked_targets(targets: Sequence[str] | None) -> tuple[str, ...]:
    """`targets` with the baseline; by default `default_targets()`. Raises `GraphError`."""
    if targets is None:
        return default_targets()
    known = _X86 if _is_x86() else ("aarch64",)
    for target in targets:
        if target not in known:
            raise GraphError(f"expected targets among {', '.join(map(repr, known))}, got {target!r}")
    return tuple(dict.fromkeys((known[0], *targets)))


def target_flags(target: str) -> tuple[str, ...]:
    """The compiler's options for kernels on `target`."""
    march = ("-march=armv8-a",) if target == "aarch64" else (f"-march={target}",)
    wide = ("-mprefer-vector-width=512",) if target == "x86-64-v4" else ()
    return (*FLAGS, *march, *wide)


def shared_libraries(source: str, targets: Sequence[str]) -> dict[str, bytes]:
    """The code of `source` for each target, from the cache where it is there. Raises `CompileError`."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(targets, pool.map(lambda target: _shared_library(source, target), targets), strict=True))


def _shared_library(source: str, target: str) -> bytes:
    flags = (*target_flags(target), *_LIBRARY)
    command = compiler()
    key = cache.key_of("package", source, *command, compiler_version(command[0]), *flags)
    _, code, _ = cache.find(key, ".so")
    if not code:
        code = run_compiler(source, flags, "kernels.so")
        cache.store(key, ".so", code)
    return code


def _is_x86() -> bool:
    machine = platform.machine()
    if machine in ("x86_64", "AMD64"):
        return True
    if machine in ("aarch64", "arm64"):
        return False
    raise CompileError(f"expected a machine with x86-64 or aarch64 to export packages on, got {machine}")
