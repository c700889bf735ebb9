"""What this machine lacks to run CUDA programs: driver, device, compiler.

It stands apart from the target, which compiles for devices that are elsewhere.
"""

from __future__ import annotations

import ctypes

from graphc.backends.cuda.target import find_compiler


def missing() -> list[str]:
    """What stands between this machine and a program on a CUDA device, a phrase each; never empty yet."""
    reasons = [_missing_device()]
    if find_compiler() is None:
        reasons.append("no compiler (nvcc is not on PATH)")
    found = [reason for reason in reasons if reason]
    return found or ["no device runtime (this version of graphc compiles for CUDA devices and cannot run on them)"]


def _missing_device() -> str:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no driver (libcuda.so.1 cannot be opened), so no device"
    count = ctypes.c_int(0)
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status:
        return f"no device (the driver answers with error {status})"
    return "" if count.value else "no device (the driver finds none)"
