"""What must hold of a program before the runtime gets it: references, types, lifetimes, memory, order.

It stands apart from the stage that assembles programs, so that the same rules check every program.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from graphc import dtypes
from graphc.dims import Shape, Size, at_most, evaluate, product, symbols_of
from graphc.dtypes import DType
from graphc.errors import CompileError
from graphc.program.printer import format_step
from graphc.program.program import CopyStep, GemmStep, KernelCall, KernelStep, Port, Program, Ref, Slot, State, Step

ALIGNMENT = 64
# Values for all symbols at which memory is checked where nothing can be proved; None: a different prime for
# each symbol.
_SAMPLES = (0, 1, 2, 3, 7, 64, 1000, None)
_PRIMES = (3, 5, 17, 31, 101, 257, 509)


def verify(program: Program) -> None:
    """Raises `CompileError` with the line of the first step (or the name of the slot) that breaks a rule."""
    _verify_symbols(program)
    for number, step in enumerate(program.steps):
        refs = step_refs(step)
        for ref in refs:
            _verify_ref(program, number, ref)
        if isinstance(step, GemmStep):
            _verify_gemm(program, number, step)
        elif isinstance(step, CopyStep):
            _verify_copy(program, number, step)
        for call in calls(step):
            _verify_call(program, number, call)
    _verify_failures_come_first(program)
    _verify_memory(program)


def step_refs(step: Step) -> tuple[Ref, ...]:
    """Every buffer that a step touches."""
    if isinstance(step, CopyStep):
        return step.source, step.target
    own = (step.a, step.b, step.c) if isinstance(step, GemmStep) else ()
    return (*own, *(ref for call in calls(step) for ref in call.operands))


def calls(step: Step) -> tuple[KernelCall, ...]:
    """The kernels that a step calls."""
    if isinstance(step, KernelStep):
        return (step.call,)
    if isinstance(step, GemmStep) and step.epilogue is not None:
        return (step.epilogue,)
    return ()


def written_refs(program: Program, step: Step) -> tuple[Ref, ...]:
    """The buffers that a step may write, as far as its kernels say."""
    own: tuple[Ref, ...] = ()
    if isinstance(step, CopyStep):
        own = (step.target,)
    elif isinstance(step, GemmStep):
        own = (step.c,)
    by_kernels = (
        ref
        for call in calls(step)
        for ref, access in zip(call.operands, program.kernels[call.kernel].access, strict=False)
        if access != "read"
    )
    return (*own, *by_kernels)


def type_of(program: Program, ref: Ref) -> tuple[DType, Shape]:
    """The dtype and the shape of a buffer."""
    if ref.space == "constant":
        array = program.constants[ref.index].array
        return dtypes.as_dtype(array.dtype), array.shape
    spaces: dict[str, tuple[Port | State | Slot, ...]] = {
        "input": program.inputs,
        "output": program.outputs,
        "state": program.states,
        "slot": program.slots,
    }
    buffer = spaces[ref.space][ref.index]
    return buffer.dtype, buffer.shape


def _fail(program: Program, number: int, message: str) -> None:
    raise CompileError(f"plan {program.name}, step {format_step(program, number)}: {message}")


def _verify_symbols(program: Program) -> None:
    ports: tuple[Port | Slot, ...] = (*program.inputs, *program.outputs, *program.slots)
    used: set[str] = set(symbols_of(s for port in ports for s in port.shape))
    used |= symbols_of([program.arena, *(slot.offset for slot in program.slots)])
    for kernel in program.kernels:
        used |= set(kernel.symbols) | symbols_of(extent for extent, _ in kernel.nests)
    unknown = sorted(used - set(program.symbols))
    if unknown:
        raise CompileError(f"plan {program.name}: expected the symbols {list(program.symbols)}, got {unknown} as well")


def _verify_ref(program: Program, number: int, ref: Ref) -> None:
    counts = {
        "input": len(program.inputs),
        "output": len(program.outputs),
        "state": len(program.states),
        "constant": len(program.constants),
        "slot": len(program.slots),
    }
    if ref.space not in counts or not 0 <= ref.index < counts[ref.space]:
        raise CompileError(
            f"plan {program.name}, step {number + 1}: expected an existing buffer, got {ref.space} {ref.index}"
        )
    if ref.space == "slot":
        slot = program.slots[ref.index]
        if not slot.first <= number <= slot.last:
            _fail(
                program, number, f"expected slot {slot.name} in its lifetime, steps {slot.first + 1}..{slot.last + 1}"
            )


def _verify_call(program: Program, number: int, call: KernelCall) -> None:
    if not 0 <= call.kernel < len(program.kernels):
        raise CompileError(f"plan {program.name}, step {number + 1}: expected an existing kernel, got {call.kernel}")
    access = program.kernels[call.kernel].access
    if len(call.operands) < len(access):
        _fail(program, number, f"expected at least {len(access)} operands, got {len(call.operands)}")
    for ref, how in zip(call.operands, access, strict=False):
        if how != "read":
            _verify_writable(program, number, ref)


def _verify_writable(program: Program, number: int, ref: Ref) -> None:
    if ref.space in ("input", "constant") or (ref.space == "state" and not program.states[ref.index].updated):
        _fail(program, number, f"expected a target that may be written, got {ref.space} {ref.index}")


def _verify_copy(program: Program, number: int, step: CopyStep) -> None:
    source, target = type_of(program, step.source), type_of(program, step.target)
    if source[0] != target[0] or product(source[1]) != product(target[1]):
        _fail(program, number, f"expected operands of one type, got {source} and {target}")
    _verify_writable(program, number, step.target)


def _verify_gemm(program: Program, number: int, step: GemmStep) -> None:
    batch_a, batch_b = (1 if shared else step.batch for shared in (step.broadcast_a, step.broadcast_b))
    wanted = (
        (step.a, batch_a * step.m * step.k),
        (step.b, batch_b * step.k * step.n),
        (step.c, step.batch * step.m * step.n),
    )
    if not step.dtype.is_float:
        _fail(program, number, f"expected a floating dtype, got {step.dtype}")
    for ref, elements in wanted:
        dtype, shape = type_of(program, ref)
        if dtype != step.dtype or product(shape) != elements:
            _fail(program, number, f"expected an operand of {elements} {step.dtype}, got {dtype}{list(shape)}")
    _verify_writable(program, number, step.c)
    if step.epilogue is not None and 0 <= step.epilogue.kernel < len(program.kernels):
        nests = program.kernels[step.epilogue.kernel].nests
        if len(nests) != 1 or nests[0][0] != step.batch * step.m:
            _fail(program, number, f"expected an epilogue with one nest over {step.batch * step.m} rows, got {nests}")


def _verify_failures_come_first(program: Program) -> None:
    """A failed check must leave every state as it was."""
    writer: int | None = None
    for number, step in enumerate(program.steps):
        checks = any(program.kernels[call.kernel].checks for call in calls(step))
        writes = any(ref.space == "state" for ref in written_refs(program, step))
        if checks and (writer is not None or writes):
            place = "this step writes" if writer is None else f"step {writer + 1} has written"
            _fail(program, number, f"expected checks before any write of a variable, but {place} one")
        if writes and writer is None:
            writer = number


def _verify_memory(program: Program) -> None:
    """Slots are aligned, lie in the arena, and share no byte with a slot that is alive at the same time."""
    samples = [_sample(program.symbols, value) for value in _SAMPLES]
    alive: list[Slot] = []
    for slot in sorted(program.slots, key=lambda s: s.first):
        alive = [other for other in alive if other.last >= slot.first]
        end = slot.offset + _bytes(slot)
        for sizes in samples:
            start, stop = evaluate(slot.offset, sizes), evaluate(end, sizes)
            if start % ALIGNMENT or start < 0 or stop > evaluate(program.arena, sizes):
                raise CompileError(
                    f"plan {program.name}: expected slot {slot.name} aligned and in the arena at {sizes}"
                )
        for other in alive:
            if not (at_most(end, other.offset) or at_most(other.offset + _bytes(other), slot.offset)):
                _verify_apart(program, slot, other, samples)
        alive.append(slot)


def _verify_apart(program: Program, a: Slot, b: Slot, samples: Iterable[dict[str, int]]) -> None:
    for sizes in samples:
        ranges = sorted((evaluate(s.offset, sizes), evaluate(s.offset + _bytes(s), sizes)) for s in (a, b))
        occupied = [r for r in ranges if r[0] < r[1]]
        if any(left[1] > right[0] for left, right in pairwise(occupied)):
            raise CompileError(
                f"plan {program.name}: expected slots {b.name} and {a.name} apart, they overlap at {sizes}"
            )


def _bytes(slot: Slot) -> Size:
    return product(slot.shape) * slot.dtype.itemsize


def _sample(symbols: tuple[str, ...], value: int | None) -> dict[str, int]:
    if value is None:
        return {name: _PRIMES[i % len(_PRIMES)] for i, name in enumerate(symbols)}
    return dict.fromkeys(symbols, value)
