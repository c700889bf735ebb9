"""Train the demo's MNIST network, export it for classify_digits.cpp and fine_tune.cpp, and write digits as PGM files.

    python examples/cpp/digits.py FOLDER        writes digits.gcp and digit-0.pgm to digit-9.pgm

One package holds two programs over the same weights: `classify`, and `train`, one step of Adam.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import graphc as gc
from graphc import data

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import declare_network, initial_parameters
from optimizers import adam

SIZES = [784, 128, 64, 10]


def trained_programs(epochs: int, seed: int = 0) -> dict[str, gc.Program]:
    """`classify`: x -> digit and confidence of each row; `train`: x, t -> loss."""
    network = declare_network(initial_parameters(SIZES, seed))
    updates = adam(network.loss, network.parameters, 0.002)
    train = gc.compile([network.x, network.t], {"loss": network.loss}, updates=updates, name="train", backend="cpp")
    probabilities = gc.softmax(network.logits, axis=1)
    results = {"digit": network.classes, "confidence": gc.max(probabilities, axis=1)}
    classify = gc.compile([network.x], results, name="classify", backend="cpp")
    digits, generator = data.mnist(), np.random.default_rng(seed)
    for _ in range(epochs):
        for batch in data.minibatches(digits, 64, generator):
            train(batch.x, batch.y)
    return {"classify": classify, "train": train}


def write_pgm(path: Path, image: np.ndarray) -> None:
    """A binary PGM of an image f32[784] in [0, 1]."""
    path.write_bytes(b"P5\n28 28\n255\n" + np.rint(image * 255).astype(np.uint8).tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    gc.export(
        trained_programs(arguments.epochs), arguments.folder / "digits.gcp", metadata={"input": "28 x 28, 0 to 1"}
    )
    digits = data.mnist()
    for digit in range(10):
        write_pgm(arguments.folder / f"digit-{digit}.pgm", digits.x[digits.y == digit][7])


if __name__ == "__main__":
    main()
