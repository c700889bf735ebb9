"""Hand-written kernels of every shape: interpreter ≡ Numba ≡ C++, to the bit, for any cut of the units.

They stand apart from the programs of tests/differential so that a renderer's mistake shows in a few lines of
kernel IR.
"""

from __future__ import annotations

import numpy as np
import pytest
from backends.running import check

from graphc import dtypes
from graphc.dims import dim, maximum, minimum
from graphc.dtypes import bool_, float32, float64, int32, int64
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.kernel import Accumulator, Buffer, Check, Kernel, Let, Local, Loop, Nest, Store, Update

N, M = dim("n"), dim("m")
AT, J, R = k.index("i"), k.index("j"), k.index("r")
TAILS = (0, 1, 3, 15, 16, 17, 33, 100)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def load(name: str, *indices: k.Expr, dtype: dtypes.DType = float32) -> k.Expr:
    return k.load(name, indices, dtype)


def zero(dtype: dtypes.DType = float32) -> k.Expr:
    return k.const(0, dtype)


@pytest.mark.parametrize("n", TAILS)
@pytest.mark.parametrize("lanes", [0, 16, 32])
def test_elementwise_with_scalar(n: int, lanes: int) -> None:
    body = (
        Let("a", load("x", AT) * load("s")),
        Store("y", (AT,), k.fma(k.var("a", float32), load("x", AT), load("z", AT))),
        Store("q", (AT,), k.sqrt(k.abs(k.var("a", float32)))),
    )
    kernel = Kernel(
        "scaled",
        (
            Buffer("x", float32, (N,), "read"),
            Buffer("s", float32, (), "read"),
            Buffer("z", float32, (N,), "read"),
            Buffer("y", float32, (N,), "write"),
            Buffer("q", float32, (N,), "write"),
        ),
        (Nest(Loop("i", N, body, lanes), grain=32),),
    )
    arrays = {
        "x": normal(n),
        "s": np.array(1.7, np.float32),
        "z": normal(n, seed=1),
        "y": np.zeros(n, np.float32),
        "q": np.zeros(n, np.float32),
    }
    check(kernel, arrays, {"n": n})


