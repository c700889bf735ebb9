"""Kernels to source to native code: `build`, and what a caller must know of a kernel's ABI.

It sees the kernel IR only; a target prints syntax and knows nothing of graph operations.
"""

from graphc.backends.build import Backend, NativeCode, build

__all__ = ["Backend", "NativeCode", "build"]
