"""Every layer, loss, metric, optimiser … as JSON and back: the same description, the same numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from graphc.nn import constraints, initializers, losses, metrics, optimizers, regularizers
from graphc.nn.serialization import Configured, deserialize, names_of, parameters, serialize
from tests.nn.running import B

REQUIRED: dict[str, Any] = {  # arguments that have no default
    "units": 3,
    "input_dim": 4,
    "output_dim": 2,
    "target_shape": (2, -1),
    "activation": "relu",
    "scale": 0.5,
    "rate": 0.3,
    "stddev": 0.2,
    "num_classes": 3,
    "loss": losses.Huber(2.0),
    "initial_learning_rate": 0.1,
    "decay_steps": 10,
    "decay_rate": 0.5,
    "boundaries": [1, 2],
    "values": [0.3, 0.2, 0.1],
}
FAMILIES = (
    nn.Layer,
    initializers.Initializer,
    regularizers.Regularizer,
    constraints.Constraint,
    losses.Loss,
    metrics.Metric,
    optimizers.Optimizer,
    optimizers.LearningRateSchedule,
)


def classes() -> list[type[Configured]]:
    found = {c for family in FAMILIES for c in names_of(family).values()}
    here = [c for c in found if not c.__module__.startswith(("graphc.nn.models", "graphc.nn.training"))]
    abstract = {metrics.MeanMetric}
    return sorted(set(here) - abstract, key=lambda c: (c.__module__, c.__name__))


def made(cls: type[Configured]) -> Configured:
    import inspect

    arguments = inspect.signature(cls).parameters.values()
    needed = [a.name for a in arguments if a.default is a.empty and a.kind is a.POSITIONAL_OR_KEYWORD]
    return cls(**{name: REQUIRED[name] for name in needed})


@pytest.mark.parametrize("cls", classes(), ids=lambda c: c.__name__)
def test_round_trip(cls: type[Configured]) -> None:
    original = made(cls)
    text = json.dumps(serialize(original), allow_nan=False)
    again = deserialize(json.loads(text))
    assert type(again) is cls and json.dumps(serialize(again)) == text
    assert set(original.get_config()) == set(parameters(cls))


def test_arguments_survive() -> None:
    layer = nn.Dense(
        3,
        activation="gelu",
        kernel_initializer=initializers.HeNormal(seed=4),
        kernel_regularizer=regularizers.L1L2(0.1, 0.2),
        kernel_constraint="max_norm",
        bias_regularizer="l2",
        trainable=False,
        dtype="float64",
        name="hidden",
    )
    again = deserialize(json.loads(json.dumps(serialize(layer))))
    layer(gc.input("x", (B, 2))), again(gc.input("x", (B, 2)))
    assert (again.name, again.dtype, again.trainable) == ("hidden", "float64", False)
    np.testing.assert_array_equal(layer.kernel.value, again.kernel.value)
    assert again.kernel_regularizer.l1 == 0.1 and again.activation is nn.gelu
    assert isinstance(again.kernel_constraint, constraints.MaxNorm)


def test_a_loss_and_a_metric_of_one_name() -> None:
    assert type(deserialize(serialize(losses.MeanSquaredError()))) is losses.MeanSquaredError
    assert type(deserialize(serialize(metrics.MeanSquaredError()))) is metrics.MeanSquaredError


def test_an_optimizer_keeps_its_present_rate_and_its_schedule() -> None:
    optimizer = optimizers.Adam(0.1, clipnorm=1.0)
    optimizer.learning_rate = 0.025
    again = deserialize(serialize(optimizer))
    assert again.learning_rate == 0.025 and again.clipnorm == 1.0
    scheduled = deserialize(serialize(optimizers.SGD(optimizers.CosineDecay(0.1, 10))))
    assert scheduled.learning_rate == 0.1 and scheduled.get_config()["learning_rate"]["class_name"] == "CosineDecay"


class Twice(nn.Layer):
    """A layer from outside, with a layer as its argument."""

    def __init__(self, inner: nn.Layer, **kwargs: Any):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x: gc.Value) -> gc.Value:
        return self.inner(self.inner(x))


def test_own_layers_with_layers_inside() -> None:
    described = serialize(Twice(nn.Dense(3, name="inside"), name="outside"))
    assert described["class_name"] == "custom>Twice"
    again = deserialize(json.loads(json.dumps(described)))
    assert type(again) is Twice and again.inner.name == "inside" and again.name == "outside"
    other = type("Twice", (Twice,), {"__module__": "elsewhere"})
    assert type(deserialize(described, {"Twice": other})) is other
