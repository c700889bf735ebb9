"""Places where a wrong order or a shared buffer would give wrong numbers: each program against the oracle.

Every case stands for one condition of the scheduler that no other test would miss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference

import graphc as gc
from graphc.program.program import GemmStep

RNG = np.random.default_rng(5)
X = gc.input("x", (8, 8), "float64")
Y = gc.input("y", (8, 8), "float64")
FEED = {X: RNG.normal(size=(8, 8)), Y: RNG.normal(size=(8, 8))}


def variable(*shape: int) -> Any:
    return gc.variable(RNG.normal(size=shape), name="v")


def results(outputs: list[Any], updates: dict[Any, Any] | None = None) -> list[GemmStep]:
    """Compile, run, compare; the GEMMs of the program."""
    updates = updates or {}
    want = reference.evaluate([*outputs, *updates.values()], FEED)
    program = gc.compile([X, Y], outputs, updates)
    got = program(*FEED.values()) + [v.value for v in updates]
    for array, expected in zip(got, want, strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-9, atol=1e-9)
    return [s for s in program.compilation.schedule.program.steps if isinstance(s, GemmStep)]


def test_a_matmul_is_not_written_into_its_own_operand():
    a = variable(8, 8)
    (gemm,) = results([], {a: a @ a})
    assert gemm.c not in (gemm.a, gemm.b)


def test_an_epilogue_reads_its_own_element_only():
    z = X @ Y
    for other in (z.mT, z[::-1]):
        (gemm,) = results([z + other])
        assert gemm.epilogue is None


@pytest.mark.parametrize("first", [lambda z: z, lambda z: gc.sum(z, axis=0), lambda z: gc.flip(z)], ids="zsf")
def test_a_product_that_somebody_else_reads_is_not_overwritten_by_its_epilogue(first: Callable):
    z = X @ Y
    results([first(z), gc.tanh(z)])


def test_two_epilogues_do_not_wait_for_each_other():
    p, q = X @ Y, Y @ X
    results([gc.tanh(p) + gc.exp(gc.sum(q, axis=0)), gc.tanh(q) + gc.exp(gc.sum(p, axis=0))])


def test_a_matrix_that_serves_some_batches_only():
    x, y = gc.reshape(X, (2, 2, 4, 4)), gc.reshape(Y, (2, 2, 4, 4))[:, :1]
    results([x @ y, gc.exp(x) @ gc.tanh(y)])


def test_the_same_index_of_another_shape_is_another_element():
    u = gc.exp(X[:4, :6])
    results([u, gc.pad(gc.reshape(u, (6, 4))[:4], ((0, 0), (0, 2))) + u])


def test_one_value_for_two_outputs_and_two_variables():
    a, b = variable(8, 8), variable(8, 8)
    y = gc.tanh(X + a)
    results([y, y, gc.reshape(y, (64,))])
    results([y, y, gc.reshape(y, (64,))], {a: y, b: y})
    results([a, b], {a: y, b: a})


def test_a_variable_is_overwritten_after_its_last_reader():
    a, b = variable(8, 8), variable(8)
    late = gc.sum(gc.exp(X))  # who needs it is ready after an update that does not
    results([gc.sum(a * late, axis=0)], {a: a * 2})
    results([], {a: a - (a @ X), b: gc.sum(a * late, axis=1) + b[::-1]})
    following = gc.tanh(a)
    results([gc.sum(a * gc.sum(following), axis=0)], {a: following})


def test_an_update_waits_for_every_check():
    a, x = variable(8), gc.input("x", (8,), "float64")
    i = gc.astype(gc.sum(gc.exp(x)), "int64")
    for updated in (a + 1, gc.tanh(a + x)):
        for table in (gc.exp(x), gc.exp(gc.flip(updated))):
            before = a.value
            program = gc.compile([x], [gc.take(table, i, axis=0)], {a: updated})
            with pytest.raises(gc.RuntimeFault):
                program(np.ones(8))
            np.testing.assert_array_equal(a.value, before)
            program(np.full(8, -9.0))
            assert not np.array_equal(a.value, before)
