"""Linear addresses, and how they move with a loop."""

from __future__ import annotations

from graphc.dims import dim
from graphc.dtypes import float32, int64
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.affine import changes_inside, linear_index, stride_along
from graphc.kernel_ir.expr import int_const
from graphc.kernel_ir.kernel import Accumulator, Let, Loop, Store, Update

B = dim("batch")
I, J = k.index("i"), k.index("j")  # noqa: E741
ROW = k.load("rows", (I,), int64)


def test_linear_index():
    assert linear_index((), ()) is int_const(0)
    assert linear_index((I, J), (5, B)) is I * k.size(B) + J
    assert linear_index((I, J, int_const(0)), (5, B, 3)) is I * k.size(3 * B) + J * 3


def test_affine_indices():
    address = linear_index((I, J * -2 + 5), (B, 7))
    assert stride_along(address, "i") is int_const(7)
    assert stride_along(address, "j") is int_const(-2)
    assert stride_along(address, "other") is int_const(0)
    assert stride_along(linear_index((J, I), (9, B)), "j") is k.size(B)
    assert stride_along(k.size(B) - J, "j") is int_const(-1)
    assert stride_along(J - J, "j") is int_const(0)


def test_not_affine():
    for index in (k.quot(J, int_const(2)), k.rem(J, int_const(2)), J * J, k.load("rows", (J,), int64), k.min(J, 3)):
        assert stride_along(index, "j", {}) is None
        assert stride_along(index, "i", {}) is int_const(0)
    assert stride_along(k.select(k.lt(J, 3), I, J), "j", {}) is None


def test_variables_and_loads():
    body = (
        Let("offset", J * 4 + I),
        Accumulator("count", int64, "add", int_const(0)),
        Update("count", int_const(1)),
        Store("out", (J,), k.var("x", float32)),
    )
    inside = changes_inside(Loop("j", 10, body))
    assert stride_along(k.var("offset", int64) * 2, "j", inside) is int_const(8)
    assert stride_along(k.var("count", int64), "j", inside) is None
    assert stride_along(k.var("outer", int64) + J, "j", inside) is int_const(1)
    assert stride_along(ROW * 3 + J, "j", inside) is int_const(1)
    assert stride_along(k.load("out", (I,), float32), "j", inside) is None
    assert stride_along(k.load_if(k.lt(I, 3), "rows", (I,), int64), "j", inside) is int_const(0)
    assert stride_along(ROW, "j") is None, "without knowing what changes, a load may"


def test_long_chain():
    index = J
    for _ in range(10_000):
        index = index + I
    assert stride_along(index, "j") is int_const(1)
