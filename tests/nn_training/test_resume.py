"""Training that was interrupted goes on bit for bit: weights, optimiser, random streams, order of data, callbacks."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

import graphc as gc
from graphc import nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(53, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int64")


def classifier(rate=0.01):
    layers = [nn.Dense(8, "relu"), nn.BatchNormalization(), nn.Dropout(0.4), nn.GaussianNoise(0.1)]
    model = nn.Sequential([nn.Input((4,)), *layers, nn.Dense(2, "softmax")])
    schedule = nn.optimizers.ExponentialDecay(rate, 10, 0.9)
    optimizer = nn.optimizers.Adam(schedule if rate else 0.01, use_ema=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [v.value for v in variables]


def assert_same(a, b):
    for left, right in zip(state(a), state(b), strict=True):
        np.testing.assert_array_equal(left, right)


def test_resumes_bit_for_bit_after_an_epoch(tmp_path):
    nn.set_seed(1)
    whole = classifier()
    history = whole.fit(X, Y, epochs=6, batch_size=8, validation_split=0.2, verbose=0)

    nn.set_seed(1)
    first = classifier()
    save = nn.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: first.save_checkpoint(tmp_path / "training.gcc")
    )
    first.fit(X, Y, epochs=2, batch_size=8, validation_split=0.2, verbose=0, callbacks=[save])

    nn.set_seed(999)  # nothing but the file decides
    second = classifier()
    assert vars(second.load_checkpoint(tmp_path / "training.gcc")) == {"epoch": 2, "batch": 0}
    resumed = second.fit(X, Y, epochs=6, batch_size=8, validation_split=0.2, verbose=0)
    assert_same(whole, second)
    assert resumed.history == history.history and resumed.epoch == history.epoch


class Fails(nn.callbacks.Callback):
    """Saves and stops in the middle of an epoch, as a power cut would."""

    def __init__(self, path, step):
        self.path, self.left = path, step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.model.save_checkpoint(self.path)
            raise RuntimeError("power cut")


@pytest.mark.parametrize("step", [3, 12, 14])
def test_resumes_bit_for_bit_in_the_middle_of_an_epoch(tmp_path, step):
    nn.set_seed(1)
    whole = classifier()
    history = whole.fit(X, Y, epochs=3, batch_size=8, verbose=0)

    nn.set_seed(1)
    first = classifier()
    with pytest.raises(RuntimeError, match="power cut"):
        first.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=[Fails(tmp_path / "c", step)])

    second = classifier()
    second.load_checkpoint(tmp_path / "c")
    resumed = second.fit(X, Y, epochs=3, batch_size=8, verbose=0)
    assert_same(whole, second)
    assert resumed.history == history.history


def test_backup_and_restore_makes_a_script_go_on(tmp_path):
    def run(fail):
        nn.set_seed(1)
        model = classifier(rate=0)
        callbacks = [
            nn.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=3),
            nn.callbacks.EarlyStopping(monitor="loss", patience=50, restore_best_weights=True),
            nn.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, min_delta=1.0, factor=0.5),
        ]
        if fail:
            callbacks.append(Fails(tmp_path / "unused", 17))
        return model, callbacks, lambda: model.fit(X, Y, epochs=5, batch_size=8, verbose=0, callbacks=callbacks)

    whole, expected, fit = run(fail=False)
    history = fit()
    _, _, fit = run(fail=True)
    with pytest.raises(RuntimeError, match="power cut"):
        fit()
    assert (tmp_path / "backup" / "training.gcc").is_file()
    again, callbacks, fit = run(fail=False)
    resumed = fit()
    assert_same(whole, again)
    assert resumed.history == history.history
    assert callbacks[1].best == expected[1].best and callbacks[2].wait == expected[2].wait
    assert not (tmp_path / "backup" / "training.gcc").exists()


KILLED = """
import os, sys, numpy as np
sys.path.insert(0, sys.argv[2])
from test_resume import X, Y, classifier
from graphc import nn
nn.set_seed(1)
model = classifier()
steps = [0]
def tick(batch, logs):
    steps[0] += 1
    if len(sys.argv) > 3 and steps[0] == int(sys.argv[3]):
        os.kill(os.getpid(), 9)
backup = nn.callbacks.BackupAndRestore(sys.argv[1], save_freq=2, delete_checkpoint=False)
ticking = nn.callbacks.LambdaCallback(on_train_batch_end=tick)
model.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=[backup, ticking])
"""


def test_a_killed_process_goes_on_bit_for_bit(tmp_path):
    from pathlib import Path

    def run(folder, *kill):
        command = [sys.executable, "-c", KILLED, str(tmp_path / folder), str(Path(__file__).parent), *map(str, kill)]
        return subprocess.run(command, capture_output=True, text=True)

    assert run("whole").returncode == 0
    assert run("killed", 11).returncode == -signal.SIGKILL
    finished = run("killed")
    assert finished.returncode == 0, finished.stderr
    whole, again = classifier(), classifier()
    whole.load_checkpoint(tmp_path / "whole" / "training.gcc")
    again.load_checkpoint(tmp_path / "killed" / "training.gcc")
    assert_same(whole, again)
    assert whole.history.history == again.history.history


def test_random_numbers_of_plain_functions_resume_too(tmp_path):
    def declare():
        gc.random.seed(5)
        x = nn.Input((4,))
        model = nn.Model(x, nn.Dense(1)(x) + 0.1 * gc.random.normal((1,)))
        model.compile("sgd", "mse")
        return model

    nn.set_seed(1)
    first = declare()
    first.fit(X, X[:, :1], epochs=1, batch_size=8, verbose=0)
    first.save_checkpoint(tmp_path / "c")
    calls = int(gc.random.default_generator.calls.value)
    second = declare()
    second.load_checkpoint(tmp_path / "c")
    assert int(gc.random.default_generator.calls.value) == calls > 0


def test_a_checkpoint_of_another_training_says_what_differs(tmp_path):
    nn.set_seed(1)
    model = classifier()
    model.fit(X, Y, epochs=1, verbose=0)
    model.save_checkpoint(tmp_path / "c")
    other = classifier(rate=0)
    with pytest.raises(gc.GraphError, match="got no 'optimizer/1/learning_rate'"):
        other.load_checkpoint(tmp_path / "c")
    with pytest.raises(gc.GraphError, match=r"expected 'graphc checkpoint 1' in .*, got 'graphc model 1'"):
        model.save(tmp_path / "model.gcm")
        model.load_checkpoint(tmp_path / "model.gcm")


def test_saving_before_compile_is_refused(tmp_path):
    model = nn.Sequential([nn.Input((4,)), nn.Dense(1)])
    with pytest.raises(gc.GraphError, match="expected compile"):
        model.save_checkpoint(tmp_path / "c")
