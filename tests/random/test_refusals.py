"""Draws that must be refused: what is declared, and the exact sentence, with the user's file and line."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable

import numpy as np
import pytest

import graphc as gc

x = gc.input("x", (gc.dim("batch"), 3))
i = gc.input("i", (3,), "int64")
r = gc.random

REFUSED = [
    (lambda: r.bernoulli(1.5, (3,)), "bernoulli: expected a probability in [0, 1], got 1.5"),
    (lambda: r.bernoulli(float("nan"), (3,)), "bernoulli: expected a probability in [0, 1], got nan"),
    (
        lambda: r.bernoulli(np.array([0.5, -0.1]), (2,)),
        "bernoulli: expected probabilities in [0, 1], got an array with others",
    ),
    (lambda: r.bernoulli(i), "bernoulli: expected a floating probability, got i64[3]"),
    (lambda: r.uniform((-1,)), "uniform: expected a shape of ints and dims, got (-1,)"),
    (lambda: r.normal((2, 0.5)), "normal: expected a shape of ints and dims, got (2, 0.5)"),
    (lambda: r.uniform((3,), 1, 1), "uniform: expected finite bounds low < high, got 1 and 1"),
    (lambda: r.uniform((3,), 0, np.inf), "uniform: expected finite bounds low < high, got 0 and inf"),
    (lambda: r.uniform((3,), dtype="int32"), "uniform: expected dtype float32 or float64, got int32"),
    (
        lambda: r.normal((3,), x),
        "normal: expected mean to be floating and to broadcast to [3], got f32[batch, 3]",
    ),
    (lambda: r.normal((3,), 0, i), "normal: expected stddev to be floating and to broadcast to [3], got i64[3]"),
    (lambda: r.normal((3,), stddev=-1), "normal: expected a standard deviation ≥ 0, got -1"),
    (lambda: r.truncated_normal((3,), np.nan), "truncated_normal: expected a finite mean, got nan"),
    (lambda: r.randint(3, 3), "randint: expected low < high ≤ low + 2**32, got 3 and 3"),
    (lambda: r.randint(0, 2**33), "randint: expected low < high ≤ low + 2**32, got 0 and 8589934592"),
    (lambda: r.randint(0, 2.5), "randint: expected ints or dims as bounds, got 0 and 2.5"),
    (lambda: r.permutation(-1), "permutation: expected an int in [0, 2**31), got -1"),
    (lambda: r.permutation(x.shape[0]), "permutation: expected an int in [0, 2**31), got batch"),
    (lambda: r.categorical(i), "categorical: expected floating logits of rank ≥ 1, got i64[3]"),
    (lambda: r.categorical(x, axis=2), "categorical: expected an axis in [-2, 2), got 2"),
    (lambda: r.seed(-1), "seed: expected an int in [0, 2**64), got -1"),
    (lambda: r.Generator(2**64), "seed: expected an int in [0, 2**64), got 18446744073709551616"),
    (lambda: r.Generator(1.0), "seed: expected an int in [0, 2**64), got 1.0"),
    (lambda: r.Generator(True), "seed: expected an int in [0, 2**64), got True"),
    (lambda: gc.nn.dropout(x, 1.5), "dropout: expected a rate in [0, 1], got 1.5"),
    (lambda: gc.nn.dropout(i, 0.5), "dropout: expected floating elements, got i64[3]"),
]


@pytest.mark.parametrize(("declare", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_refused(declare: Callable[[], object], sentence: str) -> None:
    with pytest.raises(gc.GraphError) as caught:
        declare()
    place, _, rest = str(caught.value).partition(": ")
    first, count = inspect.getsourcelines(declare)[1], len(inspect.getsourcelines(declare)[0])
    assert place in {f"{os.path.basename(__file__)}:{line}" for line in range(first, first + count)}
    assert rest == sentence


def test_the_rule_of_a_variable_must_keep_its_type() -> None:
    v = gc.variable(np.float32(1), name="v", advance=lambda v: gc.astype(v, "int64"))
    with pytest.raises(gc.GraphError, match=r"expected the next value of v to be f32\[\], got i64\[\]"):
        gc.compile([], v * 2)
