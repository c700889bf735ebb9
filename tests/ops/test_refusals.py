"""Declarations that must be refused: what is declared, and the exact sentence, with the user's file and line."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable

import numpy as np
import pytest

from graphc import nn, ops
from graphc.dims import dim
from graphc.errors import GraphError

B = dim("batch")
x = ops.input("x", (B, 784), "float32")
y = ops.input("y", (B, 10), "float32")
i = ops.input("i", (B,), "int64")
b = ops.input("b", (B, 10), "bool")
empty = ops.input("empty", (0, 3), "float64")

REFUSED = [
    (lambda: x + y, "add: expected shapes that broadcast together, got [batch, 784] and [batch, 10]"),
    (lambda: ops.where(b, x, 0), "where: expected shapes that broadcast together, got [batch, 10] and [batch, 784]"),
    (lambda: ops.where(y, 1, 0), "where: expected a bool condition, got f32[batch, 10]"),
    (lambda: ops.exp(b), "exp: expected a dtype among float32, float64, got bool[batch, 10]"),
    (lambda: ops.logical_and(b, y), "logical_and: expected a dtype among bool, got f32[batch, 10]"),
    (lambda: ops.stack([y, 1])[0] + [y, y], None),
    (lambda: i + 2**63, "add: expected a number that int64 holds, got 9223372036854775808"),
    (lambda: ops.input("u", (3,), "uint8") - -1, "subtract: expected a number that uint8 holds, got -1"),
    (lambda: i**-1, "pow: expected a power ≥ 0 of integers, got -1; use astype for a float base"),
    (lambda: y == None, "constant: expected an array or a number, got None"),  # noqa: E711
    (lambda: y + "1", None),
    (lambda: ops.input("a b", (1,)), "input: expected a name like 'x', got 'a b'"),
    (lambda: ops.input("a", (-1,)), "input: expected a shape of ints and dims, got (-1,)"),
    (lambda: ops.input("a", (1.5,)), "input: expected a shape of ints and dims, got (1.5,)"),
    (lambda: ops.input("a", (1,), "complex64"), None),
    (lambda: ops.full((), np.nan, "int32"), "full: expected a number that int32 holds, got nan"),
    (lambda: ops.full((), [1]), "full: expected a number, got an object of type list"),
    (lambda: ops.sum(y, axis=2), "sum: expected an axis in [-2, 2), got 2"),
    (lambda: ops.sum(y, axis=(0, -2)), "sum: expected axes that differ, got (0, -2)"),
    (lambda: ops.sum(y, axis=0.5), "sum: expected an int as axis, got 0.5"),
    (lambda: ops.max(empty), "max: expected at least one element along the axes (0, 1), got f64[0, 3]"),
    (lambda: ops.argmin(empty, axis=0), "argmin: expected at least one element along the axes (0,), got f64[0, 3]"),
    (lambda: ops.clip(y), "clip: expected a lower or an upper bound, got neither"),
    (lambda: len(y), "len: expected a first axis whose size is known when the graph is declared, got f32[batch, 10]"),
    (lambda: list(ops.sum(y)), "iteration: expected at least one axis, got f32[]"),
    (
        lambda: np.asarray(y),
        "numpy: expected an array, got the symbolic value <y: f32[batch, 10]>; "
        "compile and call a program to get numbers",
    ),
    (
        lambda: float(ops.sum(y)),
        "float: expected a number, got the symbolic value <sum: f32[]>; compile and call a program to get numbers",
    ),
    (
        lambda: nn.losses.cross_entropy(y, y),
        "cross_entropy: expected integer labels, got f32[batch, 10]",
    ),
    (
        lambda: nn.losses.cross_entropy(y, i[:, None]),
        "cross_entropy: expected labels of shape [batch] for logits f32[batch, 10], got i64[batch, 1]",
    ),
    (
        lambda: nn.losses.mean_squared_error(y, y[:, 0]),
        "mean_squared_error: expected operands of one shape, got f32[batch, 10] and f32[batch]",
    ),
    (lambda: nn.gelu(y, "fast"), "gelu: expected approximate to be 'none' or 'tanh', got 'fast'"),
]


@pytest.mark.parametrize(("declare", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_refused(declare: Callable[[], object], sentence: str | None) -> None:
    with pytest.raises(GraphError) as caught:
        declare()
    message = str(caught.value)
    place, _, rest = message.partition(": ")
    first, count = inspect.getsourcelines(declare)[1], len(inspect.getsourcelines(declare)[0])
    assert place in {f"{os.path.basename(__file__)}:{line}" for line in range(first, first + count)}
    assert "expected" in rest and "got" in rest
    if sentence is not None:
        assert rest == sentence
