"""Matrix products of every shape against NumPy, with and without a BLAS, and their epilogues."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from small_programs import gemm

from graphc.dtypes import float32, float64
from graphc.errors import CompileError
from graphc.runtime.blas import blas_name, load_blas
from graphc.runtime.program import Executable
from graphc.runtime.threads import set_num_threads

EXTENTS = (0, 1, 3, 17)
TOLERANCE = {float32: 2e-5, float64: 1e-13}


def operands(dtype, batch, m, n, k, transpose_a=False, transpose_b=False, broadcast_a=False, broadcast_b=False):
    random = np.random.default_rng([batch, m, n, k])
    a_shape = ((k, m) if transpose_a else (m, k)) if broadcast_a else (batch, *((k, m) if transpose_a else (m, k)))
    b_shape = ((n, k) if transpose_b else (k, n)) if broadcast_b else (batch, *((n, k) if transpose_b else (k, n)))
    a, b = (random.standard_normal(s).astype(dtype.numpy) for s in (a_shape, b_shape))
    product = (np.swapaxes(a, -1, -2) if transpose_a else a) @ (np.swapaxes(b, -1, -2) if transpose_b else b)
    return a, b, np.broadcast_to(product, (batch, m, n))


def check(dtype, batch, m, n, k, addresses=None, alpha=1.0, epilogue=False, **options) -> None:
    a, b, expected = operands(dtype, batch, m, n, k, **options)
    expected = alpha * expected
    program = gemm(dtype, batch, m, n, k, epilogue=epilogue, alpha=alpha, **options)
    executable = Executable(program, addresses or {}, [], structure="single")
    inputs = [a, b]
    if epilogue:
        bias = np.linspace(-1, 1, n, dtype=dtype.numpy) if n else np.zeros(0, dtype.numpy)
        inputs += [bias, np.zeros((n, batch * m, 0), dtype.numpy)]
        expected = np.maximum(expected + bias, 0)
    results = []
    for threads in (1, 2, 3):
        set_num_threads(threads)
        results.append(executable(*inputs))
    scale = max(1.0, float(k) ** 0.5)
    np.testing.assert_allclose(results[0], expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)
    for result in results[1:]:
        assert result.tobytes() == results[0].tobytes()


@pytest.mark.parametrize("dtype", [float32, float64])
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_small_shapes(dtype, transpose_a, transpose_b) -> None:
    for m in EXTENTS:
        for n in EXTENTS:
            for k in EXTENTS:
                check(dtype, 1, m, n, k, transpose_a=transpose_a, transpose_b=transpose_b)


@pytest.mark.parametrize("shape", [(128, 512, 784), (784, 10, 128), (1023, 129, 65), (1, 5000, 300), (5000, 1, 300)])
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_tiled_shapes(shape, transposed, addresses) -> None:
    for epilogue in (False, True):
        check(float32, 1, *shape, addresses, transpose_a=transposed[0], transpose_b=transposed[1], epilogue=epilogue)


@pytest.mark.parametrize("batch", [0, 1, 3, 17])
@pytest.mark.parametrize("matrix", [(3, 5, 7), (16, 16, 16), (1, 3, 4), (8, 1, 4), (130, 140, 150), (4, 6, 0)])
@pytest.mark.parametrize("shared", [(False, False), (True, False), (False, True), (True, True)])
def test_batches(batch, matrix, shared, addresses) -> None:
    for dtype in (float32, float64):
        for epilogue in (False, True):
            check(dtype, batch, *matrix, addresses, broadcast_a=shared[0], broadcast_b=shared[1], epilogue=epilogue)


def test_large_batch_of_small_matrices(addresses) -> None:
    check(float32, 5000, 4, 5, 6, addresses, epilogue=True)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 0.25])
def test_alpha(alpha, addresses) -> None:
    for shape in [(3, 5, 7), (3, 5, 0), (1, 9, 4), (200, 300, 100)]:
        check(float64, 2, *shape, addresses, alpha=alpha, epilogue=True)


def test_without_blas() -> None:
    """The plain loop gives what the BLAS gives: run in a process that finds none."""
    script = (
        "import sys, pathlib; sys.path[:0] = sys.argv[1:]\n"
        "import graphc.runtime.blas as blas; blas.load_default_blas = lambda: None\n"
        "import graphc.runtime.program as p; p.load_default_blas = lambda: None\n"
        "import test_gemm as t; from graphc.dtypes import float32, float64\n"
        "assert p._core.blas_name() is None\n"
        "for dtype in (float32, float64):\n"
        "    for ta in (False, True):\n"
        "        for tb in (False, True):\n"
        "            for s in [(0, 3, 4), (1, 17, 3), (17, 1, 600), (33, 40, 257), (5, 3, 0)]:\n"
        "                t.check(dtype, 2, *s, transpose_a=ta, transpose_b=tb, alpha=-0.5)\n"
    )
    subprocess.run([sys.executable, "-c", script, *sys.path], check=True, timeout=120)


def test_blas_is_named() -> None:
    name = blas_name()
    assert name is None or isinstance(name, str)
    with pytest.raises(CompileError, match="expected a BLAS library, got"):
        load_blas("/nonexistent/libblas.so")
    with pytest.raises(CompileError, match="expected a library with cblas_sgemm, got libm"):
        load_blas("libm.so.6")
