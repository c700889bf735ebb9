"""Hand-made programs for the tests of printer, verifier and serializer. They stand apart from the compiler's
programs, so that a test sees exactly the records that it is about."""

from __future__ import annotations

import numpy as np

from graphc.dims import dim, maximum, minimum
from graphc.dtypes import float32, int64
from graphc.program.program import (
    Constant,
    CopyStep,
    GemmStep,
    KernelCall,
    KernelInfo,
    KernelStep,
    Port,
    Program,
    Ref,
    Slot,
    State,
)

B = dim("batch")
N = dim("n")


def training_step() -> Program:
    """The plan of STYLE.md: x @ W, a residual kernel, and x^T @ d with an epilogue that updates W."""
    residual = KernelInfo(
        symbol="residual_0",
        symbols=("batch",),
        nests=((B, 4),),
        has_finish=True,
        scratch=0,
        read=80 * B + 4,
        written=40 * B + 4,
        flops=30 * B,
        origin="train.py:12",
        access=("read", "read", "read", "write", "write"),
        checks=True,
    )
    update = KernelInfo(
        "update_0", (), ((784, 8),), False, 0, 784 * 80, 784 * 40, 784 * 20, "train.py:20", ("readwrite", "read")
    )
    d_offset = 64 * ((40 * B + 63) // 64)
    return Program(
        name="step",
        symbols=("batch",),
        inputs=(Port("x", float32, (B, 784)), Port("t", float32, (B, 10))),
        outputs=(Port("loss", float32, ()),),
        states=(State("W", float32, (784, 10), True),),
        constants=(Constant("s", np.array(0.5, np.float32)),),
        slots=(
            Slot("a", float32, (B, 10), 0, 0, 1),
            Slot("d", float32, (B, 10), d_offset, 1, 2),
            Slot("g", float32, (784, 10), 2 * d_offset, 2, 2),
            Slot("partial", float32, (B,), 2 * d_offset, 1, 1),
        ),
        arena=2 * d_offset + 784 * 40 + 64 * B,
        kernels=(residual, update),
        steps=(
            GemmStep(float32, Ref("input", 0), Ref("state", 0), Ref("slot", 0), 1, B, 10, 784),
            KernelStep(
                KernelCall(
                    0,
                    (
                        Ref("slot", 0),
                        Ref("input", 1),
                        Ref("constant", 0),
                        Ref("output", 0),
                        Ref("slot", 1),
                        Ref("slot", 3),
                    ),
                )
            ),
            GemmStep(
                float32,
                Ref("input", 0),
                Ref("slot", 1),
                Ref("slot", 2),
                1,
                784,
                10,
                B,
                transpose_a=True,
                alpha=-0.25,
                epilogue=KernelCall(1, (Ref("state", 0), Ref("slot", 2))),
                origin="train.py:20",
            ),
        ),
        messages=("train.py:12: expected a label below 10",),
    )


def copies() -> Program:
    """Sizes of every form, an integer dtype, two symbols, and copies only."""
    length = minimum(2 * B + 1, N) + maximum(B, 3) + (B * N + 5) // 7 - 2
    return Program(
        name="copies",
        symbols=("batch", "n"),
        inputs=(Port("i", int64, (B, N)), Port("j", int64, (length,))),
        outputs=(Port("o", int64, (length,)), Port("p", int64, (B, N))),
        states=(),
        constants=(),
        slots=(),
        arena=0,
        kernels=(),
        steps=(CopyStep(Ref("input", 1), Ref("output", 0)), CopyStep(Ref("input", 0), Ref("output", 1))),
    )
