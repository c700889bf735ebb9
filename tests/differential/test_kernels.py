"""Every kernel of every shared program: interpreter ≡ Numba ≡ C++ to the bit, however its units are cut."""

from __future__ import annotations

import numpy as np
import pytest
from native import call
from programs import PROGRAMS

import graphc as gc
from graphc.backends.build import build
from graphc.dims import evaluate
from graphc.kernel_ir import interpreter
from graphc.kernel_ir.kernel import Kernel
from graphc.kernel_ir.printer import print_kernel
from graphc.kernel_ir.verifier import verify

SIZES = {"n": 19, "batch": 21}


def arrays_for(kernel: Kernel, rng: np.random.Generator) -> dict[str, np.ndarray]:
    arrays = {}
    for buffer in kernel.buffers:
        shape = tuple(evaluate(s, SIZES) for s in buffer.shape)
        if buffer.dtype.is_float:
            arrays[buffer.name] = rng.normal(size=shape).astype(buffer.dtype.numpy)
        else:
            arrays[buffer.name] = rng.integers(0, 2, shape).astype(buffer.dtype.numpy)
    return arrays


@pytest.mark.parametrize("optimize", [True, False], ids=["fused", "unfused"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_same_bits(name, optimize):
    case = PROGRAMS[name]()
    step = gc.compile(case.inputs, case.outputs, case.updates, optimize=optimize)
    kernels = step.compilation.schedule.kernels
    codes = {backend: build(kernels, backend) for backend in ("numba", "cpp")}
    for kernel in kernels:
        verify(kernel)
        before = arrays_for(kernel, np.random.default_rng(3))
        want = {name: array.copy() for name, array in before.items()}
        code = interpreter.run(kernel, want, SIZES)
        units = sum(interpreter.unit_counts(kernel, SIZES))
        for backend, native in codes.items():
            for slices in (None, [(u, u + 1) for u in reversed(range(units))]):
                got = {name: array.copy() for name, array in before.items()}
                assert call(kernel, native.addresses, got, SIZES, slices) == code
                for buffer in kernel.buffers:
                    if buffer.access != "read":
                        same = np.array_equal(_bits(got[buffer.name]), _bits(want[buffer.name]))
                        assert same, f"{backend} differs in {buffer.name}:\n{print_kernel(kernel)}"


def _bits(array: np.ndarray) -> np.ndarray:
    """Bit patterns; all NaNs are one, since no standard fixes their payload."""
    if array.dtype.kind != "f":
        return array
    clean = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return clean.view(f"u{array.dtype.itemsize}")