@pytest.mark.parametrize("n", TAILS)
def test_in_place(n: int) -> None:
    body = (
        Let("v", load("m", AT) * 0.9 + load("g", AT)),
        Store("m", (AT,), k.var("v", float32)),
        Store("w", (AT,), load("w", AT) - k.var("v", float32) * 0.1),
        Store("w", (AT,), load("w", AT) + load("m", AT)),  # reads what was just stored
    )
    kernel = Kernel(
        "momentum",
        (
            Buffer("g", float32, (N,), "read"),
            Buffer("m", float32, (N,), "readwrite"),
            Buffer("w", float32, (N,), "readwrite"),
        ),
        (Nest(Loop("i", N, body, 16), grain=16),),
    )
    check(kernel, {"g": normal(n), "m": normal(n, seed=1), "w": normal(n, seed=2)}, {"n": n})


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (3, 17), (17, 16), (5, 33)])
def test_broadcast_rows_and_columns(shape: tuple[int, int]) -> None:
    n, m = shape
    body = (Loop("j", M, (Store("y", (AT, J), load("x", AT, J) * load("r", J) + load("c", AT)),), 16),)
    kernel = Kernel(
        "affine",
        (
            Buffer("x", float32, (N, M), "read"),
            Buffer("r", float32, (M,), "read"),
            Buffer("c", float32, (N,), "read"),
            Buffer("y", float32, (N, M), "write"),
        ),
        (Nest(Loop("i", N, body), grain=2),),
    )
    arrays = {"x": normal(n, m), "r": normal(m), "c": normal(n), "y": np.zeros((n, m), np.float32)}
    check(kernel, arrays, {"n": n, "m": m})


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (3, 17), (7, 16), (5, 100)])
def test_rows_in_three_stages(shape: tuple[int, int]) -> None:
    n, m = shape
    peak, total = k.var("peak", float32), k.var("total", float32)
    shifted = load("x", AT, J) - peak
    body = (
        Accumulator("peak", float32, "max", k.const(-np.inf, float32)),
        Loop("j", M, (Update("peak", load("x", AT, J)),), 16),
        Accumulator("total", float32, "add", zero()),
        Loop(
            "j",
            M,
            (
                Let("e", k.fma(shifted, shifted, k.const(1.0, float32))),
                Store("t", (J,), k.var("e", float32)),
                Update("total", k.var("e", float32)),
            ),
            16,
        ),
        Let("scale", k.const(1.0, float32) / total),
        Loop("j", M, (Store("y", (AT, J), load("t", J) * k.var("scale", float32)),), 16),
        Store("sums", (AT,), total),
    )
    kernel = Kernel(
        "rows",
        (
            Buffer("x", float32, (N, M), "read"),
            Buffer("y", float32, (N, M), "write"),
            Buffer("sums", float32, (N,), "write"),
        ),
        (Nest(Loop("i", N, body), locals=(Local("u", bool_, (3,)), Local("t", float32, (M,)))),),
    )
    arrays = {"x": normal(n, m), "y": np.zeros((n, m), np.float32), "sums": np.zeros(n, np.float32)}
    check(kernel, arrays, {"n": n, "m": m})


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (3, 17), (9, 16), (33, 70)])
@pytest.mark.parametrize("lanes", [16, 64])
def test_columns(shape: tuple[int, int], lanes: int) -> None:
    """A vector loop over columns around a serial loop over rows, with accumulators and a let per lane."""
    n, m = shape
    body = (
        Let("b", load("bias", J) * 2.0),
        Accumulator("sum", float32, "add", zero()),
        Accumulator("low", float32, "min", k.const(np.inf, float32)),
        Loop(
            "i",
            N,
            (
                Let("v", load("x", AT, J) + k.var("b", float32)),
                Update("sum", k.var("v", float32), load("w", AT)),
                Update("low", k.var("v", float32)),
            ),
        ),
        Let("s", k.var("sum", float32)),
        Store("y", (J,), k.var("s", float32) + k.var("b", float32)),
        Store("z", (J,), k.var("low", float32) * k.var("s", float32)),
    )
    kernel = Kernel(
        "columns",
        (
            Buffer("x", float32, (N, M), "read"),
            Buffer("w", float32, (N,), "read"),
            Buffer("bias", float32, (M,), "read"),
            Buffer("y", float32, (M,), "write"),
            Buffer("z", float32, (M,), "write"),
        ),
        (Nest(Loop("j", M, body, lanes), grain=lanes),),
    )
    arrays = {"x": normal(n, m), "w": normal(n), "bias": normal(m)}
    check(kernel, arrays | {"y": np.zeros(m, np.float32), "z": np.zeros(m, np.float32)}, {"n": n, "m": m})


@pytest.mark.parametrize("n", [*TAILS, 1000])
@pytest.mark.parametrize("dtype", [float32, float64, int32, int64])
def test_reduce_everything(n: int, dtype: dtypes.DType) -> None:
    """Partials per unit, two accumulators, a finish phase, and a second nest of another extent."""
    x = load("x", AT, dtype=dtype)
    kernel = Kernel(
        "total",
        (
            Buffer("x", dtype, (N,), "read"),
            Buffer("y", dtype, (), "write"),
            Buffer("peak", dtype, (), "write"),
            Buffer("z", dtype, (2 * N + 1,), "write"),
        ),
        (
            Nest(
                Loop("i", N, (Update("sum", x, x) if dtype.is_float else Update("sum", x * x), Update("top", x)), 16),
                grain=64,
                accumulators=(
                    Accumulator("sum", dtype, "add", zero(dtype)),
                    Accumulator("top", dtype, "max", k.const(-7, dtype)),
                ),
                finish=(
                    Let("mean", k.var("sum", dtype) + k.cast(k.size(N), dtype)),
                    Store("y", (), k.var("mean", dtype)),
                    Store("peak", (), k.var("top", dtype)),
                ),
            ),
            Nest(Loop("i", 2 * N + 1, (Store("z", (AT,), k.cast(AT, dtype)),), 16), grain=8),
        ),
    )
    arrays = {
        "x": (normal(n) * 10).astype(dtype.numpy),
        "y": np.zeros((), dtype.numpy),
        "peak": np.zeros((), dtype.numpy),
        "z": np.zeros(2 * n + 1, dtype.numpy),
    }
    check(kernel, arrays, {"n": n}, (1, 2, 5))


