"""`gradcheck`: what is right passes, what is wrong is named; a wrong record is caught."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphc import ops
from graphc.autodiff.check import check_derivatives, gradcheck
from graphc.errors import GraphError
from graphc.ir.value import Value
from graphc.ops.definition import REGISTRY
from graphc.ops.families import unary
from tests.reference import evaluate


def check(f: Callable[..., Value], *arrays: object, order: int = 1) -> None:
    def evaluator(inputs: list[Value], outputs: list[Value]) -> Callable[..., list[np.ndarray]]:
        return lambda *points: evaluate(outputs, dict(zip(inputs, points, strict=True)))

    check_derivatives(f, arrays, evaluator, order=order, eps=1e-5, rtol=1e-5, atol=1e-7)


def test_right_gradients_pass() -> None:
    check(lambda x, w: ops.tanh(x @ w), np.ones((2, 3)), np.full((3, 2), 0.3), order=3)
    check(lambda x: ops.sum(x), np.ones((0, 3)))
    check(lambda x: ops.astype(ops.astype(x, "float32"), "float64") * 0.0, [1, 2])


def test_a_wrong_gradient_is_shown_with_its_worst_element(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphc.ops.definition.REGISTRY", dict(REGISTRY))
    wrong = unary(
        "wrong_cube",
        summary="x cubed.",
        dtypes=ops.exp.dtypes,
        reference=lambda x: x**3,
        lower=lambda k, x: x * x * x,
        gradient=lambda g, x, y: (2 * g * x * x,),
    )
    with pytest.raises(GraphError, match=r"derivative of order 1 .* got 2 elements that differ(.|\n)*x0\[1\]"):
        check(lambda x: wrong(x), np.array([1.0, 2.0]))


def test_only_the_second_order_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphc.ops.definition.REGISTRY", dict(REGISTRY))
    frozen = unary(
        "frozen_square",
        summary="x squared.",
        dtypes=ops.exp.dtypes,
        reference=lambda x: x**2,
        lower=lambda k, x: x * x,
        gradient=lambda g, x, y: (g * ops.stop_gradient(2 * x),),
    )
    check(lambda x: frozen(x), np.array([1.0]))
    with pytest.raises(GraphError, match="derivative of order 2"):
        check(lambda x: frozen(x), np.array([1.0]), order=2)


def test_the_function_must_return_a_float_value() -> None:
    with pytest.raises(GraphError, match="gradcheck: expected a function that returns a float value, got 3"):
        check(lambda x: 3, np.ones(2))
    with pytest.raises(GraphError, match="gradcheck: expected a function that returns a float value, got <"):
        check(lambda x: x > 0, np.ones(2))


def test_gradcheck_runs_compiled_programs() -> None:
    assert gradcheck(lambda x, w: ops.tanh(x @ w) * ops.sum(x), np.ones((2, 3)), np.full((3, 2), 0.3), order=2)
    with pytest.raises(GraphError, match="derivative of order 1"):
        gradcheck(lambda x: ops.stop_gradient(x) * x, np.ones(2))
