"""`gc.info()`: what this installation found on this machine."""

from __future__ import annotations

import ctypes.util
import os
import platform
import shutil
from typing import Any

import numpy as np

from graphc import config
from graphc.runtime.info import runtime_info


class Info(dict[str, Any]):
    """A dict of findings that prints as lines."""

    def __str__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{key:{width}}  {value}" for key, value in self.items())

    __repr__ = __str__


def info() -> Info:
    """CPU and its features, threads, BLAS, compilers, CUDA, cache folder, versions, settings."""
    from importlib.metadata import PackageNotFoundError, version

    def installed(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "not installed"

    found = Info(runtime_info())
    found["C++ compiler"] = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++") or "none"
    driver = ctypes.util.find_library("cuda")
    found["CUDA driver"] = driver or "none (programs run on the CPU)"
    found["nvcc"] = shutil.which("nvcc") or "none"
    found["cache"] = str(config.cache_dir.read())
    found["versions"] = (
        f"graphc {installed('graphc')}, python {platform.python_version()}, numpy {np.__version__}, "
        f"numba {installed('numba')}, llvmlite {installed('llvmlite')}"
    )
    for setting in config.SETTINGS:
        found[setting.name] = os.environ.get(setting.name, f"unset ({setting.help})")
    return found
