"""What a target wants of loops: lanes side by side, and work in a unit.

It stands apart because lanes and units are part of a kernel's meaning (a sum depends on them to the last bit):
the schedule fixes them once, for a target, before any renderer sees the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Numbers that shape kernels; the lanes are powers of two."""

    lanes: int  # of a vector loop whose body is long, or that is shorter than `wide_lanes`
    wide_lanes: int  # of any other
    short_body: int  # nodes of scalar expression, at most, in a body that runs in `wide_lanes`
    unit_of_work: int  # elements that one unit of a parallel loop covers, about
    unit_of_reduction: int  # the same for a total: each unit leaves a partial result


CPU = Tuning(
    lanes=16,  # 16 float32 fill one 512-bit register
    wide_lanes=64,  # four independent chains of additions, 256 contiguous bytes a step
    short_body=24,  # leaves registers for four vectors of each value
    unit_of_work=2048,
    unit_of_reduction=8192,
)
CUDA = Tuning(
    lanes=32,  # a warp for a row: eight rows a block
    wide_lanes=256,  # a block for a row
    short_body=1 << 30,  # a thread holds one lane, however long the body
    unit_of_work=2048,
    unit_of_reduction=2048,  # eight elements a thread, one barrier
)
