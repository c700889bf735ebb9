"""Each rule of the program verifier: a correct program passes, one broken record is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from plans import B, copies, training_step

from graphc.dtypes import float64
from graphc.errors import CompileError
from graphc.program.program import CopyStep, KernelCall, KernelStep, Program, Ref
from graphc.program.verifier import verify


def test_correct_programs_pass() -> None:
    verify(training_step())
    verify(copies())


def with_slot(program: Program, index: int, **changes) -> Program:
    slots = list(program.slots)
    slots[index] = replace(slots[index], **changes)
    return replace(program, slots=tuple(slots))


def with_step(program: Program, index: int, step) -> Program:
    steps = list(program.steps)
    steps[index] = step
    return replace(program, steps=tuple(steps))


def with_kernel(program: Program, index: int, **changes) -> Program:
    kernels = list(program.kernels)
    kernels[index] = replace(kernels[index], **changes)
    return replace(program, kernels=tuple(kernels))


BROKEN: dict[str, tuple[Callable[[Program], Program], str]] = {
    "reference": (
        lambda p: with_step(p, 1, CopyStep(Ref("slot", 9), Ref("output", 0))),
        "step 2: expected an existing buffer, got slot 9",
    ),
    "kernel": (
        lambda p: with_step(p, 1, KernelStep(KernelCall(7, ()))),
        "step 2: expected an existing kernel, got 7",
    ),
    "operand count": (
        lambda p: with_step(p, 1, KernelStep(KernelCall(0, (Ref("slot", 0),)))),
        "expected at least 5 operands, got 1",
    ),
    "lifetime": (lambda p: with_slot(p, 0, last=0), r"expected slot a in its lifetime, steps 1\.\.1"),
    "overlap": (lambda p: with_slot(p, 1, offset=0), "expected slots a and d apart, they overlap at"),
    "alignment": (lambda p: with_slot(p, 2, offset=p.slots[2].offset + 4), "expected slot g aligned and in the arena"),
    "arena": (lambda p: replace(p, arena=40 * B), "expected slot . aligned and in the arena"),
    "gemm dtype": (
        lambda p: with_step(p, 0, replace(p.steps[0], dtype=float64)),
        "step 1  library  gemm.*expected an operand of .* f64, got f32",
    ),
    "gemm size": (lambda p: with_step(p, 0, replace(p.steps[0], k=783)), "expected an operand of 783[*]batch f32"),
    "epilogue": (
        lambda p: with_kernel(p, 1, nests=((783, 8),)),
        "expected an epilogue with one nest over 784 rows",
    ),
    "copy": (
        lambda p: with_step(p, 1, CopyStep(Ref("slot", 0), Ref("output", 0))),
        "expected operands of one type",
    ),
    "written input": (
        lambda p: with_kernel(p, 0, access=("read", "write", "read", "write", "write")),
        "expected a target that may be written, got input 1",
    ),
    "read-only state": (
        lambda p: replace(p, states=(replace(p.states[0], updated=False),)),
        "expected a target that may be written, got state 0",
    ),
    "symbols": (lambda p: replace(p, symbols=()), r"expected the symbols \[\], got \['batch'\] as well"),
    "late check": (lambda p: with_kernel(p, 1, checks=True), "expected checks before any write of a variable"),
    "check after write": (
        lambda p: with_step(
            p, 0, KernelStep(KernelCall(1, (Ref("state", 0), Ref("input", 0))))
        ),
        "step 2.*expected checks before any write of a variable, but step 1 has written one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_program_is_refused(rule: str) -> None:
    damage, message = BROKEN[rule]
    with pytest.raises(CompileError, match=message):
        verify(damage(training_step()))


def test_slots_that_do_not_meet_may_share_memory() -> None:
    program = training_step()
    assert program.slots[2].offset == program.slots[3].offset
    verify(program)
