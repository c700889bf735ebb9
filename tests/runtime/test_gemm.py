"""Matrix products of every shape against NumPy, with and without a BLAS, and their epilogues."""

from __future__ import annotations

import numpy as np
import pytest
from small_programs import gemm

from graphc.dtypes import float32, float64
from graphc.errors import CompileError
from graphc.runtime.blas import blas_name, load_blas, load_openblas, use_own_gemm
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


@pytest.fixture
def openblas():
    load_openblas()
    yield
    use_own_gemm()


def test_a_blas_gives_the_same(openblas) -> None:
    """What the own kernel is compared with everywhere else can take its place."""
    assert blas_name() is not None
    for dtype in (float32, float64):
        for transpose_a in (False, True):
            for transpose_b in (False, True):
                for shape in [(0, 3, 4), (1, 17, 3), (17, 1, 600), (33, 40, 257), (5, 3, 0)]:
                    check(dtype, 2, *shape, transpose_a=transpose_a, transpose_b=transpose_b, alpha=-0.5)


def test_blas_is_named() -> None:
    name = blas_name()
    assert name is None or isinstance(name, str)
    with pytest.raises(CompileError, match="expected a BLAS library, got"):
        load_blas("/nonexistent/libblas.so")
    with pytest.raises(CompileError, match="expected a library with cblas_sgemm, got libm"):
        load_blas("libm.so.6")
