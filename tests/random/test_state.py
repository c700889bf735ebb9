"""Generators: every call draws anew, a seed repeats, a saved state resumes, programs share."""

from __future__ import annotations

import numpy as np

import graphc as gc
from graphc.random import Generator


def test_calls_differ_and_a_seed_repeats() -> None:
    g = Generator(4)
    draw = gc.compile([], g.normal((33,)))
    first, second = draw(), draw()
    assert not np.any(first == second) and int(g.calls.value) == 2
    g.seed(4)
    np.testing.assert_array_equal(draw(), first)
    np.testing.assert_array_equal(draw(), second)
    g.seed(5)
    assert not np.any(draw() == first)
    np.testing.assert_array_equal(gc.compile([], Generator(4).normal((33,)))(), first)


def test_a_saved_state_resumes_bit_for_bit() -> None:
    g = Generator(7)
    x = gc.input("x", (40,))
    w = gc.variable(np.zeros(40, np.float32), name="w")
    step = gc.compile([x], gc.sum(w), updates={w: w + gc.nn.dropout(x, 0.4, g) * g.normal((40,))})
    array = np.linspace(0, 1, 40, dtype=np.float32)
    for _ in range(3):
        step(array)
    saved = [v.value for v in (g.key, g.calls, w)]
    for _ in range(3):
        step(array)
    after = w.value
    g.seed(99)
    for variable, value in zip((g.key, g.calls, w), saved, strict=True):
        variable.value = value
    for _ in range(3):
        step(array)
    np.testing.assert_array_equal(w.value, after)


def test_programs_share_the_state_of_their_generator() -> None:
    g = Generator(1)
    y = g.uniform((5,))
    one, two = gc.compile([], y), gc.compile([], y, name="again")
    results = [one(), two(), one()]
    assert int(g.calls.value) == 3
    g.seed(1)
    np.testing.assert_array_equal(results, [one() for _ in range(3)])


def test_only_programs_that_draw_move_on_and_an_update_wins() -> None:
    g = Generator(1)
    y = g.uniform((5,))
    still = gc.compile([], y, updates={g.calls: g.calls})
    np.testing.assert_array_equal(still(), still())
    assert int(g.calls.value) == 0
    gc.compile([], gc.full((), 1.0))()
    gc.compile([], g.key)()
    assert int(g.calls.value) == 0
    gc.compile([], y, updates=[(g.calls, g.calls + 10)])()
    assert int(g.calls.value) == 10


def test_two_generators_in_one_program() -> None:
    a, b = Generator(1), Generator(1)
    x, y = gc.compile([], [a.uniform((9,)), b.uniform((9,))])()
    np.testing.assert_array_equal(x, y)
    assert int(a.calls.value) == int(b.calls.value) == 1


def test_the_default_generator() -> None:
    draw = gc.compile([], [gc.random.uniform((3,)), gc.random.permutation(5), gc.random.bernoulli(0.5, (4,))])
    gc.random.seed(12)
    first = draw()
    assert int(gc.random.default_generator.calls.value) == 1
    gc.random.seed(12)
    for a, b in zip(draw(), first, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_variable_advances_by_its_rule() -> None:
    n = gc.variable(np.int64(0), name="n", advance=lambda v: v + 2)
    read = gc.compile([], n * 10)
    assert [int(read()) for _ in range(3)] == [0, 20, 40] and int(n.value) == 6
