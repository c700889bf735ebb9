"""`Program`: what `compile` returns. Calling it runs the C++ runtime; everything else looks at how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from graphc.backends.build import NativeCode
from graphc.backends.cuda.code import DeviceCode
from graphc.dims import evaluate, product
from graphc.errors import GraphError, RuntimeFault
from graphc.ir.graph import Graph
from graphc.ir.printer import print_graph
from graphc.passes.log import PassLog, format_log
from graphc.profile import Profile, profile
from graphc.program.printer import format_program
from graphc.runtime.buffers import StateBuffer
from graphc.runtime.program import Executable, Structure
from graphc.schedule.assemble import Schedule
from graphc.schedule.memory_plan import Lifetime, naive_bytes
from graphc.schedule.report import format_schedule


@dataclass(frozen=True)
class Compilation:
    """What every stage made of a graph."""

    graph: Graph
    optimized: Graph
    log: tuple[PassLog, ...]
    schedule: Schedule
    code: NativeCode | DeviceCode
    seconds: dict[str, float]  # by stage


class Inspectable:
    """What a compiled program shows of the stages that made it."""

    compilation: Compilation

    @property
    def name(self) -> str:
        """The name given to `compile`."""
        return self.compilation.graph.name

    def dump(self, stage: str) -> str:
        """The text of a stage: "graph", "passes", "optimized", "schedule", "kernels" or "plan"."""
        made = self.compilation
        texts = {
            "graph": lambda: print_graph(made.graph),
            "passes": lambda: format_log(made.log),
            "optimized": lambda: print_graph(made.optimized),
            "schedule": lambda: format_schedule(made.schedule),
            "kernels": lambda: made.code.source,
            "plan": lambda: format_program(made.schedule.program),
        }
        if stage not in texts:
            raise GraphError(f"expected a stage among {', '.join(map(repr, texts))}, got {stage!r}")
        return texts[stage]()


class DeviceProgram(Inspectable):
    """A program whose kernels were compiled ahead of time for a CUDA device.

    It shows every stage, and `compilation.code` holds the machine code. Calling it raises `RuntimeFault`.
    """

    def __init__(self, compilation: Compilation):
        self.compilation = compilation

    def __call__(self, *arrays: Any, **named: Any) -> NoReturn:
        assert isinstance(self.compilation.code, DeviceCode)
        raise RuntimeFault(
            f"program {self.name}: expected a program for this machine, got kernels compiled ahead of time for "
            f"{self.compilation.code.architecture}; compile it with device='cpu' to run it here"
        )


class Program(Inspectable, Executable):
    """A compiled program. Call it with arrays in the order of its inputs, or by their names.

    Inputs are NumPy arrays or anything with DLPack, of the declared dtype and shape; results are new
    NumPy arrays. It may be called from several threads; programs that share variables take turns.
    Raises `GraphError` for wrong arguments and `RuntimeFault` for what goes wrong on the way (an index
    out of range); then no variable has changed.
    """

    @classmethod
    def link(cls, compilation: Compilation, states: Sequence[StateBuffer], structure: Structure) -> Program:
        """Bind what the stages made to its variables."""
        code = compilation.code
        assert isinstance(code, NativeCode)
        self = cls(compilation.schedule.program, code.addresses, states, structure, code)
        self.compilation = compilation
        return self

    def profile(self, *arrays: Any, repeat: int = 20, **named: Any) -> Profile:  # type: ignore[override]
        """Run `repeat` times and time every step: its bytes, FLOPs and share of the measured roofline.

        The variables move on as in calls. Printing the result gives a table.
        """
        return profile(super().profile, self.compilation.schedule.program, arrays, named, repeat)

    def peak_memory(self, sizes: Mapping[str, int] | None = None) -> int:
        """Bytes of the arena for the given sizes of symbolic dims: all values that live between steps."""
        return self.arena_bytes(dict(sizes or {}))

    def unshared_memory(self, sizes: Mapping[str, int] | None = None) -> int:
        """What `peak_memory` would be if no two values shared a place."""
        slots = self.compilation.schedule.program.slots
        lifetimes = [Lifetime(product(s.shape) * s.dtype.itemsize, s.first, s.last) for s in slots]
        return evaluate(naive_bytes(lifetimes), dict(sizes or {}))
