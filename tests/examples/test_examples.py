"""The nine examples with their short setting: each ends in its picture, and says what it promises to say."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("mlxtend")
pytest.importorskip("matplotlib")

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function from the name of an example to its variables after a short run; its picture must be there."""

    def run(name):
        monkeypatch.setattr(sys, "argv", [name, "--quick", "--output", str(tmp_path)])
        variables = runpy.run_path(str(FOLDER / f"{name}.py"))
        made = sorted(tmp_path.glob("*.png"))
        assert made and all(path.name.startswith(name[:2]) for path in made)
        for path in made:
            content = path.read_bytes()
            assert content.startswith(b"\x89PNG") and len(content) > 10_000
        return variables

    return run


def test_gradients(run):
    variables = run("01_gradients")
    np.testing.assert_allclose(variables["values"]["first"], variables["by_hand"], atol=1e-12)
    np.testing.assert_allclose(variables["values"]["second"], variables["quotient"], atol=1e-7)
    np.testing.assert_allclose(variables["fast"][-1], [1, 1], atol=1e-8)
    assert np.all(np.diff([variables["valley"](p)[0] for p in variables["slow"]]) < 0)


def test_linear_regression(run):
    variables = run("02_linear_regression")
    assert variables["w"].value == pytest.approx(variables["best_w"], abs=0.15)
    assert variables["b"].value == pytest.approx(variables["best_b"], abs=0.25)
    assert variables["losses"][-1] < 0.05 * variables["losses"][0]


def test_linear_classifier(run):
    variables = run("03_linear_classifier")
    losses = variables["history"]["validation"]
    assert variables["tested"]["accuracy"] > 0.85
    assert losses[-1] < 0.5 * losses[0]


def test_layers_and_fit(run):
    variables = run("04_layers_and_fit")
    crossed, models = variables["crossed"].test, variables["models"]
    accuracy = {
        name: model.evaluate(crossed.x, crossed.y, return_dict=True, verbose=0)["accuracy"]
        for name, model in models.items()
    }
    assert accuracy["one_layer"] < 0.7 < 0.85 < accuracy["hidden_layer"]
    assert variables["linear"].count_params() == 3


def test_multiclass_and_multilabel(run):
    variables = run("05_multiclass_multilabel")
    confusion = variables["confusion"]
    assert confusion.trace() > 0.85 * confusion.sum()
    np.testing.assert_allclose(variables["probabilities"].sum(axis=1), 1, rtol=1e-5)
    assert variables["measured"]["accuracy"] > 0.75


def test_five_points(run):
    """The lesson: training error 5.3 and 0, validation error 5.1 and 20."""
    variables = run("06_overfitting")
    fits = variables["fits"]
    line, curve = fits["line (2 parameters)"], fits["curve (7 parameters)"]
    assert (line.train_error, line.validation_error) == pytest.approx((5.3, 5.1), abs=0.05)
    assert curve.train_error < 1e-3
    assert curve.validation_error == pytest.approx(20, abs=0.5)
    assert len(curve.weights) == 7 and len(line.weights) == 2 and len(variables["train"][0]) == 5
    assert len(fits) == 8
    assert all(fit.validation_error < 0.3 * curve.validation_error for fit in fits.values() if fit is not curve)


def test_overfitting_on_mnist(run):
    variables = run("07_overfitting_mnist")
    assert variables["overfit"].diagnose().verdict == "overfit"
    assert variables["turned"] is not None
    assert len(variables["stopped"].epoch) < variables["EPOCHS"]
    gaps = {
        name: history.history["val_crossentropy"][-1] - history.history["crossentropy"][-1]
        for name, history in variables["histories"].items()
    }
    overfit, *remedied = gaps.values()
    assert len(remedied) == 5 and max(remedied) < overfit
    by_size = variables["by_size"]
    assert by_size[64]["bias²"] < by_size[1]["bias²"] and by_size[64]["variance"] > by_size[1]["variance"]
    for errors in by_size.values():
        assert errors["validation error"] == pytest.approx(errors["bias²"] + errors["variance"], rel=1e-4)


def test_the_lab(run, capsys):
    variables = run("08_lab")
    results = variables["results"]
    assert {task: len(by_name) for task, by_name in results.items()} == {"Iris": 3, "MNIST-5000": 3}
    table = capsys.readouterr().out
    for task, by_name in results.items():
        for name, result in by_name.items():
            assert f"{task:<12}{name:<18}" in table
            assert result.accuracies["test"] > 0.7
    assert variables["confusion"].sum() == len(variables["test"])
    assert variables["best"].accuracies["test"] > 0.88


def test_own_layer_and_own_loop(run):
    variables = run("09_own_layer_own_loop")
    assert variables["fitted"]["accuracy"] > 0.9
    assert variables["own"]["accuracy"] > 0.9


def test_each_is_run_by_one_line(tmp_path):
    command = [sys.executable, str(FOLDER / "01_gradients.py"), "--quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "examples-output" / "01-gradients.png").exists()
