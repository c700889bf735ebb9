"""Where the C++ side of graphc is: headers, CMake files and sources, installed or in a source tree.

It stands apart because build systems ask for it without compiling anything.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "_native"  # where setup.py puts csrc/ and kernels/
_ROOT = _INSTALLED if _INSTALLED.exists() else _PACKAGE.parent
_FOLDERS = ("csrc/runtime", "csrc/library", "csrc/host", "kernels/cpu/gemm")
_OTHER_BUILDS = "csrc/library/blas.cpp"  # hosts link no BLAS: csrc/host/no_blas.cpp
_DYNAMIC = ("csrc/host/c_load.cpp", "csrc/host/loaded_code.cpp", "csrc/host/signature.cpp")  # need a dynamic loader


def get_include() -> str:
    """The folder to compile hosts with: `#include <graphc/graphc.hpp>` (C: `<graphc/graphc.h>`)."""
    return str(_ROOT / "csrc" / "include")


def get_cmake_dir() -> str:
    """The folder for `find_package(graphc)`: set `graphc_DIR` to it. The library is built with the host."""
    return str(_ROOT / "csrc" / "cmake")


def linked_sources() -> dict[str, str]:
    """The host library's sources and headers by path, without what loads package files."""
    paths = [p for folder in _FOLDERS for p in (_ROOT / folder).iterdir() if p.suffix in (".cpp", ".h")]
    paths += [p for p in (_ROOT / "csrc" / "include" / "graphc").iterdir() if p.suffix in (".h", ".hpp")]
    named = {p.relative_to(_ROOT).as_posix(): p for p in sorted(paths)}
    return {name: path.read_text() for name, path in named.items() if name not in (_OTHER_BUILDS, *_DYNAMIC)}
