"""kernels/cpu/gemm against NumPy: every instruction set of this CPU, every way of a product, and its promises on bits.

Built with g++ on its own, without the runtime. Bounds and sanitizers are gemm_bounds.cpp's.
"""

from __future__ import annotations

import ctypes
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "kernels" / "cpu" / "gemm").glob("*.cpp"))
FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", f"-I{ROOT / 'kernels'}"]
ISAS = {"portable": 0, "avx2": 1, "avx512": 2}
DTYPES = (np.float32, np.float64)
TRANSPOSES = tuple(itertools.product((False, True), repeat=2))
EXTENTS = (0, 1, 3, 17, 70)

_EPILOGUE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Extents(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("m", "n", "k", "lda", "ldb", "ldc")),
        ("transpose_a", ctypes.c_int32),
        ("transpose_b", ctypes.c_int32),
    ]


class Epilogue(ctypes.Structure):
    _fields_ = [("run", _EPILOGUE), ("context", ctypes.c_void_p), ("grain", ctypes.c_int64)]


def build(target: Path, sources: list[Path], flags: list[str]) -> None:
    """Compiles the kernels one by one beside `sources` and links them."""
    objects = [target.with_name(f"{target.name}-{i}.o") for i in range(len(SOURCES) + len(sources))]
    running = [
        subprocess.Popen(["g++", *FLAGS, *flags, "-c", str(source), "-o", str(made)])
        for source, made in zip([*SOURCES, *sources], objects, strict=True)
    ]
    assert [process.wait() for process in running] == [0] * len(running)
    subprocess.run(["g++", *flags, *map(str, objects), "-o", str(target)], check=True)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    target = tmp_path_factory.mktemp("gemm") / "gemm.so"
    build(target, [Path(__file__).with_name("gemm_entry.cpp")], ["-O2", "-fPIC", "-shared"])
    return ctypes.CDLL(str(target))


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest, library: ctypes.CDLL) -> str:
    x, part = Extents(), (ctypes.c_int64 * 4)()
    if library.gemm_float32(ISAS[request.param], ctypes.byref(x), ctypes.c_float(1), None, None, None, part, None):
        pytest.skip(f"this CPU has no {request.param}")
    return request.param


def padded(array: np.ndarray, gap: int) -> np.ndarray:
    """The same values with rows `gap` elements further apart; NaN between them."""
    whole = np.full((array.shape[0], array.shape[1] + gap), np.nan, array.dtype)
    whole[:, : array.shape[1]] = array
    return whole[:, : array.shape[1]]