def test_serial_accumulators_across_units() -> None:
    """A scalar parallel loop with an inner scalar loop; products, minima and logic."""
    x = load("x", AT, J)
    kernel = Kernel(
        "logic",
        (
            Buffer("x", float32, (N, M), "read"),
            Buffer("p", float32, (), "write"),
            Buffer("l", float32, (), "write"),
            Buffer("a", bool_, (), "write"),
            Buffer("o", bool_, (), "write"),
        ),
        (
            Nest(
                Loop(
                    "i",
                    N,
                    (
                        Loop(
                            "j",
                            M,
                            (
                                Update("p", x),
                                Update("l", x),
                                Update("a", k.lt(x, 10.0)),
                                Update("o", k.lt(x, -10.0)),
                            ),
                        ),
                    ),
                ),
                grain=3,
                accumulators=(
                    Accumulator("p", float32, "mul", k.const(1, float32)),
                    Accumulator("l", float32, "min", k.const(np.inf, float32)),
                    Accumulator("a", bool_, "and", k.const(True, bool_)),
                    Accumulator("o", bool_, "or", k.const(False, bool_)),
                ),
                finish=tuple(
                    Store(name, (), k.var(name, bool_ if name in "ao" else float32)) for name in ("p", "l", "a", "o")
                ),
            ),
        ),
    )
    arrays = {"x": normal(7, 5)} | {n: np.zeros((), np.bool_ if n in "ao" else np.float32) for n in "plao"}
    outcome = check(kernel, arrays, {"n": 7, "m": 5})
    assert outcome.arrays["a"] and not outcome.arrays["o"]


@pytest.mark.parametrize("n", TAILS)
def test_bool_lanes(n: int) -> None:
    """Vector reductions of bools, NaN in comparisons, bools in memory."""
    x = load("x", AT)
    kernel = Kernel(
        "flags",
        (
            Buffer("x", float32, (N,), "read"),
            Buffer("f", bool_, (N,), "readwrite"),
            Buffer("c", int32, (), "write"),
            Buffer("all", bool_, (), "write"),
        ),
        (
            Nest(
                Loop(
                    "i",
                    N,
                    (
                        Let("g", k.and_(load("f", AT, dtype=bool_), k.not_(k.lt(x, zero())))),
                        Store("f", (AT,), k.xor(k.var("g", bool_), k.ne(x, x))),
                        Update("count", k.cast(k.var("g", bool_), int32)),
                        Update("every", k.or_(k.var("g", bool_), k.le(x, 5.0))),
                    ),
                    16,
                ),
                grain=48,
                accumulators=(
                    Accumulator("count", int32, "add", zero(int32)),
                    Accumulator("every", bool_, "and", k.const(True, bool_)),
                ),
                finish=(
                    Store("c", (), k.var("count", int32)),
                    Store("all", (), k.var("every", bool_)),
                ),
            ),
        ),
    )
    x_array = normal(n)
    x_array[::5] = np.nan
    flags = np.random.default_rng(3).random(n) < 0.7
    check(kernel, {"x": x_array, "f": flags, "c": np.zeros((), np.int32), "all": np.zeros((), np.bool_)}, {"n": n})


