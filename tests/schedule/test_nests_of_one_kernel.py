"""Kernels that are ready together become one: the buffers and local arrays of one nest are never those of another."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc

X = np.random.default_rng(0).normal(size=(7, 33)).astype(np.float32)
SOFTMAX = np.exp(X) / np.exp(X).sum(1, keepdims=True)


@pytest.fixture(autouse=True)
def verified(monkeypatch):
    monkeypatch.setenv("GRAPHC_VERIFY", "1")


def test_a_scratch_row_and_a_result_of_one_name():
    x, z = gc.input("x", (7, 33)), gc.input("z", (50,))
    program = gc.compile([x, z], [gc.softmax(x), gc.exp(z)])
    assert len(program.compilation.schedule.kernels) == 1
    z_array = np.linspace(-1, 1, 50, dtype=np.float32)
    soft, exponential = program(X, z_array)
    np.testing.assert_allclose(soft, SOFTMAX, rtol=1e-5)
    np.testing.assert_allclose(exponential, np.exp(z_array), rtol=1e-5)


def test_a_number_added_to_a_name_hits_no_other_name():
    x, y = gc.input("x", (7, 33)), gc.input("x_0", (33,))
    program = gc.compile([x, y], [gc.sum(x, axis=0) * y, gc.permute_dims(x, (1, 0)) * 2, y + 1, x[0] - y])
    ramp = np.arange(33, dtype=np.float32)
    for got, want in zip(program(X, ramp), (X.sum(0) * ramp, X.T * 2, ramp + 1, X[0] - ramp), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
