"""The demo as a user runs it: shorter trainings, the same programs, pictures and tables."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("mlxtend")
pytest.importorskip("tqdm")
pytest.importorskip("matplotlib")

import demo

ROOT = Path(__file__).parents[2]


def test_the_quick_demo_prints_and_draws_everything(tmp_path):
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), "--quick", "--output", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    for optimizer in ("SGD", "Adam"):
        for network in ("Iris, one layer", "MNIST-5000, two hidden layers"):
            assert f"{network}, {optimizer}  epoch   3/3" in run.stdout
    assert "schedule" in run.stdout
    assert "test accuracy" in run.stdout
    for picture in ("learning-curves.png", "misclassified-digits.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("task", "architecture", "least"),
    [
        (demo.iris_task, "one layer", 0.95),
        (demo.iris_task, "two hidden layers", 0.95),
        (lambda: demo.mnist_task(None), "two hidden layers", 0.93),
    ],
)
def test_the_test_accuracy(task, architecture, least):
    task = task()
    sizes, optimizer = task.networks[architecture], task.optimizers["SGD"]
    trained = demo.train(task, sizes, optimizer, task.epochs, label=task.name)
    assert trained.test_accuracy >= least
    history = trained.history
    assert history.validation_loss[history.kept] == min(history.validation_loss)
