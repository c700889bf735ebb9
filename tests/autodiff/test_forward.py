"""`jvp`, `hvp`, `jacobian`, `hessian` against closed forms and against each other."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import ops
from graphc.autodiff.forward import hessian, hvp, jacobian, jvp
from graphc.autodiff.reverse import grad
from graphc.dims import dim
from graphc.errors import GraphError
from graphc.ir.value import Value
from tests.reference import evaluate

RNG = np.random.default_rng(5)
A, X, V = RNG.normal(size=(4, 3)), RNG.normal(size=3), RNG.normal(size=3)


def at(value: Value, **feed: object) -> np.ndarray:
    return evaluate(value, {"x": X, "v": V, **feed})[0]


def inputs() -> tuple[Value, Value]:
    return ops.input("x", (3,), "float64"), ops.input("v", (3,), "float64")


def test_jvp_is_the_jacobian_times_the_tangent() -> None:
    x, v = inputs()
    y = ops.tanh(ops.constant(A) @ x)
    whole = at(jacobian(y, x))
    np.testing.assert_allclose(whole, (1 - np.tanh(A @ X) ** 2)[:, None] * A)
    np.testing.assert_allclose(at(jvp(y, x, v)), whole @ V)


def test_jvp_through_selections_and_reductions() -> None:
    x, v = inputs()
    y = ops.where(x > 0, ops.exp(x), 0) + ops.max(x) * ops.relu(x)
    np.testing.assert_allclose(at(jvp(y, x, v)), at(jacobian(y, x)) @ V)


def test_jvp_of_several_outputs_by_several_values() -> None:
    x, v = inputs()
    w = ops.input("w", (3,), "float64")
    first, second = jvp([x * w, ops.sum(w)], [x, w], [v, v])
    np.testing.assert_allclose(at(first, w=X), V * X + X * V)
    np.testing.assert_allclose(at(second, w=X), V.sum())


def test_hvp_is_the_hessian_times_the_vector() -> None:
    x, v = inputs()
    loss = ops.logsumexp(ops.constant(A) @ x) + ops.sum(x**3)
    whole = at(hessian(loss, x))
    np.testing.assert_allclose(whole, whole.T)
    np.testing.assert_allclose(at(hvp(loss, x, v)), whole @ V)
    p = np.exp(A @ X) / np.exp(A @ X).sum()
    np.testing.assert_allclose(whole, A.T @ (np.diag(p) - np.outer(p, p)) @ A + np.diag(6 * X))


def test_hvp_by_several_values_takes_as_many_vectors() -> None:
    x, v = inputs()
    w = ops.input("w", (3,), "float64")
    by_x, by_w = hvp(ops.sum(x * x * w), [x, w], [v, v])
    np.testing.assert_allclose(at(by_x, w=V), 2 * V * V + 2 * X * V)
    np.testing.assert_allclose(at(by_w, w=V), 2 * X * V)
    with pytest.raises(GraphError, match="hvp: expected 2 vectors, got 1"):
        hvp(ops.sum(x * w), [x, w], v)


def test_jacobian_has_the_shapes_of_both() -> None:
    x = ops.input("m", (2, 3), "float64")
    whole = jacobian(ops.sum(x * x, axis=1), x)
    assert whole.shape == (2, 2, 3)
    m = RNG.normal(size=(2, 3))
    expected = np.zeros((2, 2, 3))
    expected[0, 0], expected[1, 1] = 2 * m
    np.testing.assert_allclose(at(whole, m=m), expected)


def test_jacobian_of_nothing_is_nothing() -> None:
    x = ops.input("e", (0,), "float64")
    assert jacobian(x * 2, x).shape == (0, 0)


def test_jacobian_needs_a_fixed_size() -> None:
    x = ops.input("n", (dim("n"),), "float64")
    with pytest.raises(GraphError, match=r"jacobian: expected an output of a fixed size, got f64\[n\]"):
        jacobian(x * x, x)


def test_hvp_agrees_with_the_gradient_of_the_directional_derivative() -> None:
    x, v = inputs()
    loss = ops.sum(ops.sigmoid(x) * ops.sin(x))
    np.testing.assert_allclose(at(hvp(loss, x, v)), at(grad(jvp(loss, x, v), x)))
