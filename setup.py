"""Builds the C++ runtime as the extension `graphc.runtime._core`; everything else is in pyproject.toml.

It stands apart because pyproject.toml cannot say how to compile. The headers that emitted and hand-written
kernels include (csrc/include, kernels/prologue) are copied into the package as graphc/_include, and the sources of
the host library as graphc/_native, so that an installed graphc compiles C++ kernels, exports sources and serves
find_package without its source tree; in a source tree they are read where they are.
"""

import shutil
from pathlib import Path

import numpy
from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
HEADERS = (("csrc/include", "*.h"), ("kernels/prologue", "*.h"))
NATIVE = ("csrc/include", "csrc/runtime", "csrc/library", "csrc/host", "kernels/cpu/gemm", "csrc/cmake")  # for hosts
AREAS = ("runtime", "library", "python")
FOLDERS = [*(ROOT / "csrc" / area for area in AREAS), ROOT / "kernels" / "cpu" / "gemm"]
SOURCES = sorted(str(p.relative_to(ROOT)) for folder in FOLDERS for p in folder.glob("*.cpp"))


class BuildWithHeaders(build_py):
    """Adds the headers to the built package."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for folder, pattern in HEADERS:
            for header in (ROOT / folder).rglob(pattern):
                target = Path(self.build_lib) / "graphc" / "_include" / header.relative_to(ROOT / folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(header, target)
        for folder in NATIVE:
            shutil.copytree(ROOT / folder, Path(self.build_lib) / "graphc" / "_native" / folder, dirs_exist_ok=True)


core = Pybind11Extension(
    "graphc.runtime._core",
    SOURCES,
    include_dirs=["csrc", "csrc/include", "kernels", numpy.get_include()],
    cxx_std=17,
    extra_compile_args=["-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-ffp-contract=off", "-pthread"],
    extra_link_args=["-pthread", "-ldl"],
)


def is_stale(built: str, source: str) -> bool:
    """True if an object file is older than its source or than any header."""
    inputs = [Path(source), *(ROOT / "csrc").rglob("*.h"), *(ROOT / "kernels").rglob("*.h")]
    return Path(built).stat().st_mtime < max(path.stat().st_mtime for path in inputs)


ParallelCompile(needs_recompile=is_stale).install()  # on all cores
setup(ext_modules=[core], cmdclass={"build_ext": build_ext, "build_py": BuildWithHeaders})
