"""Export a function with its gradient and its curvature for minimize.cpp.

    python examples/cpp/objective.py FOLDER     writes objective.gcp

`evaluate`: x -> value, gradient; `curvature`: x, v -> H v, for any number of unknowns. Put your own function in
`objective`: both programs follow from it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import graphc as gc


def objective(x: gc.Value) -> gc.Value:
    """Rosenbrock's valley (1960) in n dimensions: 0 at (1, …, 1)."""
    ahead, behind = x[1:], x[:-1]
    return gc.sum(100.0 * gc.square(ahead - gc.square(behind)) + gc.square(1.0 - behind))


def programs() -> dict[str, gc.Program]:
    """`evaluate` and `curvature` in float64."""
    n = gc.dim("n") + 1  # at least one unknown
    x, v = gc.input("x", (n,), "float64"), gc.input("v", (n,), "float64")
    value = objective(x)
    results = {"value": value, "gradient": gc.grad(value, x)}
    return {
        "evaluate": gc.compile([x], results, name="evaluate", backend="cpp"),
        "curvature": gc.compile([x, v], gc.hvp(value, x, v), name="curvature", backend="cpp"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    gc.export(programs(), arguments.folder / "objective.gcp")


if __name__ == "__main__":
    main()
