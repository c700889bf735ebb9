"""Hand-written kernels: what threads of a team hand to one another, folds of every width, and seeded mistakes.

They stand apart from the programs because the scheduler emits hardly any of these forms yet.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from backends import test_kernels as cpu_kernels
from backends.running import interpret
from emulated import Emulation, check

from graphc.backends.cuda.target import render
from graphc.dims import dim
from graphc.dtypes import DType, bool_, float32, float64, int8, int64
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.kernel import Accumulator, Buffer, Kernel, Local, Loop, Nest, Statement, Store, Update, identity

N, M = dim("n"), dim("m")
AT, J = k.index("i"), k.index("j")


def load(name: str, *indices: k.Expr, dtype: DType = float32) -> k.Expr:
    return k.load(name, indices, dtype)


def reversed_rows(name: str, lanes: int, length: int | None) -> Kernel:
    """y = x + the row backwards + its sum: a scratch row whose elements other threads read."""
    extent = M if length is None else length
    last = k.size(extent) - 1
    body = (
        Loop("j", extent, (Store("row", (J,), load("x", AT, J) * 2.0),), lanes),
        Accumulator("sum", float32, "add", k.const(0, float32)),
        Loop("j", extent, (Update("sum", load("row", last - J)),), lanes),
        Store("sums", (AT,), k.var("sum", float32)),
        Loop("j", extent, (Store("y", (AT, J), load("row", last - J) + load("sums", AT)),), lanes),
    )
    buffers = (
        Buffer("x", float32, (N, extent), "read"),
        Buffer("sums", float32, (N,), "readwrite"),
        Buffer("y", float32, (N, extent), "write"),
    )
    return Kernel(name, buffers, (Nest(Loop("i", N, body), 1, (Local("row", float32, (extent,)),)),))


def relaxation(name: str, lanes: int) -> Kernel:
    """Three sweeps over a ring of 70: a scalar loop around vector loops that read their neighbours' elements."""
    ring = k.rem(J + 1, k.int_const(70))
    sweep = (
        Loop("j", 70, (Store("b", (J,), load("a", ring) * 0.5 + load("a", J)),), lanes),
        Loop("j", 70, (Store("a", (J,), load("b", ring)),), lanes),
    )
    body = (
        Loop("j", 70, (Store("a", (J,), load("x", AT, J)),), lanes),
        Loop("r", 3, sweep),
        Loop("j", 70, (Store("y", (AT, J), load("a", J)),), lanes),
    )
    buffers = (Buffer("x", float32, (N, 70), "read"), Buffer("y", float32, (N, 70), "write"))
    locals_ = (Local("a", float32, (70,)), Local("b", float32, (70,)))
    return Kernel(name, buffers, (Nest(Loop("i", N, body), 1, locals_),))


def many_totals(name: str, widths: tuple[int, ...], grain: int) -> Kernel:
    """Row and overall reductions of every kind and dtype, in vector loops of several widths."""
    kinds = [("add", float32), ("max", float32), ("mul", float64), ("min", int64), ("or", bool_), ("add", int8)]
    x = load("x", AT, J)
    body: list[Statement] = []
    totals: list[Accumulator] = []
    buffers = [Buffer("x", float32, (N, M), "read")]
    for number, width in enumerate(widths):
        rows = [Accumulator(f"r{number}_{n}", dtype, c, identity(c, dtype)) for n, (c, dtype) in enumerate(kinds)]
        overall = [replace(row, name=row.name.replace("r", "t")) for row in rows]
        updates = [Update(a.name, _value(x, a.dtype)) for pair in zip(rows, overall, strict=True) for a in pair]
        stores = [Store(f"{a.name}_out", (AT,), k.var(a.name, a.dtype)) for a in rows]
        body += [*rows, Loop("j", M, tuple(updates), width), *stores]
        totals += overall
        buffers += [Buffer(f"{a.name}_out", a.dtype, (N,), "write") for a in rows]
        buffers += [Buffer(f"{a.name}_out", a.dtype, (), "write") for a in overall]
    finish = tuple(Store(f"{a.name}_out", (), k.var(a.name, a.dtype)) for a in totals)
    return Kernel(name, tuple(buffers), (Nest(Loop("i", N, tuple(body)), grain, (), tuple(totals), finish),))


def _value(x: k.Expr, dtype: DType) -> k.Expr:
    if dtype is bool_:
        return k.lt(x, 1.0)
    return k.cast(x * 3.0, dtype) if dtype.is_integer else k.cast(x, dtype)


def flat_total(name: str, lanes: int, grain: int) -> Kernel:
    """The sum of everything: lanes of the parallel loop itself."""
    buffers = (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (), "write"))
    total = Accumulator("sum", float32, "add", k.const(0.5, float32))
    finish = (Store("y", (), k.var("sum", float32)),)
    loop = Loop("i", N, (Update("sum", load("x", AT), factor=load("x", AT)),), lanes)
    return Kernel(name, buffers, (Nest(loop, grain, (), (total,), finish),))