@pytest.mark.parametrize("n", [1, 15, 16, 40])
def test_strides_flips_and_gathers(n: int) -> None:
    index = load("index", AT, dtype=int64)
    kernel = Kernel(
        "views",
        (
            Buffer("x", float32, (3 * N + 1,), "read"),
            Buffer("w", float32, (N, M), "read"),
            Buffer("index", int64, (N,), "read"),
            Buffer("y", float32, (5, N), "write"),
            Buffer("t", float32, (2 * N,), "write"),
        ),
        (
            Nest(
                Loop(
                    "i",
                    N,
                    (
                        Let("back", k.size(N) - AT - 1),
                        Let("picked", index),
                        Store("y", (k.int_const(0), AT), load("x", AT * 3 + 1)),
                        Store("y", (k.int_const(1), AT), load("x", k.var("back", int64))),
                        Store("y", (k.int_const(2), AT), load("x", k.var("picked", int64) * 2)),
                        Store("y", (k.int_const(3), AT), load("w", AT, k.int_const(2))),
                        Store(
                            "y", (k.int_const(4), k.var("back", int64)), load("x", k.quot(AT, 2)) + k.cast(AT, float32)
                        ),
                        Store("t", (k.size(2 * N) - AT * 2 - 1,), load("x", AT)),
                    ),
                    16,
                ),
                grain=16,
            ),
        ),
    )
    rng = np.random.default_rng(1)
    arrays = {
        "x": normal(3 * n + 1),
        "w": normal(n, 4),
        "index": rng.integers(0, n, n),
        "y": np.zeros((5, n), np.float32),
        "t": np.zeros(2 * n, np.float32),
    }
    check(kernel, arrays, {"n": n, "m": 4})


@pytest.mark.parametrize("n", [0, 1, 15, 16, 40])
@pytest.mark.parametrize("lanes", [0, 16])
def test_masked_loads(n: int, lanes: int) -> None:
    """Indices that are out of bounds where the condition is false: padding, flips, gathers, one element for all."""
    inside = k.and_(k.le(k.int_const(2), AT), k.lt(AT, k.size(N + 2)))
    some = load("f", dtype=bool_)
    index = k.quot(AT * 7, 3)
    rows = (
        k.load_if(inside, "x", (AT - 2,), float32),
        k.load_if(inside, "x", (k.size(N) + 1 - AT,), float32),
        k.load_if(k.lt(index, k.size(N)), "x", (index,), float32),
        k.load_if(k.lt(AT, 3), "s", (), float32),
        k.load_if(some, "x", (AT - 5,), float32),
        k.load_if(k.ne(k.size(N), 0), "x", (k.int_const(0),), float32),
        k.cast(k.load_if(inside, "b", (AT - 2,), bool_), float32) + k.load_if(some, "s", (), float32),
    )
    kernel = Kernel(
        "masked",
        (
            Buffer("x", float32, (N,), "read"),
            Buffer("b", bool_, (N,), "read"),
            Buffer("s", float32, (), "read"),
            Buffer("f", bool_, (), "read"),
            Buffer("y", float32, (len(rows), N + 5), "write"),
        ),
        (
            Nest(
                Loop("i", N + 5, tuple(Store("y", (k.int_const(r), AT), v) for r, v in enumerate(rows)), lanes),
                grain=16,
            ),
        ),
    )
    arrays = {
        "x": normal(n),
        "b": np.arange(n) % 3 == 0,
        "s": np.array(3.5, np.float32),
        "f": np.array(False),
        "y": np.full((len(rows), n + 5), 9, np.float32),
    }
    check(kernel, arrays, {"n": n})


