"""The text of kernels: the look of STYLE.md's example, and reading back what was printed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc import dtypes
from graphc.dims import dim, minimum
from graphc.dtypes import float32, int64
from graphc.errors import GraphError
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expansion import expand
from graphc.kernel_ir.expr import ARITHMETIC, TRANSCENDENTAL, Expr, const, int_const
from graphc.kernel_ir.kernel import Accumulator, Buffer, Check, Kernel, Let, Local, Loop, Nest, Store, Update
from graphc.kernel_ir.parser import parse_kernel
from graphc.kernel_ir.printer import print_kernel

B = dim("batch")
I, J = k.index("i"), k.index("j")  # noqa: E741

RESIDUAL = """\
kernel residual_0(batch) {  # from %1 %2 %3 %5 %6
  read  y: f32[batch, 10], t: f32[batch, 10], s: f32[]
  write loss: f32[], d: f32[batch, 10]
  acc: f32 = 0.0
  for i in batch parallel grain 16 reduce(acc: add) {
    for j in 10 vector 16 {
      r: f32 = y[i, j] - t[i, j]
      acc = fma(r, r, acc)
      d[i, j] = r * s[]
    }
  }
  loss[] = acc / f32(10 * batch)
}  # bytes: read 80*batch + 4, write 40*batch + 4
"""
EVERYTHING = """\
kernel everything(batch, n) {
  readwrite m: f32[n], u: u8[2]
  read      x: f64[batch, min(batch, n)], at: i64[], ok: bool[n]
  local row: f32[2*batch + 1]
  big: f64 = -inf
  for i in batch - n parallel reduce(big: max) {
    s: i64 = 3 reduce(mul)
    check (0 <= at[]) & ~(at[] < batch) else 2
    for j in n {
      s = s * (j - (i - 1))
      m[j] += select(ok[j], row[j if j < size(2*batch + 1)], -1.0)
    }
    low: bool = ok[0] | (x[i, 0] < 1e-300)
    big = max(big, x[i, quot(i, 2)] / f64(s) * -(x[i, 0] - 2.0))
    %0: i32 = as_i32(m[i]) >> 3
    row[i] = as_f32(%0 + (%0 ^ 1) << i32(f32(2.5)))
  }
  m[0] = f32(big)
  twice: f64 = 2.0 * big
  all: bool = True
  for k in 3 parallel grain 2 vector 2 reduce(all: and) {
    all = all & ok[k]
    u[k] = u8(rem(k, 2))
  }
}  # bytes: read 4*n + 2 + 8*batch*min(batch, n) + 8 + n, write 4*n + 2
"""


def residual() -> Kernel:
    r = k.var("r", float32)
    body = (
        Let("r", k.load("y", (I, J), float32) - k.load("t", (I, J), float32)),
        Update("acc", r, r),
        Store("d", (I, J), r * k.load("s", (), float32)),
    )
    return Kernel(
        "residual_0",
        (
            Buffer("y", float32, (B, 10), "read"),
            Buffer("t", float32, (B, 10), "read"),
            Buffer("s", float32, (), "read"),
            Buffer("loss", float32, (), "write"),
            Buffer("d", float32, (B, 10), "write"),
        ),
        (
            Nest(
                Loop("i", B, (Loop("j", 10, body, 16),)),
                16,
                accumulators=(Accumulator("acc", float32, "add", const(0.0, float32)),),
                finish=(Store("loss", (), k.var("acc", float32) / k.cast(int_const(10) * k.size(B), float32)),),
            ),
        ),
        "from %1 %2 %3 %5 %6",
    )


def test_example() -> None:
    assert print_kernel(residual()) == RESIDUAL
    assert parse_kernel(RESIDUAL) == residual()


def test_everything() -> None:
    kernel = parse_kernel(EVERYTHING)
    body = EVERYTHING.rpartition("}  #")[0]
    assert print_kernel(kernel).rpartition("}  #")[0] == body
    assert [n.grain for n in kernel.nests] == [1, 2]
    assert [len(n.finish) for n in kernel.nests] == [2, 0]
    assert kernel.buffers[2].shape == (B, minimum(B, dim("n")))
    assert isinstance(kernel.nests[0].loop.body[1], Check)


def test_shared_expressions_are_printed_once() -> None:
    x = k.load("x", (), float32)
    chain = x
    for _ in range(60):
        chain = (chain + 1.0) * (chain - 1.0)
    kernel = one_store(chain)
    text = print_kernel(kernel)
    assert len(text) < 60 * 100
    assert parse_kernel(text) == kernel
    grown = expand(one_store(k.exp(k.tanh(k.pow(x, k.erf(x))))))
    assert parse_kernel(print_kernel(grown)) == grown


def test_long_chain() -> None:
    chain = k.load("x", (), float32)
    for _ in range(10_000):
        chain = k.abs(chain) - 1.0
    kernel = one_store(chain)
    assert parse_kernel(print_kernel(kernel)) == kernel


STORE = "kernel f() {\n  write y: f32[]\n  for i in 3 parallel {\n    y[] = "
BAD = {
    "": "line 1: expected a kernel, got the end",
    "graph f() {": "line 1: expected 'kernel', got graph f() {",
    "kernel f() {\n  read x: f99[]": "line 2: expected a dtype among bool",
    "kernel f() {\n  for i in 3 parallel {\n    y[i] = 1.0": "line 3: expected a buffer, not 'y', before this",
    STORE + "a": "line 4: expected a name that is defined, not 'a'",
    STORE + "1.0 1": "line 4: expected the end of the line, got 1",
    STORE + "foo(f32(1))": "line 4: expected the name of an operation",
    STORE + "1.0 + 2.0": "line 4: expected an operand of add with a type",
    "kernel f() {\n  for i in 3 parallel {": "line 3: expected '}', got the end",
    "kernel f() {\n  for i in 3 parallel {\n    for j in 2 parallel {\n    }\n  }": "line 4: expected a parallel loop",
    "kernel f() {\n  for i in ? parallel {": "line 2: expected a size",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_kernel(text: str) -> None:
    with pytest.raises(GraphError) as caught:
        parse_kernel(text)
    assert str(caught.value).startswith(BAD[text])


def one_store(value: Expr) -> Kernel:
    return Kernel(
        "f",
        (Buffer("x", value.dtype, (), "read"), Buffer("y", value.dtype, (), "write")),
        (Nest(Loop("once", 1, (Store("y", (), value),))),),
    )


# random kernels ------------------------------------------------------------------------------------
KINDS = {"f": dtypes.FLOATING, "i": dtypes.INTEGER, "b": dtypes.BOOLEAN}
CASTS = [(a, b) for a in dtypes.ALL for b in dtypes.ALL if a is not b and b is not dtypes.bool_]


@st.composite
def kernels(draw: st.DrawFn) -> Kernel:
    """Loads and constants of every dtype, and operations on whatever has been made so far."""
    pool: list[Expr] = [I, k.size(B), k.size(2 * B + 1), k.load_if(k.lt(I, 3), "f32_0", (I,), float32)]
    for dtype in dtypes.ALL:
        pool.append(k.load(f"{dtype}_0", (I,), dtype))
        number = st.booleans() if dtype.kind == "bool" else st.integers(0, 127)
        value = draw(st.floats(width=32) if dtype.is_float else number)
        pool.append(const(value, dtype))
    for _ in range(draw(st.integers(0, 40))):
        pool.append(draw(st.sampled_from([operation, conversion]))(draw, pool))
    values = pool[-draw(st.integers(1, 3)) :]
    body: list = [Let("first", values[0])]
    body += [Store(f"{v.dtype}_1", (I,), v) for v in values[1:]]
    body += [Store(f"{values[0].dtype}_1", (I,), k.var("first", values[0].dtype))]
    number = next(v for v in reversed(pool) if v.dtype.is_float)
    body += [Accumulator("acc", number.dtype, "max", number), Update("acc", number)]
    grain, lanes = draw(st.sampled_from([(1, 0), (1, 4), (32, 0), (32, 16)]))
    buffers = [Buffer(f"{d}_0", d, (B,), "read") for d in dtypes.ALL]
    buffers += [Buffer(f"{d}_1", d, (B,), "readwrite") for d in dtypes.ALL]
    total = Accumulator("total", int64, "add", int_const(0))
    nest = Nest(
        Loop("i", B, (*body, Update("total", I)), lanes),
        grain,
        (Local("scratch", float32, (B, 2)),) if lanes == 0 else (),
        (total,),
        (Let("after", k.var("total", int64)),),
    )
    return Kernel("random", tuple(buffers), (nest, nest), draw(st.sampled_from(["", "from %1"])))


def operation(draw: st.DrawFn, pool: list[Expr]) -> Expr:
    op = draw(st.sampled_from([*ARITHMETIC, *TRANSCENDENTAL, "select"]))
    arity, kinds, result = ARITHMETIC.get(op) or (TRANSCENDENTAL.get(op, 2), "fib" if op == "select" else "f", "same")
    fitting = [e for e in pool if any(e.dtype in KINDS[kind] for kind in kinds)]
    first = draw(st.sampled_from(fitting))
    same = [e for e in pool if e.dtype is first.dtype]
    args = (first, *(draw(st.sampled_from(same)) for _ in range(arity - 1)))
    if op == "select":
        args = (draw(st.sampled_from([e for e in pool if e.dtype is dtypes.bool_])), *args)
    return Expr(op, args, dtypes.bool_ if result == "bool" else first.dtype)


def conversion(draw: st.DrawFn, pool: list[Expr]) -> Expr:
    source, target = draw(st.sampled_from(CASTS))
    value = draw(st.sampled_from([e for e in pool if e.dtype is source]))
    if source.itemsize == target.itemsize and draw(st.booleans()):
        return Expr("bitcast", (value,), target)
    return value if value.op == "const" else Expr("cast", (value,), target)


@settings(max_examples=150, deadline=None)
@given(kernels())
def test_round_trip(kernel: Kernel) -> None:
    text = print_kernel(kernel)
    assert parse_kernel(text) == kernel
    assert print_kernel(parse_kernel(text)) == text
