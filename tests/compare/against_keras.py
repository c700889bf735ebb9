"""`make compare`: 200 training steps in graphc and in Keras 3 (JAX), from the same weights on the same batches.

It stands apart from the tests because it needs Keras, which lives in an environment of its own. One function builds
each network and each optimiser for both libraries: their names and arguments are the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"  # before Keras is imported

import keras
import numpy as np

from graphc import nn

STEPS, BATCH, FEATURES, CLASSES = 200, 32, 20, 5
TOLERANCE = 1e-4

Library = Any  # the module keras or graphc.nn

OPTIMIZERS: dict[str, Callable[[Library], Any]] = {
    "SGD, momentum": lambda lib: lib.optimizers.SGD(0.05, momentum=0.9),
    "SGD, Nesterov": lambda lib: lib.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "Adam": lambda lib: lib.optimizers.Adam(1e-3),
    "AdamW": lambda lib: lib.optimizers.AdamW(1e-3, weight_decay=4e-3),
    "RMSprop": lambda lib: lib.optimizers.RMSprop(1e-3),
    "Adagrad": lambda lib: lib.optimizers.Adagrad(1e-2),
    "Lion": lambda lib: lib.optimizers.Lion(1e-4),
}


def dense(lib: Library, normalized: bool = False, **kwargs: Any) -> Any:
    """20-64-32-5, without what would turn rounding into a difference: kinks, and a bias before a batch norm.

    A relu whose argument is zero but for rounding hands its gradient on in one library and not in the other, and such
    a bias has a gradient of nothing but rounding, which Adam and Lion scale to a whole step.
    """
    layers = [lib.Input((FEATURES,))]
    for units in (64, 32):
        layers.append(lib.layers.Dense(units, use_bias=not normalized, **kwargs))
        layers += [lib.layers.BatchNormalization()] if normalized else []
        layers.append(lib.layers.Activation("tanh"))
    return lib.Sequential([*layers, lib.layers.Dense(CLASSES, **kwargs)])


def cross_entropy(lib: Library, label_smoothing: float = 0.0) -> Any:
    return lib.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)


NETWORKS: dict[str, tuple[Callable[[Library], Any], Callable[[Library], Any]]] = {  # a network and its loss
    "batch norm": (lambda lib: dense(lib, normalized=True), cross_entropy),
    "L2": (lambda lib: dense(lib, kernel_regularizer=lib.regularizers.L2(1e-3)), cross_entropy),
    "label smoothing": (dense, lambda lib: cross_entropy(lib, label_smoothing=0.1)),
}


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """x, f32[batch, features], and one-hot targets that depend on it and on chance, f32[batch, classes]."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CLASSES, FEATURES))
    made = []
    for _ in range(STEPS):
        labels = generator.integers(0, CLASSES, BATCH)
        x = centres[labels] + 1.5 * generator.normal(size=(BATCH, FEATURES))
        made.append((x.astype("float32"), np.eye(CLASSES, dtype="float32")[labels]))
    return made


def train(lib: Library, network: str, optimizer: str, weights: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The loss of every step and the weights after the last one, from `weights`."""
    make_model, make_loss = NETWORKS[network]
    model = make_model(lib)
    model.compile(OPTIMIZERS[optimizer](lib), make_loss(lib))
    model.set_weights(weights)
    losses = []
    for x, t in batches():
        if lib is keras:
            model.reset_metrics()  # its loss is the mean of all batches since then
        losses.append(float(model.train_on_batch(x, t)))
    return np.array(losses), model.get_weights()


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, relative to the largest number of the array."""
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def compared(network: str, optimizer: str) -> tuple[float, float]:
    """The largest relative difference of the losses, step by step, and of the final weights, array by array."""
    nn.set_seed(1)
    weights = NETWORKS[network][0](nn).get_weights()
    (our_losses, ours), (their_losses, theirs) = (train(lib, network, optimizer, weights) for lib in (nn, keras))
    loss = float(np.abs(our_losses / their_losses - 1).max())
    return loss, max(map(difference, ours, theirs))


def main() -> None:
    print(
        f"graphc and Keras {keras.__version__} ({keras.backend.backend()}), float32, {STEPS} steps of {BATCH} samples."
    )
    print("Largest relative difference: of a step's loss, of the weights after the last step.\n")
    print(f"| {'optimiser':<14} | " + " | ".join(f"{name:<18}" for name in NETWORKS) + " |")
    print(f"| {'-' * 14} | " + " | ".join("-" * 18 for _ in NETWORKS) + " |")
    worst = 0.0
    for optimizer in OPTIMIZERS:
        cells = [compared(network, optimizer) for network in NETWORKS]
        worst = max(worst, *(value for cell in cells for value in cell))
        print(f"| {optimizer:<14} | " + " | ".join(f"{loss:<8.1e}, {w:<8.1e}" for loss, w in cells) + " |", flush=True)
    fine = worst <= TOLERANCE  # not for NaN either
    print(f"\n{'Same answers' if fine else 'Other answers'}: at most {worst:.1e}, {TOLERANCE:.0e} allowed.")
    sys.exit(not fine)


if __name__ == "__main__":
    main()
