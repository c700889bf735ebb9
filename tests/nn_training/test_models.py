"""Models as a user declares them: shapes, sharing, nesting, plain functions, summaries and configs."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphc as gc
from graphc import nn

X = np.random.default_rng(0).normal(size=(17, 4)).astype("float32")


def affine(layer, x):
    return x @ layer.kernel.value + layer.bias.value


def test_sequential_computes_its_layers_one_after_the_other():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(5, "relu"), nn.Dense(3)])
    hidden = np.maximum(affine(model.layers[0], X), 0)
    np.testing.assert_allclose(model.predict(X), affine(model.layers[1], hidden), rtol=1e-5, atol=1e-6)
    assert model.count_params() == 4 * 5 + 5 + 5 * 3 + 3


def test_sequential_is_built_by_add_by_build_and_by_data():
    added = nn.Sequential()
    added.add(nn.InputLayer((4,)))
    added.add(nn.Dense(2))
    assert added.count_params() == 10
    built = nn.Sequential([nn.Dense(2)])
    assert built.count_params() == 0
    built.build((None, 4))
    assert built.count_params() == 10
    fed = nn.Sequential([nn.Dense(2)])
    assert fed.predict(X).shape == (17, 2)


def test_pop_takes_the_last_layer_off():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(5), nn.Dense(3)])
    model.pop()
    assert model.predict(X).shape == (17, 5)


def test_functional_model_with_several_inputs_and_outputs():
    a, b = nn.Input((4,), name="a"), nn.Input((3,), name="b")
    hidden = nn.Dense(6, "tanh", name="hidden")(nn.Concatenate()([a, b]))
    model = nn.Model([a, b], {"sum": nn.Dense(1, name="one")(hidden), "class": nn.Dense(2, name="two")(hidden)})
    assert model.input_names == ["a", "b"] and model.output_names == ["sum", "class"]
    outputs = model.predict([X, X[:, :3]])
    assert outputs["sum"].shape == (17, 1) and outputs["class"].shape == (17, 2)
    by_name = model.predict({"b": X[:, :3], "a": X})
    np.testing.assert_array_equal(outputs["sum"], by_name["sum"])


def test_shared_layer_has_one_kernel():
    a, b = nn.Input((4,), name="a"), nn.Input((4,), name="b")
    shared = nn.Dense(2, use_bias=False)
    model = nn.Model([a, b], shared(a) - shared(b))
    assert model.count_params() == 8
    np.testing.assert_allclose(model.predict([X, X]), 0)
    np.testing.assert_allclose(model.predict([X, 0 * X]), X @ shared.kernel.value, rtol=1e-5, atol=1e-6)


def test_plain_functions_between_layers_with_variables_of_their_own():
    x = nn.Input((4,))
    scale = gc.variable(np.full(4, 2.0, "float32"), name="scale")
    model = nn.Model(x, nn.Dense(2, use_bias=False)(gc.tanh(x * scale)))
    assert scale in set(model.trainable_variables) and model.count_params() == 12
    np.testing.assert_allclose(model.predict(X), np.tanh(2 * X) @ model.layers[0].kernel.value, rtol=1e-5, atol=1e-6)


def test_function_in_a_stack_trains_the_variables_that_it_reads():
    offset = gc.variable(np.zeros(1, "float32"), name="offset")
    model = nn.Sequential([nn.Input((4,)), nn.Dense(1), lambda y: y + offset])
    assert offset in set(model.trainable_variables)
    model.compile("sgd", "mse")
    model.fit(X, X.sum(axis=1) + 3, epochs=2, verbose=0)
    assert offset.value[0] != 0


def test_a_model_is_a_layer_and_shares_its_weights():
    inner = nn.Sequential([nn.Input((4,)), nn.Dense(3, "relu")], name="inner")
    x = nn.Input((4,))
    outer = nn.Model(x, nn.Dense(2, name="top")(inner(x)))
    assert outer.get_layer("inner") is inner
    assert set(inner.variables) <= set(outer.variables) and outer.count_params() == 15 + 8
    hidden = inner.predict(X)
    np.testing.assert_allclose(outer.predict(X), affine(outer.get_layer("top"), hidden), rtol=1e-5, atol=1e-6)
    deferred = nn.Sequential([nn.Sequential([nn.Dense(3)]), nn.Dense(1)])
    assert deferred.predict(X).shape == (17, 1) and deferred.count_params() == 15 + 4


def test_a_model_opens_the_low_level_api():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(1, kernel_regularizer="l2")])
    model.compile(loss="mse")
    batch = gc.dim("batch")
    x, t = gc.input("x", (batch, 4)), gc.input("t", (batch, 1))
    loss = model.loss(x, t)
    w, b = model.trainable_variables
    gw, gb = gc.grad(loss, [w, b])
    step = gc.compile([x, t], loss, updates={w: w - 0.1 * gw, b: b - 0.1 * gb})
    target = X.sum(axis=1, keepdims=True)
    losses = [float(step(X, target)) for _ in range(50)]
    assert losses[-1] < 0.2 * losses[0]
    assert len(model.losses) == 1


def test_a_model_can_be_declared_on_values_of_another_batch_size():
    x = nn.Input((4,))
    n = x.shape[0]
    model = nn.Model(x, gc.reshape(nn.Dense(6)(x), (n, 2, 3)) + gc.ones((n, 1, 1), "float32"))
    fixed = gc.input("fixed", (5, 4))
    assert model(fixed).shape == (5, 2, 3)
    run = gc.compile([fixed], model(fixed))
    np.testing.assert_array_equal(run(X[:5]), model.predict(X[:5]))


def test_subclass_with_a_call_of_its_own():
    class Residual(nn.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.first, self.second = nn.Dense(units, "relu"), nn.Dense(units)

        def call(self, x, training):
            return x + self.second(self.first(x))

    model = Residual(4)
    model.compile("adam", "mse")
    model.fit(X, X, epochs=1, verbose=0)
    assert model.count_params() == 40 and model.predict(X).shape == X.shape


def test_dropout_is_on_only_while_training():
    model = nn.Sequential([nn.Input((4,)), nn.Dropout(0.5), nn.Dense(1)])
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    x = gc.input("x", (gc.dim("batch"), 4))
    noisy = gc.compile([x], model(x, training=True))
    assert not np.array_equal(noisy(X), noisy(X))


def test_trainable_freezes_all_layers_of_a_model():
    inner = nn.Sequential([nn.Input((4,)), nn.Dense(3), nn.BatchNormalization()], name="frozen")
    inner.trainable = False
    x = nn.Input((4,))
    model = nn.Model(x, nn.Dense(1)(inner(x)))
    before = inner.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=2, verbose=0)
    assert len(model.trainable_variables) == 2
    for old, new in zip(before, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_deep_chain_needs_no_recursion():
    x = nn.Input((2,))
    y = x
    for _ in range(3000):
        y = y + 1.0
    layer = nn.Dense(1)
    model = nn.Model(x, layer(y))
    assert len(model.layers) == 1 and model(gc.input("x", (3, 2))).shape == (3, 1)


def test_summary_shows_shapes_parameters_and_connections():
    a, b = nn.Input((4,), name="a"), nn.Input((3,), name="b")
    merged = nn.Concatenate(name="both")([nn.Dense(2, name="left")(a), b])
    model = nn.Model([a, b], nn.Dense(1, name="top")(gc.tanh(merged)), name="net")
    model.get_layer("left").trainable = False
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert 'Model "net"' in lines[0]
    row = next(line for line in lines if line.startswith("both"))
    assert "(batch, 5)" in row and "left, b" in row
    assert "top (Dense)" in text and "both" in next(line for line in lines if line.startswith("top"))
    assert "Total parameters: 16" in text and "trainable: 6" in text and "not trainable: 10" in text


def test_config_rebuilds_the_network():
    a, b = nn.Input((4,), name="a"), nn.Input((4,), "int64", name="b")
    shared, scale = nn.Dense(3, name="shared"), gc.variable(np.ones(3, "float32"), name="scale")
    hidden = shared(a) * scale + shared(gc.astype(b, "float32"))
    outputs = [nn.Dropout(0.3)(hidden), gc.softmax(hidden[:, ::2], axis=-1)]
    model = nn.Model([a, b], outputs, name="net")
    again = nn.deserialize(json.loads(json.dumps(nn.serialize(model))))
    assert list(again.named_variables()) == list(model.named_variables())
    again.set_weights(model.get_weights())
    labels = np.arange(68).reshape(17, 4)
    for old, new in zip(model.predict([X, labels]), again.predict([X, labels]), strict=True):
        np.testing.assert_array_equal(old, new)


def test_paths_do_not_depend_on_how_many_layers_were_declared_before():
    def declare():
        return nn.Sequential([nn.Input((4,)), nn.Dense(3), nn.BatchNormalization(), nn.Dense(2, name="logits")])

    first, second = declare(), declare()
    assert list(first.named_variables()) == list(second.named_variables())
    assert "dense/kernel" in first.named_variables() and "logits/bias" in first.named_variables()


@pytest.mark.parametrize(
    "declare, message",
    [
        (lambda: nn.Sequential([nn.Dense]), "expected a layer, a model or a function, got the class Dense"),
        (lambda: nn.Sequential(nn.Dense(2)), "expected a list of layers, got <Dense"),
        (lambda: nn.Sequential([nn.Dense(2, name="a"), nn.Dense(2, name="a")]), "different names, got 'a' twice"),
        (lambda: nn.Sequential([nn.Dense(2), nn.Input((3,))]), "expected Input as the first entry only"),
        (lambda: nn.Model(nn.Input((3,)), None), "expected inputs and outputs, or neither, got one of them"),
        (lambda: nn.Model(gc.input("x", (3, 2)), gc.ones((2, 3))), "expected values of gc.nn.Input as inputs"),
        (lambda: nn.Sequential([nn.Dense(2, name="only")]).get_layer("onyl"), "nearest: 'only'"),
        (lambda: nn.Sequential([]).pop(), "expected a model with layers, got none"),
        (lambda: nn.Sequential([nn.Dense(3)]).declaration(False), "expected a model whose inputs are known"),
    ],
)
def test_wrong_declarations_are_refused(declare, message):
    with pytest.raises(gc.GraphError, match=r"test_models\.py") as caught:
        declare()
    assert message in str(caught.value)


def test_an_output_that_needs_an_unnamed_input_is_refused():
    a, b = nn.Input((3,), name="left"), nn.Input((3,), name="right")
    with pytest.raises(gc.GraphError, match="got none named 'right'"):
        nn.Model(a, a + b)


def test_a_call_with_another_shape_names_the_input():
    x = nn.Input((3,), name="features")
    model = nn.Model(x, nn.Dense(1)(x))
    with pytest.raises(gc.GraphError, match=r"expected \[batch, 3\] for input 'features', got f32\[2, 5\]"):
        model(gc.input("x", (2, 5)))


def test_a_deep_stack_trains_and_is_summarised():
    model = nn.Sequential([nn.Input((4,)), *(nn.Rescaling(1.0) for _ in range(1000)), nn.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert len(lines) > 1000 and "Connected to" not in lines[2]
