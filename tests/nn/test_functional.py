"""Losses and activations against what they mean in NumPy, and their gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphc import nn, ops
from graphc.autodiff.reverse import grad
from graphc.dims import dim
from tests.reference import evaluate

LOGITS = np.random.default_rng(0).normal(size=(5, 3)) * 3
LABELS = np.array([0, 2, 1, 1, 0])


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "uint64"])
def test_cross_entropy(dtype: str) -> None:
    batch = dim("batch")
    logits, labels = ops.input("logits", (batch, 3), "float64"), ops.input("labels", (batch,), dtype)
    loss = nn.losses.cross_entropy(logits, labels)
    value, gradient = evaluate([loss, grad(loss, logits)], {"logits": LOGITS, "labels": LABELS.astype(dtype)})
    probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(value, -np.log(probabilities[np.arange(5), LABELS]).mean())
    np.testing.assert_allclose(gradient, (probabilities - np.eye(3)[LABELS]) / 5, atol=1e-15)


def test_cross_entropy_of_a_sequence() -> None:
    logits, labels = ops.input("logits", (2, 4, 3), "float64"), ops.input("labels", (2, 4), "int64")
    array = np.random.default_rng(1).normal(size=(2, 4, 3))
    index = np.random.default_rng(1).integers(0, 3, (2, 4))
    (got,) = evaluate(nn.losses.cross_entropy(logits, labels), {"logits": array, "labels": index})
    log_p = array - np.log(np.exp(array).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(got, -np.take_along_axis(log_p, index[..., None], axis=-1).mean())


def test_cross_entropy_ignores_impossible_classes() -> None:
    logits, labels = ops.input("logits", (1, 3), "float64"), ops.input("labels", (1,), "int64")
    loss = nn.losses.cross_entropy(logits, labels)
    feed = {"logits": np.array([[0.0, -np.inf, 0.0]]), "labels": np.array([2])}
    value, gradient = evaluate([loss, grad(loss, logits)], feed)
    np.testing.assert_allclose(value, math.log(2))
    np.testing.assert_allclose(gradient, [[0.5, 0, -0.5]])


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_out_of_range_is_no_class(label: int) -> None:
    logits, labels = ops.input("logits", (1, 3), "float64"), ops.input("labels", (1,), "int64")
    with pytest.raises(IndexError):
        evaluate(nn.losses.cross_entropy(logits, labels), {"logits": np.zeros((1, 3)), "labels": np.array([label])})


def test_mean_squared_error() -> None:
    p, t = ops.input("p", (5, 3), "float64"), ops.input("t", (5, 3), "float64")
    (got,) = evaluate(nn.losses.mean_squared_error(p, t), {"p": LOGITS, "t": LOGITS[::-1]})
    np.testing.assert_allclose(got, ((LOGITS - LOGITS[::-1]) ** 2).mean())


def test_activations() -> None:
    x = ops.input("x", (4,), "float64")
    array = np.array([-3.0, -0.5, 0.0, 2.0])
    normal = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in array])
    sigmoid = 1 / (1 + np.exp(-array))
    inner = math.sqrt(2 / math.pi) * (array + 0.044715 * array**3)
    for got, expected in (
        (nn.gelu(x), array * normal),
        (nn.gelu(x, approximate="tanh"), 0.5 * array * (1 + np.tanh(inner))),
        (nn.silu(x), array * sigmoid),
        (nn.log_sigmoid(x), np.log(sigmoid)),
        (nn.softmax(x), np.exp(array) / np.exp(array).sum()),
    ):
        np.testing.assert_allclose(evaluate(got, {"x": array})[0], expected, atol=1e-15)
