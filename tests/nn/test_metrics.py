"""Metrics over uneven batches against scikit-learn on all samples at once, with and without weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

import graphc as gc
from graphc.nn import losses, metrics
from tests.nn.running import like, run

RNG = np.random.default_rng(0)
N = 50
SCORES = RNG.uniform(0.05, 0.95, size=(N, 4))
LABELS = RNG.integers(0, 4, N)
ONE_HOT = np.eye(4)[LABELS]
GRID = RNG.integers(1, 199, N) / 199 + 1e-3  # between thresholds: 200 of them find the whole curve
BITS = (RNG.uniform(size=N) < GRID).astype("int64")
MANY = (RNG.uniform(size=(N, 4)) > 0.6).astype("int64")
T, Y = RNG.normal(size=(2, N, 3))
WEIGHTS = RNG.uniform(0.1, 2, N)
TOP = SCORES.argmax(1)
ZERO = {"zero_division": 0}


def accuracy(right: np.ndarray, w: np.ndarray) -> float:
    return float((right * w).sum() / w.sum())


CASES = [  # metric, y_true, y_pred, expected from (t, y, w)
    (metrics.Accuracy, LABELS, TOP, lambda t, y, w: sk.accuracy_score(t, y, sample_weight=w)),
    (metrics.BinaryAccuracy, BITS, GRID, lambda t, y, w: sk.accuracy_score(t, y > 0.5, sample_weight=w)),
    (lambda: metrics.BinaryAccuracy(0.3), BITS, GRID, lambda t, y, w: accuracy((y > 0.3) == t, w)),
    (metrics.BinaryAccuracy, MANY, SCORES, lambda t, y, w: accuracy(((y > 0.5) == t).mean(1), w)),
    (metrics.CategoricalAccuracy, ONE_HOT, SCORES, lambda t, y, w: accuracy(t.argmax(1) == y.argmax(1), w)),
    (metrics.SparseCategoricalAccuracy, LABELS, SCORES, lambda t, y, w: accuracy(t == y.argmax(1), w)),
    (metrics.SparseCategoricalAccuracy, LABELS[:, None], SCORES, lambda t, y, w: accuracy(t[:, 0] == y.argmax(1), w)),
    (
        lambda: metrics.SparseTopKCategoricalAccuracy(2),
        LABELS,
        SCORES,
        lambda t, y, w: sk.top_k_accuracy_score(t, y, k=2, sample_weight=w),
    ),
    (
        lambda: metrics.TopKCategoricalAccuracy(3),
        ONE_HOT,
        SCORES,
        lambda t, y, w: sk.top_k_accuracy_score(t.argmax(1), y, k=3, sample_weight=w),
    ),
    (metrics.AUC, BITS, GRID, lambda t, y, w: sk.roc_auc_score(t, y, sample_weight=w)),
    (metrics.Precision, BITS, GRID, lambda t, y, w: sk.precision_score(t, y > 0.5, sample_weight=w)),
    (metrics.Recall, BITS, GRID, lambda t, y, w: sk.recall_score(t, y > 0.5, sample_weight=w)),
    (
        lambda: metrics.Precision([0.2, 0.7]),
        BITS,
        GRID,
        lambda t, y, w: [sk.precision_score(t, y > s, sample_weight=w) for s in (0.2, 0.7)],
    ),
    (
        lambda: metrics.Recall(class_id=2),
        MANY,
        SCORES,
        lambda t, y, w: sk.recall_score(t[:, 2], y[:, 2] > 0.5, sample_weight=w),
    ),
    (
        metrics.F1Score,
        LABELS,
        SCORES,
        lambda t, y, w: sk.f1_score(t, y.argmax(1), average=None, sample_weight=w, **ZERO),
    ),
    (
        lambda: metrics.F1Score("macro", 0.5),
        MANY,
        SCORES,
        lambda t, y, w: sk.f1_score(t, y > 0.5, average="macro", sample_weight=w, **ZERO),
    ),
    (
        lambda: metrics.F1Score("micro"),
        ONE_HOT,
        SCORES,
        lambda t, y, w: sk.f1_score(t.argmax(1), y.argmax(1), average="micro", sample_weight=w),
    ),
    (
        lambda: metrics.F1Score("weighted", 0.3),
        MANY,
        SCORES,
        lambda t, y, w: sk.f1_score(t, y > 0.3, average="weighted", sample_weight=w),
    ),
    (
        lambda: metrics.ConfusionMatrix(4),
        LABELS,
        SCORES,
        lambda t, y, w: sk.confusion_matrix(t, y.argmax(1), sample_weight=w),
    ),
    (lambda: metrics.ConfusionMatrix(4), LABELS, TOP, lambda t, y, w: sk.confusion_matrix(t, y, sample_weight=w)),
    (metrics.MeanSquaredError, T, Y, lambda t, y, w: sk.mean_squared_error(t, y, sample_weight=w)),
    (metrics.MeanAbsoluteError, T, Y, lambda t, y, w: sk.mean_absolute_error(t, y, sample_weight=w)),
    (
        metrics.RootMeanSquaredError,
        T[:, 0],
        Y[:, :1],
        lambda t, y, w: np.sqrt(sk.mean_squared_error(t, y[:, 0], sample_weight=w)),
    ),
    (metrics.R2Score, T, Y + T, lambda t, y, w: sk.r2_score(t, y, sample_weight=w)),
    (
        lambda: metrics.R2Score("variance_weighted_average"),
        T,
        Y + T,
        lambda t, y, w: sk.r2_score(t, y, sample_weight=w, multioutput="variance_weighted"),
    ),
    (
        lambda: metrics.get("sparse_categorical_crossentropy"),
        LABELS,
        SCORES / SCORES.sum(1, keepdims=True),
        lambda t, y, w: sk.log_loss(t, y, sample_weight=w),
    ),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("make", "t", "y", "expected"), CASES)
def test_against_scikit_learn(make: Callable, t: np.ndarray, y: np.ndarray, expected: Callable, weighted: bool) -> None:
    metric = make()
    a, b, w = like("t", t), like("y", y), like("w", WEIGHTS)
    program = gc.compile([a, b, w], [], updates=metric.update(a, b, w if weighted else None))
    for epoch in range(2):
        metric.reset()
        for rows in (slice(0, 7), slice(7, 8), slice(8, 8), slice(8, 40), slice(40, N)):
            program(t[rows] if epoch else t[rows] * 1, y[rows], WEIGHTS[rows])
        reference = expected(t, y, WEIGHTS if weighted else np.ones(N))
        np.testing.assert_allclose(metric.result(), reference, rtol=1e-9, atol=1e-12)
    states = [v.value for v in metric.variables]
    metric.reset()
    np.testing.assert_allclose(metric.result(states), reference, rtol=1e-9, atol=1e-12)


def keras_area(t: np.ndarray, y: np.ndarray, count: int) -> float:
    """Keras's PR interpolation, spelled out threshold by threshold."""
    thresholds = [-1e-7, *(i / (count - 1) for i in range(1, count - 1)), 1 + 1e-7]
    tp = [float(((y > s) & (t == 1)).sum()) for s in thresholds]
    p = [float((y > s).sum()) for s in thresholds]
    area = 0.0
    for i in range(count - 1):
        slope = (tp[i] - tp[i + 1]) / (p[i] - p[i + 1]) if p[i] > p[i + 1] else 0.0
        intercept = tp[i + 1] - slope * p[i + 1]
        ratio = p[i] / p[i + 1] if p[i] > 0 and p[i + 1] > 0 else 1.0
        area += slope * (tp[i] - tp[i + 1] + intercept * np.log(ratio)) / t.sum()
    return area


