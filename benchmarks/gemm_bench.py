"""Our own GEMM beside OpenBLAS, one thread, in one interleaved run. Arguments: avx512, avx2 or portable; rounds.

It stands apart from run.py, whose rows are whole programs: here only the two products run, in a C++ process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import scipy_openblas32

ROOT = Path(__file__).parent.parent
KERNELS = ROOT / "kernels"


def build(folder: Path) -> Path:
    """gemm_bench.cpp with the kernels, as the runtime is compiled. Raises `CalledProcessError` without g++."""
    target = folder / "gemm_bench"
    sources = [Path(__file__).with_suffix(".cpp"), *sorted((KERNELS / "cpu" / "gemm").glob("*.cpp"))]
    flags = ["-std=c++17", "-O2", "-ftree-vectorize", "-ffp-contract=off", f"-I{KERNELS}"]
    subprocess.run(["g++", *flags, *map(str, sources), "-ldl", "-o", str(target)], check=True)
    return target


def main() -> None:
    library = next(Path(scipy_openblas32.get_lib_dir()).glob("libscipy_openblas*"))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        command = [str(build(Path(folder))), str(library), *sys.argv[1:]]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    print("| product m×n×k | graphc, µs | OpenBLAS, µs | OpenBLAS / graphc |")
    print("| --- | ---: | ---: | ---: |")
    for line in lines:
        dtype, product, ours, theirs, ratio = line.split()
        print(f"| {dtype} {product.replace('x', '×').replace(',', ', ')} | {ours} | {theirs} | {ratio} |")


if __name__ == "__main__":
    main()
