"""Kernels that must be refused, each with its message and the line that is shown."""

from __future__ import annotations

import pytest

from graphc.dims import dim
from graphc.dtypes import bool_, float32, float64, int32, int64
from graphc.errors import CompileError
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr, int_const
from graphc.kernel_ir.kernel import (
    Accumulator,
    Buffer,
    Check,
    Kernel,
    Let,
    Local,
    Loop,
    Nest,
    Statement,
    Store,
    Update,
)
from graphc.kernel_ir.verifier import verify

N = dim("n")
I, J = k.index("i"), k.index("j")  # noqa: E741
X = k.load("x", (I,), float32)
ONE = k.const(1.0, float32)
BUFFERS = (
    Buffer("x", float32, (N,), "read"),
    Buffer("y", float32, (N,), "write"),
    Buffer("m", float32, (N,), "readwrite"),
)


def kernel(*body: Statement, lanes: int = 0, buffers: tuple[Buffer, ...] = BUFFERS, **nest) -> Kernel:  # type: ignore[no-untyped-def]
    return Kernel("case", buffers, (Nest(Loop("i", N, body, lanes), **nest),))


def v(name: str) -> Expr:
    return k.var(name, float32)


SUM = Accumulator("s", float32, "add", ONE)
REFUSED = {
    "expected a name in scope, got 'a'": kernel(Store("y", (I,), v("a"))),
    "expected a name in scope, got 'j'": kernel(Loop("j", 3, ()), Store("y", (J,), X)),
    "expected a to be read as f32, got f64": kernel(
        Let("a", X), Let("b", k.cast(k.var("a", float64), float32)), Store("y", (I,), v("b"))
    ),
    "expected a new name, got 'a' again": kernel(Let("a", X), Loop("j", 3, (Let("a", X),))),
    "expected a new name, got 'n' again": kernel(Let("n", X)),
    "expected a new name, got 'x' again": kernel(buffers=(*BUFFERS, Buffer("x", float32, (), "read"))),
    "expected a name, got 'for'": kernel(Let("for", X)),
    "expected access read, write or readwrite of z, got 'none'": kernel(buffers=(Buffer("z", float32, (), "none"),)),
    "expected a buffer or a local array, got 'z'": kernel(Store("z", (I,), X)),
    "expected 1 indices of x, got 2": kernel(Let("a", k.load("x", (I, I), float32))),
    "expected i64 indices of y, got i32": kernel(Store("y", (k.const(0, int32),), X)),
    "expected a load of f32 from x, got f64": kernel(Let("a", k.load("x", (I,), float64))),
    "expected a bool condition, got [i64]": kernel(Let("a", Expr("load_if", (I, I), float32, "x"))),
    "expected a buffer that may be read, got y": kernel(Let("a", k.load("y", (I,), float32))),
    "expected a buffer that may be written, got x": kernel(Store("x", (I,), X)),
    "expected f32 for y, got f64": kernel(Store("y", (I,), k.cast(X, float64))),
    "expected operands of add of one type among floats, integers, got [f32, f64]": kernel(
        Let("a", Expr("add", (X, k.cast(X, float64)), float32))
    ),
    "expected operands of quot of one type among integers, got [f32, f32]": kernel(
        Let("a", Expr("quot", (X, X), float32))
    ),
    "expected 3 operands of fma, got 2": kernel(Let("a", Expr("fma", (X, X), float32))),
    "expected lt to give bool, got f32": kernel(Let("a", Expr("lt", (X, X), float32))),
    "expected a select of (bool, same, same), got [bool, f32, f64]": kernel(
        Let("a", Expr("select", (k.lt(X, ONE), X, k.cast(X, float64)), float32))
    ),
    "expected bits of i64's width, got f32": kernel(Let("a", Expr("bitcast", (X,), int64))),
    "expected an operation of expr.py, got 'sinh'": kernel(Let("a", Expr("sinh", (X,), float32))),
    "expected an accumulator to update, got 'a'": kernel(Let("a", X), Update("a", X)),
    "expected a value of f32 for s, got f64": kernel(SUM, Update("s", k.cast(X, float64))),
    "expected a factor of f32 for s, got f64": kernel(SUM, Update("s", X, k.cast(X, float64))),
    "expected a factor only where floats are added, got max of f32": kernel(
        Accumulator("s", float32, "max", ONE), Update("s", X, X)
    ),
    "expected a combine of f32 among": kernel(Accumulator("s", float32, "or", ONE)),
    "expected an initial f32, got f64": kernel(Accumulator("s", float32, "add", k.const(1.0, float64))),
    "expected s to be read only after the loop that reduces it": kernel(
        SUM, Loop("j", 8, (Update("s", X), Let("a", v("s"))), 4)
    ),
    "expected r to be read only after the loop that reduces it": kernel(
        Let("a", v("r")), accumulators=(Accumulator("r", float32, "add", ONE),)
    ),
    "expected an accumulator to update, got 'r'": kernel(
        accumulators=(Accumulator("r", float32, "add", ONE),), finish=(Update("r", ONE),)
    ),
    "expected a bool condition, got f32": kernel(Check(X, 1)),
    "expected a code above 0, got 0": kernel(Check(k.lt(X, ONE), 0)),
    "expected a grain of at least 1, got 0": kernel(grain=0),
    "expected a power of two as lanes, got 12": kernel(lanes=12),
    "expected an extent of at least 0, got -1": kernel(Loop("j", -1, ())),
    "expected no vector loop inside another, got j inside i": kernel(Loop("j", 4, (), 4), lanes=4),
    "expected no local arrays under a parallel vector loop": kernel(lanes=4, locals=(Local("l", float32, (4,)),)),
    "expected numbers to add in b, got bool": kernel(
        Store("b", (), k.lt(X, ONE), add=True), buffers=(*BUFFERS, Buffer("b", bool_, (), "readwrite"))
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(CompileError) as caught:
        verify(REFUSED[message])
    assert str(caught.value).startswith(f"kernel case: {message}")


def test_shows_the_lines_around() -> None:
    with pytest.raises(CompileError) as caught:
        verify(kernel(Let("a", X * 2.0), Loop("j", 3, (Let("b", v("c")), Store("m", (J,), v("b"))))))
    assert str(caught.value) == (
        "kernel case: expected a name in scope, got 'c'\n"
        "      a: f32 = x[i] * 2.0\n"
        "      for j in 3 {\n"
        ">       b: f32 = c\n"
        "        m[j] = b\n"
        "      }"
    )


def test_accepted() -> None:
    verify(
        kernel(
            Let("a", X),
            SUM,
            Loop("j", 3, (Update("s", v("a"), X), Let("b", v("s")))),
            Loop("j", 16, (Update("s", v("a")),), 16),
            Store("m", (I,), v("s")),
            Store("y", (I,), k.load("m", (I,), float32), add=True),
            accumulators=(Accumulator("r", float32, "add", ONE),),
            finish=(Store("m", (int_const(0),), v("r")),),
        )
    )
