"""The text of a program: arena, slots with their lifetimes, and numbered steps.

It stands apart from the records, which must not know how they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.dims import shape_text
from graphc.dtypes import as_dtype
from graphc.program.program import GemmStep, KernelCall, KernelStep, Program, Ref, Step


def format_program(program: Program) -> str:
    """The text of `program`, one line per step (see STYLE.md's `plan`)."""
    lines = [f"plan {program.name}({', '.join(program.symbols)}) {{"]
    lines += [f"  in    %{p.name}: {p.dtype}{shape_text(p.shape)}" for p in program.inputs]
    for state in program.states:
        suffix = "" if state.updated else "    # only read"
        lines.append(f"  var   %{state.name}: {state.dtype}{shape_text(state.shape)}{suffix}")
    lines += [f"  const %{c.name}: {as_dtype(c.array.dtype)}{shape_text(c.array.shape)}" for c in program.constants]
    lines += [f"  out   {p.name}: {p.dtype}{shape_text(p.shape)}" for p in program.outputs]
    lines.append(f"  arena {program.arena}")
    lines += _columns(
        (
            (f"  slot {s.name}: {s.dtype}{shape_text(s.shape)} at {s.offset}", _live(s.first, s.last))
            for s in program.slots
        ),
        gap=6,
    )
    width = len(str(len(program.steps)))
    steps = ((f"  {i:>{width}}  {call}", tail) for i, (call, tail) in _numbered(program))
    lines += _columns(steps, gap=2)
    return "\n".join([*lines, "}"]) + "\n"


def format_step(program: Program, number: int) -> str:
    """The line of step `number` (from 0), for messages."""
    call, tail = _step(program, program.steps[number])
    return f"{number + 1}  {call}  {tail}".rstrip()


def _live(first: int, last: int) -> str:
    return f"live {first + 1}..{last + 1}"


def _numbered(program: Program) -> Iterable[tuple[int, tuple[str, str]]]:
    return enumerate((_step(program, step) for step in program.steps), start=1)


def _columns(rows: Iterable[tuple[str, str]], gap: int) -> list[str]:
    rows = list(rows)
    width = max((len(left) for left, _ in rows), default=0) + gap
    return [f"{left:<{width}}{right}".rstrip() for left, right in rows]


def _step(program: Program, step: Step) -> tuple[str, str]:
    """What a step does, and `-> …` with what it writes."""
    if isinstance(step, KernelStep):
        call, written = _call(program, step.call)
        return f"kernel   {call}", written
    if isinstance(step, GemmStep):
        return _gemm(program, step)
    return f"copy     {_name(program, step.source)}", f"-> {_name(program, step.target)}"


def _gemm(program: Program, step: GemmStep) -> tuple[str, str]:
    a = _name(program, step.a) + ("^T" if step.transpose_a else "") + (" for all" if step.broadcast_a else "")
    b = _name(program, step.b) + ("^T" if step.transpose_b else "") + (" for all" if step.broadcast_b else "")
    alpha = "" if step.alpha == 1.0 else f", alpha={step.alpha!r}"
    batch = "" if step.batch == 1 else f"{step.batch} x "
    text = f"library  gemm({a}, {b}{alpha})"
    tail = f"-> {_name(program, step.c)}    # {batch}{step.m} x {step.n} x {step.k}"
    if step.epilogue is not None:
        call, written = _call(program, step.epilogue)
        tail += f"    epilogue: {call} {written}"
    return text, tail


def _call(program: Program, call: KernelCall) -> tuple[str, str]:
    """`kernel(operands read)` and `-> operands written`."""
    kernel = program.kernels[call.kernel]
    names = [_name(program, ref) for ref in call.operands]
    if not kernel.access:
        return f"{kernel.symbol}({', '.join(names)})", ""
    buffers = list(zip(names, kernel.access, strict=False))  # after them come the partials
    read = ", ".join(name for name, access in buffers if access != "write")
    written = ", ".join(name for name, access in buffers if access != "read")
    return f"{kernel.symbol}({read})", f"-> {written}"


def _name(program: Program, ref: Ref) -> str:
    if ref.space == "input":
        return f"%{program.inputs[ref.index].name}"
    if ref.space == "output":
        return program.outputs[ref.index].name
    if ref.space == "state":
        return f"%{program.states[ref.index].name}"
    if ref.space == "constant":
        return f"%{program.constants[ref.index].name}"
    return program.slots[ref.index].name
