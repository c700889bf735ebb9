"""Training by `fit`: the same lines for graphc and Keras, and the loop that a user would write instead.

They stand apart from the rows of one step: here a whole epoch counts, with its shuffling, batches and metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Library = Any  # the module keras or graphc.nn
Epochs = Callable[[int], None]  # trains for so many epochs


@dataclass(frozen=True)
class Training:
    """A network of relu layers, its data and how it is trained; loss and accuracy are measured in every epoch."""

    name: str
    sizes: tuple[int, ...]
    samples: int
    batch: int
    optimizer: str


IRIS = Training("Iris, MLP 4-16-3, SGD, batch 16", (4, 16, 3), 150, 16, "sgd")
MNIST = tuple(
    Training(f"MNIST, MLP 784-512-256-10, Adam, batch {batch}", (784, 512, 256, 10), 60_000, batch, "adam")
    for batch in (32, 128)
)


def data(training: Training, samples: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """x, f32[samples, features], and labels, i64[samples], of the size of the named data set: time asks no more."""
    generator = np.random.default_rng(6)
    count = training.samples if samples is None else samples
    x = generator.random((count, training.sizes[0]), dtype=np.float32)
    return x, generator.integers(0, training.sizes[-1], count)


def compiled(library: Library, training: Training) -> Any:
    """The model of `training` in that library, ready to fit."""
    *hidden, classes = training.sizes[1:]
    layers = [library.layers.Dense(units, activation="relu") for units in hidden]
    model = library.Sequential([library.Input((training.sizes[0],)), *layers, library.layers.Dense(classes)])
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=training.optimizer, loss=loss, metrics=["accuracy"])
    return model


def by_fit(model: Any, training: Training, x: np.ndarray, t: np.ndarray) -> Epochs:
    """Epochs by the library's `fit`."""

    def train(epochs: int) -> None:
        model.fit(x, t, batch_size=training.batch, epochs=epochs, verbose=0)

    return train


def by_hand(model: Any, training: Training, x: np.ndarray, t: np.ndarray) -> Epochs:
    """Epochs of the program that graphc's `fit` runs, by the shortest loop that shuffles and measures as it does."""
    from graphc.nn.training.sources import Samples  # here: Keras's process has no need of graphc

    step, measured = model.programs.train(Samples([x], [t], [None]).specs), model.objective
    generator = np.random.default_rng(7)

    def train(epochs: int) -> None:
        history = []
        for _ in range(epochs):
            measured.reset()
            order = generator.permutation(len(x))
            for start in range(0, len(x), training.batch):
                chosen = order[start : start + training.batch]
                step(x[chosen], t[chosen])
            history.append(measured.results())

    return train
