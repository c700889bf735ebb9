"""What all layers share: names, variables, recordings, sharing, own layers, tracing."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import nn
from tests.nn.running import B, run

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


@pytest.fixture(autouse=True)
def _names() -> None:
    nn.clear_session()
    nn.set_seed(0)


def x32() -> gc.Value:
    return gc.input("x", (B, 4))


class Residual(nn.Layer):
    """x + dense(x), as a user would write it."""

    def __init__(self, width: int, **kwargs: object):
        super().__init__(**kwargs)
        self.width = width
        self.dense = nn.Dense(width, "relu", kernel_regularizer="l2")
        self.noise = [nn.Dropout(0.5, seed=1)]
        self.scale = gc.variable(np.ones((), "float32"), name="scale")

    def call(self, x: gc.Value) -> gc.Value:
        return x + self.scale * self.noise[0](self.dense(x))


def test_names_are_numbered_as_keras_does() -> None:
    names = [layer.name for layer in (nn.Dense(1), nn.Dense(1), nn.BatchNormalization(), nn.Dense(1, name="last"))]
    assert names == ["dense", "dense_1", "batch_normalization", "last"]


def test_variables_come_with_the_first_call_and_are_shared() -> None:
    layer = nn.Dense(3)
    assert not layer.built and layer.variables == []
    x = x32()
    y, z = layer(x), layer(x * 2, training=True)
    assert [v.name for v in layer.variables] == ["dense/kernel", "dense/bias"]
    assert layer.count_params() == 15
    kernel, bias = layer.get_weights()
    got = run([y, z], {x: X})
    np.testing.assert_allclose(got[0], X @ kernel + bias, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got[1], 2 * X @ kernel + bias, rtol=1e-5, atol=1e-6)


def test_set_weights_sets_all_or_none() -> None:
    layer = nn.Dense(3)
    layer(x32())
    before = layer.get_weights()
    with pytest.raises(gc.GraphError, match=r"dense: expected f32\[3\] for dense/bias, got float32\[2\]"):
        layer.set_weights([np.zeros((4, 3), "float32"), np.zeros(2, "float32")])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])
    layer.set_weights([a + 1 for a in before])
    np.testing.assert_array_equal(layer.kernel.value, before[0] + 1)


def test_a_layer_of_layers() -> None:
    layer = Residual(4)
    x = x32()
    y = layer(x)
    assert [v.name for v in layer.weights] == ["scale", "dense/kernel", "dense/bias"]
    assert [v.name for v in layer.trainable_variables] == ["scale", "dense/kernel", "dense/bias"]
    assert list(layer.named_variables()) == [
        "residual/scale",
        "dense/kernel",
        "dense/bias",
        "dropout/random_key",
        "dropout/random_calls",
    ]
    assert len(layer.losses) == 1 and layer.flattened_layers() == [layer, layer.dense, layer.noise[0]]
    kernel = layer.dense.kernel.value
    got, penalty = run([y, layer.losses[0]], {x: X})
    np.testing.assert_allclose(got, X + np.maximum(X @ kernel, 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(penalty, 0.01 * (kernel**2).sum(), rtol=1e-5)


def test_training_reaches_the_layers_inside() -> None:
    layer, x = Residual(4), x32()
    trained, plain = run([layer(x, training=True), layer(x)], {x: X})
    assert not np.array_equal(trained, plain)


def test_trainable_reaches_the_layers_inside() -> None:
    layer = Residual(4)
    layer(x32())
    layer.trainable = False
    assert layer.trainable_variables == [] and len(layer.non_trainable_variables) == 5 and layer.losses == []
    layer.dense.trainable = True
    assert layer.trainable_variables == []
    layer.trainable = True
    layer.dense.kernel.trainable = False
    assert [v.name for v in layer.trainable_variables] == ["scale", "dense/bias"]


def test_programs_of_one_layer_keep_their_updates_apart() -> None:
    layer, x, y = nn.BatchNormalization(), x32(), gc.input("y", (B, 4))
    layer(x, training=True)
    layer(y, training=True)
    layer(y)  # inference: the updates of the last training call stay
    run(y, {y: X}, layer.updates)  # does not need x
    np.testing.assert_allclose(layer.moving_mean.value, 0.01 * X.mean(0), rtol=1e-4, atol=1e-7)


def test_a_layer_twice_in_one_program_moves_on_twice() -> None:
    layer, x, y = nn.BatchNormalization(momentum=0.5), x32(), gc.input("y", (B, 4))
    with nn.recording() as record:
        layer(x, training=True)
        layer(y, training=True)
    assert [call.layer for call in record.calls] == [layer, layer]
    run(x, {x: X, y: X + 1}, record.updates)
    np.testing.assert_allclose(layer.moving_mean.value, 0.75 * X.mean(0) + 0.5, rtol=1e-5, atol=1e-6)


def test_activity_losses_are_those_of_the_recording() -> None:
    layer, x, y = nn.Dense(2, activity_regularizer="l2"), x32(), gc.input("y", (B, 4))
    with nn.recording() as record:
        outputs = [layer(x), layer(y)]
    assert [owner for owner, _ in record.losses] == [layer, layer] and len(layer.losses) == 2
    *values, penalty = run([*outputs, record.losses[1][1]], {x: X, y: X[:3]} | {x: X[:3]})
    np.testing.assert_allclose(penalty, 0.01 * (values[1] ** 2).sum() / 3, rtol=1e-5)


def test_several_inputs_and_outputs() -> None:
    class Mix(nn.Layer):
        def build(self, a: tuple, b: tuple) -> None:
            self.shapes = [a, b]

        def call(self, a: gc.Value, b: gc.Value) -> dict:
            return {"sum": a + b, "both": [a, b]}

    x, layer = x32(), Mix()
    output = layer(x, X[0])  # an array is a constant
    assert layer.shapes == [(B, 4), (4,)] and output["both"][0] is x
    np.testing.assert_allclose(run(output["sum"], {x: X}), X + X[0])
    traced = layer(nn.Input((4,)), X[0])
    assert [v.number for v in (traced["sum"], *traced["both"])] == [0, 1, 2] and traced["sum"].call.layer is layer


def test_traces_lead_back_from_outputs_to_inputs() -> None:
    x = nn.Input((4,), name="features")
    dropout, dense = nn.Dropout(0.5), nn.Dense(2)
    y = dense(dropout(x) * 2)
    assert y.call.layer is dense and y.number == 0 and y.call.inputs[0].op.name == "multiply"
    dropped = y.call.inputs[0].operands[0]
    assert dropped.call.layer is dropout and dropped.call.inputs == (x,) and x.call is None
    np.testing.assert_allclose(gc.compile([x], y)(X), 2 * X @ dense.kernel.value, rtol=1e-5, atol=1e-6)


def test_plain_inputs_leave_no_trace() -> None:
    x = x32()
    assert nn.Dropout(0.5)(x) is x


def test_the_same_seed_gives_the_same_model() -> None:
    arrays = []
    for _ in range(2):
        nn.set_seed(3)
        layer = nn.Dense(3)
        layer(x32())
        arrays.append(layer.kernel.value)
    np.testing.assert_array_equal(*arrays)
    nn.set_seed(4)
    other = nn.Dense(3)
    other(x32())
    assert not np.array_equal(other.kernel.value, arrays[0])


def test_inputs_of_other_dtypes_are_converted() -> None:
    x = gc.input("x", (B, 4), "uint8")
    assert nn.Dense(2)(x).dtype.name == "float32"
    assert nn.Dense(2, dtype="float64")(x).dtype.name == "float64"