@pytest.mark.parametrize("count", [5, 200])
def test_area_under_precision_and_recall(count: int) -> None:
    metric = metrics.AUC(count, curve="PR")
    a, b = like("t", BITS), like("y", GRID)
    run([], {a: BITS, b: GRID}, metric.update(a, b))
    np.testing.assert_allclose(metric.result(), keras_area(BITS, GRID, count))
    if count == 200:
        assert abs(metric.result() - sk.average_precision_score(BITS, GRID)) < 0.02


def test_area_of_logits_and_bounds() -> None:
    a, b = like("t", BITS), like("y", GRID)
    logits = np.log(GRID / (1 - GRID))
    found = {}
    for method in ("minoring", "interpolation", "majoring"):
        metric = metrics.AUC(summation_method=method, from_logits=True)
        run([], {a: BITS, b: logits}, metric.update(a, b))
        found[method] = metric.result()
    assert found["minoring"] <= found["interpolation"] <= found["majoring"]
    np.testing.assert_allclose(found["interpolation"], sk.roc_auc_score(BITS, GRID))


def test_adjusted_r2() -> None:
    metric = metrics.R2Score(num_regressors=3)
    a, b = like("t", T[:, 0]), like("y", Y[:, 0])
    run([], {a: T[:, 0], b: Y[:, 0] / 9}, metric.update(a, b))
    np.testing.assert_allclose(metric.result(), 1 - (1 - sk.r2_score(T[:, 0], Y[:, 0] / 9)) * (N - 1) / (N - 4))


