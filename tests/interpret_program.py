"""Runs a `Program` step by step with the kernel-IR interpreter and NumPy: the oracle for runtime and renderers.

It obeys the plan to the letter (one arena of bytes, offsets, in-place updates), so that a wrong lifetime
or a wrong alias shows as a wrong number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from graphc.dims import evaluate, product
from graphc.kernel_ir import interpreter
from graphc.kernel_ir.kernel import Kernel
from graphc.program.program import CopyStep, GemmStep, KernelCall, KernelStep, Program, Ref


def run(
    program: Program,
    kernels: Sequence[Kernel],
    inputs: Sequence[np.ndarray],
    states: Sequence[np.ndarray],
    sizes: Mapping[str, int],
) -> list[np.ndarray]:
    """The outputs; `states` are changed in place. Raises `RuntimeError` with the message of a failed check."""
    return _Machine(program, kernels, inputs, states, sizes).run()


class _Machine:
    def __init__(self, program, kernels, inputs, states, sizes):  # type: ignore[no-untyped-def]
        self.program, self.kernels, self.sizes = program, kernels, sizes
        arena = np.full(evaluate(program.arena, sizes) + 64, 0xA5, np.uint8)
        self.buffers = {
            "input": list(inputs),
            "state": list(states),
            "constant": [c.array for c in program.constants],
            "output": [np.full(self.shape(p.shape), _garbage(p.dtype), p.dtype.numpy) for p in program.outputs],
            "slot": [self.slot(arena, s) for s in program.slots],
        }

    def shape(self, shape):  # type: ignore[no-untyped-def]
        return tuple(evaluate(s, self.sizes) for s in shape)

    def slot(self, arena, slot):  # type: ignore[no-untyped-def]
        offset, shape = evaluate(slot.offset, self.sizes), self.shape(slot.shape)
        nbytes = product(shape) * slot.dtype.itemsize
        assert offset % 64 == 0 and offset + nbytes <= len(arena)
        return arena[offset : offset + nbytes].view(slot.dtype.numpy).reshape(shape)

    def at(self, ref: Ref) -> np.ndarray:
        return self.buffers[ref.space][ref.index]

    def run(self) -> list[np.ndarray]:
        for step in self.program.steps:
            if isinstance(step, KernelStep):
                self.call(step.call)
            elif isinstance(step, CopyStep):
                self.at(step.target).reshape(-1)[:] = self.at(step.source).reshape(-1)
            else:
                self.gemm(step)
        return self.buffers["output"]

    def call(self, call: KernelCall) -> None:
        kernel = self.kernels[call.kernel]
        operands = {}
        for buffer, ref in zip(kernel.buffers, call.operands, strict=False):
            operands[buffer.name] = self.at(ref).reshape(self.shape(buffer.shape))
            assert np.shares_memory(operands[buffer.name], self.at(ref)) or not operands[buffer.name].size
        code = interpreter.run(kernel, operands, self.sizes)
        if code:
            raise RuntimeError(self.program.messages[code - 1])

    def gemm(self, step: GemmStep) -> None:
        batch, m, n, k = (evaluate(s, self.sizes) for s in (step.batch, step.m, step.n, step.k))
        a = self.at(step.a).reshape(1 if step.broadcast_a else batch, *((k, m) if step.transpose_a else (m, k)))
        b = self.at(step.b).reshape(1 if step.broadcast_b else batch, *((n, k) if step.transpose_b else (k, n)))
        a = np.swapaxes(a, 1, 2) if step.transpose_a else a
        b = np.swapaxes(b, 1, 2) if step.transpose_b else b
        self.at(step.c).reshape(batch, m, n)[:] = a.dtype.type(step.alpha) * np.matmul(a, b)
        if step.epilogue is not None:
            self.call(step.epilogue)


def _garbage(dtype):  # type: ignore[no-untyped-def]
    return {"float": np.nan, "bool": True}.get(dtype.kind, 77)
