"""The CUDA C++ of every kernel of every shared program, executed: the interpreter's bits, whatever the grid."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from emulated import ORDERS, Emulation, run
from programs import PROGRAMS
from standard import program_kernels, standard_kernels

from graphc.dims import evaluate
from graphc.kernel_ir import interpreter
from graphc.kernel_ir.kernel import Kernel
from graphc.kernel_ir.printer import print_kernel
from graphc.schedule.tuning import CPU, CUDA

KINDS = {"fused": (True, CUDA), "unfused": (False, CUDA), "lanes of the CPU": (True, CPU)}
EVERYTHING = 1 << 30
LAUNCHES = ((EVERYTHING, 0), (1, 1), (2, 0))  # the most blocks of a nest, how far operands lie off alignment
STANDARD = ("softmax", "softmax_free", "layer_norm", "cross_entropy", "elementwise", "total", "adam")


def arrays_for(kernel: Kernel, sizes: Mapping[str, int], seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    arrays = {}
    for buffer in kernel.buffers:
        shape = tuple(evaluate(s, sizes) for s in buffer.shape)
        drawn = rng.normal(size=shape) if buffer.dtype.is_float else rng.integers(0, 2, shape)
        arrays[buffer.name] = np.asarray(drawn).astype(buffer.dtype.numpy)
    return arrays


def bits(array: np.ndarray) -> np.ndarray:
    """Bit patterns; all NaNs are one, since no standard fixes their payload."""
    if array.dtype.kind != "f":
        return array
    clean = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return clean.view(f"u{array.dtype.itemsize}")


def check(
    emulation: Emulation, kernel: Kernel, sizes: Mapping[str, int], arrays: Mapping[str, np.ndarray] | None = None
) -> None:
    """Interpreter ≡ emulation, in every order of the threads, for several grids, with and without packs."""
    before = arrays_for(kernel, sizes) if arrays is None else arrays
    want = {name: array.copy() for name, array in before.items()}
    code = interpreter.run(kernel, want, sizes)
    for order, (most, skew) in zip(ORDERS, LAUNCHES, strict=True):
        got, status = run(emulation, kernel, before, sizes, most, order, skew)
        assert status == code, print_kernel(kernel)
        for buffer in kernel.buffers:
            same = np.array_equal(bits(got[buffer.name]), bits(want[buffer.name]))
            assert same, f"{buffer.name} differs (order {order}, blocks {most}):\n{print_kernel(kernel)}"


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
