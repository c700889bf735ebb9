"""The compiled kernels of a program for a CUDA device.

It stands apart from the target that makes it, so that whoever carries it about imports no compiler.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.backends.cuda.mapping import Launch


@dataclass(frozen=True)
class DeviceCode:
    """Machine code for one architecture, and how to launch each kernel in it."""

    architecture: str  # "sm_90a"
    source: str  # as rendered
    image: bytes  # a fat binary, for cuModuleLoadData
    launches: tuple[Launch, ...]  # in the order of the kernels
    from_cache: bool
    why_missed: str  # "" on a hit
    seconds: float  # from kernels to image