KERNELS = [
    *(
        reversed_rows(f"reversed_{lanes}_{length}", lanes, length)
        for lanes in (8, 32, 256)
        for length in (7, 300, None)
    ),
    *(relaxation(f"relaxation_{lanes}", lanes) for lanes in (2, 32, 64)),
    many_totals("totals_of_warps", (8, 32, 1), 3),
    many_totals("totals_of_blocks", (16, 64, 256), 2),
    many_totals("totals_of_large_blocks", (512, 32), 1),
    *(flat_total(f"flat_{lanes}", lanes, max(lanes, 1) * 2) for lanes in (0, 1, 4, 32, 64, 512)),
]


@pytest.fixture(scope="module")
def emulation() -> Emulation:
    return Emulation(KERNELS)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_teams(emulation, kernel):
    for sizes in ({"n": 0, "m": 5}, {"n": 1, "m": 1}, {"n": 11, "m": 67}):
        check(emulation, kernel, sizes)


def test_every_kernel_of_the_cpu_backends(monkeypatch):
    """The kernels of tests/backends with their arrays: tails, casts, gathers, masked loads, scatters, checks."""
    calls = []

    def collect(kernel, arrays, sizes, splits=()):
        calls.append((replace(kernel, name=f"{kernel.name}_{len(calls)}"), dict(arrays), dict(sizes)))
        return interpret(kernel, arrays, sizes)

    monkeypatch.setattr(cpu_kernels, "check", collect)
    for function, values in _parametrised():
        function(**values)
    emulation = Emulation([kernel for kernel, _, _ in calls])
    assert len(calls) > 150
    for kernel, arrays, sizes in calls:
        check(emulation, kernel, sizes, arrays)


def _parametrised():
    """Every test of the CPU's kernels, with each of its values."""
    for name, function in vars(cpu_kernels).items():
        if name.startswith("test_") and "chain" not in name:
            cases: list[dict] = [{}]
            for mark in getattr(function, "pytestmark", []):
                argument, values = mark.args
                cases = [{**case, argument: value} for case in cases for value in values]
            for case in cases:
                yield function, case


# seeded mistakes -------------------------------------------------------------------------------------
BARRIER = re.compile(r"__sync(threads\(|warp\(mask)\);")
SEEDED = [
    reversed_rows("reversed_block", 256, 300),
    reversed_rows("reversed_warp", 32, 40),
    relaxation("relaxation_block", 64),
    relaxation("relaxation_warp", 32),
    many_totals("totals", (256, 64), 2),
    flat_total("flat", 64, 64),
]


@pytest.mark.parametrize("kernel", SEEDED, ids=lambda kernel: kernel.name)
def test_every_barrier_is_missed_where_it_is_left_out(kernel):
    sizes = {"n": 20_000} if kernel.name == "flat" else {"n": 9, "m": 70}
    several_rounds = kernel.name == "flat"  # 313 partial results, 256 at a time; few need no second barrier
    text = render([kernel])
    barriers = [m.span() for m in BARRIER.finditer(text) if several_rounds or "_finish(" not in text[: m.start()]]
    assert barriers
    with ThreadPoolExecutor() as pool:
        seeded = pool.map(lambda at: Emulation([kernel], lambda text: text[: at[0]] + text[at[1] :]), barriers)
        for at, emulation in zip(barriers, seeded, strict=True):
            with pytest.raises(AssertionError):
                check(emulation, kernel, sizes)
                print(f"not missed:\n{text[at[0] - 300 : at[1]]}")


def doubled() -> Kernel:
    buffers = (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (N,), "write"))
    return Kernel("doubled", buffers, (Nest(Loop("i", N, (Store("y", (AT,), load("x", AT) * 2.0),), 32)),))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("i < n;", "i <= n;"),  # one too many
        ("packs * 4 + team", "packs * 4 + 1 + team"),  # one too few
        ("n / 4", "(n + 3) / 4"),  # a pack that hangs over the end
        ("i += teams", "i += teams + 1"),  # a gap in every round
        ("blockIdx.x;", "0;"),  # every block does the first one's work
    ],
)
def test_a_wrong_tail_is_caught(right, wrong):
    kernel = doubled()
    text = render([kernel])
    assert text.count(right) == 1
    check(Emulation([kernel]), kernel, {"n": 1823})
    with pytest.raises(AssertionError):
        check(Emulation([kernel], lambda text: text.replace(right, wrong)), kernel, {"n": 1823})


def test_threads_that_do_not_meet_are_an_error():
    kernel = flat_total("flat", 64, 64)

    def leave_early(text: str) -> str:
        return text.replace("__syncthreads();", "if (lane == 7) return; __syncthreads();", 1)

    with pytest.raises(AssertionError, match="expected all threads at one barrier"):
        check(Emulation([kernel], leave_early), kernel, {"n": 100})
