"""Layers against NumPy formulas with any batch size, and their gradients by inputs and weights."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from tests.nn.running import like, run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
SEQUENCE = RNG.normal(size=(2, 3, 4))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


FORWARD = [  # layer, input, NumPy
    (nn.Dense(3, dtype="float64"), X, lambda x, k, b: x @ k + b),
    (nn.Dense(3, "tanh", use_bias=False, dtype="float64"), SEQUENCE, lambda x, k: np.tanh(x @ k)),
    (nn.Dense(2, bias_initializer="ones", dtype="float64"), X, lambda x, k, b: x @ k + 1),
    (nn.Embedding(6, 3, dtype="float64"), RNG.integers(0, 6, (5, 2)), lambda x, table: table[x]),
    (nn.Flatten(), SEQUENCE, lambda x: x.reshape(len(x), 12)),
    (nn.Flatten(), X[:, 0], lambda x: x[:, None]),
    (nn.Reshape((2, 2)), X, lambda x: x.reshape(len(x), 2, 2)),
    (nn.Reshape((-1, 2, 1)), SEQUENCE, lambda x: x.reshape(len(x), 6, 2, 1)),
    (nn.Activation("softmax", dtype="float64"), X, softmax),
    (nn.Activation(lambda x: x * x, dtype="float64"), X, np.square),
    (nn.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2, dtype="float64"), X, None),
    (nn.LeakyReLU(dtype="float64"), X, lambda x: np.where(x > 0, x, 0.3 * x)),
    (nn.ELU(0.5, dtype="float64"), X, lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    (nn.Softmax(dtype="float64"), X, softmax),
    (nn.PReLU("ones", dtype="float64"), X, lambda x, a: x),
    (nn.PReLU("uniform", shared_axes=[1], dtype="float64"), SEQUENCE, lambda x, a: np.where(x > 0, x, a * x)),
    (nn.Rescaling(2.0, -1.0, dtype="float64"), X, lambda x: 2 * x - 1),
    (nn.ActivityRegularization(l1=0.1), X, lambda x: x),
]


@pytest.mark.parametrize(("layer", "array", "formula"), FORWARD, ids=lambda p: getattr(p, "name", ""))
def test_forward(layer: nn.Layer, array: np.ndarray, formula: Callable | None) -> None:
    x = like("x", array)
    y = layer(x)
    program = gc.compile([x], y)
    for rows in (len(array), 1, 0):
        got = program(array[:rows])
        if formula is None:  # ReLU of Keras, case by case
            a = array[:rows]
            expected = np.where(a > 0.2, np.minimum(a, 1.0), 0.1 * (a - 0.2))
        else:
            expected = formula(array[:rows], *layer.get_weights())
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
        assert y.shape[1:] == expected.shape[1:]


GRADIENTS = [  # layer, shape of the input, attributes that are weights
    (nn.Dense(3, "tanh", dtype="float64"), (5, 4), ["kernel", "bias"]),
    (nn.Dense(3, "gelu", dtype="float64"), (2, 3, 4), ["kernel", "bias"]),
    (nn.Activation("selu", dtype="float64"), (5, 4), []),
    (nn.PReLU("ones", dtype="float64"), (5, 4), ["alpha"]),
    (nn.BatchNormalization(dtype="float64"), (5, 4), ["gamma", "beta"]),
    (nn.BatchNormalization(axis=1, dtype="float64"), (2, 3, 4), ["gamma", "beta"]),
    (nn.LayerNormalization(dtype="float64"), (5, 4), ["gamma", "beta"]),
    (nn.LayerNormalization(axis=(1, 2), dtype="float64"), (2, 3, 4), ["gamma", "beta"]),
]


@pytest.mark.parametrize(("layer", "shape", "weights"), GRADIENTS, ids=lambda p: getattr(p, "name", None))
def test_gradients(layer: nn.Layer, shape: tuple[int, ...], weights: list[str]) -> None:
    layer(gc.input("x", shape, "float64"))
    arrays = [getattr(layer, name).value for name in weights]

    def declared(x: gc.Value, *values: gc.Value) -> gc.Value:
        for name, value in zip(weights, values, strict=True):
            setattr(layer, name, value)  # in place of the variable
        return layer(x, training=True)

    gc.gradcheck(declared, RNG.normal(size=shape), *(a + RNG.normal(size=a.shape) * 0.1 for a in arrays))


def test_gradient_of_an_embedding() -> None:
    layer = nn.Embedding(4, 2)
    i = gc.input("i", (3,), "int32")
    y = layer(i)
    gradient = run(gc.grad(gc.sum(y * y), layer.embeddings), {i: np.array([1, 3, 1], "int32")})
    table = layer.embeddings.value
    np.testing.assert_allclose(gradient, 2 * table * np.array([0, 2, 0, 1])[:, None], rtol=1e-6)


@pytest.mark.parametrize("index", [-1, 4])
def test_an_index_that_is_no_row_stops_the_program(index: int) -> None:
    i = gc.input("i", (1,), "int64")
    with pytest.raises(gc.RuntimeFault, match="expected an index"):
        run(nn.Embedding(4, 2)(i), {i: np.array([index])})


A, C = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
MERGES = [
    (nn.Add(), lambda a, c: a + c),
    (nn.Subtract(), lambda a, c: a - c),
    (nn.Multiply(), lambda a, c: a * c),
    (nn.Average(), lambda a, c: (a + c) / 2),
    (nn.Maximum(), np.maximum),
    (nn.Minimum(), np.minimum),
    (nn.Concatenate(), lambda a, c: np.concatenate([a, c], -1)),
]


@pytest.mark.parametrize(("layer", "formula"), MERGES, ids=lambda p: getattr(p, "name", ""))
def test_merging(layer: nn.Layer, formula: Callable) -> None:
    a, c = like("a", A), like("c", C)
    np.testing.assert_allclose(run(layer([a, c]), {a: A, c: C}), formula(A, C), rtol=1e-15)
    gc.gradcheck(lambda a, c: layer([a, c]), A, C)


def test_merging_of_three() -> None:
    a, c = like("a", A), like("c", C)
    got = run([nn.Add()([a, c, a]), nn.Concatenate(axis=0)([a, c, a])], {a: A, c: C})
    np.testing.assert_allclose(got[0], A + C + A)
    np.testing.assert_allclose(got[1], np.concatenate([A, C, A]))


X16 = np.array([-40.0, -3.2, -0.5, 0.0, 0.4, 2.9, 3.1, 6.5, 700.0])
SELU = (1.6732632423543772, 1.0507009873554805)
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: SELU[1] * np.where(x > 0, x, SELU[0] * np.expm1(np.minimum(x, 0))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exponential": lambda x: np.exp(x),
    "softmax": softmax,
    "log_softmax": lambda x: x - x.max() - np.log(np.exp(x - x.max()).sum()),
}


def test_every_activation_by_name_and_its_gradient_where_it_saturates() -> None:
    x = gc.input("x", X16.shape, "float64")
    names = sorted(set(nn.activations.BY_NAME) - {"gelu"})
    assert names == sorted(ACTIVATIONS)
    values = [nn.activations.get(name)(x) for name in names]
    got = run(values + [gc.grad(gc.sum(v), x) for v in values], {x: X16})
    for name, value, gradient in zip(names, got, got[len(names) :], strict=False):
        np.testing.assert_allclose(value, ACTIVATIONS[name](X16), rtol=1e-12, atol=1e-15, err_msg=name)
        assert np.isfinite(gradient).all(), name


def test_activations_have_the_right_gradients() -> None:
    smooth = np.array([-2.5, -0.5, 0.3, 2.0])
    for name in itertools.chain(nn.activations.BY_NAME):
        gc.gradcheck(nn.activations.get(name), smooth)
