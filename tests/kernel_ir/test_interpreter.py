"""The interpreter against the sentences of kernel.py, each computed here by hand, in order."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.dims import dim
from graphc.dtypes import float32, int64
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import int_const
from graphc.kernel_ir.interpreter import finish, partial_buffers, run
from graphc.kernel_ir.kernel import Accumulator, Buffer, Check, Kernel, Let, Local, Loop, Nest, Store, Update

N = dim("n")
I, J = k.index("i"), k.index("j")  # noqa: E741
ZERO = k.const(0.0, float32)


def load(name: str, *indices: k.Expr) -> k.Expr:
    return k.load(name, indices, float32)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def lane_sum(values: np.ndarray, lanes: int) -> np.float32:
    """Lane l takes l, l + lanes, …; then the tree."""
    partial = [np.float32(0)] * lanes
    for position, value in enumerate(values):
        partial[position % lanes] = partial[position % lanes] + value
    while len(partial) > 1:
        half = len(partial) // 2
        partial = [partial[i] + partial[i + half] for i in range(half)]
    return np.float32(0) + partial[0]


def total(grain: int, lanes: int = 0) -> Kernel:
    return Kernel(
        "total",
        (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (), "write")),
        (
            Nest(
                Loop("i", N, (Update("s", load("x", I)),), lanes),
                grain,
                accumulators=(Accumulator("s", float32, "add", k.const(0.5, float32)),),
                finish=(Store("y", (), k.var("s", float32)),),
            ),
        ),
    )


@pytest.mark.parametrize("n", [0, 1, 5, 16, 17, 100])
@pytest.mark.parametrize(("grain", "lanes"), [(1, 0), (7, 0), (32, 4), (1000, 16)])
def test_partials_are_folded_in_unit_order(n: int, grain: int, lanes: int) -> None:
    x, y = normal(n), np.zeros((), np.float32)
    assert run(total(grain, lanes), {"x": x, "y": y}, {"n": n}) == 0
    want = np.float32(0.5)
    for start in range(0, n, grain):
        part = x[start : start + grain]
        want = want + (lane_sum(part, lanes) if lanes else lane_sum(part, 1))
    assert y[()] == want


def test_units_apart_and_finish() -> None:
    x, y = normal(23), np.zeros((), np.float32)
    kernel, sizes, buffers = total(5, 4), {"n": 23}, {"x": x, "y": y}
    partials = partial_buffers(kernel, sizes)
    for unit in (4, 2, 0, 3, 1):
        assert run(kernel, buffers, sizes, (unit, unit + 1), partials) == 0
    assert y[()] == 0
    finish(kernel, buffers, sizes, partials)
    apart = y.copy()
    run(kernel, buffers, sizes)
    assert y[()] == apart


@pytest.mark.parametrize("n", [1, 15, 16, 33])
def test_accumulator_outside_a_vector_loop_is_split_and_one_inside_is_not(n: int) -> None:
    body = (
        Accumulator("s", float32, "add", load("b", I)),
        Loop(
            "j",
            N,
            (
                Accumulator("p", float32, "mul", load("x", I, J)),
                Loop("q", 3, (Update("p", load("x", I, J)),)),
                Update("s", k.var("p", float32), load("x", I, J)),
            ),
            16,
        ),
        Store("y", (I,), k.var("s", float32)),
    )
    kernel = Kernel(
        "powers",
        (
            Buffer("x", float32, (2, N), "read"),
            Buffer("b", float32, (2,), "read"),
            Buffer("y", float32, (2,), "write"),
        ),
        (Nest(Loop("i", 2, body)),),
    )
    x, b, y = normal(2, n), normal(2), np.zeros(2, np.float32)
    run(kernel, {"x": x, "b": b, "y": y}, {"n": n})
    for i in range(2):
        lanes = np.zeros(16, np.float32)
        for j in range(n):
            fourth = ((x[i, j] * x[i, j]) * x[i, j]) * x[i, j]
            exact = np.float64(x[i, j]) * np.float64(fourth)
            lanes[j % 16] = np.float32(exact + np.float64(lanes[j % 16]))  # one rounding: n is small
        while len(lanes) > 1:
            lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
        assert y[i] == b[i] + lanes[0]


def test_several_nests_number_their_units_one_after_the_other() -> None:
    nests = tuple(
        Nest(Loop("i", extent, (Store("y", (I + start,), k.cast(I, float32)),)), grain=2)
        for start, extent in ((0, 3), (3, 4))
    )
    kernel = Kernel("two", (Buffer("y", float32, (7,), "write"),), nests)
    y = np.full(7, -1, np.float32)
    run(kernel, {"y": y}, {}, (1, 3))
    assert y.tolist() == [-1, -1, 2, 0, 1, -1, -1]
    run(kernel, {"y": y}, {})
    assert y.tolist() == [0, 1, 2, 0, 1, 2, 3]


def test_locals_live_in_one_iteration() -> None:
    body = (
        Loop("j", N, (Store("row", (J,), k.exp(load("x", I, J))),), 16),
        Loop("j", N, (Store("y", (I, J), load("row", k.size(N) - 1 - J)),), 16),
    )
    kernel = Kernel(
        "reverse",
        (Buffer("x", float32, (3, N), "read"), Buffer("y", float32, (3, N), "write")),
        (Nest(Loop("i", 3, body), locals=(Local("row", float32, (N,)),)),),
    )
    x, y = normal(3, 21), np.zeros((3, 21), np.float32)
    run(kernel, {"x": x, "y": y}, {"n": 21})
    np.testing.assert_allclose(y, np.exp(x)[:, ::-1], rtol=1e-6)


def test_scatter_adds_in_iteration_order() -> None:
    body = (
        Loop("j", 2, (Store("y", (J,), ZERO),)),
        Loop("i", N, (Store("y", (k.load("at", (I,), int64),), load("x", I), add=True),)),
    )
    kernel = Kernel(
        "scatter",
        (
            Buffer("at", int64, (N,), "read"),
            Buffer("x", float32, (N,), "read"),
            Buffer("y", float32, (2,), "write"),
        ),
        (Nest(Loop("once", 1, body)),),
    )
    x, at, y = normal(50), np.arange(50) % 2, np.zeros(2, np.float32)
    run(kernel, {"x": x, "at": at, "y": y}, {"n": 50})
    assert y.tolist() == [np.add.accumulate(x[p::2])[-1] for p in range(2)]


def test_checks_report_the_largest_code_and_the_work_is_done() -> None:
    body = (
        Check(k.lt(load("x", I), k.const(3.0, float32)), 1),
        Check(k.lt(load("x", I), k.const(2.0, float32)), 2),
        Store("y", (I,), load("x", I)),
    )
    buffers = (Buffer("x", float32, (4,), "read"), Buffer("y", float32, (4,), "write"))
    for lanes in (0, 16):
        kernel = Kernel("checked", buffers, (Nest(Loop("i", 4, body, lanes), grain=4),))
        for top, code in ((1, 0), (2, 2), (5, 2)):
            x, y = np.array([0, top, 0, 0], np.float32), np.zeros(4, np.float32)
            assert run(kernel, {"x": x, "y": y}, {}) == code
            assert y.tolist() == x.tolist()


def test_masked_loads_touch_no_memory_where_the_condition_fails() -> None:
    shifted = k.load_if(k.le(int_const(2), I), "x", (I - 2,), float32)
    for lanes in (0, 4):
        kernel = Kernel(
            "shift",
            (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (N + 2,), "write")),
            (Nest(Loop("i", N + 2, (Store("y", (I,), shifted),), lanes), grain=8),),
        )
        x, y = normal(5), np.full(7, 9, np.float32)
        run(kernel, {"x": x, "y": y}, {"n": 5})
        assert y.tolist() == [0, 0, *x.tolist()]
        empty, two = normal(0), np.full(2, 9, np.float32)
        run(kernel, {"x": empty, "y": two}, {"n": 0})
        assert two.tolist() == [0, 0]


def test_out_of_bounds() -> None:
    for lanes in (0, 4):
        for index in (I + 1, I - 1):
            kernel = Kernel(
                "beyond",
                (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (N,), "write")),
                (Nest(Loop("i", N, (Let("v", load("x", index)), Store("y", (I,), k.var("v", float32))), lanes)),),
            )
            with pytest.raises(IndexError, match="expected reads of x"):
                run(kernel, {"x": normal(6), "y": normal(6)}, {"n": 6})


def test_units_that_write_the_same_element() -> None:
    kernel = Kernel(
        "race", (Buffer("y", float32, (1,), "write"),), (Nest(Loop("i", 2, (Store("y", (int_const(0),), ZERO),))),)
    )
    with pytest.raises(ValueError, match="race of units"):
        run(kernel, {"y": normal(1)}, {})


def test_arrays_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"expected x: f32\[5\], got f32\[4\]"):
        run(total(1), {"x": normal(4), "y": normal()}, {"n": 5})
