"""Random elementwise kernels over every operation and dtype: interpreter ≡ Numba ≡ C++, to the bit.

They stand apart from the hand-written kernels because hypothesis draws the expressions, and shrinks them.
"""

from __future__ import annotations

import numpy as np
from backends.running import check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphc import dtypes
from graphc.dims import dim
from graphc.dtypes import DType
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import ARITHMETIC, TRANSCENDENTAL, Expr
from graphc.kernel_ir.kernel import Buffer, Kernel, Let, Loop, Nest, Store

N, AT = dim("n"), k.index("i")
INPUTS = {f"x_{d.short}": d for d in dtypes.ALL}
KINDS = {"float": "f", "int": "i", "uint": "i", "bool": "b"}


@st.composite
def values(draw: st.DrawFn, dtype: DType, depth: int) -> Expr:
    """An expression of `dtype` that is defined for every input."""
    if depth == 0:
        leaf = draw(st.sampled_from(("load", "load", "scalar", "const", "index")))
        if leaf == "const":
            number = st.booleans() if dtype.kind == "bool" else st.integers(0, 100)
            return k.const(draw(number), dtype)
        if leaf == "index":
            return k.cast(AT, dtype)
        name = f"x_{dtype.short}"
        return k.load(name, (AT,), dtype) if leaf == "load" else k.load(f"{name}_0", (), dtype)
    below = st.integers(0, depth - 1)

    def operand(of: DType = dtype) -> Expr:
        return draw(values(of, draw(below)))

    forms = [name for name, (_, kinds, result) in ARITHMETIC.items() if KINDS[dtype.kind] in kinds and result == "same"]
    forms += ["select", "cast"]
    if dtype.kind == "bool":
        forms += ["lt", "le", "eq", "ne"] * 2
    if dtype.is_float:
        forms += ["bitcast", "bitcast"]
    form = draw(st.sampled_from(forms))
    if form in ("lt", "le", "eq", "ne"):
        of = draw(st.sampled_from(dtypes.ALL))
        return k.apply(form, operand(of), operand(of))
    if form == "select":
        return k.select(operand(dtypes.bool_), operand(), operand())
    if form == "cast":
        return convert(operand(draw(st.sampled_from(dtypes.ALL))), dtype)
    if form == "bitcast":
        same_width = dtypes.int32 if dtype.itemsize == 4 else dtypes.int64
        return k.bitcast(operand(same_width), dtype)
    if form in ("quot", "rem"):
        divisor = operand()
        bad = k.or_(k.eq(divisor, 0), k.eq(divisor, k.sub(k.const(0, dtype), k.const(1, dtype))))
        return k.apply(form, operand(), k.select(bad, k.const(3, dtype), divisor))
    if form in ("shl", "shr"):
        return k.apply(form, operand(), k.and_(operand(), k.const(8 * dtype.itemsize - 1, dtype)))
    return k.apply(form, *(operand() for _ in range(ARITHMETIC[form][0])))


def convert(x: Expr, dtype: DType) -> Expr:
    """A cast whose result is defined: floats are brought into range first, and NaN becomes 0."""
    if x.dtype.is_float and dtype.is_integer:
        limit = 100.0 if dtype.itemsize == 1 else 30_000.0
        low = 0.0 if dtype.kind == "uint" else -limit
        x = k.select(k.ne(x, x), 0.0, k.min(k.max(x, low), limit))
    return k.cast(x, dtype)


def arrays(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    result: dict[str, np.ndarray] = {}
    for name, dtype in INPUTS.items():
        for suffix, shape in (("", (n,)), ("_0", ())):
            if dtype.is_float:
                array = np.asarray(rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 6, shape), dtype.numpy)
                special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 0.5, 1.5, -2.5, 1e-40], dtype.numpy)
                array = np.where(rng.random(shape) < 0.3, rng.choice(special, shape), array)
            elif dtype.kind == "bool":
                array = rng.random(shape) < 0.5
            else:
                limits = np.iinfo(dtype.numpy)
                array = rng.integers(limits.min, limits.max, shape, dtype.numpy, endpoint=True)
                array = np.where(rng.random(shape) < 0.3, rng.integers(0, 3, shape, dtype.numpy), array)
            result[name + suffix] = np.asarray(array, dtype.numpy)
    return result


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), n=st.sampled_from((1, 16, 37)), lanes=st.sampled_from((0, 16)), seed=st.integers(0, 99))
def test_random_elementwise(data: st.DataObject, n: int, lanes: int, seed: int) -> None:
    outputs = {f"y{i}": data.draw(st.sampled_from(dtypes.ALL)) for i in range(8)}
    body: list[Let | Store] = []
    for name, dtype in outputs.items():
        body.append(Let(f"{name}_value", data.draw(values(dtype, 4))))
        body.append(Store(name, (AT,), k.var(f"{name}_value", dtype)))
    run(body, outputs, n, lanes, seed)


def test_every_function_of_every_float() -> None:
    """The expansions, over ordinary and special arguments."""
    outputs: dict[str, DType] = {}
    body: list[Let | Store] = []
    for dtype in dtypes.FLOATING:
        x = k.load(f"x_{dtype.short}", (AT,), dtype)
        for name, arity in TRANSCENDENTAL.items():
            outputs[f"{name}_{dtype.short}"] = dtype
            value = k.apply(name, x, k.load(f"x_{dtype.short}_0", (), dtype)) if arity == 2 else k.apply(name, x)
            body.append(Store(f"{name}_{dtype.short}", (AT,), value))
    run(body, outputs, 100, 16, 0)


def run(body: list[Let | Store], outputs: dict[str, DType], n: int, lanes: int, seed: int) -> None:
    given_arrays = arrays(n, seed)
    buffers = [
        Buffer(name, INPUTS[name.removesuffix("_0")], a.shape and (N,), "read") for name, a in given_arrays.items()
    ]
    buffers += [Buffer(name, dtype, (N,), "write") for name, dtype in outputs.items()]
    kernel = Kernel("drawn", tuple(buffers), (Nest(Loop("i", N, tuple(body), lanes), grain=16),))
    empty = {name: np.zeros(n, dtype.numpy) for name, dtype in outputs.items()}
    check(kernel, given_arrays | empty, {"n": n}, (1,))
