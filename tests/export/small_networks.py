"""Small programs to export: a classifier with its training step, and a cell that keeps its state.

As a script (`make fuzz`), writes a small package of each into a folder for the fuzzer to begin with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import graphc as gc


def classifier(backend: str = "cpp") -> dict[str, gc.Program]:
    """predict (x -> probabilities), train (x, t -> loss) and sample (x -> y), over shared variables."""
    n = gc.dim("batch")
    rng = np.random.default_rng(1)
    x, t = gc.input("x", (n, 4)), gc.input("t", (n,), "int64")
    w = gc.variable(rng.normal(size=(4, 3)).astype("float32"), name="W")
    b = gc.variable(np.zeros(3, "float32"), name="b")
    logits = x @ w + b
    loss = -gc.mean(gc.take_along_axis(gc.log_softmax(logits, axis=1), t[:, None], axis=1))
    updates = {v: v - 0.5 * g for v, g in zip((w, b), gc.grad(loss, [w, b]), strict=True)}
    h = gc.variable(np.zeros(8, "float32"), name="h")
    sample = gc.input("x", ())
    moved = gc.tanh(0.9 * h + sample * gc.constant(np.linspace(-1, 1, 8, dtype="float32")))
    return {
        "predict": gc.compile([x], gc.softmax(logits, axis=1), name="predict", backend=backend),
        "train": gc.compile([x, t], {"loss": loss}, updates=updates, name="train", backend=backend),
        "sample": gc.compile([sample], gc.sum(moved), updates={h: moved}, name="sample", backend=backend),
    }


if __name__ == "__main__":
    for name, program in classifier(backend="numba").items():
        gc.export(program, Path(sys.argv[1]) / f"{name}.gcp", targets=[])