def random_operands(dtype, m, n, k, transpose_a, transpose_b, gap=0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng([m, n, k])
    a = random.standard_normal((k, m) if transpose_a else (m, k)).astype(dtype)
    b = random.standard_normal((n, k) if transpose_b else (k, n)).astype(dtype)
    return padded(a, gap), padded(b, gap)


def multiply(
    library: ctypes.CDLL,
    isa: str,
    a: np.ndarray,
    b: np.ndarray,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    gap: int = 0,
    parts: list[tuple[int, int, int, int]] | None = None,
    epilogue: Callable[[np.ndarray, int, int], None] | None = None,
    grain: int = 1,
) -> np.ndarray:
    """alpha * op(a) @ op(b) into a c with `gap` elements after each row, which must stay as they are."""
    (k, m) = a.shape if transpose_a else a.shape[::-1]
    n = b.shape[0] if transpose_b else b.shape[1]
    whole = np.full((m, n + gap), 7, a.dtype)
    c = whole[:, :n]
    c[:] = np.nan  # it is written, never read
    lda, ldb, ldc = (x.strides[0] // x.itemsize for x in (a, b, whole))
    x = Extents(m, n, k, max(lda, a.shape[1]), max(ldb, b.shape[1]), max(ldc, n), transpose_a, transpose_b)
    hook = None
    if epilogue is not None:
        hook = Epilogue(_EPILOGUE(lambda _, begin, end: epilogue(c, begin, end)), None, grain)
    scalar = ctypes.c_float if a.dtype == np.float32 else ctypes.c_double
    for part in parts if parts is not None else [(0, m, 0, n)]:
        failed = library[f"gemm_{a.dtype}"](
            ISAS[isa],
            ctypes.byref(x),
            scalar(alpha),
            *(ctypes.c_void_p(array.ctypes.data) for array in (a, b, c)),
            (ctypes.c_int64 * 4)(*part),
            ctypes.byref(hook) if hook else None,
        )
        assert failed == 0
    assert (whole[:, n:] == 7).all()
    return c


def assert_close(actual: np.ndarray, a: np.ndarray, b: np.ndarray, alpha: float = 1.0) -> None:
    """Within the bound of a sum in order: k roundings of the sum of the products' magnitudes."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    epsilon = np.finfo(actual.dtype).eps
    bound = abs(alpha) * (np.abs(wide_a) @ np.abs(wide_b)) * epsilon * (a.shape[1] + 2) ** 0.5 * 2 + 1e-300
    assert actual.shape == bound.shape
    assert (np.abs(actual - alpha * (wide_a @ wide_b)) <= bound).all()


def check(library, isa, dtype, m, n, k, transpose_a, transpose_b, **options) -> None:
    a, b = random_operands(dtype, m, n, k, transpose_a, transpose_b, options.get("gap", 0))
    actual = multiply(library, isa, a, b, transpose_a, transpose_b, **options)
    assert_close(actual, a.T if transpose_a else a, b.T if transpose_b else b, options.get("alpha", 1.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_small_shapes(library, isa, dtype, transposes) -> None:
    for m, n, k in itertools.product(EXTENTS, repeat=3):
        check(library, isa, dtype, m, n, k, *transposes, gap=(m + n + k) % 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transposes", TRANSPOSES)
@pytest.mark.parametrize("shape", [(182, 78, 353), (500, 130, 600), (33, 200, 257), (1, 300, 5000), (300, 1, 5000)])
def test_blocked_shapes(library, isa, dtype, transposes, shape) -> None:
    check(library, isa, dtype, *shape, *transposes, alpha=-0.75, gap=5)


def test_every_tile(library, isa) -> None:
    """Each height and each width of the register tiles, with a packed and with a strided."""
    for m in range(2, 32):
        for n in (*range(2, 36), 100, 133):
            check(library, isa, np.float32, m, n, 9, False, False)


def test_irregular(library, isa) -> None:
    check(library, isa, np.float32, 1823, 781, 97, False, False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(130, 170, 300), (90, 20, 40), (1, 300, 600), (300, 1, 600), (40, 200, 3)])
@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_bits_do_not_depend_on_the_cut(library, isa, dtype, shape, transposes) -> None:
    m, n, _ = shape
    a, b = random_operands(dtype, *shape, *transposes)
    whole = multiply(library, isa, a, b, *transposes)
    for rows, columns in ((m, 7), (1, n), (64, 48), (33, 65)):
        parts = [(i, min(m, i + rows), j, min(n, j + columns)) for i in range(0, m, rows) for j in range(0, n, columns)]
        assert multiply(library, isa, a, b, *transposes, parts=parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_strides_and_transposes(library, isa, dtype) -> None:
    a, b = random_operands(dtype, 50, 90, 300, False, False)
    plain = multiply(library, isa, a, b)
    for transpose_a, transpose_b in TRANSPOSES:
        stored_a = padded(a.T if transpose_a else a, 3)
        stored_b = padded(b.T if transpose_b else b, 2)
        again = multiply(library, isa, stored_a, stored_b, transpose_a, transpose_b, gap=1)
        assert again.tobytes() == plain.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(50, 90, 300), (1, 90, 999), (90, 1, 999), (3, 3, 3)])
@pytest.mark.parametrize("transposes", TRANSPOSES)
def test_avx2_and_avx512_give_the_same_bits(library, dtype, shape, transposes) -> None:
    a, b = random_operands(dtype, *shape, *transposes)
    try:
        results = [multiply(library, name, a, b, *transposes, alpha=0.3) for name in ("avx2", "avx512")]
    except AssertionError:
        pytest.skip("this CPU lacks one of them")
    assert results[0].tobytes() == results[1].tobytes()


@pytest.mark.parametrize(
    "shape", [(700, 120, 300), (700, 40, 5), (100, 1, 9), (1, 100, 9), (40, 0, 3), (40, 3, 0), (0, 5, 5)]
)
@pytest.mark.parametrize("grain", [1, 16, 48, 4096])
def test_epilogue(library, isa, shape, grain) -> None:
    """It sees every row once, in order, finished, in multiples of its grain."""
    seen: list[tuple[int, int]] = []

    def relu(c: np.ndarray, begin: int, end: int) -> None:
        seen.append((begin, end))
        np.maximum(c[begin:end], 0, out=c[begin:end])

    m = shape[0]
    a, b = random_operands(np.float32, *shape, False, False)
    actual = multiply(library, isa, a, b, epilogue=relu, grain=grain)
    assert actual.tobytes() == np.maximum(multiply(library, isa, a, b), 0).tobytes()
    assert [begin for begin, _ in seen] == [0, *(end for _, end in seen)][: len(seen)]
    assert (seen[-1][1] if seen else 0) == m
    assert all(end % grain == 0 for _, end in seen[:-1])


@pytest.mark.parametrize("shape", [(40, 50, 60), (1, 50, 60), (50, 1, 60)])
def test_what_is_not_finite_spreads_as_in_the_formula(library, isa, shape) -> None:
    m, n, k = shape
    a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
    a[m // 2, 3], b[5, n // 2] = np.nan, np.inf
    actual = multiply(library, isa, a, b)
    np.testing.assert_array_equal(actual, a @ b)


def test_alpha_zero(library, isa) -> None:
    a, b = random_operands(np.float64, 20, 30, 600, False, False)
    assert (multiply(library, isa, a, b, alpha=0.0) == 0).all()


@pytest.mark.parametrize("sanitizers", [[], ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]])
def test_bounds(sanitizers: list[str], tmp_path: Path) -> None:
    target = tmp_path / "gemm_bounds"
    build(target, [Path(__file__).with_name("gemm_bounds.cpp")], ["-O1", *sanitizers])
    result = subprocess.run([str(target)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout == "ok\n"
