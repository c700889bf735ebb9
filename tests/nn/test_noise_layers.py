"""Dropout and noise: the identity when not training, the right statistics when training, streams that resume."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from tests.nn.running import like, run

X = np.random.default_rng(0).normal(1, 0.1, size=(200, 50)).astype("float32")
LAYERS = [
    (lambda seed: nn.Dropout(0.25, seed=seed), 1.0, 0.25 / 0.75 * 1.01 + 0.01),
    (lambda seed: nn.GaussianNoise(0.5, seed=seed), 1.0, 0.25 + 0.01),
    (lambda seed: nn.GaussianDropout(0.2, seed=seed), 1.0, 0.25 * 1.01 + 0.01),
]


@pytest.mark.parametrize(("make", "mean", "variance"), LAYERS)
def test_noise(make: object, mean: float, variance: float) -> None:
    layer, x = make(7), like("x", X)
    assert layer(x) is x
    program = gc.compile([x], layer(x, training=True))
    first, second = program(X), program(X)
    assert not np.array_equal(first, second)
    for drawn in (first, second):
        np.testing.assert_allclose([drawn.mean(), drawn.var()], [mean, variance], rtol=0.06)
    again = make(7)
    np.testing.assert_array_equal(gc.compile([x], again(x, training=True))(X), first)


def test_dropout_drops_and_scales_and_its_gradient_has_the_same_mask() -> None:
    layer, x = nn.Dropout(0.4, seed=1), like("x", X)
    y = layer(x, training=True)
    value, gradient = run([y, gc.grad(gc.sum(y), x)], {x: X})
    kept = value != 0
    np.testing.assert_allclose(kept.mean(), 0.6, atol=0.02)
    np.testing.assert_allclose(value, np.where(kept, X / np.float32(0.6), 0), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.where(kept, 1 / np.float32(0.6), 0), rtol=1e-6)


def test_noise_shape_shares_decisions() -> None:
    layer, x = nn.Dropout(0.5, noise_shape=(None, 1), seed=1), like("x", X)
    kept = run(layer(x, training=True), {x: X}) != 0
    assert (kept == kept[:, :1]).all() and 0 < kept[:, 0].mean() < 1


def test_the_state_of_the_stream_is_a_variable_and_resumes() -> None:
    layer, x = nn.Dropout(0.5, seed=2), like("x", X)
    program = gc.compile([x], layer(x, training=True))
    program(X)
    state = {name: v.value for name, v in layer.named_variables().items()}
    assert layer.weights == [] and layer.trainable_variables == [] and layer.count_params() == 0
    expected = program(X)
    for name, v in layer.named_variables().items():
        v.value = state[name]
    np.testing.assert_array_equal(program(X), expected)


def test_layers_without_a_seed_differ_and_follow_set_seed() -> None:
    x = like("x", X)

    def pair() -> list[np.ndarray]:
        nn.set_seed(5)
        return run([nn.Dropout(0.5)(x, training=True), nn.Dropout(0.5)(x, training=True)], {x: X})

    first, again = pair(), pair()
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first, again)
