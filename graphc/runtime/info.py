"""What the runtime found on this machine, for `gc.info()`. Apart, since nothing else needs to know."""

from __future__ import annotations

import platform
from pathlib import Path

from graphc.runtime import _core
from graphc.runtime.blas import blas_name

# The instruction sets that matter to kernels, out of the hundred flags that a CPU reports.
_FEATURES = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512dq", "avx512bw", "avx512vl", "asimd", "sve")


def runtime_info() -> dict[str, object]:
    """The CPU's model and vector features, CPUs and threads, and the BLAS."""
    model, features = _cpu()
    return {
        "cpu": model,
        "cpu features": [f for f in _FEATURES if f in features],
        "cpus": _core.available_cpus(),
        "threads": _core.get_num_threads(),
        "blas": blas_name() or f"graphc's own kernel ({_core.own_gemm_name()})",
    }


def _cpu() -> tuple[str, frozenset[str]]:
    """Model name and feature flags as Linux reports them; elsewhere the machine's name and no flags."""
    fields: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    flags = fields.get("flags", fields.get("Features", ""))
    return fields.get("model name", platform.processor() or platform.machine()), frozenset(flags.split())
