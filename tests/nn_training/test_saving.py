"""Weights and models in files: what comes back, what differs, what damaged files get, what a crash leaves."""

from __future__ import annotations

import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file

import graphc as gc
from graphc import nn

X = np.random.default_rng(0).normal(size=(19, 4)).astype("float32")
LABELS = (X.sum(axis=1) > 0).astype("int64")


def classifier(units=5):
    layers = [nn.Dense(units, "relu"), nn.BatchNormalization(), nn.Dropout(0.2, seed=3), nn.Dense(2, "softmax")]
    model = nn.Sequential([nn.Input((4,)), *layers])
    model.compile(nn.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_model_comes_back_whole(tmp_path):
    model = classifier()
    model.fit(X, LABELS, epochs=2, verbose=0)
    model.save(tmp_path / "model.gcm")
    again = nn.load_model(tmp_path / "model.gcm")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.evaluate(X, LABELS, verbose=0) == model.evaluate(X, LABELS, verbose=0)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    again.fit(X, LABELS, verbose=0)
    assert not nn.load_model(tmp_path / "model.gcm", compile=False).compiled


def test_equal_models_are_equal_files(tmp_path):
    model = classifier()
    model.save(tmp_path / "a.gcm")
    model.save(tmp_path / "b.gcm")
    assert (tmp_path / "a.gcm").read_bytes() == (tmp_path / "b.gcm").read_bytes()


def test_a_nested_functional_model_with_two_outputs_comes_back(tmp_path):
    inner = nn.Sequential([nn.Input((4,)), nn.Dense(3, "tanh")], name="inner")
    x = nn.Input((4,), name="features")
    hidden = inner(x)
    model = nn.Model(x, {"a": nn.Dense(1)(hidden), "b": gc.mean(hidden * 2.0, axis=-1)}, name="net")
    model.save(tmp_path / "model.gcm")
    again = nn.load_model(tmp_path / "model.gcm")
    for name, array in model.predict(X).items():
        np.testing.assert_array_equal(again.predict(X)[name], array)


class Skipping(nn.Model):
    """A subclass with a constructor and a call of its own."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.inner, self.outer = nn.Dense(units, "relu"), nn.Dense(4)

    def call(self, x, training):
        return x + self.outer(self.inner(x))


def test_a_subclass_comes_back_from_its_arguments(tmp_path):
    model = Skipping(7, name="skipping")
    with pytest.raises(gc.GraphError, match="expected a model whose weights are made"):
        model.save(tmp_path / "model.gcm")
    expected = model.predict(X)
    model.save(tmp_path / "model.gcm")
    again = nn.load_model(tmp_path / "model.gcm")
    assert type(again) is Skipping and again.units == 7
    np.testing.assert_array_equal(again.predict(X), expected)


def test_weights_go_into_a_model_that_was_declared_anew(tmp_path):
    model, again = classifier(), classifier()
    model.save_weights(tmp_path / "weights.safetensors")
    again.load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert "dense/kernel" in load_file(tmp_path / "weights.safetensors")


def test_weights_of_another_architecture_say_what_differs(tmp_path):
    classifier().save_weights(tmp_path / "weights")
    model = classifier(units=7)
    before = model.get_weights()
    with pytest.raises(gc.GraphError) as caught:
        model.load_weights(tmp_path / "weights")
    assert "float32[4, 5] for 'dense/kernel' instead of float32[4, 7]" in str(caught.value)
    assert "more differences" in str(caught.value)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    other = nn.Sequential([nn.Input((4,)), nn.Dense(5), nn.Dense(2, name="top")])
    with pytest.raises(gc.GraphError, match=r"no 'top/kernel'; .*'batch_normalization/beta', which the model has not"):
        other.load_weights(tmp_path / "weights")


def test_damaged_files_are_refused_in_one_sentence(tmp_path):
    model = classifier()
    model.save(tmp_path / "model.gcm")
    model.save_weights(tmp_path / "weights")
    whole, bare = (tmp_path / "model.gcm").read_bytes(), (tmp_path / "weights").read_bytes()
    before = model.get_weights()
    for data in (whole[:-30], whole[:200], b"", b"PK\x03\x04" + bytes(100)):
        (tmp_path / "damaged").write_bytes(data)
        with pytest.raises(gc.GraphError, match=r"expected a model that graphc saved in .*damaged"):
            nn.load_model(tmp_path / "damaged")
    for data in (bare[:-3], bare[:20], b"", struct.pack("<Q", 2**62) + b"{}", os.urandom(300)):
        (tmp_path / "damaged").write_bytes(data)
        with pytest.raises(gc.GraphError, match=r"expected whole safetensors in .*damaged"):
            model.load_weights(tmp_path / "damaged")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(gc.GraphError, match=r"expected a file at .*missing, got none"):
        model.load_weights(tmp_path / "missing")


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format="graphc model 999"),
        lambda d: d.update(model={"class_name": "os.system", "config": {"command": "true"}}),
        lambda d: d.update(model={"class_name": "Dense", "config": {"units": 3}}),
        lambda d: d["model"]["config"].update(layers=3),
        lambda d: d["model"]["config"]["layers"][0]["config"].update(units=-1),
        lambda d: d["model"]["config"]["layers"][0]["config"].update(units="many"),
        lambda d: d["model"]["config"]["layers"][0]["config"].update(surprise=1),
        lambda d: d["model"]["config"]["input"].update(shape=["4)("]),
        lambda d: d["model"].pop("config"),
        lambda d: d.pop("model"),
    ],
)
def test_hostile_json_is_refused(tmp_path, change):
    classifier().save(tmp_path / "model.gcm")
    with zipfile.ZipFile(tmp_path / "model.gcm") as archive:
        document, arrays = json.loads(archive.read("document.json")), archive.read("arrays.safetensors")
    change(document)
    with zipfile.ZipFile(tmp_path / "hostile", "w") as archive:
        archive.writestr("document.json", json.dumps(document))
        archive.writestr("arrays.safetensors", arrays)
    with pytest.raises(gc.GraphError, match="expected"):
        nn.load_model(tmp_path / "hostile")


def test_compressed_members_are_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("document.json", b" " * 10_000_000)
        archive.writestr("arrays.safetensors", b"")
    with pytest.raises(gc.GraphError, match="compressed or larger"):
        nn.load_model(tmp_path / "bomb")


def test_deep_json_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "deep", "w") as archive:
        archive.writestr("document.json", "[" * 100_000)
        archive.writestr("arrays.safetensors", b"")
    with pytest.raises(gc.GraphError, match="damaged"):
        nn.load_model(tmp_path / "deep")


def test_functions_without_a_name_can_not_be_saved_but_their_weights_can(tmp_path):
    model = nn.Sequential([nn.Input((4,)), nn.Dense(2), lambda y: y * 2])
    with pytest.raises(gc.GraphError, match="which JSON can't hold"):
        model.save(tmp_path / "model.gcm")
    assert not (tmp_path / "model.gcm").exists()
    model.save_weights(tmp_path / "weights")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    model = classifier()
    path = tmp_path / "weights"
    model.save_weights(path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    model.set_weights([w + 1 for w in model.get_weights()])
    with pytest.raises(OSError, match=r"expected to write .*weights, got: No space left on device; what was there"):
        model.save_weights(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["weights"]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="has no /dev/null")
def test_neither_a_device_nor_a_folder_is_replaced(tmp_path):
    for place in ("/dev/null", tmp_path):
        with pytest.raises(OSError, match="got: a folder or a device there; what was there is as it was"):
            classifier().save_weights(place)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


KILLED = """
import sys, numpy as np
from graphc import nn
model = nn.Sequential([nn.Input((1000,)), nn.Dense(1000, kernel_initializer="zeros")])
model.compile("sgd", "mse")
number = 0.0
while True:
    number += 1
    model.set_weights([np.full(w.shape, number, "float32") for w in model.get_weights()])
    model.save_checkpoint(sys.argv[1])
    print(int(number), flush=True)
"""


def test_kill_in_the_middle_of_a_save_leaves_a_whole_file(tmp_path):
    model = nn.Sequential([nn.Input((1000,)), nn.Dense(1000, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    path = tmp_path / "training.gcc"
    for delay in (0.0, 0.004, 0.011):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        model.load_checkpoint(path)
        kernel, bias = model.get_weights()
        assert kernel[0, 0] >= 1 and (kernel == kernel[0, 0]).all() and (bias == kernel[0, 0]).all()
    model.save_checkpoint(path)
    assert os.listdir(tmp_path) == ["training.gcc"]  # what dead processes left is gone
