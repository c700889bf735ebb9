"""Finding a CBLAS library and handing it to the C++ runtime.

It stands apart because the search costs time: it happens when the first program needs a matrix product.
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
    """Load scipy-openblas32's library, else the system's OpenBLAS or CBLAS, once. Without any of them matrix
    products run in a plain loop."""
    global _searched
    if _searched:
        return
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


def blas_name() -> str | None:
    """What the BLAS in use says that it is; None: our own loops."""
    load_default_blas()
    return _core.blas_name()


def _wheel_library() -> str | None:
    spec = find_spec("scipy_openblas32")  # finds the package without running it, which would load the library
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for pattern in _LIBRARIES:
            for path in sorted(Path(folder, "lib").glob(pattern)):
                return str(path)
    return None
