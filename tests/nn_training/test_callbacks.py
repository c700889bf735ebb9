"""Callbacks: when they stop, what they keep, save and write, and that own ones see everything."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import graphc as gc
from graphc import nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype("float32")
NOISY = (X[:, :1] + RNG.normal(size=(40, 1))).astype("float32")


def overfitting(optimizer=None):
    """Few noisy samples and many weights: validation turns early."""
    nn.set_seed(0)
    model = nn.Sequential([nn.Input((6,)), nn.Dense(64, "tanh"), nn.Dense(64, "tanh"), nn.Dense(1)])
    model.compile(optimizer or nn.optimizers.Adam(0.01), "mse")
    return model


def fit(model, *callbacks, epochs=60, **kwargs):
    kwargs.setdefault("validation_split", 0.5)
    return model.fit(X, NOISY, epochs=epochs, batch_size=10, verbose=0, callbacks=list(callbacks), **kwargs)


class Scripted(nn.callbacks.Callback):
    """Puts numbers of a script in the place of the measured ones, for the callbacks after it."""

    def __init__(self, **numbers):
        self.numbers = numbers

    def on_epoch_end(self, epoch, logs=None):
        logs.update((name, values[epoch]) for name, values in self.numbers.items())


def test_early_stopping_stops_and_restores_the_best():
    model = overfitting()
    stopping = nn.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    history = fit(model, stopping)
    best = int(np.argmin(history.history["val_loss"]))
    assert len(history.epoch) == best + 6 < 60
    assert (stopping.best_epoch, stopping.stopped_epoch) == (best, best + 5)
    assert model.evaluate(X[20:], NOISY[20:], verbose=0) == pytest.approx(history.history["val_loss"][best], rel=1e-6)


@pytest.mark.parametrize(
    "options, numbers, epochs",
    [
        ({"patience": 2}, [5, 4, 4, 4, 3, 2], 4),
        ({"patience": 3}, [5, 4, 4, 4, 3, 2], 6),
        ({"patience": 1, "min_delta": 0.5}, [5, 4, 3.7, 3, 2, 1], 3),
        ({"patience": 1, "mode": "max"}, [1, 2, 1, 5, 5, 5], 3),
        ({"patience": 2, "baseline": 3}, [5, 5, 5, 5, 5, 5], 2),
        ({"patience": 1, "start_from_epoch": 3}, [1, 2, 3, 4, 5, 6], 5),
        ({"patience": 1}, [np.nan] * 6, 2),
    ],
)
def test_early_stopping_counts_as_keras_does(options, numbers, epochs):
    stopping = nn.callbacks.EarlyStopping(monitor="number", **options)
    assert len(fit(overfitting(), Scripted(number=numbers), stopping, epochs=6).epoch) == epochs


def test_early_stopping_restores_the_best_also_when_training_ends_by_itself():
    model = overfitting()
    stopping = nn.callbacks.EarlyStopping(monitor="number", patience=9, restore_best_weights=True)
    kept = []
    keep = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    fit(model, Scripted(number=[3, 1, 2]), keep, stopping, epochs=3)
    for expected, weight in zip(kept[1], model.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, weight)


def test_a_name_that_is_not_in_the_logs_warns_once():
    with pytest.warns(UserWarning, match="expected 'val_losss' in the logs for a callback, got only: loss, val_loss"):
        fit(overfitting(), nn.callbacks.EarlyStopping(monitor="val_losss"), epochs=3)


def test_model_checkpoint_keeps_the_best(tmp_path):
    path = tmp_path / "best.gcm"
    model = overfitting()
    history = fit(model, nn.callbacks.ModelCheckpoint(path, save_best_only=True))
    best = nn.load_model(path)
    assert best.evaluate(X[20:], NOISY[20:], verbose=0) == pytest.approx(min(history.history["val_loss"]), rel=1e-6)


def test_model_checkpoint_fills_the_name(tmp_path):
    names = str(tmp_path / "{epoch:02d}-{val_loss:.3f}.safetensors")
    history = fit(overfitting(), nn.callbacks.ModelCheckpoint(names, save_weights_only=True), epochs=2)
    wanted = [f"{i + 1:02d}-{loss:.3f}.safetensors" for i, loss in enumerate(history.history["val_loss"])]
    assert sorted(p.name for p in tmp_path.iterdir()) == wanted
    wrong = nn.callbacks.ModelCheckpoint(str(tmp_path / "{nothing}"))
    with pytest.raises(gc.GraphError, match="expected a filepath with names among epoch, loss, val_loss"):
        fit(overfitting(), wrong, epochs=1)


def test_reduce_on_plateau():
    model = overfitting(nn.optimizers.SGD(0.1))
    callback = nn.callbacks.ReduceLROnPlateau(monitor="number", factor=0.5, patience=2, cooldown=1, min_lr=0.03)
    history = fit(model, Scripted(number=[1.0] * 9), callback, epochs=9)
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.03, 0.03, 0.03, 0.03])


def test_learning_rate_scheduler():
    model = overfitting(nn.optimizers.SGD(0.1))
    history = fit(model, nn.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2), epochs=3)
    assert history.history["learning_rate"] == pytest.approx([0.05, 0.025, 0.0125])
    fit(model, nn.callbacks.LearningRateScheduler(lambda epoch: 0.3), epochs=1)
    assert model.optimizer.learning_rate == pytest.approx(0.3)


def test_csv_logger(tmp_path):
    path = tmp_path / "logs" / "log.csv"
    history = fit(overfitting(), nn.callbacks.CSVLogger(path), epochs=2)
    fit(overfitting(), nn.callbacks.CSVLogger(path, append=True), epochs=1)
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "0"]
    assert [float(row["val_loss"]) for row in rows[:2]] == history.history["val_loss"]


def test_tensorboard_writes_event_files(tmp_path):
    pytest.importorskip("tensorboardX")
    fit(overfitting(), nn.callbacks.TensorBoard(tmp_path, histogram_freq=1), epochs=2)
    assert list((tmp_path / "train").glob("events*")) and list((tmp_path / "validation").glob("events*"))


def test_terminate_on_nan(capsys):
    model = overfitting(nn.optimizers.SGD(1e30))
    history = fit(model, nn.callbacks.TerminateOnNaN(), epochs=5, validation_split=0.0)
    assert len(history.epoch) < 5 and "debug_nan=True" in capsys.readouterr().out


def test_own_callbacks_see_every_hook_in_order():
    calls = []

    class Own(nn.callbacks.Callback):
        def on_train_begin(self, logs=None):
            calls.append("train")
            assert self.params["epochs"] == 2 and self.params["steps"] == 2

        def on_epoch_begin(self, epoch, logs=None):
            calls.append(f"epoch {epoch}")

        def on_train_batch_begin(self, batch, logs=None):
            calls.append(f"batch {batch}")

        def on_train_batch_end(self, batch, logs=None):
            assert logs["loss"] > 0

        def on_test_begin(self, logs=None):
            calls.append("test")

        def on_epoch_end(self, epoch, logs=None):
            logs["own"] = epoch * 10

        def on_train_end(self, logs=None):
            calls.append("end")

    history = fit(overfitting(), Own(), epochs=2)
    assert calls == [
        "train",
        *(["epoch 0", "batch 0", "batch 1", "test"]),
        "epoch 1",
        "batch 0",
        "batch 1",
        "test",
        "end",
    ]
    assert history.history["own"] == [0, 10]


def test_stop_training_stops_after_the_batch():
    model = overfitting()

    def stop(batch, logs):
        model.stop_training = batch == 0

    history = fit(model, nn.callbacks.LambdaCallback(on_train_batch_end=stop), epochs=4)
    assert len(history.epoch) == 1 and int(model.optimizer.iterations.value) == 1


def test_what_a_callback_raises_comes_out_and_the_model_is_usable():
    class Pruned(Exception):
        pass

    def fail(epoch, logs):
        if epoch == 1:
            raise Pruned

    model = overfitting()
    with pytest.raises(Pruned):
        fit(model, nn.callbacks.LambdaCallback(on_epoch_end=fail), epochs=4)
    assert len(model.history.epoch) == 2
    assert len(fit(model, epochs=1).epoch) == 1


@pytest.mark.parametrize("name", ["ModelCheckpoint", "BackupAndRestore"])
def test_a_full_disk_while_checkpointing_leaves_file_and_model_as_they_were(name, tmp_path, monkeypatch):
    if name == "ModelCheckpoint":
        callback = nn.callbacks.ModelCheckpoint(tmp_path / "best.gcm", monitor="loss", save_best_only=True)
    else:
        callback = nn.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    model = overfitting()
    fit(model, callback, epochs=1)
    [path] = tmp_path.iterdir()
    before, state = path.read_bytes(), callback.get_state()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match=rf"expected to write .*{path.name}, got: No space left on device"):
            fit(model, callback, epochs=3)
    assert [path] == list(tmp_path.iterdir()) and path.read_bytes() == before
    assert callback.get_state() == state
    assert len(fit(model, epochs=1).epoch) == 1


def test_wrong_callbacks_are_refused():
    with pytest.raises(
        gc.GraphError, match=r"expected objects of gc\.nn\.callbacks\.Callback, got the class EarlyStopping"
    ):
        fit(overfitting(), nn.callbacks.EarlyStopping)
    with pytest.raises(gc.GraphError, match="nearest: 'on_epoch_end'"):
        nn.callbacks.LambdaCallback(on_epoch_ende=print)
    with pytest.raises(gc.GraphError, match=r"expected patience to be an int ≥ 0, got 1\.5"):
        nn.callbacks.EarlyStopping(patience=1.5)
    with pytest.raises(gc.GraphError, match="expected mode 'auto', 'min' or 'max', got 'lowest'"):
        nn.callbacks.ModelCheckpoint("x", mode="lowest")
