"""Where the local arrays of a kernel lie in the scratch memory of a worker.

The renderers address them, and the program says how much memory a worker needs: one rule for both.
"""

from __future__ import annotations

from graphc.dims import Size, ceildiv, maximum, product
from graphc.kernel_ir.kernel import Kernel, Local

SCRATCH_ALIGNMENT = 64  # bytes; that of the ABI's scratch memory


def scratch_offsets(locals_: tuple[Local, ...]) -> tuple[dict[str, Size], Size]:
    """The byte at which each local array begins, and how much they take together."""
    offsets: dict[str, Size] = {}
    total: Size = 0
    for local in locals_:
        offsets[local.name] = total
        nbytes = product(local.shape) * local.dtype.itemsize
        total = total + SCRATCH_ALIGNMENT * ceildiv(nbytes, SCRATCH_ALIGNMENT)
    return offsets, total


def scratch_bytes(kernel: Kernel) -> Size:
    """The scratch memory that a worker needs to call `kernel`: nests run one after the other."""
    total: Size = 0
    for nest in kernel.nests:
        total = maximum(total, scratch_offsets(nest.locals)[1])
    return total
