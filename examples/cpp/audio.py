"""Export a per-sample audio effect for audio_effect.cpp: a small recurrent cell with its state in a variable.

    python examples/cpp/audio.py FOLDER         writes audio.gcp

`sample`: x -> y, and the state h moves on: h' = tanh(U h + w x), y = x + v·h'. The weights are drawn so that the
cell is stable and mildly non-linear, as a trained one would be.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import graphc as gc

STATES = 16


def effect(seed: int = 0) -> gc.Program:
    """The cell as a program of one sample."""
    rng = np.random.default_rng(seed)
    recurrent = np.linalg.qr(rng.normal(size=(STATES, STATES)))[0] * 0.7  # all its eigenvalues within 0.7
    u = gc.constant(recurrent.astype("float32"))
    w = gc.constant(rng.normal(size=STATES).astype("float32"))
    v = gc.constant((rng.normal(size=STATES) / STATES).astype("float32"))
    x = gc.input("x", (), "float32")
    h = gc.variable(np.zeros(STATES, "float32"), name="h")
    moved = gc.tanh(gc.sum(u * h, axis=1) + w * x)
    return gc.compile([x], x + gc.sum(v * moved), updates={h: moved}, name="sample", backend="cpp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    gc.export(effect(), arguments.folder / "audio.gcp")


if __name__ == "__main__":
    main()
