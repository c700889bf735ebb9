"""An op is defined in one place: one record here, and it prints, parses, differentiates, fuses and runs everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import reference

import graphc as gc
from graphc.dtypes import FLOATING
from graphc.ir.equality import graphs_equal
from graphc.ir.graph import Graph
from graphc.ir.parser import parse_graph
from graphc.ir.printer import print_graph
from graphc.kernel_ir import interpreter
from graphc.ops.definition import REGISTRY, lookup
from graphc.ops.families import unary


@pytest.fixture
def bump():
    op = unary(
        "toy_bump",
        summary="exp(-x*x).",
        dtypes=FLOATING,
        reference=lambda x: np.exp(-x * x),
        gradient=lambda g, x, y: (g * y * (-2 * x),),
        lower=lambda k, x: k.exp(-(x * x)),
    )
    yield op
    del REGISTRY["toy_bump"]


@pytest.mark.parametrize("backend", ["numba", "cpp"])
def test_one_record_is_enough(bump, backend):
    n = gc.dim("n")
    x = gc.input("x", (n,))
    loss = gc.sum(bump(x) * 3)
    g = gc.grad(loss, x)
    graph = Graph("toy", (x,), (("loss", loss), ("g", g)))
    assert "toy_bump(%x)" in print_graph(graph)
    assert graphs_equal(parse_graph(print_graph(graph), lookup), graph)
    step = gc.compile([x], {"loss": loss, "g": g, "gg": gc.grad(gc.sum(g), x)}, backend=backend)
    assert len(step.compilation.schedule.kernels) == 1
    array = np.linspace(-3, 3, 1823, dtype=np.float32)
    got = step(array)
    want = reference.evaluate([loss, g], {x: array})
    np.testing.assert_allclose(got["loss"], want[0], rtol=1e-5)
    np.testing.assert_allclose(got["g"], want[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got["gg"], 3 * np.exp(-(array**2)) * (4 * array**2 - 2), rtol=1e-4, atol=1e-5)
    kernel = step.compilation.schedule.kernels[0]
    buffers = {
        b.name: array if b.access == "read" else np.zeros(1823 if b.shape else (), np.float32) for b in kernel.buffers
    }
    assert interpreter.run(kernel, buffers, {"n": 1823}) == 0
    assert gc.gradcheck(bump, np.linspace(-2, 2, 17))
