"""The texts of `cases/`: a graph before a pass, and after it or "unchanged"; both compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphc.ir.equality import graphs_equal
from graphc.ir.graph import Graph
from graphc.ir.parser import parse_graph
from graphc.ir.printer import print_graph
from graphc.ir.verifier import verify
from graphc.ops.definition import lookup
from graphc.passes.pipeline import PIPELINE, Pass
from tests.reference import run, with_sizes

PASSES = {p.name: p for entry in PIPELINE for p in ([entry] if isinstance(entry, Pass) else entry.passes)}


def read_cases() -> list:
    cases = []
    for file in sorted(Path(__file__).with_name("cases").glob("*.txt")):
        for text in file.read_text().split("=== ")[1:]:
            title, _, body = text.partition("\n")
            before, _, after = body.partition("--- becomes\n")
            name = file.stem.replace("_", "-")
            cases.append(pytest.param(name, before, after.strip(), id=f"{name}: {title}"))
    return cases


@pytest.mark.parametrize(("name", "before", "after"), read_cases())
def test_case(name: str, before: str, after: str) -> None:
    graph = parse_graph(before, lookup)
    result = PASSES[name].function(graph)
    if after == "unchanged":
        assert result is graph, print_graph(result)
        return
    verify(result)
    assert graphs_equal(result, parse_graph(after, lookup)), print_graph(result)
    feed = _arrays(graph)
    expected, got = run(graph, feed, {"n": 4}), run(result, feed, {"n": 4})
    for name_, array in expected.items():
        if name_ in got:  # an update that changes nothing is gone
            np.testing.assert_allclose(got[name_], array, rtol=1e-5, err_msg=name_)


def _arrays(graph: Graph) -> dict[str, np.ndarray]:
    """Positive arrays, so that roots and logarithms are defined."""
    rng = np.random.default_rng(3)
    leaves = (*graph.inputs, *graph.variables)
    shapes = {v.attrs["name"]: (with_sizes(v.shape, {"n": 4}), v.dtype.numpy) for v in leaves}
    return {
        name: (rng.uniform(0.1, 0.9, s) if d.kind == "f" else rng.integers(0, 2, s)).astype(d)
        for name, (s, d) in shapes.items()
    }


def test_every_pass_has_cases() -> None:
    stems = {file.stem.replace("_", "-") for file in Path(__file__).with_name("cases").glob("*.txt")}
    assert stems == set(PASSES)
