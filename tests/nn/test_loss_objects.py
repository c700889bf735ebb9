"""Losses against NumPy formulas, per sample; weights and reductions; stable forms; gradients; functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.nn import losses
from tests.nn.running import like, run

RNG = np.random.default_rng(0)
T, Y = RNG.normal(size=(2, 6, 4))
P = RNG.uniform(0.05, 0.95, size=(6, 4))
SIMPLEX = RNG.dirichlet(np.ones(4), 6)
BITS = (RNG.uniform(size=(6, 4)) > 0.5).astype("int64")
LABELS = RNG.integers(0, 4, 6)
ONE_HOT = np.eye(4)[LABELS]
WEIGHTS = RNG.uniform(0.1, 2, 6)


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).sum(-1, keepdims=True))


def huber(e: np.ndarray, delta: float = 1.0) -> np.ndarray:
    return np.where(np.abs(e) <= delta, e**2 / 2, delta * np.abs(e) - delta**2 / 2)


def bce(t: np.ndarray, p: np.ndarray) -> np.ndarray:
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(-1)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


CASES = [  # loss, y_true, y_pred, the loss of each sample
    (losses.MeanSquaredError(), T, Y, lambda t, y: ((t - y) ** 2).mean(-1)),
    (losses.MeanAbsoluteError(), T, Y, lambda t, y: np.abs(t - y).mean(-1)),
    (losses.Huber(), T, Y, lambda t, y: huber(t - y).mean(-1)),
    (losses.Huber(0.3), T, Y, lambda t, y: huber(t - y, 0.3).mean(-1)),
    (losses.LogCosh(), T, Y, lambda t, y: np.log(np.cosh(y - t)).mean(-1)),
    (losses.CosineSimilarity(), T, Y, lambda t, y: -(unit(t) * unit(y)).sum(-1)),
    (losses.BinaryCrossentropy(), BITS, P, bce),
    (losses.BinaryCrossentropy(True), BITS, Y, lambda t, y: bce(t, sigmoid(y))),
    (losses.BinaryCrossentropy(True, 0.2), BITS, Y, lambda t, y: bce(t * 0.8 + 0.1, sigmoid(y))),
    (losses.CategoricalCrossentropy(), ONE_HOT, P, lambda t, p: -(t * np.log(p / p.sum(-1, keepdims=True))).sum(-1)),
    (losses.CategoricalCrossentropy(True, 0.1), ONE_HOT, Y, lambda t, y: -((t * 0.9 + 0.025) * log_softmax(y)).sum(-1)),
    (losses.SparseCategoricalCrossentropy(), LABELS, SIMPLEX, lambda t, p: -np.log(p[np.arange(len(t)), t])),
    (losses.SparseCategoricalCrossentropy(True), LABELS, Y, lambda t, y: -log_softmax(y)[np.arange(len(t)), t]),
    (
        losses.SparseCategoricalCrossentropy(True),
        LABELS[:, None],
        Y,
        lambda t, y: -log_softmax(y)[range(len(t)), t[:, 0]],
    ),
    (losses.KLDivergence(), SIMPLEX, P, lambda t, p: (t * np.log(t / p)).sum(-1)),
    (losses.Hinge(), BITS, Y, lambda t, y: np.maximum(1 - (2 * t - 1) * y, 0).mean(-1)),
    (losses.Hinge(), 2 * BITS - 1, Y, lambda t, y: np.maximum(1 - t * y, 0).mean(-1)),
    (losses.SquaredHinge(), BITS, Y, lambda t, y: (np.maximum(1 - (2 * t - 1) * y, 0) ** 2).mean(-1)),
    (
        losses.CategoricalHinge(),
        ONE_HOT,
        Y,
        lambda t, y: np.maximum(((1 - t) * y).max(-1) - (t * y).sum(-1) + 1, 0),
    ),
]


@pytest.mark.parametrize(("loss", "t", "y", "formula"), CASES, ids=lambda p: getattr(p, "name", ""))
def test_formula(loss: losses.Loss, t: np.ndarray, y: np.ndarray, formula: Callable) -> None:
    a, b, w = like("t", t), like("y", y), like("w", WEIGHTS)
    program = gc.compile([a, b, w], [loss(a, b), loss(a, b, w)])
    for rows in (6, 2):
        plain, weighted = program(t[:rows], y[:rows], WEIGHTS[:rows])
        samples = formula(t[:rows], y[:rows])
        assert samples.shape == (rows,)
        np.testing.assert_allclose(plain, samples.mean(), rtol=1e-6)
        np.testing.assert_allclose(weighted, (samples * WEIGHTS[:rows]).sum() / rows, rtol=1e-6)


@pytest.mark.parametrize(("loss", "t", "y", "formula"), CASES, ids=lambda p: getattr(p, "name", ""))
def test_gradient(loss: losses.Loss, t: np.ndarray, y: np.ndarray, formula: Callable) -> None:
    gc.gradcheck(lambda v: loss(t, v), y)


SAMPLES = ((T - Y) ** 2).mean(-1)
REDUCTIONS = [
    ("sum_over_batch_size", (SAMPLES * WEIGHTS).sum() / 6),
    ("mean", (SAMPLES * WEIGHTS).sum() / 6),
    ("mean_with_sample_weight", (SAMPLES * WEIGHTS).sum() / WEIGHTS.sum()),
    ("sum", (SAMPLES * WEIGHTS).sum()),
    ("none", SAMPLES * WEIGHTS),
    (None, SAMPLES * WEIGHTS),
]


@pytest.mark.parametrize(("reduction", "expected"), REDUCTIONS)
def test_reductions(reduction: str | None, expected: object) -> None:
    a, b, w = like("t", T), like("y", Y), like("w", WEIGHTS[:, None])  # [batch, 1] serves too
    np.testing.assert_allclose(
        run(losses.MeanSquaredError(reduction)(a, b, w), {a: T, b: Y, w: WEIGHTS[:, None]}), expected
    )


def test_ignored_classes_do_not_count() -> None:
    loss = losses.SparseCategoricalCrossentropy(True, ignore_class=-1)
    labels = np.where(LABELS == 2, -1, LABELS)
    keep = labels >= 0
    a, b = like("t", labels), like("y", Y)
    value = loss(a, b)
    got, gradient = run([value, gc.grad(value, b)], {a: labels, b: Y})
    np.testing.assert_allclose(got, -log_softmax(Y)[np.arange(6), labels][keep].mean())
    assert (gradient[~keep] == 0).all() and (gradient[keep] != 0).all()


@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_that_is_no_class_stops_the_program(label: int) -> None:
    t, y = like("t", LABELS), like("y", Y)
    with pytest.raises(gc.RuntimeFault, match="expected an index"):
        run(losses.SparseCategoricalCrossentropy()(t, y), {t: np.full(6, label), y: Y})


def test_softmax_and_sigmoid_are_taken_back_to_logits() -> None:
    far = np.array([[0.0, 200.0], [200.0, 0.0]])
    x = gc.input("x", (2, 2), "float64")
    labels, bits = np.array([0, 0]), np.array([[1.0, 0.0], [0.0, 1.0]])
    sparse = losses.SparseCategoricalCrossentropy()(labels, nn.softmax(x))
    categorical = losses.CategoricalCrossentropy()(np.eye(2)[labels], nn.softmax(x))
    binary = losses.BinaryCrossentropy()(bits, nn.sigmoid(x))
    got = gc.compile([x], [sparse, categorical, binary, gc.grad(sparse, x)])(far)
    np.testing.assert_allclose(got[:3], [100, 100, (2 * np.log(2) + 400) / 4])
    np.testing.assert_allclose(got[3][0], [-0.5, 0.5])


def test_labels_meet_predictions_with_one_output() -> None:
    t, y = like("t", BITS[:, 0]), like("y", P[:, :1])
    got = run(losses.BinaryCrossentropy()(t, y), {t: BITS[:, 0], y: P[:, :1]})
    np.testing.assert_allclose(got, bce(BITS[:, :1], P[:, :1]).mean())


def test_by_name_and_by_function() -> None:
    for name in ("mse", "mean_squared_error", "MeanSquaredError"):
        assert isinstance(losses.get(name), losses.MeanSquaredError)
    assert isinstance(losses.get("sparse_categorical_crossentropy"), losses.SparseCategoricalCrossentropy)
    own = losses.get(lambda t, y: gc.max(gc.abs(t - y), axis=-1))
    t, y = like("t", T), like("y", Y)
    np.testing.assert_allclose(run(own(t, y), {t: T, y: Y}), np.abs(T - Y).max(-1).mean())


def test_functions_of_predictions_and_targets() -> None:
    t, y, bits = like("t", T), like("y", Y), like("bits", BITS)
    got = run([losses.mean_absolute_error(y, t), losses.binary_cross_entropy(y, bits)], {y: Y, t: T, bits: BITS})
    np.testing.assert_allclose(got, [np.abs(T - Y).mean(), bce(BITS, sigmoid(Y)).mean()])
