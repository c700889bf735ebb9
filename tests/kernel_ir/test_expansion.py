"""The expansions: published bounds on samples, C99's special values, and how they enter a kernel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphc import dtypes
from graphc.dims import dim
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expansion import EXPANSIONS, MAX_ULP, expand, expand_expr
from graphc.kernel_ir.expr import ARITHMETIC, var, walk
from graphc.kernel_ir.kernel import Accumulator, Buffer, Kernel, Loop, Nest, Store, Update
from graphc.kernel_ir.measure import call, expanded, largest_error

SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1e-40, -1e-40, 1e-45]
SPECIAL += [88.0, 90.0, -87.5, -100.0, -110.0, 3e38, -3e38, 1e-30, 16777216.0, 16777217.0 * 2, -7.0, 2.5, -2.5]
UNARY = [name for name in EXPANSIONS if name != "pow"]
ERF = np.vectorize(math.erf)


@pytest.mark.parametrize("dtype", dtypes.FLOATING, ids=str)
@pytest.mark.parametrize("name", EXPANSIONS)
def test_bound(name: str, dtype: dtypes.DType) -> None:
    worst, where = largest_error(name, dtype, stride=1 << 15, count=1 << 14)
    assert worst <= MAX_ULP[name][dtype.name], (worst, where)


@pytest.mark.parametrize("dtype", dtypes.FLOATING, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_special_values(name: str, dtype: dtypes.DType) -> None:
    inside = [v for v in SPECIAL if name not in ("sin", "cos") or not 2.0**45 < abs(v) < math.inf]
    x = np.array(inside).astype(dtype.numpy)
    with np.errstate(all="ignore"):
        want = (ERF if name == "erf" else getattr(np, name))(x.astype(np.float64)).astype(dtype.numpy)
        want = np.where(np.isnan(x), dtype.numpy.type(np.nan), want)
    got = call(name, x)
    np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype.numpy).eps, atol=0)
    np.testing.assert_array_equal(np.signbit(got)[~np.isnan(got)], np.signbit(want)[~np.isnan(got)])
    exact = (x == 0) | np.isinf(x)
    np.testing.assert_array_equal(got[exact], want[exact])


@pytest.mark.parametrize("dtype", dtypes.FLOATING, ids=str)
def test_special_values_of_pow(dtype: dtypes.DType) -> None:
    x, y = (g.ravel() for g in np.meshgrid(*[np.array(SPECIAL).astype(dtype.numpy)] * 2))
    with np.errstate(all="ignore"):
        want = np.power(x.astype(np.longdouble), y.astype(np.longdouble)).astype(dtype.numpy)
    got = call("pow", x, y)
    np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype.numpy).eps, atol=0)
    np.testing.assert_array_equal(np.signbit(got)[~np.isnan(got)], np.signbit(want)[~np.isnan(got)])


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_beyond_the_range_of_the_reduction(name: str) -> None:
    for dtype in (np.float32, np.float64):
        assert np.isnan(call(name, np.array([1e14, -1e30], dtype))).all()
        assert np.isfinite(call(name, np.array([2.0**45, -(2.0**45)], dtype))).all()


@pytest.mark.parametrize("dtype", dtypes.FLOATING, ids=str)
def test_tanh_and_erf_stay_within_one(dtype: dtypes.DType) -> None:
    x = np.linspace(0, 25, 200_001).astype(dtype.numpy)
    for name in ("tanh", "erf"):
        y = call(name, np.concatenate([x, -x]))
        assert np.abs(y).max() == 1
        np.testing.assert_array_equal(y[: len(x)], -y[len(x) :])


@pytest.mark.parametrize("dtype", dtypes.FLOATING, ids=str)
@pytest.mark.parametrize("name", EXPANSIONS)
def test_closed_set(name: str, dtype: dtypes.DType) -> None:
    ops = {n.op for n in walk(expanded(name, dtype))}
    assert ops <= {*ARITHMETIC, "const", "var", "select", "cast", "bitcast"}


def test_operation_counts() -> None:
    """The heart of the benchmarks must not grow unseen."""
    for name, limit in (("exp", 19), ("tanh", 24), ("erf", 38), ("log", 33)):
        count = sum(n.op not in ("const", "var") for n in walk(expanded(name, dtypes.float32)))
        assert count <= limit, (name, count)


def test_kernel_without_functions_is_the_same_object() -> None:
    body = (Store("y", (k.index("i"),), k.load("x", (k.index("i"),), dtypes.float32) * 2.0),)
    kernel = _kernel(body)
    assert expand(kernel) is kernel
    expression = body[0].value
    assert expand_expr(expression) is expression


def test_everywhere_in_a_kernel() -> None:
    x = k.load("x", (k.index("i"),), dtypes.float32)
    body = (
        Accumulator("s", dtypes.float32, "add", k.exp(x)),
        Loop("j", 3, (Update("s", k.tanh(x), k.log(x)),)),
        Store("y", (k.index("i"),), k.sin(k.exp(x))),
    )
    kernel = expand(_kernel(body))
    statements = [*kernel.nests[0].loop.body, *kernel.nests[0].loop.body[1].body]
    ops = {n.op for s in statements for e in _all(s) for n in walk(e)}
    assert not ops & EXPANSIONS.keys()


def test_shared_operands_stay_shared() -> None:
    x = var("x", dtypes.float32)
    chain = x
    for _ in range(200):
        chain = k.exp(chain) * chain
    assert len(walk(expand_expr(chain))) < 200 * 25


def _kernel(body: tuple) -> Kernel:
    n = dim("n")
    buffers = (Buffer("x", dtypes.float32, (n,), "read"), Buffer("y", dtypes.float32, (n,), "write"))
    return Kernel("k", buffers, (Nest(Loop("i", n, body)),))


def _all(statement):  # type: ignore[no-untyped-def]
    from graphc.kernel_ir.kernel import expressions

    return expressions(statement)
