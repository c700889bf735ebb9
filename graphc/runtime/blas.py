"""Which matrix product programs run on: graphc's own kernel, or a CBLAS library.

The own kernel is level with OpenBLAS or ahead of it where the CPU has AVX2 or AVX-512, loads nothing, and gives the
bits that exported programs give. It stands apart because searching for a library elsewhere costs time.
"""

from __future__ import annotations

import ctypes.util
from importlib.util import find_spec
from pathlib import Path

from graphc.errors import CompileError
from graphc.runtime import _core

_LIBRARIES = ("libscipy_openblas*.so*", "libscipy_openblas*.dylib")
_searched = False


def load_default_blas() -> None:
    """On a CPU without AVX2, load scipy-openblas32's library, else the system's OpenBLAS or CBLAS, once."""
    global _searched
    if _searched or _core.own_gemm_name() != "portable":
        return
    load_openblas()


def load_openblas() -> None:
    """Take matrix products from scipy-openblas32's library, else the system's OpenBLAS or CBLAS, if there is one."""
    global _searched
    _searched = True
    for path in (_wheel_library(), ctypes.util.find_library("openblas"), ctypes.util.find_library("cblas")):
        if path is None:
            continue
        try:
            load_blas(path)
        except CompileError:
            continue
        return


def load_blas(path: str) -> None:
    """Take matrix products from the CBLAS at `path`, one thread each. Raises `CompileError` if it is none."""
    _core.load_blas(path)


def use_own_gemm() -> None:
    """Take matrix products from graphc's own kernel from now on, as exported packages do."""
    global _searched
    _searched = True
    _core.unload_blas()


def blas_name() -> str | None:
    """What the BLAS in use says that it is; None: graphc's own kernel."""
    load_default_blas()
    return _core.blas_name()


def _wheel_library() -> str | None:
    spec = find_spec("scipy_openblas32")  # finds the package without running it, which would load the library
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for pattern in _LIBRARIES:
            for path in sorted(Path(folder, "lib").glob(pattern)):
                return str(path)
    return None
