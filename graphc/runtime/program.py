"""A program bound to native code and to its variables: callable from Python, run by C++.

It stands apart from `graphc.program`, which describes a program and cannot run it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphc.errors import GraphError
from graphc.program.program import GemmStep, Program
from graphc.program.serializer import encode
from graphc.runtime import _core
from graphc.runtime.blas import load_default_blas
from graphc.runtime.buffers import StateBuffer

Structure = Literal["list", "single"] | tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """What one profiled call returned, how long each step took, and the sizes that it ran with."""

    result: Any
    nanoseconds: tuple[int, ...]  # one per step
    sizes: dict[str, int]


class Executable(_core.Executable):
    """`executable(*arrays, **named)` runs the program once.

    `addresses` maps each kernel's symbol (and `<symbol>_finish`) to its entry. `states` are the program's, in
    order. A call returns a list of arrays, the one array ("single"), or a dict with the keys of `structure`.
    `keep_alive` lives as long as this object: what owns the code at the addresses.

    A call raises `GraphError` for arguments that do not fit and `RuntimeFault` for a failed step, and runs
    with the GIL released; calls from several threads take turns where they share a state. The constructor
    raises `CompileError` for a missing kernel, or a symbol that no input determines, and `GraphError` for
    states that do not fit. The call itself is C++ (`csrc/python/init_executable.cpp`): inherit, do not wrap.
    """

    program: Program
    states: tuple[StateBuffer, ...]

    def __new__(
        cls,
        program: Program,
        addresses: Mapping[str, int],
        states: Sequence[StateBuffer],
        structure: Structure = "list",
        keep_alive: object = None,
    ) -> Executable:
        if any(isinstance(step, GemmStep) for step in program.steps):
            load_default_blas()
        for expected, given in zip(program.states, states, strict=False):
            if (expected.dtype, expected.shape) != (given.dtype, given.shape):
                raise GraphError(
                    f"variable {expected.name}: expected {expected.dtype}{list(expected.shape)}, "
                    f"got {given.dtype}{list(given.shape)}"
                )
        self = super().__new__(
            cls, encode(program), dict(addresses), [state.memory for state in states], structure, keep_alive
        )
        self.program = program
        self.states = tuple(states)
        return self

    def profile(self, *arrays: Any, **named: Any) -> Profile:
        """Call once and time every step; raises as a call does."""
        sizes = self.sizes(*arrays, **named)
        result, nanoseconds = self._profile(*arrays, **named)
        return Profile(result, nanoseconds, sizes)
