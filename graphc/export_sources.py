"""Packages as C++ sources with everything that runs them, or as a static library made of those.

It stands apart from the export of package files: here nothing is loaded at run time, and a host needs no dynamic
linker, no file and no installed library.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graphc.backends.cpp import portable
from graphc.backends.cpp.target import FLAGS, compiler
from graphc.errors import CompileError, GraphError
from graphc.native import linked_sources
from graphc.program.package import Package, pack, replace_file

_HEADER = """\
/* {name}: made by {producer}. {name}_load gives the package that graphc/graphc.h describes: its programs and the
 * values of its variables are linked in. In C++: graphc::Package::adopt takes what it gives. */
#ifndef {guard}
#define {guard}

#include <graphc/graphc.h>

#ifdef __cplusplus
extern "C" {{
#endif

graphc_status {name}_load(graphc_package** package, graphc_error* error);

#ifdef __cplusplus
}}
#endif

#endif
"""
_DATA = """\
// The package without code, and the addresses of its kernels. Made by {producer}.
#include "{name}.h"

extern "C" {{
{declarations}
}}

namespace {{

const graphc_linked_kernel kKernels[] = {{
{table}
    {{nullptr, nullptr}},
}};

alignas(64) const uint64_t kBytes[] = {{
{words}
}};

}}  // namespace

extern "C" graphc_status {name}_load(graphc_package** package, graphc_error* error) {{
  return graphc_load_linked(kBytes, {size}, kKernels, {count}, package, error);
}}
"""
_CMAKE = """\
# {name}: a static library with the programs that {producer} exported. In a host's CMakeLists.txt:
#   add_subdirectory({name})
#   target_link_libraries(host PRIVATE {name})
cmake_minimum_required(VERSION 3.16)
project({name} LANGUAGES CXX)
set({upper}_KERNEL_OPTIONS "" CACHE STRING "More options for the kernels, such as -march=x86-64-v3")
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_package(Threads REQUIRED)
file(GLOB sources "${{CMAKE_CURRENT_SOURCE_DIR}}/csrc/*/*.cpp" "${{CMAKE_CURRENT_SOURCE_DIR}}/kernels/cpu/gemm/*.cpp")
add_library({name} STATIC kernels.cpp data.cpp ${{sources}})
target_compile_features({name} PUBLIC cxx_std_17)
target_compile_options({name} PRIVATE -ffp-contract=off)
target_include_directories({name} PUBLIC "${{CMAKE_CURRENT_SOURCE_DIR}}/include" PRIVATE csrc kernels)
target_link_libraries({name} PUBLIC Threads::Threads)
separate_arguments(options UNIX_COMMAND "{flags} ${{{upper}_KERNEL_OPTIONS}}")
set_source_files_properties(kernels.cpp PROPERTIES COMPILE_OPTIONS "${{options}}")
"""
_OBJECT_FLAGS = ("-std=c++17", "-O2", "-fPIC", "-ffp-contract=off", "-fvisibility=hidden", "-pthread")


def export_sources(package: Package, kernels: str, folder: Path) -> None:
    """Write the sources of `package` to `folder`. Raises `OSError`."""
    _write(folder, _files(package, kernels, _name(folder)))


def export_object(package: Package, kernels: str, folder: Path, targets: Sequence[str] | None) -> None:
    """Write `lib<name>.a`, compiled for one target (the baseline by default), and its headers to `folder`.

    Raises `GraphError`, `CompileError` and `OSError`.
    """
    if targets is not None and len(targets) != 1:
        raise GraphError(f"export: expected one target with kind='object', got {len(targets)}")
    target = portable.checked_targets(targets or ())[-1]
    name = _name(folder)
    files = _files(package, kernels, name)
    with tempfile.TemporaryDirectory(prefix="graphc-") as temporary:
        build = Path(temporary)
        _write(build, files)
        archive = _archive(build, f"lib{name}.a", target)
        _write(folder, {path: text for path, text in files.items() if path.startswith("include/")})
        replace_file(folder / archive.name, archive.read_bytes())


def _name(folder: Path) -> str:
    """The folder's name as an identifier."""
    name = re.sub(r"\W", "_", folder.absolute().name, flags=re.ASCII)
    if not name.strip("_") or name[0].isdigit():
        raise GraphError(f"export: expected a folder whose name begins with a letter, got {str(folder)!r}")
    return name


def _files(package: Package, kernels: str, name: str) -> dict[str, str]:
    """The text of every file, by its path."""
    data = pack(package)
    symbols = re.findall(r'^extern "C" int32_t (\w+)\(', kernels, re.MULTILINE)
    padded = data + bytes(-len(data) % 8)
    words = [f"0x{word:x}," for word in struct.unpack(f"<{len(padded) // 8}Q", padded)]
    arguments = "void* const* buffers, const int64_t* dims, int64_t begin, int64_t end, void* scratch"
    names = {"name": name, "producer": package.producer, "guard": f"{name.upper()}_H", "upper": name.upper()}
    files = {re.sub("^csrc/include/", "include/", path): text for path, text in linked_sources().items()}
    files["kernels.cpp"] = kernels
    files["data.cpp"] = _DATA.format(
        **names,
        declarations="\n".join(f"int32_t {symbol}({arguments});" for symbol in symbols),
        table="\n".join(f'    {{"{symbol}", {symbol}}},' for symbol in symbols),
        words="\n".join("    " + " ".join(words[i : i + 8]) for i in range(0, len(words), 8)),
        size=len(data),
        count=len(symbols),
    )
    files[f"include/{name}.h"] = _HEADER.format(**names)
    files["CMakeLists.txt"] = _CMAKE.format(**names, flags=" ".join(FLAGS))
    return files


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, text.encode())


def _archive(build: Path, name: str, target: str) -> Path:
    """Compile the sources in `build` and put the objects into the archive `name`."""
    sources = [path.relative_to(build) for path in sorted(build.rglob("*.cpp"))]
    objects = [f"{i}_{path.stem}.o" for i, path in enumerate(sources)]

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=build, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.splitlines() or [f"exit status {done.returncode}"]
            first = next((line for line in lines if "error" in line), lines[0])
            raise CompileError(f"expected {command[0]} to succeed, got: {first.strip()}")

    def compile_one(source: Path, made: str) -> None:
        flags = (*portable.target_flags(target), "-fPIC") if source.name == "kernels.cpp" else _OBJECT_FLAGS
        run(*compiler(), *flags, "-Iinclude", "-Icsrc", "-Ikernels", "-c", str(source), "-o", made)

    with ThreadPoolExecutor() as pool:
        list(pool.map(compile_one, sources, objects))
    archiver = shutil.which("ar")
    if archiver is None:
        raise CompileError("export: expected ar for kind='object', got none: install binutils")
    run(archiver, "rcs", name, *objects)
    return build / name
