"""Logistic regression, 10000 samples of 100 features: gradient, and Hessian times a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.case import Arrays, Case, Ops

SAMPLES, FEATURES = 10_000, 100


def logistic_loss(ops: Ops, w: Any, x: Any, t: Any) -> Any:
    """Mean negative log likelihood of labels t ∈ {0, 1}: softplus(z) − t z for z = x w."""
    z = ops.matvec(x, w)
    return ops.mean(ops.softplus(z) - t * z)


def _arguments() -> Arrays:
    """w (features,), x (samples, features), t (samples,), direction (features,)."""
    generator = np.random.default_rng(5)
    w, direction = (generator.normal(size=FEATURES).astype("float32") * 0.1 for _ in range(2))
    x = generator.normal(size=(SAMPLES, FEATURES)).astype("float32")
    t = generator.integers(0, 2, SAMPLES).astype("float32")
    return [w, x, t, direction]


def _probability(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(x @ w)))


def _gradient(w: np.ndarray, x: np.ndarray, t: np.ndarray, direction: np.ndarray) -> list[np.ndarray]:
    return [x.T @ (_probability(w, x) - t) / SAMPLES]


def _hessian_product(w: np.ndarray, x: np.ndarray, t: np.ndarray, direction: np.ndarray) -> list[np.ndarray]:
    p = _probability(w, x)
    return [x.T @ (p * (1 - p) * (x @ direction)) / SAMPLES]


def _case(name: str, build: Any, reference: Any, products: int) -> Case:
    return Case(
        f"logistic regression {name}, 10000×100",
        arguments=_arguments,
        build=build,
        reference=reference,
        bytes=4 * SAMPLES * FEATURES,
        flops=2 * products * SAMPLES * FEATURES,
        tolerance=1e-4,
    )


CASES = (
    _case("gradient", lambda peer, a: peer.gradient(logistic_loss, a[:3]), _gradient, 2),
    _case("Hessian product", lambda peer, a: peer.hessian_product(logistic_loss, a[:3], a[3]), _hessian_product, 3),
)
