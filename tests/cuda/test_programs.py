"""The CUDA C++ of every kernel of every shared program, executed: the interpreter's bits, whatever the grid."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from emulated import Emulation, check
from programs import PROGRAMS
from standard import program_kernels, standard_kernels

from graphc.kernel_ir.kernel import Kernel
from graphc.schedule.tuning import CPU, CUDA

KINDS = {"fused": (True, CUDA), "unfused": (False, CUDA), "lanes of the CPU": (True, CPU)}
STANDARD = ("softmax", "softmax_free", "layer_norm", "cross_entropy", "elementwise", "total", "adam")


@pytest.fixture(scope="module")
def compiled() -> dict[str, tuple[Emulation, dict[str, list[Kernel]]]]:
    kernels = {kind: program_kernels(optimize, tuning) for kind, (optimize, tuning) in KINDS.items()}
    kernels["standard"] = standard_kernels()
    with ThreadPoolExecutor() as pool:  # g++ runs beside Python
        emulations = pool.map(Emulation, ([k for each in kinds.values() for k in each] for kinds in kernels.values()))
        return {kind: (emulation, kernels[kind]) for kind, emulation in zip(kernels, emulations, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_same_bits(compiled, name, kind):
    emulation, kernels = compiled[kind]
    for kernel in kernels[name]:
        check(emulation, kernel, {"n": 19, "batch": 21})


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("size", [0, 1, 223])
def test_empty_single_and_several_units(compiled, name, size):
    emulation, kernels = compiled["fused"]
    for kernel in kernels[name]:
        check(emulation, kernel, {"n": size, "batch": size})


@pytest.mark.parametrize("name", STANDARD)
def test_standard_set(compiled, name):
    emulation, kernels = compiled["standard"]
    for sizes in ({"batch": 3, "n": 2051, "m": 300}, {"batch": 5, "n": 6, "m": 1}):
        for kernel in kernels[name]:
            check(emulation, kernel, sizes)
