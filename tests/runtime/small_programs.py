"""Programs over the kernels of kernels.cpp, as the compiler would hand them to the runtime."""

from __future__ import annotations

from graphc.dims import Shape, Size, ceildiv, dim
from graphc.dtypes import DType, float32, int64
from graphc.program.program import (
    CopyStep,
    GemmStep,
    KernelCall,
    KernelInfo,
    KernelStep,
    Port,
    Program,
    Ref,
    Slot,
    State,
)

B = dim("batch")
N = dim("n")


def kernel(
    symbol: str,
    symbols: tuple[str, ...],
    extent: Size,
    grain: int,
    traffic: Size,
    finish: bool = False,
    scratch: Size = 0,
) -> KernelInfo:
    return KernelInfo(symbol, symbols, ((extent, grain),), finish, scratch, traffic, traffic, traffic)


def call(index: int, *operands: Ref) -> KernelStep:
    return KernelStep(KernelCall(index, operands))


def program(
    inputs: tuple[Port, ...],
    outputs: tuple[Port, ...],
    kernels: tuple[KernelInfo, ...] = (),
    steps: tuple = (),
    states: tuple[State, ...] = (),
    slots: tuple[Slot, ...] = (),
    arena: Size = 0,
    symbols: tuple[str, ...] = ("batch",),
    messages: tuple[str, ...] = (),
) -> Program:
    return Program("test", symbols, inputs, outputs, states, (), slots, arena, kernels, steps, messages)


def scale() -> Program:
    """y = 2*x + w."""
    return program(
        (Port("x", float32, (B,)),),
        (Port("y", float32, (B,)),),
        (kernel("scale", ("batch",), B, 8, 4 * B),),
        (call(0, Ref("input", 0), Ref("state", 0), Ref("output", 0)),),
        states=(State("w", float32, (1,), False),),
    )


def total() -> Program:
    """The sum of x, with partials in a slot."""
    return program(
        (Port("x", float32, (B,)),),
        (Port("total", float32, ()),),
        (kernel("total", ("batch",), B, 1000, 4 * B, finish=True),),
        (call(0, Ref("input", 0), Ref("output", 0), Ref("slot", 0)),),
        slots=(Slot("partials", float32, (ceildiv(B, 1000),), 0, 0, 0),),
        arena=4 * ceildiv(B, 1000),
    )


def guarded_count() -> Program:
    """Checks x, then counts the call in state n and returns the count."""
    return program(
        (Port("x", float32, (B,)),),
        (Port("n", int64, ()),),
        (kernel("guard", ("batch",), B, 1, 4 * B), kernel("count", (), 1, 1, 8)),
        (call(0, Ref("input", 0)), call(1, Ref("state", 0)), CopyStep(Ref("state", 0), Ref("output", 0))),
        states=(State("n", int64, (), True),),
        messages=("train.py:3: expected x of at least 0",),
    )


def mirror() -> Program:
    """Each row of x in reverse, by way of scratch memory."""
    return program(
        (Port("x", float32, (B, N)),),
        (Port("y", float32, (B, N)),),
        (kernel("mirror", ("batch", "n"), B, 1, 4 * B * N, scratch=4 * N),),
        (call(0, Ref("input", 0), Ref("output", 0)),),
        symbols=("batch", "n"),
    )


def gemm(dtype: DType, batch: Size, m: Size, n: Size, k: Size, epilogue: bool = False, **options) -> Program:
    """c = alpha * op(a) @ op(b) of sizes that may be numbers; with `epilogue`, max(c + bias, 0)."""
    a_matrix: Shape = (k, m) if options.get("transpose_a") else (m, k)
    b_matrix: Shape = (n, k) if options.get("transpose_b") else (k, n)
    inputs = [
        Port("a", dtype, a_matrix if options.get("broadcast_a") else (batch, *a_matrix)),
        Port("b", dtype, b_matrix if options.get("broadcast_b") else (batch, *b_matrix)),
    ]
    kernels: tuple[KernelInfo, ...] = ()
    step_epilogue = None
    if epilogue:
        inputs += [Port("bias", dtype, (n,)), Port("sizes", dtype, (N, dim("rows"), 0))]
        rows = batch * m
        kernels = (kernel(f"bias_relu_{dtype.short}", ("n", "rows"), rows, 4, dtype.itemsize * rows * n),)
        step_epilogue = KernelCall(0, (Ref("output", 0), Ref("input", 2)))
    step = GemmStep(
        dtype, Ref("input", 0), Ref("input", 1), Ref("output", 0), batch, m, n, k, epilogue=step_epilogue, **options
    )
    symbols = ("n", "rows") if epilogue else ()
    return program(tuple(inputs), (Port("c", dtype, (batch, m, n)),), kernels, (step,), symbols=symbols)


def identity(shape: Shape, symbols: tuple[str, ...], more: tuple[Port, ...] = ()) -> Program:
    """Copies x, to test shapes alone."""
    return program(
        (Port("x", float32, shape), *more),
        (Port("y", float32, shape),),
        steps=(CopyStep(Ref("input", 0), Ref("output", 0)),),
        symbols=symbols,
    )