def test_mean_of_values_by_their_number() -> None:
    metric = metrics.Mean(name="loss")
    assert metric.variables == [] and np.isnan(metric.result())
    v = like("v", np.zeros(1, "float32"))
    program = gc.compile([v], [], updates=metric.update(v))
    program(np.array([1, 2, 3], "float32"))
    program(np.array([10], "float32"))
    assert metric.result() == 4.0 and [s.name for s in metric.variables] == ["loss/total", "loss/count"]
    metric.reset()
    assert metric.result() == 0.0


def test_ten_million_samples_add_up() -> None:
    metric = metrics.BinaryAccuracy()
    a, b = like("t", np.zeros(1, "float32")), like("y", np.zeros(1, "float32"))
    metric.update(a, b)
    program = gc.compile([a, b], [], updates=metric.update(a, b))
    for state in metric.variables:
        state.value = np.float64(2**24)  # where float32 stops counting
    program(np.ones(1, "float32"), np.ones(1, "float32"))
    assert [s.value for s in metric.variables] == [2**24 + 1] * 2


ACCURACIES: list[tuple[Any, Any, Any, type, float | None]] = [
    (BITS, GRID[:, None], None, metrics.BinaryAccuracy, 0.5),
    (BITS, GRID[:, None], losses.BinaryCrossentropy(from_logits=True), metrics.BinaryAccuracy, 0.0),
    (MANY, SCORES, losses.BinaryCrossentropy(), metrics.BinaryAccuracy, 0.5),
    (LABELS, SCORES, None, metrics.SparseCategoricalAccuracy, None),
    (LABELS[:, None], SCORES, None, metrics.SparseCategoricalAccuracy, None),
    (ONE_HOT, SCORES, losses.CategoricalCrossentropy(), metrics.CategoricalAccuracy, None),
]


@pytest.mark.parametrize(("t", "y", "loss", "kind", "threshold"), ACCURACIES)
def test_which_accuracy_fits(t: Any, y: Any, loss: Any, kind: type, threshold: float | None) -> None:
    metric = metrics.accuracy_for(like("t", t), like("y", y), loss)
    assert type(metric) is kind and metric.name == "accuracy"
    assert threshold is None or metric.threshold == threshold


def test_by_name() -> None:
    assert isinstance(metrics.get("mae"), metrics.MeanAbsoluteError)
    assert isinstance(metrics.get("AUC"), metrics.AUC)
    assert metrics.get("huber").name == "huber" and isinstance(metrics.get("huber"), metrics.LossMetric)
    assert metrics.get(losses.Huber(2.0)).loss.delta == 2.0
    own = metrics.get(lambda t, y: gc.abs(t - y))
    a, b = like("t", T[:, 0]), like("y", Y[:, 0])
    run([], {a: T[:, 0], b: Y[:, 0]}, own.update(a, b))
    np.testing.assert_allclose(own.result(), np.abs(T[:, 0] - Y[:, 0]).mean())
