"""Environment variables that hold every library to a thread count or to a cache folder.

It stands apart because they must be set before a process starts, by whoever starts it.
"""

from __future__ import annotations

import os
from pathlib import Path


def with_threads(threads: int) -> dict[str, str]:
    """This environment, for a process in which no library uses more threads than that."""
    count = str(threads)
    variables = dict(os.environ)
    for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "GRAPHC"):
        variables[f"{name}_NUM_THREADS"] = count
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return variables


def with_caches(variables: dict[str, str], folder: Path) -> dict[str, str]:
    """`variables` with every persistent cache inside `folder`; JAX's, which is off by default, is on."""
    return variables | {
        "GRAPHC_CACHE_DIR": str(folder / "graphc"),
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
        "TRITON_CACHE_DIR": str(folder / "triton"),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}",
    }
