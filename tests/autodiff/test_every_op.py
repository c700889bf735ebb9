"""The gradient of every op of the registry against finite differences, through the oracle; second order too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphc import ops
from graphc.autodiff.check import check_derivatives
from graphc.autodiff.reverse import grad
from graphc.ir.value import Value
from graphc.ops.definition import REGISTRY, NoGradient, Op
from tests.ops import samples
from tests.reference import evaluate

RNG = np.random.default_rng(11)


def check(f: Callable[..., Value], *arrays: np.ndarray, order: int = 1) -> None:
    def evaluator(inputs: list[Value], outputs: list[Value]) -> Callable[..., list[np.ndarray]]:
        return lambda *points: evaluate(outputs, dict(zip(inputs, points, strict=True)))

    check_derivatives(f, arrays, evaluator, order=order, eps=1e-5, rtol=1e-5, atol=1e-7)


def _smooth(op: Op) -> list[np.ndarray]:
    """Points inside the op's domain, apart from each other and from the places where ops have kinks."""
    arrays = []
    for i in range(samples.arity(op)):
        domain = op.domain[min(i, len(op.domain) - 1)]
        low, high = max(domain.low, -3.0), min(domain.high, 3.0)
        points = np.linspace(low, high, 8)[1:-1] + 0.0137 * (i + 1)
        arrays.append(RNG.permutation(points)[:5])
    return arrays


DIFFERENTIABLE = [op for op in samples.ops_of("elementwise") if samples.differentiable(op)]
DIFFERENTIABLE.remove(REGISTRY["stop_gradient"])  # whose gradient is wrong by design


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=lambda op: op.name)
def test_elementwise(op: Op, order: int) -> None:
    arrays = _smooth(op)
    if op.name == "astype":
        check(lambda x: ops.astype(ops.astype(x, "float64"), "float64"), *arrays, order=order)
    elif getattr(op, "selects", False):
        check(lambda a, b: op(a > b, a, b), *arrays[1:], order=order)
    else:
        check(lambda *xs: op(*xs) if op.name != "clip" else op(xs[0], xs[1] - 4, xs[2] + 4), *arrays, order=order)


REDUCTIONS = [op for op in samples.ops_of("reduction") if samples.differentiable(op)]


@pytest.mark.parametrize("op", REDUCTIONS, ids=lambda op: op.name)
def test_reductions(op: Op) -> None:
    x = RNG.permutation(np.linspace(0.3, 1.9, 12)).reshape(3, 2, 2)
    for attrs in samples.attributes(op, x.ndim):
        check(lambda v, attrs=attrs: op(v, **attrs), x)
    attrs = list(samples.attributes(op, x.ndim))[-1]
    check(lambda v: op(v, **attrs), x, order=2)


M = RNG.normal(size=(3, 4))
INDEX = np.array([[2, 0], [2, 2]])
SHAPE_OPS = {
    "broadcast_to": lambda x: ops.broadcast_to(x[:, None], (2, 3, 5, 4)),
    "reshape": lambda x: ops.reshape(x, (2, 6)),
    "permute_dims": lambda x: ops.permute_dims(x[None], (2, 0, 1)),
    "slice": lambda x: x[2:0:-1, 1::2],
    "flip": lambda x: ops.flip(x, axis=0),
    "concat": lambda x: ops.concat([x, x * x, x[:1]], axis=0),
    "pad": lambda x: ops.pad(x, ((1, 2), (0, 3)), constant_values=7.0),
    "gather": lambda x: x[ops.constant(INDEX)],
    "gather-two-axes": lambda x: x[ops.constant(INDEX), ops.constant(INDEX)],
    "take_along_axis": lambda x: ops.take_along_axis(x, ops.constant(np.array([[0, 3], [1, 1], [2, 0]])), axis=1),
    "scatter_add": lambda x: ops.scatter_add(x, ops.constant(np.array([1, 1, 0])), shape=(2, 4), axes=(0,)),
    "matmul": lambda x: x @ x.mT,
    "matmul-batched": lambda x: ops.stack([x, 2 * x]) @ x.mT[None],
    "einsum": lambda x: ops.einsum("ij,kj->ik", x, x),
    "tensordot": lambda x: ops.tensordot(x, x, axes=([0], [0])),
    "stack": lambda x: ops.stack([x, ops.sin(x)], axis=1),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", SHAPE_OPS)
def test_views_indexing_and_contractions(name: str, order: int) -> None:
    check(lambda x: ops.exp(0.5 * SHAPE_OPS[name](x)), M, order=order)


def test_every_differentiable_op_is_checked_here() -> None:
    checked = {op.name for op in (*DIFFERENTIABLE, *REDUCTIONS)} | {name.split("-")[0] for name in SHAPE_OPS}
    checked.add("stop_gradient")
    missing = [
        op.name
        for op in REGISTRY.values()
        if not isinstance(op.gradient, NoGradient) and any(d.is_float for d in op.dtypes) and op.name not in checked
    ]
    assert not missing


def test_ties_share() -> None:
    x = ops.input("x", (2, 3), "float64")
    ties = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]])
    by_max = evaluate(grad(ops.sum(ops.max(x, axis=1)), x), {"x": ties})[0]
    np.testing.assert_allclose(by_max, [[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]])
