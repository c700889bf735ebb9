"""`export`: programs for C++ hosts, as one package file, as sources, or as a static library.

It stands apart from `compiled` because it makes native code for other machines, where a compiled program has
code for this one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from graphc.backends.cpp import portable
from graphc.backends.cpp import target as cpp
from graphc.compiled import Program
from graphc.errors import CompileError, GraphError
from graphc.kernel_ir.expansion import expand
from graphc.program.package import Package, PackagedProgram, pack, replace_file
from graphc.program.program import Port, State
from graphc.runtime.buffers import StateBuffer

KINDS = ("package", "source", "object")
_MAX_RANK = 8  # of a host's view


def export(
    programs: Program | Mapping[str, Program],
    path: str | os.PathLike[str],
    *,
    kind: str = "package",
    targets: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    sign: bytes | None = None,
) -> None:
    """Write `programs` and the values of their variables for C++ hosts to load without Python.

    Programs of a dict go by its keys, one program by its own name; variables that several of them share stay
    shared. Two variables of one name become `name` and `name_1`. Existing files are replaced atomically.

    `kind`: "package" is one file, with native code for the CPUs of `targets` (levels such as "x86-64-v3"; the
    baseline is always there), of which a host takes the best. "source" is a folder of C++ sources with a
    CMakeLists.txt, and "object" one with a static library for one target: no package file and no library but
    these.
    `metadata`: strings that hosts may read. `sign`: the 32-byte seed of an Ed25519 key (needs PyNaCl), for
    packages.

    Raises `GraphError` for wrong arguments, `CompileError` without a C++ compiler, and `OSError`.
    """
    if kind not in KINDS:
        raise GraphError(f"export: expected a kind among {', '.join(map(repr, KINDS))}, got {kind!r}")
    if kind != "package" and sign is not None:
        raise GraphError(f"export: expected kind='package' with a signature, got {kind!r}")
    package, source = package_of(programs, metadata or {})
    if kind == "package":
        code = portable.shared_libraries(source, portable.checked_targets(targets))
        replace_file(path, pack(replace(package, code=code), None if sign is None else _signer(sign)))
        return
    from graphc.export_sources import export_object, export_sources  # only now: it reads the runtime's sources

    if kind == "source":
        if targets is not None:
            raise GraphError("export: expected no targets with kind='source', whose CMakeLists.txt takes the options")
        export_sources(package, source, Path(path))
    else:
        export_object(package, source, Path(path), targets)


def package_of(programs: Program | Mapping[str, Program], metadata: Mapping[str, str]) -> tuple[Package, str]:
    """The package of `programs`, still without code, and the C++ source of its kernels.

    The kernels of the i-th program are called `p<i>_<symbol>`. Raises `GraphError`.
    """
    named = dict(programs) if isinstance(programs, Mapping) else {programs.name: programs}
    for name, program in named.items():
        if not isinstance(name, str) or not isinstance(program, Program):
            raise GraphError(
                f"export: expected a compiled program or a dict of them by name, got {type(program).__name__}"
            )
        _check_ranks(name, program)
    if not named:
        raise GraphError("export: expected at least one program, got an empty dict")
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str) or "\0" in key + value:
            raise GraphError("export: expected metadata of strings")
    states = list({id(s): s for program in named.values() for s in program.states}.values())
    index_of = {id(state): i for i, state in enumerate(states)}
    packaged = [
        PackagedProgram(name, program.program, tuple(index_of[id(s)] for s in program.states))
        for name, program in named.items()
    ]
    kernels = [
        replace(expand(kernel), name=f"p{i}_{kernel.name}")
        for i, program in enumerate(named.values())
        for kernel in program.compilation.schedule.kernels
    ]
    return Package(_producer(), dict(metadata), _values(states), packaged, {}), cpp.render(kernels)


def _check_ranks(name: str, program: Program) -> None:
    plan = program.program
    ports: list[Port | State] = [*plan.inputs, *plan.outputs, *plan.states]
    for port in ports:
        if len(port.shape) > _MAX_RANK:
            raise GraphError(
                f"export: {name}: expected inputs, outputs and variables of at most {_MAX_RANK} axes, "
                f"got {port.name} of {len(port.shape)}"
            )


def _values(states: Sequence[StateBuffer]) -> list[tuple[str, np.ndarray]]:
    values: dict[str, np.ndarray] = {}
    for state in states:
        name, number = state.name, 0
        while name in values:
            number += 1
            name = f"{state.name}_{number}"
        values[name] = state.get()
    return list(values.items())


def _producer() -> str:
    import graphc  # only now: it imports this module

    return f"graphc {graphc.__version__}"


def _signer(seed: bytes) -> Callable[[bytes], bytes]:
    try:
        from nacl.signing import SigningKey
    except ImportError:
        raise CompileError("export: expected PyNaCl to sign packages, got none: pip install pynacl") from None
    if len(seed) != 32:
        raise GraphError(f"export: expected a seed of 32 bytes to sign with, got {len(seed)}")
    return lambda message: SigningKey(seed).sign(message).signature
