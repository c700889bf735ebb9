"""Batch normalisation in both modes, layer normalisation, and Normalization that adapts."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from tests.nn.running import like, run

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, size=(7, 4))
IMAGES = RNG.normal(size=(3, 5, 4))


def normalized(x: np.ndarray, axes: tuple[int, ...], epsilon: float = 1e-3) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@pytest.mark.parametrize(("array", "axis"), [(X, -1), (IMAGES, -1), (IMAGES, 1)])
def test_batch_normalization(array: np.ndarray, axis: int) -> None:
    layer = nn.BatchNormalization(axis, momentum=0.9, dtype="float64")
    x = like("x", array)
    trained, plain = layer(x, training=True), layer(x)
    others = tuple(a for a in range(array.ndim) if a != axis % array.ndim)
    step = gc.compile([x], trained, layer.updates)
    inference = gc.compile([x], plain)
    np.testing.assert_allclose(inference(array), array / np.sqrt(1 + 1e-3), rtol=1e-12)
    mean, variance = 0.0, 1.0
    for batch in (array, array[:2] * 2):
        np.testing.assert_allclose(step(batch), normalized(batch, others), rtol=1e-9, atol=1e-12)
        mean = 0.9 * mean + 0.1 * batch.mean(others)
        variance = 0.9 * variance + 0.1 * batch.var(others)
    np.testing.assert_allclose(layer.moving_mean.value, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.moving_variance.value, variance, rtol=1e-12)
    shape = [n if a == axis % array.ndim else 1 for a, n in enumerate(array.shape)]
    gamma, beta = RNG.normal(size=(2, array.shape[axis]))
    layer.gamma.value, layer.beta.value = gamma, beta
    expected = (array - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-3)
    np.testing.assert_allclose(inference(array), expected * gamma.reshape(shape) + beta.reshape(shape), rtol=1e-9)


def test_batch_normalization_has_what_keras_has() -> None:
    layer = nn.BatchNormalization(name="norm")
    layer(like("x", X))
    assert [v.name for v in layer.trainable_variables] == ["norm/gamma", "norm/beta"]
    assert [v.name for v in layer.non_trainable_variables] == ["norm/moving_mean", "norm/moving_variance"]
    bare = nn.BatchNormalization(center=False, scale=False)
    bare(like("x", X))
    assert bare.trainable_variables == [] and bare.beta is None


def test_a_frozen_batch_normalization_keeps_its_statistics() -> None:
    layer, x = nn.BatchNormalization(trainable=False, dtype="float64"), like("x", X)
    y = layer(x, training=True)
    assert layer.updates == []
    np.testing.assert_allclose(run(y, {x: X}), X / np.sqrt(1 + 1e-3))


@pytest.mark.parametrize(("array", "axis"), [(X, -1), (IMAGES, -1), (IMAGES, (1, 2)), (IMAGES, 1)])
def test_layer_normalization(array: np.ndarray, axis: int | tuple[int, ...]) -> None:
    layer, x = nn.LayerNormalization(axis, dtype="float64"), like("x", array)
    y = layer(x)
    axes = (axis,) if isinstance(axis, int) else axis
    assert layer.gamma.shape == tuple(array.shape[a] for a in axes)
    np.testing.assert_allclose(run(y, {x: array}), normalized(array, axes), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("axis", [-1, (1, 2), None, 1])
def test_normalization_adapts(axis: int | tuple[int, ...] | None) -> None:
    layer, x = nn.Normalization(axis, dtype="float64"), like("x", IMAGES)
    program = gc.compile([x], layer(x))
    np.testing.assert_array_equal(program(IMAGES), IMAGES)  # before: mean 0, variance 1
    kept = () if axis is None else (axis,) if isinstance(axis, int) else axis
    others = tuple(a for a in range(3) if a not in {k % 3 for k in kept})
    layer.adapt(IMAGES[i : i + 1] for i in range(3))
    np.testing.assert_allclose(program(IMAGES), normalized(IMAGES, others, 0.0), rtol=1e-9, atol=1e-12)
    layer.adapt(IMAGES * 2)
    np.testing.assert_allclose(program(IMAGES * 2), normalized(IMAGES, others, 0.0), rtol=1e-9, atol=1e-12)
    assert layer.trainable_variables == []


def test_normalization_with_given_moments_and_back() -> None:
    x = like("x", X)
    there = nn.Normalization(mean=[1, 2, 3, 4], variance=4.0, dtype="float64")
    back = nn.Normalization(mean=[1, 2, 3, 4], variance=4.0, invert=True, dtype="float64")
    y = there(x)
    got = run([y, back(y)], {x: X})
    np.testing.assert_allclose(got[0], (X - [1, 2, 3, 4]) / 2)
    np.testing.assert_allclose(got[1], X, rtol=1e-12)


def test_a_constant_feature_is_not_blown_up() -> None:
    layer, x = nn.Normalization(), like("x", X.astype("float32"))
    layer.adapt(np.ones((3, 4)))
    assert np.array_equal(run(layer(x), {x: np.ones((2, 4), "float32")}), np.zeros((2, 4)))
