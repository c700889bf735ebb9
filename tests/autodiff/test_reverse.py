"""`grad` and `vjp`: values, errors, zeros, masks, origins, depth, any order."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import ops
from graphc.autodiff.reverse import grad, vjp
from graphc.dims import dim
from graphc.errors import GraphError
from graphc.ir.graph import topological
from graphc.ir.value import Value
from tests.reference import evaluate

X = np.array([0.5, -1.25, 3.0])


def at(value: Value, **feed: object) -> np.ndarray:
    return evaluate(value, feed)[0]


def x64(shape: tuple = (3,), name: str = "x") -> Value:
    return ops.input(name, shape, "float64")


def test_gradient_of_a_value_is_a_value_and_of_a_list_a_list() -> None:
    x, y = x64(), x64(name="y")
    loss = ops.sum(x * x * y)
    one = grad(loss, x)
    several = grad(loss, [x, y])
    assert isinstance(one, Value) and isinstance(several, list)
    np.testing.assert_allclose(at(one, x=X, y=X + 1), 2 * X * (X + 1))
    np.testing.assert_allclose(evaluate(several, {"x": X, "y": X + 1})[1], X * X)


def test_independent_values_get_zeros_of_their_type() -> None:
    x, y = x64(), ops.input("y", (dim("n"), 2), "float32")
    g = grad(ops.sum(x), y)
    assert g.type == y.type and g.op.name == "full" and g.attrs["value"] == 0


def test_gradient_by_the_loss_itself_is_one() -> None:
    loss = ops.sum(x64())
    assert at(grad(loss, loss), x=X) == 1.0


def test_by_an_intermediate_value_and_what_it_is_made_of() -> None:
    x = x64()
    y = ops.exp(x)
    by_x, by_y = grad(ops.sum(y * x), [x, y])
    np.testing.assert_allclose(at(by_y, x=X), X)
    np.testing.assert_allclose(at(by_x, x=X), np.exp(X) * X + np.exp(X))


def test_any_order() -> None:
    x = x64(())
    value = ops.sin(x) * x
    for _ in range(4):
        value = grad(value, x)
    np.testing.assert_allclose(at(value, x=0.7), np.sin(0.7) * 0.7 - 4 * np.cos(0.7))


def test_loss_must_be_a_float_scalar() -> None:
    with pytest.raises(GraphError, match=r"test_reverse.py:\d+: grad: expected a float scalar .*got f64\[3\]; reduce"):
        grad(x64(), x64())
    with pytest.raises(GraphError, match=r"grad: expected a float scalar .*got i64\[\]"):
        grad(ops.sum(ops.input("i", (3,), "int64")), x64())
    with pytest.raises(GraphError, match="grad: expected a symbolic value as the loss, got float"):
        grad(3.0, x64())


def test_wrt_must_be_floats() -> None:
    i = ops.input("i", (3,), "int64")
    with pytest.raises(
        GraphError, match=r"grad: expected a float value .* got <i: i64\[3\]>, declared at test_reverse"
    ):
        grad(ops.sum(x64()), [i])
    with pytest.raises(GraphError, match="expected a symbolic value to differentiate by, got str"):
        grad(ops.sum(x64()), ["W"])
    with pytest.raises(GraphError, match=r"expected an input, a variable or a computed value .* got <full"):
        grad(ops.sum(x64()), ops.zeros((3,)))


def test_an_op_without_gradient_on_the_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphc.ops.definition import REGISTRY, NoGradient
    from graphc.ops.families import unary

    monkeypatch.setattr("graphc.ops.definition.REGISTRY", dict(REGISTRY))
    stuck = unary(
        "stuck",
        summary="x.",
        dtypes=ops.exp.dtypes,
        reference=lambda x: x,
        lower=lambda k, x: x,
        gradient=NoGradient("it is only a test"),
    )
    x = x64()
    y = stuck(x)
    message = rf"test_reverse.py:\d+: grad: .* got stuck at test_reverse.py:{y.origin.line}: it is only a test"
    with pytest.raises(GraphError, match=message):
        grad(ops.sum(y * 2), x)
    assert at(grad(ops.sum(y * 2), y), x=X).tolist() == [2, 2, 2]  # it is not on the way


def test_no_derivative_passes_whole_numbers_and_bools() -> None:
    x = x64()
    steps = ops.floor(x) + ops.astype(x > 0, "float64") + ops.astype(ops.astype(x, "int64"), "float64")
    assert at(grad(ops.sum(steps * x), x), x=X).tolist() == at(steps, x=X).tolist()


def test_stop_gradient() -> None:
    x = x64()
    np.testing.assert_allclose(at(grad(ops.sum(x * ops.stop_gradient(x)), x), x=X), X)


def test_origins_say_where_the_differentiated_line_is() -> None:
    x = x64()
    y = ops.exp(x)
    line = y.origin.line
    made = [v for v in topological([grad(ops.sum(y), x)]) if v.op.name == "multiply"]
    assert made and all(str(v.origin) == f"grad test_reverse.py:{line}" for v in made)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("where", lambda x: ops.where(x > 0, ops.sqrt(x), 0)),
        ("where-else", lambda x: ops.where(x <= 0, 0, ops.log(x))),
        ("maximum", lambda x: ops.maximum(ops.log(ops.abs(x)), 10.0)),
        ("clip", lambda x: ops.clip(1 / x, -5.0, 5.0)),
        ("relu", lambda x: ops.relu(ops.log(x))),
        ("two-uses", lambda x: ops.where(x > 0, ops.sqrt(x), 0) + ops.where(x > 1, ops.sqrt(x) ** 2, 1)),
        ("same-value-twice", lambda x: (lambda r: ops.where(x > 0, r, 0) + ops.where(x > 1, r * r, 1))(ops.sqrt(x))),
        ("nested", lambda x: ops.where(x > 0, ops.where(x > 1, ops.log(x), 0) * ops.rsqrt(x), 0)),
        ("through-ops", lambda x: ops.where(x > 0, ops.exp(3 / ops.sqrt(x)), 0)),
    ],
)
def test_a_masked_branch_contributes_zero_never_nan(name: str, masked: object) -> None:
    x = x64((4,))
    points = np.array([0.0, -1.0, 0.25, 4.0])
    gradient = at(grad(ops.sum(masked(x)), x), x=points)
    assert np.isfinite(gradient).all(), gradient
    eps = 1e-6
    numeric = (at(masked(x), x=points + eps) - at(masked(x), x=points - eps)) / (2 * eps)
    at_kinks = points <= 0 if name != "clip" else points == 0
    np.testing.assert_allclose(gradient[~at_kinks], numeric[~at_kinks], rtol=1e-5, atol=1e-9)


def test_unstable_formulas_have_stable_gradients() -> None:
    x = x64((2, 3))
    logits = np.array([[1000.0, 0.0, -1000.0], [1.0, 2.0, 3.0]])
    exponentials = ops.exp(x)
    share = exponentials / ops.sum(ops.exp(x), axis=1, keepdims=True)
    losses = {
        "log of softmax": ops.log(share)[:, 2],
        "log of sum of exp": ops.log(ops.sum(exponentials, axis=1)),
        "softplus": ops.log(1 + exponentials),
        "log of a part": ops.log(ops.take(share, ops.constant(np.array([2])), axis=1)),
    }
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    expected = {
        "log of softmax": np.array([0, 0, 1.0]) - p,
        "log of sum of exp": p,
        "log of a part": np.array([0, 0, 1.0]) - p,
        "softplus": 1 / (1 + np.exp(-np.clip(logits, -700, 700))),
    }
    for name, loss in losses.items():
        np.testing.assert_allclose(at(grad(ops.sum(loss), x), x=logits), expected[name], atol=1e-12, err_msg=name)


def test_a_value_to_differentiate_by_is_not_looked_through() -> None:
    x = x64((1, 3))
    p = ops.softmax(x)
    for loss in (ops.log(p), ops.log(p[:, 1:]), ops.log(ops.take(p, ops.constant(np.array([1, 2])), axis=1))):
        gradient = at(grad(ops.sum(loss), p), x=X[None])
        np.testing.assert_allclose(gradient[:, 1:], 1 / at(p, x=X[None])[:, 1:])


def test_vjp_takes_one_cotangent_per_output() -> None:
    x = x64()
    outputs = [ops.exp(x), ops.sum(x)]
    result = vjp(outputs, x, [ops.constant(X), ops.constant(2.0)])
    np.testing.assert_allclose(at(result, x=X), X * np.exp(X) + 2)
    with pytest.raises(GraphError, match="vjp: expected 2 cotangents, got 1"):
        vjp(outputs, x, [ops.constant(X)])
    with pytest.raises(GraphError, match=r"vjp: expected a cotangent of type f64\[3\], got f64\[\]"):
        vjp(outputs, x, [ops.constant(1.0), ops.constant(2.0)])


def test_ten_thousand_values_deep() -> None:
    x = x64()
    y = x
    for _ in range(5_000):
        y = ops.sin(y) * 1.0001
    gradient = grad(ops.sum(y), x)
    assert len(topological([gradient])) > 10_000
    assert np.isfinite(at(gradient, x=X)).all()
