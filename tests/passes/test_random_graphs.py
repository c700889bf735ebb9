"""Optimised ≡ unoptimised on random graphs, through the oracle: the whole pipeline, and each pass alone."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphc.ir.equality import graphs_equal
from graphc.ir.graph import Graph
from graphc.ir.parser import parse_graph
from graphc.ir.printer import print_graph
from graphc.ir.verifier import verify
from graphc.ops.definition import lookup
from graphc.passes.pipeline import PIPELINE, Pass, optimize
from tests.random_graphs import RandomGraph, random_graph
from tests.reference import run

PASSES = {p.name: p for entry in PIPELINE for p in ([entry] if isinstance(entry, Pass) else entry.passes)}


def assert_same(sample: RandomGraph, optimized: Graph) -> None:
    expected, got = (run(g, sample.feed, {"batch": 3}) for g in (sample.graph, optimized))
    assert expected.keys() == got.keys()
    for name, array in expected.items():
        scale = max(1.0, float(np.max(np.abs(array), initial=0.0)))
        np.testing.assert_allclose(got[name], array, rtol=1e-7, atol=1e-8 * scale, err_msg=name)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_optimized_graphs_compute_the_same(random: Random) -> None:
    sample = random_graph(random)
    assert_same(sample, optimize(sample.graph, verify=True))


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_alone(name: str) -> None:
    for seed in range(25):
        sample = random_graph(Random(seed))
        result = PASSES[name].function(sample.graph)
        verify(result)
        assert_same(sample, result)
        again = PASSES[name].function(sample.graph)
        assert (result is sample.graph) == (again is sample.graph) and graphs_equal(result, again)


@pytest.mark.parametrize("seed", range(10))
def test_optimized_graphs_print_and_parse_back(seed: int) -> None:
    result = optimize(random_graph(Random(seed)).graph)
    assert graphs_equal(parse_graph(print_graph(result), lookup), result)


def test_the_same_seed_gives_the_same_graph() -> None:
    assert print_graph(random_graph(Random(7)).graph) == print_graph(random_graph(Random(7)).graph)


def test_most_rules_are_reached() -> None:
    fired: set[str] = set()
    for seed in range(150):
        optimize(random_graph(Random(seed)).graph, observe=lambda entry: fired.update(dict(entry.fired)))
    assert len(fired) > 80, sorted(fired)
