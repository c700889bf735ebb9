"""Every gradient against central differences in float64, first and second order, and where it is delicate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphc import dtypes, ops
from graphc.autodiff.reverse import grad
from graphc.ir.value import Value
from graphc.ops.definition import Op
from tests.ops import samples
from tests.reference import evaluate

OPS = [op for f in ("elementwise", "reduction") for op in samples.ops_of(f) if samples.differentiable(op)]
STOPPED = "stop_gradient"  # its gradient is zero on purpose


def numeric_gradient(f: Callable[[list[np.ndarray]], float], arrays: list[np.ndarray], place: int) -> np.ndarray:
    """Central differences of a scalar function; their error is about 1e-10 relative."""
    x = arrays[place]
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = 1e-5 * max(1.0, abs(x[index]))
        values = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            values.append(f([*arrays[:place], moved, *arrays[place + 1 :]]))
        result[index] = (values[0] - values[1]) / (2 * step)
    return result


def check_gradient(loss: Value, inputs: list[Value], arrays: list[np.ndarray], tolerance: float = 1e-5) -> list[Value]:
    """Compare `grad` with differences for each float input; returns the symbolic gradients."""
    floats = [i for i, x in enumerate(inputs) if x.dtype.is_float]
    gradients = grad(loss, [inputs[i] for i in floats])
    feed = dict(zip(inputs, arrays, strict=True))
    for place, gradient in zip(floats, gradients, strict=True):
        expected = numeric_gradient(
            lambda moved: float(evaluate(loss, dict(zip(inputs, moved, strict=True)))[0]), arrays, place
        )
        np.testing.assert_allclose(evaluate(gradient, feed)[0], expected, rtol=tolerance, atol=tolerance)
    return gradients


def weighted(value: Value, seed: int = 1) -> Value:
    """A scalar in which every element of `value` has a weight of its own."""
    return ops.sum(value * np.random.default_rng(seed).uniform(0.5, 1.5, value.shape))


def cases() -> list[Any]:
    found = []
    for op in OPS:
        shape = (5,) if op.family == "elementwise" else (3, 4)
        for attrs in samples.attributes(op, len(shape)):
            if op.name != STOPPED and attrs.get("dtype", dtypes.float64).is_float:
                found.append(pytest.param(op, shape, attrs, id=f"{op.name}-{list(attrs.values())}"))
    return found


@pytest.mark.parametrize(("op", "shape", "attrs"), cases())
def test_first_and_second_derivatives(op: Op, shape: tuple[int, ...], attrs: dict[str, Any]) -> None:
    if attrs.get("dtype") is dtypes.float32:
        attrs = {"dtype": dtypes.float64}  # differences need the digits
    arrays = [np.clip(a, -8, 8) if a.dtype.kind == "f" else a for a in samples.operands(op, dtypes.float64, shape)]
    inputs = samples.inputs(arrays)
    gradients = check_gradient(weighted(op(*inputs, **attrs)), inputs, arrays)
    for gradient in gradients:
        check_gradient(weighted(gradient, 2), inputs, arrays, 1e-4)


def at(function: Callable[..., Value], *points: Any) -> list[np.ndarray]:
    """The gradients of sum(function) at given points."""
    arrays = [np.asarray(p, "float64") for p in points]
    inputs = samples.inputs(arrays)
    return evaluate(grad(ops.sum(function(*inputs)), inputs), dict(zip(inputs, arrays, strict=True)))


INF, NAN = np.inf, np.nan
DELICATE = [
    ("relu at 0", lambda x: ops.relu(x), [[0.0, -1.0, 2.0]], [[0, 0, 1]]),
    ("abs at 0", lambda x: ops.abs(x), [[0.0, -1.0]], [[0, -1]]),
    ("ties of maximum", lambda a, b: ops.maximum(a, b), [[1.0, 2.0], [1.0, 3.0]], [[0.5, 0], [0.5, 1]]),
    ("ties of minimum", lambda a, b: ops.minimum(a, b), [[1.0, 2.0], [1.0, 3.0]], [[0.5, 1], [0.5, 0]]),
    ("ties of max", lambda x: ops.max(x), [[3.0, 1.0, 3.0]], [[0.5, 0, 0.5]]),
    ("ties of min", lambda x: ops.min(x, axis=0), [[1.0, 1.0, 3.0]], [[0.5, 0.5, 0]]),
    ("NaN in max", lambda x: ops.max(x), [[3.0, NAN]], [[0, 0]]),
    ("where masks NaN", lambda x: ops.where(x > 0, ops.log(ops.where(x > 0, x, 1)), 0), [[-1.0, 2.0]], [[0, 0.5]]),
    ("where masks inf", lambda x: ops.where(x > 0, x, 0), [[-INF, 2.0]], [[0, 1]]),
    ("clip on its bounds", lambda x: ops.clip(x, 0, 1), [[-1.0, 0.0, 0.5, 1.0, 2.0]], [[0, 1, 1, 1, 0]]),
    ("clip without an upper bound", lambda x: ops.clip(x, min=0), [[-1.0, 0.0, INF]], [[0, 1, 1]]),
    ("clip of NaN", lambda x: ops.clip(x, 0, 1), [[NAN]], [[1]]),
    ("pow of 0", lambda x: x**2, [[0.0, 3.0]], [[0, 6]]),
    ("pow to 0", lambda x: x**0.0, [[0.0, 3.0]], [[0, 0]]),
    ("power of 0 by exponent", lambda e: ops.pow(0.0, e), [[0.0, 2.0]], [[0, 0]]),
    ("logaddexp of infinities", lambda a, b: ops.logaddexp(a, b), [[-INF], [-INF]], [[0.5], [0.5]]),
    ("logsumexp of -inf", lambda x: ops.logsumexp(x), [[-INF, -INF]], [[0, 0]]),
    ("logsumexp with -inf", lambda x: ops.logsumexp(x), [[-INF, 1.0]], [[0, 1]]),
    ("prod with a zero", lambda x: ops.prod(x), [[2.0, 0.0, 3.0]], [[0, 6, 0]]),
    ("prod with two zeros", lambda x: ops.prod(x), [[0.0, 0.0, 3.0]], [[0, 0, 0]]),
    ("prod of one", lambda x: ops.prod(x), [[0.0]], [[1]]),
    ("prod of none", lambda x: ops.prod(x, axis=1), [np.zeros((2, 0))], [np.zeros((2, 0))]),
    ("sigmoid far out", lambda x: ops.sigmoid(x), [[1000.0, -1000.0]], [[0, 0]]),
    ("softplus far out", lambda x: ops.softplus(x), [[1000.0, -1000.0]], [[1, 0]]),
]


@pytest.mark.parametrize(("function", "points", "expected"), [c[1:] for c in DELICATE], ids=[c[0] for c in DELICATE])
def test_delicate_points(function: Callable[..., Value], points: list, expected: list) -> None:
    for got, wanted in zip(at(function, *points), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


@pytest.mark.parametrize("shape", [(4,), (5,), (2, 3), (3, 1, 2)])
def test_product_has_all_derivatives_at_zeros(shape: tuple[int, ...]) -> None:
    x = ops.input("x", shape, "float64")
    array = np.random.default_rng(0).uniform(0.5, 2, shape)
    array.flat[0] = array.flat[2] = 0.0
    first = grad(ops.prod(x), x)
    second = grad(weighted(first), x)
    check_gradient(weighted(first), [x], [array])
    check_gradient(weighted(second, 3), [x], [array])


def test_product_over_a_symbolic_axis() -> None:
    from graphc.dims import dim

    x = ops.input("x", (2, dim("n")), "float64")
    array = np.array([[2.0, 0.0, 3.0], [1.0, 2.0, 3.0]])
    (got,) = evaluate(grad(ops.sum(ops.prod(x, axis=1)), x), {"x": array})
    np.testing.assert_allclose(got, [[0, 6, 0], [6, 3, 2]])


def test_stop_gradient_is_a_constant() -> None:
    (got,) = at(lambda x: x * ops.stop_gradient(x), [2.0, 3.0])
    np.testing.assert_allclose(got, [2, 3])
