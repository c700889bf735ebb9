"""Training as a user does it: data of every kind, weights, histories, batches."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

import graphc as gc
from graphc import data, nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(67, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [3.0]], "float32") + 0.5).astype("float32")


def regression(seed=0, **kwargs):
    nn.set_seed(seed)
    model = nn.Sequential([nn.Input((4,)), nn.Dense(1)])
    model.compile(kwargs.pop("optimizer", nn.optimizers.SGD(0.1)), "mse", **kwargs)
    return model


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def test_iris_is_learned():
    flowers = data.iris()
    split = data.standardize(data.train_validation_test_split(flowers.x, flowers.y, seed=1))
    nn.set_seed(0)
    model = nn.Sequential([nn.Input((4,)), nn.Dense(16, "relu"), nn.Dense(3, "softmax")])
    model.compile(nn.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(split.train, epochs=30, validation_data=split.validation, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"] and history.epoch[-1] == 29
    loss, accuracy = model.evaluate(split.test, verbose=0)
    assert accuracy > 0.9 and loss < 0.4
    assert model.metrics_names == ["loss", "accuracy"]


def test_digits_are_learned_with_batch_normalization_and_dropout():
    digits = data.digits()
    nn.set_seed(0)
    layers = [nn.Dense(64, "relu"), nn.BatchNormalization(momentum=0.9), nn.Dropout(0.2), nn.Dense(10)]
    model = nn.Sequential([nn.Input((64,)), *layers])
    loss = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    history = model.fit(digits.x, digits.y, epochs=8, validation_split=0.2, verbose=0)
    assert history.history["val_accuracy"][-1] > 0.85


def test_one_step_is_gradient_descent_on_the_batch():
    model = regression()
    w, b = model.get_weights()
    model.train_on_batch(X, Y)
    residual = X @ w + b - Y
    np.testing.assert_allclose(model.get_weights()[0], w - 0.1 * 2 * X.T @ residual / 67, rtol=1e-4, atol=1e-5)


def test_the_last_smaller_batch_counts_by_its_samples():
    model = regression(optimizer=nn.optimizers.SGD(0.0), metrics=["mae"])
    history = model.fit(X, Y, batch_size=32, epochs=1, verbose=0)  # 32 + 32 + 3
    prediction = model.predict(X)
    assert history.history["loss"][0] == pytest.approx(np.mean((prediction - Y) ** 2), rel=1e-5)
    assert history.history["mean_absolute_error"][0] == pytest.approx(np.mean(np.abs(prediction - Y)), rel=1e-5)
    assert model.evaluate(X, Y, batch_size=10, verbose=0) == pytest.approx(
        [history.history["loss"][0], history.history["mean_absolute_error"][0]], rel=1e-5
    )


def test_the_same_seed_gives_the_same_bits_and_shuffling_changes_them():
    def trained(**kwargs):
        model = regression()
        model.fit(X, Y, batch_size=16, epochs=3, verbose=0, **kwargs)
        return weights(model)

    np.testing.assert_array_equal(trained(), trained())
    assert not np.array_equal(trained(), trained(shuffle=False))


def test_every_sample_is_seen_once_an_epoch():
    seen = []

    class Rows:
        def __len__(self):
            return 23

        def __getitem__(self, i):
            seen.append(i)
            return X[i], Y[i]

    regression().fit(Rows(), batch_size=5, epochs=2, verbose=0)
    first, second = seen[1:24], seen[24:]  # the first one was looked at for its shape
    assert sorted(first) == sorted(second) == list(range(23)) and first != second != list(range(23))


@pytest.mark.parametrize(
    "kind", ["frame", "lists", "float64", "dict", "generator", "iterable", "dataset", "tensorlike"]
)
def test_all_kinds_of_data_train_alike(kind):
    class Batches:
        def __iter__(self):
            return iter(batches())

    class Samples:
        def __len__(self):
            return 67

        def __getitem__(self, i):
            return X[i], Y[i]

    class Tensor:
        def __init__(self, array):
            self.array = array

        def __array__(self, dtype=None, copy=None):
            return self.array

        def __len__(self):
            return len(self.array)

        def __getitem__(self, i):
            return self.array[i]

    def batches():
        return ((X[i : i + 16], Y[i : i + 16]) for i in range(0, 67, 16))

    given = {
        "frame": (pd.DataFrame(X, columns=list("abcd")), pd.Series(Y[:, 0])),
        "lists": (X.tolist(), Y.tolist()),
        "float64": (X.astype("float64"), Y.astype("float64")),
        "dict": ({"input": X}, Y),
        "generator": (batches(), None),
        "iterable": (Batches(), None),
        "dataset": (Samples(), None),
        "tensorlike": (Tensor(X), Tensor(Y)),
    }[kind]
    expected = regression()
    expected.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
    nn.set_seed(0)
    x = nn.Input((4,), name="input")
    model = nn.Model(x, nn.Dense(1)(x))
    model.compile(nn.optimizers.SGD(0.1), "mse")
    model.fit(*given, batch_size=16, shuffle=False, verbose=0)
    np.testing.assert_array_equal(weights(model), weights(expected))


@pytest.mark.parametrize("chunk", [1, 400, 1 << 20])
def test_threads_and_chunks_change_nothing(chunk, monkeypatch):
    plain = regression()
    plain.fit(X, Y, batch_size=8, epochs=3, verbose=0)
    monkeypatch.setattr("graphc.nn.training.sources._WORTH_A_THREAD", 0)
    monkeypatch.setattr("graphc.nn.training.sources._CHUNK_BYTES", chunk)
    threaded = regression()
    threaded.fit(X, Y, batch_size=8, epochs=3, verbose=0)
    np.testing.assert_array_equal(weights(threaded), weights(plain))
    assert not [t for t in threading.enumerate() if t.name == "graphc-prefetch"]


def test_training_ends_with_the_averages_of_the_weights():
    model = regression(optimizer=nn.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    seen = []
    keep = nn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(weights(model)))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[keep])
    average = seen[0]
    for array in seen[1:]:
        average = 0.5 * average + 0.5 * array
    np.testing.assert_allclose(weights(model), average, rtol=1e-5)


def test_an_endless_generator_with_steps_per_epoch():
    def endless():
        while True:
            rows = RNG.integers(0, 67, 8)
            yield X[rows], Y[rows]

    model = regression()
    history = model.fit(endless(), steps_per_epoch=5, epochs=3, validation_data=(X, Y), verbose=0)
    assert len(history.epoch) == 3 and int(model.optimizer.iterations.value) == 15
    assert not [t for t in threading.enumerate() if t.name == "graphc-prefetch"]


def test_a_generator_that_fails_raises_from_fit_and_leaves_no_thread():
    def failing():
        yield X[:8], Y[:8]
        raise OSError("the disk is gone")

    model = regression()
    with pytest.raises(OSError, match="the disk is gone"):
        model.fit(failing(), verbose=0)
    assert not [t for t in threading.enumerate() if t.name == "graphc-prefetch"]


def test_a_generator_that_ran_out_says_what_to_do():
    with pytest.raises(gc.GraphError, match="a generator runs once, so pass steps_per_epoch"):
        regression().fit(((X, Y) for _ in range(2)), epochs=2, verbose=0)


def test_a_validation_generator_that_ran_out_says_what_to_do():
    with pytest.raises(gc.GraphError, match="expected at least one batch to evaluate, got none"):
        regression().fit(X, Y, epochs=2, validation_data=iter([(X, Y)]), verbose=0)


def test_class_weights_are_sample_weights():
    labels = (X[:, 0] > 0).astype("int64") + (X[:, 1] > 1)
    table = {0: 0.5, 1: 2.0, 2: 4.0}

    def trained(**kwargs):
        nn.set_seed(0)
        model = nn.Sequential([nn.Input((4,)), nn.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(X, labels, epochs=2, batch_size=16, verbose=0, **kwargs)
        return weights(model)

    by_class = trained(class_weight=table)
    np.testing.assert_array_equal(by_class, trained(sample_weight=np.vectorize(table.get)(labels).astype("float32")))
    assert not np.array_equal(by_class, trained())


def test_a_weight_of_zero_leaves_a_sample_out_of_the_gradient():
    mask = np.ones(67, "float32")
    mask[40:] = 0
    model, alone = regression(), regression()
    model.train_on_batch(X, Y, sample_weight=mask * (67 / 40))
    alone.train_on_batch(X[:40], Y[:40])
    np.testing.assert_allclose(weights(model), weights(alone), rtol=1e-4, atol=1e-5)


def test_weighted_metrics_count_by_weight():
    mask = np.zeros(67, "float32")
    mask[:10] = 1
    model = regression(metrics=["mae"], weighted_metrics=["mae"])
    logs = model.evaluate(X, Y, sample_weight=mask, verbose=0, return_dict=True)
    error = np.abs(model.predict(X) - Y)
    assert logs["mean_absolute_error"] == pytest.approx(error.mean(), rel=1e-5)
    assert logs["mean_absolute_error_1"] == pytest.approx(error[:10].mean(), rel=1e-5)


def test_several_outputs_have_losses_metrics_and_weights_of_their_own():
    x = nn.Input((4,))
    hidden = nn.Dense(8, "tanh")(x)
    outputs = {"value": nn.Dense(1)(hidden), "sign": nn.Dense(2, "softmax")(hidden)}
    model = nn.Model(x, outputs)
    model.compile(
        "adam",
        loss={"value": "mse", "sign": "sparse_categorical_crossentropy"},
        loss_weights={"value": 0.5},
        metrics={"sign": ["accuracy"]},
    )
    targets = {"value": Y, "sign": (Y[:, 0] > 0).astype("int64")}
    history = model.fit(x=X, y=targets, epochs=2, validation_split=0.2, verbose=0).history
    assert list(history)[:4] == ["loss", "value_loss", "sign_loss", "sign_accuracy"]
    for loss, value, sign in zip(history["loss"], history["value_loss"], history["sign_loss"], strict=True):
        assert loss == pytest.approx(0.5 * value + sign, rel=1e-5)


def test_float_labels_that_are_whole_numbers_serve_as_classes():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, (X[:, 0] > 0).astype("float64"), verbose=0)
    with pytest.raises(gc.GraphError, match="expected whole numbers in y"):
        model.fit(X, X[:, 0], verbose=0)


def test_own_losses_and_metrics_are_plain_functions():
    def cubic(y_true, y_pred):
        return gc.mean(gc.abs(y_true - y_pred) ** 3, axis=-1)

    model = nn.Sequential([nn.Input((4,)), nn.Dense(1)])
    model.compile("adam", loss=cubic, metrics=[cubic])
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert logs["cubic"] == pytest.approx(logs["loss"], rel=1e-5)


def test_validation_takes_the_last_rows_and_does_not_train_on_them():
    poisoned = Y.copy()
    poisoned[-13:] = 1e6
    model = regression()
    history = model.fit(X, poisoned, epochs=2, batch_size=16, validation_split=0.2, verbose=0).history
    clean = regression()
    clean.fit(X[:53], Y[:53], epochs=2, batch_size=16, verbose=0)
    np.testing.assert_array_equal(weights(model), weights(clean))
    assert history["val_loss"][-1] > 1e9


def test_validation_freq():
    history = regression().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=2, verbose=0).history
    assert np.isnan(history["val_loss"]).tolist() == [True, False, True, False]


def test_one_batch_at_a_time():
    model = regression(metrics=["mae"])
    before = model.test_on_batch(X, Y, return_dict=True)
    assert model.train_on_batch(X, Y, return_dict=True) == pytest.approx(before, rel=1e-5)
    assert model.test_on_batch(X, Y)[0] < before["loss"]
    assert model.predict_on_batch(X[:3]).shape == (3, 1)


def test_regularisation_counts_in_the_loss():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(1, kernel_regularizer=nn.regularizers.L2(0.5))])
    model.compile("sgd", "mse")
    error = np.mean((model.predict(X) - Y) ** 2)
    penalty = 0.5 * np.sum(model.layers[0].kernel.value ** 2)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(error + penalty, rel=1e-5)


def test_the_smaller_batch_needs_no_other_program():
    model = regression()
    model.fit(X, Y, batch_size=32, epochs=1, verbose=0)
    made = len(model.programs._made)
    model.fit(X[:41], Y[:41], batch_size=7, epochs=1, verbose=0)
    assert len(model.programs._made) == made == 1


def test_one_line_an_epoch_in_a_log_file(capsys):
    regression().fit(X, Y, epochs=2, validation_data=(X, Y), verbose=1)
    out = capsys.readouterr().out
    assert "\r" not in out and len(out.splitlines()) == 2
    assert out.startswith("Epoch 1/2 - ") and "val_loss" in out


IN_A_TERMINAL = """
import numpy as np
from graphc import nn
model = nn.Sequential([nn.Input((4,)), nn.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((67, 4), "float32"), np.ones((67, 1), "float32"), epochs=2)
"""


def test_a_bar_in_a_terminal():
    pty = pytest.importorskip("pty")
    terminal, inner = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", IN_A_TERMINAL], stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)
    out = b""
    with contextlib.suppress(OSError):  # what reading says at the end
        while data := os.read(terminal, 4096):
            out += data
    os.close(terminal)
    assert process.wait() == 0
    text = out.decode()
    assert "\r" in text and "3/3" in text and "Epoch 2/2" in text and "loss" in text
