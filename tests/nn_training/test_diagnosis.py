"""Turning points, verdicts with their numbers, and the picture: on drawn curves and real trainings."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as gc
from graphc import data, nn
from graphc.nn.training.diagnosis import OVERFIT_REMEDIES, UNDERFIT_REMEDIES

EPOCHS = np.arange(40)
FALL = np.exp(-EPOCHS / 8)
RISE = np.where(EPOCHS > 15, 0.02 * (EPOCHS - 15), 0.0)
NOISE = np.random.default_rng(0).normal(size=40)


def history(train, validation, **kwargs):
    return nn.History({"loss": list(train), "val_loss": list(validation)}, **kwargs)


CURVES = {
    "fits": (FALL + 0.05, FALL + 0.06, "good fit", None),
    "fits with noise": (FALL + 0.2, FALL + 0.22 + 0.02 * NOISE, "good fit", None),
    "turns": (FALL + 0.05, FALL + 0.06 + RISE, "overfit", 15),
    "turns with noise": (FALL + 0.1, FALL + 0.12 + 1.5 * RISE + 0.01 * NOISE, "overfit", None),
    "gap without a turn": (FALL, 0.5 * FALL + 0.5, "overfit", None),
    "stays high": (0.9 + 0.1 * FALL, 0.92 + 0.1 * FALL, "underfit", None),
    "both rise": (0.5 + RISE, 0.5 + RISE, "underfit", None),
    "rises while training rests": (np.maximum(FALL, FALL[15]), FALL + RISE / 4, "good fit", None),
    "two tiny losses": (1e-6 * FALL + 1e-6, np.full(40, 1e-5), "good fit", None),
    "one epoch": ([0.5], [0.5], "underfit", None),
    "one outlier": (FALL + 0.05, FALL + 0.06 + (EPOCHS == 30) * 5.0, "good fit", None),
}


@pytest.mark.parametrize("name", CURVES)
def test_verdicts_on_drawn_curves(name):
    train, validation, verdict, turn = CURVES[name]
    train = np.maximum(train, 1e-6)
    baseline = 1.0 if name == "two tiny losses" else None
    found = history(train, validation).diagnose(baseline=baseline)
    assert found.verdict == verdict, str(found)
    if turn is not None:
        assert abs(found.turning_epoch - turn) <= 1


def test_noise_alone_is_no_turning_point():
    hits = 0
    for seed in range(50):
        noise = np.random.default_rng(seed).normal(size=40)
        hits += history(FALL + 0.3, FALL + 0.3 + 0.05 * noise).turning_point() is not None
    assert hits <= 1


def test_a_turning_point_is_found_in_noise():
    hits = 0
    for seed in range(50):
        noise = np.random.default_rng(seed).normal(size=40)
        hits += history(FALL + 0.1, FALL + 0.12 + 2 * RISE + 0.03 * noise).turning_point() is not None
    assert hits >= 48


def test_the_numbers_and_the_paragraph():
    found = history([1.0, 0.5, 0.2, 0.1, 0.05], [1.0, 0.6, 0.5, 0.8, 1.0]).diagnose()
    assert (found.verdict, found.turning_epoch, found.best_epoch) == ("overfit", 2, 2)
    assert (found.final_train, found.final_validation, found.best_train, found.best_validation) == (
        0.05,
        1.0,
        0.05,
        0.5,
    )
    assert found.gap == pytest.approx(0.95) and found.ratio == pytest.approx(20)
    text = str(found)
    assert text.startswith("Overfit: the validation loss turned after epoch 3 (from 0.5 to 1)")
    for word in ("more data", "simpler model", "Dropout", "EarlyStopping"):
        assert word in text
    assert len(OVERFIT_REMEDIES) == 4 and "richer model" in UNDERFIT_REMEDIES[0]


def test_epochs_are_those_of_the_history():
    found = history([1, 0.5, 0.2, 0.1, 0.05], [1, 0.6, 0.5, 0.8, 1.0], epoch=[10, 11, 12, 13, 14])
    assert found.turning_point() == 12 and found.diagnose().best_epoch == 12


def test_without_validation_it_is_refused():
    with pytest.raises(gc.GraphError, match=r"expected a validation loss in the history \(fit with validation_data"):
        nn.History({"loss": [1.0]}).diagnose()


def small_digits():
    """60 samples to train with, 300 to validate, and labels of which some are wrong."""
    digits = data.digits()
    order = np.random.default_rng(0).permutation(len(digits))
    x, y = digits.x[order], digits.y[order].copy()
    wrong = np.random.default_rng(1).random(60) < 0.15
    y[:60][wrong] = (y[:60][wrong] + 1) % 10
    return (x[:60], y[:60]), (x[60:360], y[60:360])


def trained(layers, train, validation, epochs, rate=0.01):
    nn.set_seed(0)
    model = nn.Sequential([nn.Input(train[0].shape[1:]), *layers])
    model.compile(nn.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    return model.fit(*train, epochs=epochs, batch_size=20, validation_data=validation, verbose=0)


def test_a_large_network_on_few_samples_overfits():
    train, validation = small_digits()
    found = trained([nn.Dense(128, "relu"), nn.Dense(10, "softmax")], train, validation, 60).diagnose()
    assert found.verdict == "overfit" and found.final_train < 0.1 and found.turning_epoch is not None


def test_a_network_that_is_hardly_trained_underfits():
    train, validation = small_digits()
    found = trained([nn.Dense(10, "softmax")], train, validation, 3, rate=1e-4).diagnose()
    assert found.verdict == "underfit" and found.baseline == pytest.approx(np.log(10), rel=0.05)


def test_a_small_network_on_many_samples_fits_well():
    digits = data.digits()
    train, validation = (digits.x[:1400], digits.y[:1400]), (digits.x[1400:], digits.y[1400:])
    layers = [nn.Dense(32, "relu"), nn.Dropout(0.2), nn.Dense(10, "softmax")]
    assert trained(layers, train, validation, 5).diagnose().verdict == "good fit"


def test_the_baseline_is_the_loss_of_the_best_constant():
    x = np.random.default_rng(0).normal(size=(200, 3)).astype("float32")
    t = (x[:, :1] * 3 + 1).astype("float32")
    nn.set_seed(0)
    model = nn.Sequential([nn.Input((3,)), nn.Dense(1, kernel_initializer="zeros", bias_initializer="zeros")])
    model.compile(nn.optimizers.SGD(0.0), "mse")
    model.layers[0].bias.value = t.mean(axis=0)
    history = model.fit(x, t, verbose=0)
    assert history.baseline == pytest.approx(history.history["loss"][0], rel=1e-4)


def test_the_picture_marks_the_turn_and_shades_the_gap(tmp_path):
    train, validation, *_ = CURVES["turns"]
    figure = history(train, validation).plot(tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 5000
    (axes,) = figure.axes
    labels = [line.get_label() for line in axes.lines]
    assert labels[:2] == ["training", "validation"]
    turn = next(line for line in axes.lines if line.get_linestyle() == "--")
    assert abs(turn.get_xdata()[0] - 16) <= 1 and len(axes.collections) == 1
    assert "best validation: epoch" in axes.texts[0].get_text()
    calm = history(*CURVES["fits"][:2]).plot()
    assert not calm.axes[0].collections
    with pytest.raises(gc.GraphError, match="nearest: 'loss'"):
        history(train, validation).plot(metrics=["los"])


def test_a_plot_has_a_panel_for_each_metric():
    curves = nn.History({"loss": [1, 0.5], "accuracy": [0.5, 0.8], "val_loss": [1, 0.6], "val_accuracy": [0.4, 0.7]})
    assert [axes.get_ylabel() for axes in curves.plot().axes] == ["loss", "accuracy"]
