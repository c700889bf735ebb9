"""What nn refuses: the exact sentence, with the user's file and line and the name of the object."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.nn import initializers, losses, metrics, optimizers, regularizers
from graphc.nn.serialization import deserialize, serialize
from tests.nn.running import B

x = gc.input("x", (B, 4))
v = gc.input("v", (B,))
i = gc.input("i", (B,), "int64")
w = gc.variable(np.zeros(3, "float32"), name="w")
open_ended = gc.input("open_ended", (B, gc.dim("n")))
shared = nn.Dense(2, name="shared")
shared(gc.input("wide", (B, 7)))


class Bad(nn.Layer):
    def call(self, x: gc.Value) -> Any:
        return 3


class Forgetful(nn.Layer):
    def __init__(self) -> None:
        pass

    def call(self, x: gc.Value) -> gc.Value:
        return x


class Wrong(nn.Layer):
    def call(self, x: gc.Value) -> gc.Value:
        return x @ gc.zeros((3, 3), "float32")


REFUSED: list[tuple[Callable[[], Any], str]] = [
    # layers
    (lambda: nn.Dense(0, name="d"), "d: expected units to be an int ≥ 1, got 0"),
    (lambda: nn.Dense(2.0, name="d"), "d: expected units to be an int ≥ 1, got 2.0"),
    (lambda: nn.Dense(2, "rellu"), "activation: expected the name of an activation (nearest: 'relu'), got 'rellu'"),
    (
        lambda: nn.Dense(2, kernel_initializer="glorot"),
        "initializer: expected the name of an initializer (nearest: 'glorot_normal'), got 'glorot'",
    ),
    (
        lambda: nn.Dense(2, kernel_regularizer=3),
        "regularizer: expected a regularizer, its name or its config, got 3",
    ),
    (lambda: nn.Dense(2, name="d")(v), "d: expected an input of shape [batch, …, features], got [batch]"),
    (lambda: nn.Dense(2, name="d")(open_ended), "d: expected a known size along axis -1, got shape [batch, n]"),
    (
        lambda: shared(x),
        "shared: expected an input with 7 features along its last axis, got f32[batch, 4]",
    ),
    (lambda: nn.Dense(2, dtype="int32", name="d")(x), "d: expected dtype float32 or float64, got 'int32'"),
    (lambda: nn.Dense(2, name="d")(x, training=1), "d: expected training to be True or False, got 1"),
    (lambda: nn.Dense(2, name="d")(), "d: expected a value to work on, got none"),
    (lambda: nn.Dense(2, name="d")(None), "constant: expected an array or a number, got None (in layer d)"),
    (lambda: nn.Embedding(3, 2, name="e")(x), "e: expected integers, got f32[batch, 4]"),
    (
        lambda: nn.Reshape((3,), name="r")(x),
        "r: expected an input that fits the target shape (3,), got f32[batch, 4]",
    ),
    (
        lambda: nn.Reshape((-1, -1), name="r"),
        "r: expected a target shape of ints ≥ 0 and at most one -1, got (-1, -1)",
    ),
    (lambda: nn.Add(name="a")(x), "a: expected a list of at least two values, got <x: f32[batch, 4]>"),
    (lambda: nn.Subtract(name="s")([x, x, x]), "s: expected a list of two values, got 3"),
    (
        lambda: nn.Add(name="a")([x, v]),
        "add: expected shapes that broadcast together, got [batch, 4] and [batch] (in layer a)",
    ),
    (lambda: nn.Dropout(1.5, name="d"), "d: expected a rate in [0, 1), got 1.5"),
    (lambda: nn.Dropout(0.5, seed="a", name="d"), "d: expected an int as seed, got 'a'"),
    (lambda: nn.GaussianNoise(-1, name="g"), "g: expected a finite stddev ≥ 0, got -1"),
    (
        lambda: nn.BatchNormalization(axis=2, name="b")(x),
        "b: expected an input with axis 2, got shape [batch, 4]",
    ),
    (
        lambda: nn.LayerNormalization(axis=(1, 3), name="l")(x),
        "l: expected axes of an input of rank 2, got (1, 3)",
    ),
    (lambda: nn.Normalization(mean=1.0, name="n"), "n: expected mean and variance, or neither, got one of them"),
    (
        lambda: nn.Normalization(name="n").adapt(np.array([[np.nan, 1]])),
        "n: expected at least one sample and only finite numbers to adapt to, got others",
    ),
    (lambda: Bad(name="bad")(x), "bad: expected call to return symbolic values, got int"),
    (
        lambda: Forgetful()(x),
        "Forgetful: expected super().__init__() to be called in __init__, got a layer without",
    ),
    (
        lambda: nn.Dense(2, name="d").add_loss(x),
        "d: expected add_loss, add_update and latest in call, got them outside of a call",
    ),
    (lambda: nn.Input(4), "Input: expected the shape of one sample as a tuple, got 4"),
    (lambda: nn.set_seed(-1), "set_seed: expected a seed in [0, 2**63), got -1"),
    # initializers and regularizers
    (lambda: initializers.VarianceScaling(0), "VarianceScaling: expected a scale > 0, got 0"),
    (lambda: initializers.Orthogonal()((3,)), "Orthogonal: expected at least a matrix to initialize, got shape (3,)"),
    (lambda: regularizers.L2(-1), "regularizer: expected l2 to be a finite number ≥ 0, got -1"),
    # losses
    (
        lambda: losses.get("mean_squared"),
        "loss: expected the name of a loss (nearest: 'mean_squared_error'), got 'mean_squared'",
    ),
    (
        lambda: losses.MeanSquaredError()(v, x),
        "mean_squared_error: expected targets of shape [batch, 4], that of the predictions, got f32[batch]",
    ),
    (
        lambda: losses.SparseCategoricalCrossentropy()(v, x),
        "sparse_categorical_crossentropy: expected integer labels, got f32[batch]",
    ),
    (
        lambda: losses.SparseCategoricalCrossentropy()(i, v),
        "sparse_categorical_crossentropy: expected labels of shape [] for predictions f32[batch], got i64[batch]",
    ),
    (
        lambda: losses.CategoricalCrossentropy()(x[:, :1], x[:, :1]),
        "categorical_crossentropy: expected predictions of at least two classes, got f32[batch, 1]",
    ),
    (
        lambda: losses.MeanSquaredError()(x, x, gc.input("weights", (B, 3))),
        "mean_squared_error: expected weights of shape [batch], got f32[batch, 3]",
    ),
    (lambda: losses.MeanSquaredError()(i, i), "mean_squared_error: expected floating predictions, got i64[batch]"),
    (lambda: losses.Huber(0), "huber: expected delta > 0, got 0"),
    (
        lambda: losses.BinaryCrossentropy(label_smoothing=2),
        "binary_crossentropy: expected label_smoothing in [0, 1], got 2",
    ),
    # metrics
    (
        lambda: metrics.get("acuracy"),
        "metric: expected the name of a metric (nearest: 'accuracy'), got 'acuracy'",
    ),
    (lambda: metrics.AUC(curve="roc"), "auc: expected curve 'ROC' or 'PR', got 'roc'"),
    (
        lambda: metrics.SparseCategoricalAccuracy().update(x, x),
        "sparse_categorical_accuracy: expected labels of shape [batch] for predictions f32[batch, 4], "
        "got f32[batch, 4]",
    ),
    (
        lambda: metrics.F1Score().update(i, open_ended),
        "f1_score: expected a number of classes that is known when declared, got f64[n]",
    ),
    (lambda: metrics.Precision(2.0), "precision: expected thresholds in [0, 1], got 2.0"),
    # optimizers
    (lambda: optimizers.Adam(float("nan")), "learning_rate: expected a finite number ≥ 0, got nan"),
    (lambda: optimizers.SGD(-0.1), "learning_rate: expected a finite number ≥ 0, got -0.1"),
    (lambda: optimizers.SGD("fast"), "learning_rate: expected a finite number ≥ 0, got 'fast'"),
    (
        lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0),
        "sgd: expected at most one of clipnorm, clipvalue and global_clipnorm, got several",
    ),
    (lambda: optimizers.Adam(beta_1=1.0), "adam: expected beta_1 in [0, 1), got 1.0"),
    (
        lambda: setattr(optimizers.SGD(optimizers.CosineDecay(0.1, 10)), "learning_rate", 0.1),
        "sgd: expected an optimizer without a schedule to set its learning rate, got one with",
    ),
    (lambda: optimizers.SGD().updates(gc.sum(x), []), "sgd: expected at least one variable to move, got none"),
    (
        lambda: optimizers.SGD().updates([x], [w]),
        "sgd: expected a gradient f32[3] for w, got f32[batch, 4]",
    ),
    (lambda: optimizers.CosineDecay(0.1, 0), "decay_steps: expected a number of steps ≥ 1, got 0"),
    (lambda: optimizers.get("adm"), "optimizer: expected the name of an optimizer (nearest: 'adam'), got 'adm'"),
    # configs
    (
        lambda: deserialize({"class_name": "Dens", "config": {}}),
        "deserialize: expected a class that is defined (nearest: 'Dense'), got 'Dens'",
    ),
    (
        lambda: serialize(nn.Activation(lambda x: x)),
        "get_config: expected an activation with a known name, got the function <lambda>, which JSON can't hold",
    ),
    (lambda: losses.get({"class_name": "Huber", "config": {"delta": -1}}), "huber: expected delta > 0, got -1"),
    (
        lambda: losses.get({"class_name": "Dense", "config": {"units": 3}}),
        "loss: expected a loss, its name or its config, got an object of type Dense",
    ),
]


@pytest.mark.parametrize(("declare", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_refused(declare: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(gc.GraphError) as caught:
        declare()
    place, _, rest = str(caught.value).partition(": ")
    assert rest == sentence
    first, count = inspect.getsourcelines(declare)[1], len(inspect.getsourcelines(declare)[0])
    assert place in {f"{os.path.basename(__file__)}:{line}" for line in range(first, first + count)}


def test_an_error_inside_an_own_layer_names_its_line_and_the_layer() -> None:
    with pytest.raises(gc.GraphError) as caught:
        Wrong(name="wrong")(x)
    line = inspect.getsourcelines(Wrong.call)[1] + 1
    assert str(caught.value).startswith(f"{os.path.basename(__file__)}:{line}: matmul: expected")
    assert str(caught.value).endswith("(in layer wrong)")


def test_unknown_arguments_in_a_config() -> None:
    with pytest.raises(gc.GraphError, match=r"Dense: expected arguments among units, activation, .*, got 'widht'"):
        deserialize({"class_name": "Dense", "config": {"widht": 3}})