@pytest.mark.parametrize("n", [0, 1, 7, 40])
def test_scatter_add_and_checks(n: int) -> None:
    """Rows chosen by labels: repeated targets add up in order; a bad label is a code, not a crash."""
    label = k.var("label", int64)
    good = k.and_(k.le(k.int_const(0), label), k.lt(label, k.size(M)))
    kernel = Kernel(
        "scatter",
        (
            Buffer("labels", int64, (N,), "read"),
            Buffer("g", float32, (N, 20), "read"),
            Buffer("y", float32, (M, 20), "readwrite"),
        ),
        (
            Nest(
                Loop(
                    "one",
                    1,
                    (
                        Loop(
                            "i",
                            N,
                            (
                                Let("label", load("labels", AT, dtype=int64)),
                                Check(good, 3),
                                Let("row", k.select(good, label, k.int_const(0))),
                                Loop("j", 20, (Store("y", (k.var("row", int64), J), load("g", AT, J), add=True),), 16),
                            ),
                        ),
                    ),
                )
            ),
        ),
    )
    labels = np.random.default_rng(2).integers(0, 4, n)
    arrays = {"labels": labels, "g": normal(n, 20), "y": normal(4, 20, seed=1)}
    assert check(kernel, arrays, {"n": n, "m": 4}).code == 0
    if n:
        labels[n // 2] = 4
        assert check(kernel, arrays, {"n": n, "m": 4}).code == 3


@pytest.mark.parametrize("n", [1, 16, 35])
def test_checks_in_lanes(n: int) -> None:
    """Lanes beyond the extent don't count; the largest code wins."""
    x = load("x", AT, dtype=int64)
    body = (Check(k.lt(x, k.int_const(100)), 2), Check(k.ne(x, k.int_const(0)), 1), Store("y", (AT,), x + 1))
    kernel = Kernel(
        "checked",
        (Buffer("x", int64, (N,), "read"), Buffer("y", int64, (N,), "write")),
        (Nest(Loop("i", N, body, 16), grain=16),),
    )
    for value, code in ((5, 0), (0, 1), (100, 2)):
        x_array = np.full(n, 7)
        x_array[-1] = value
        arrays = {"x": x_array, "y": np.zeros(n, np.int64)}
        assert check(kernel, arrays, {"n": n}).code == code


@pytest.mark.parametrize("dtype", dtypes.INTEGER, ids=str)
def test_integers(dtype: dtypes.DType) -> None:
    """Wrapping arithmetic, division, shifts and comparisons of every integer type, in lanes and alone."""
    a, b = load("a", AT, dtype=dtype), load("b", AT, dtype=dtype)
    one = k.const(1, dtype)
    divisor = k.select(k.or_(k.eq(b, zero(dtype)), k.eq(b, zero(dtype) - one)), one, b)
    count = k.and_(b, k.const(8 * dtype.itemsize - 1, dtype))
    results = [
        a + b, a - b, a * b, -a, k.quot(a, divisor), k.rem(a, divisor), k.abs(a), k.min(a, b), k.max(a, b),
        k.shl(a, count), k.shr(a, count), k.and_(a, b), k.or_(a, b), k.xor(a, b), k.not_(a),
        k.select(k.lt(a, b), a, b), k.cast(k.le(a, b), dtype),
        k.cast(k.cast(a, float32), dtype) if dtype.itemsize < 4 else a,
    ]  # fmt: skip
    for lanes in (0, 16):
        body = tuple(Store("y", (k.int_const(r), AT), value) for r, value in enumerate(results))
        kernel = Kernel(
            "integers",
            (
                Buffer("a", dtype, (N,), "read"),
                Buffer("b", dtype, (N,), "read"),
                Buffer("y", dtype, (len(results), N), "write"),
            ),
            (Nest(Loop("i", N, body, lanes), grain=16),),
        )
        rng, limits = np.random.default_rng(4), np.iinfo(dtype.numpy)
        a_array, b_array = rng.integers(limits.min, limits.max, (2, 37), dtype.numpy, endpoint=True)
        b_array[:9] = [0, 1, 2, 3, 5, limits.max, limits.min, limits.max, 0]
        a_array[:9] = [limits.min, limits.max, limits.min, 0, 1, limits.min, limits.min, limits.max, 0]
        arrays = {"a": a_array, "b": b_array, "y": np.zeros((len(results), 37), dtype.numpy)}
        with np.errstate(all="ignore"):
            check(kernel, arrays, {"n": 37})


@pytest.mark.parametrize("source", dtypes.ALL, ids=str)
def test_casts(source: dtypes.DType) -> None:
    x = load("x", AT, dtype=source)
    targets = [d for d in dtypes.ALL if not (source.is_float and d.kind == "uint")]
    body = tuple(Store(f"to_{d.name}", (AT,), k.cast(x, d)) for d in targets)
    kernel = Kernel(
        "casts",
        (
            Buffer("x", source, (N,), "read"),
            *(Buffer(f"to_{d.name}", d, (N,), "write") for d in targets),
        ),
        (Nest(Loop("i", N, body, 16)),),
    )
    n = 35
    if source.kind == "bool":
        values = np.arange(n) % 3 == 0
    elif source.is_float:
        values = (normal(n) * 40).astype(source.numpy)
    else:
        limits = np.iinfo(source.numpy)
        values = np.random.default_rng(0).integers(limits.min, limits.max, n, source.numpy, endpoint=True)
    arrays = {"x": values} | {f"to_{d.name}": np.zeros(n, d.numpy) for d in targets}
    check(kernel, arrays, {"n": n}, (1,))


@pytest.mark.parametrize("length", [1, 10, 16, 17, 32, 35])
def test_constant_extents(length: int) -> None:
    """Loops whose whole vectors or rest are known not to be there."""
    x = load("x", AT, J)
    body = (
        Accumulator("top", float32, "max", k.const(-np.inf, float32)),
        Loop("j", length, (Update("top", x),), 16),
        Accumulator("sum", float32, "add", zero()),
        Loop("j", length, (Let("d", x - k.var("top", float32)), Update("sum", k.var("d", float32), x)), 16),
        Loop("j", length, (Store("y", (AT, J), x * k.var("sum", float32)),), 16),
    )
    kernel = Kernel(
        "fixed",
        (Buffer("x", float32, (N, length), "read"), Buffer("y", float32, (N, length), "write")),
        (Nest(Loop("i", N, body)),),
    )
    check(kernel, {"x": normal(3, length), "y": np.zeros((3, length), np.float32)}, {"n": 3})


def test_sizes_with_arithmetic() -> None:
    """Floor divisions, minima and maxima of symbolic sizes as extents."""
    extent = minimum(maximum((3 * N + 1) // 2, M), N + M) + (M - 5) // 3 + 2
    kernel = Kernel(
        "sizes",
        (Buffer("y", int64, (N * M + 100,), "readwrite"), Buffer("e", int64, (), "write")),
        (
            Nest(Loop("i", extent, (Store("y", (AT,), AT),), 16), grain=4),
            Nest(Loop("i", 1, (Store("e", (), k.size(extent)),))),
        ),
    )
    for n, m in ((0, 0), (1, 0), (10, 2), (3, 40)):
        arrays = {"y": np.zeros(n * m + 100, np.int64), "e": np.zeros((), np.int64)}
        check(kernel, arrays, {"n": n, "m": m})


def test_loads_of_empty_buffers_stay_behind_their_loop() -> None:
    """What is invariant in a loop that never runs must not be read before it: the buffer may have no memory."""
    body = (Loop("j", M, (Store("y", (AT, J), load("w", k.int_const(0)) + load("x", AT, k.int_const(0))),), 16),)
    kernel = Kernel(
        "empty",
        (
            Buffer("x", float32, (N, M), "read"),
            Buffer("w", float32, (M,), "read"),
            Buffer("y", float32, (N, M), "write"),
        ),
        (Nest(Loop("i", N, body)),),
    )
    for n, m in ((3, 0), (0, 3), (2, 20)):
        arrays = {"x": normal(n, m), "w": normal(m), "y": np.zeros((n, m), np.float32)}
        check(kernel, arrays, {"n": n, "m": m})


def test_a_chain_of_ten_thousand_operations() -> None:
    value = load("x", AT)
    for step in range(10_000):
        value = value * 0.5 if step % 2 else value + 1.0
    kernel = Kernel(
        "chain",
        (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (N,), "write")),
        (Nest(Loop("i", N, (Store("y", (AT,), value),), 0)),),
    )
    from graphc.backends.cpp.renderer import CppRenderer
    from graphc.backends.numba_cpu.renderer import render_module

    assert "fadd" in render_module([kernel])
    assert "0.5f" in CppRenderer(kernel).render()


def test_names_that_mean_something_to_a_target() -> None:
    """Names of buffers, lets and loops that are keywords, arguments or numbered like temporaries."""
    names = ("float", "status", "lane", "v_0", "x_1", "end")
    index = k.index("int")
    value = sum((load(name, index) for name in names[1:]), load(names[0], index))
    body = (Let("x", value), Let("for", k.var("x", float32) * 2.0), Store("y", (index,), k.var("for", float32)))
    kernel = Kernel(
        "names",
        (*(Buffer(name, float32, (N,), "read") for name in names), Buffer("y", float32, (N,), "write")),
        (Nest(Loop("int", N, body, 16)), Nest(Loop("int", N, body[:2]))),
    )
    arrays = {name: normal(20, seed=i) for i, name in enumerate(names)}
    check(kernel, arrays | {"y": np.zeros(20, np.float32)}, {"n": 20})
