"""Checks of indices: one for each element that exists, and none for a row that has no elements."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc


def test_an_empty_row_checks_nothing():
    n = gc.dim("n")
    x, i = gc.input("x", (3, n), "int64"), gc.input("i", (3,), "int64")
    rows = gc.compile([x, i], gc.sum(gc.take_along_axis(x, gc.broadcast_to(i[:, None], x.shape), axis=1), axis=1))
    assert rows(np.arange(6).reshape(3, 2), np.array([1, 0, -1])).tolist() == [2, 4, 10]
    assert rows(np.zeros((3, 0), np.int64), np.array([1, 0, 7])).tolist() == [0, 0, 0]  # no element, no index
    with pytest.raises(gc.RuntimeFault, match="axis of size n"):
        rows(np.zeros((3, 2), np.int64), np.array([1, 0, 7]))


def test_a_scalar_after_a_reduction_is_checked_even_if_there_are_no_rows():
    n = gc.dim("n")
    x, i = gc.input("x", (n, 4), "int64"), gc.input("i", (), "int64")
    table = gc.constant(np.array([10, 20, 30]))
    rows = gc.sum(x, axis=1)
    program = gc.compile([x, i], [rows, gc.sum(rows) + gc.take(table, i, axis=0)])
    for size in (2, 0):
        assert program(np.ones((size, 4), np.int64), np.array(2))[1] == 4 * size + 30
        with pytest.raises(gc.RuntimeFault, match="size n = 3"):
            program(np.ones((size, 4), np.int64), np.array(5))
