"""Draws take no memory: they are computed in the kernels that consume them, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc.program.program import GemmStep, KernelStep
from graphc.random import Generator

B = gc.dim("batch")


def slots(program: gc.Program) -> list[tuple]:
    return [(s.dtype.name, s.shape) for s in program.compilation.schedule.program.slots]


def test_dropout_stores_no_mask_and_draws_the_same_bits_in_both_directions() -> None:
    x, g = gc.input("x", (B, 100)), Generator(3)
    y = gc.nn.dropout(x, 0.4, g)
    (gx,) = gc.grad(gc.sum(y), [x])
    step = gc.compile([x], [y, gx])
    assert not slots(step) and "slot" not in step.dump("plan")
    assert len([s for s in step.compilation.schedule.program.steps if isinstance(s, KernelStep)]) == 2  # and calls + 1
    array = np.full((57, 100), 3, np.float32)
    dropped, gradient = step(array)
    np.testing.assert_array_equal(dropped == 0, gradient == 0)
    np.testing.assert_allclose(gradient[gradient != 0], 1 / 0.6, rtol=1e-6)
    np.testing.assert_allclose(dropped, array * gradient, rtol=1e-6)


def test_the_mask_of_a_product_is_drawn_again() -> None:
    x, g = gc.input("x", (B, 64)), Generator(3)
    keep = gc.astype(g.bernoulli(0.75, x.shape), "float32")
    y = gc.tanh(x) * keep / 0.75
    step = gc.compile([x], [gc.sum(y * y), *gc.grad(gc.sum(y * y), [x])])
    assert all(dtype == "float32" and shape != (B, 64) for dtype, shape in slots(step))


def test_between_gemms_the_mask_rides_on_the_epilogues() -> None:
    x, g = gc.input("x", (B, 37)), Generator(3)
    w = gc.variable(np.ones((37, 20), np.float32), name="w")
    v = gc.variable(np.ones((20, 5), np.float32), name="v")
    loss = gc.sum(gc.square(gc.nn.dropout(gc.relu(x @ w), 0.5, g) @ v))
    gw, gv = gc.grad(loss, [w, v])
    step = gc.compile([x], loss, updates={w: w - 0.1 * gw, v: v - 0.1 * gv})
    gemms = [s for s in step.compilation.schedule.program.steps if isinstance(s, GemmStep)]
    assert len(gemms) == 5
    assert all(dtype == "float32" for dtype, _ in slots(step))
    text = "\n".join(k.comment for k in step.compilation.schedule.kernels)
    assert "random_bits" not in text  # never a result of its own


@pytest.mark.parametrize("shape", [(B, 100), (B, 3, 17)], ids=str)
def test_a_draw_keeps_one_loop_over_contiguous_memory(shape: tuple) -> None:
    x = gc.input("x", shape)
    step = gc.compile([x], x + Generator(0).uniform(shape))
    loop = step.compilation.schedule.kernels[0].nests[0].loop
    assert loop.lanes and str(loop.extent) in ("100*batch", "51*batch")


def test_a_broadcast_draw_is_drawn_once_a_row() -> None:
    x = gc.input("x", (B, 100))
    column = gc.compile([x], gc.nn.dropout(x, 0.5, Generator(0), (B, 1)))
    assert slots(column) == [("bool", (B, 1))]
    result = column(np.ones((64, 100), np.float32))
    assert ((result == 0).all(axis=1) | (result == 2).all(axis=1)).all() and 0 < (result == 0).mean() < 1


def test_gradients_flow_to_the_parameters_of_a_draw() -> None:
    m, s = gc.input("m", (3,)), gc.input("s", (3,))
    g = Generator(2)
    z = g.normal((1000, 3), m, s)
    gm, gs = gc.grad(gc.sum(z), [m, s])
    low, high = gc.input("low", ()), gc.input("high", ())
    u = g.uniform((500,), low, high)
    gl, gh = gc.grad(gc.sum(u), [low, high])
    run = gc.compile([m, s, low, high], {"z": z, "gm": gm, "gs": gs, "u": u, "gl": gl, "gh": gh})
    out = run(np.array([1, 2, 3], np.float32), np.array([1, 2, 0.5], np.float32), np.float32(-1), np.float32(3))
    np.testing.assert_allclose(out["gm"], 1000)
    np.testing.assert_allclose(out["gs"], ((out["z"] - [1, 2, 3]) / [1, 2, 0.5]).sum(axis=0), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(out["gh"], ((out["u"] + 1) / 4).sum(), rtol=1e-5)
    np.testing.assert_allclose(out["gl"] + out["gh"], 500, rtol=1e-5)
