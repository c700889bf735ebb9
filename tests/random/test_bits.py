"""The same numbers from the oracle, from both backends, on any number of threads, fused or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_draws import EXACT, ROUNDED
from reference import evaluate

import graphc as gc
from graphc import ops
from graphc.dtypes import uint32, uint64
from graphc.ops.definition import lookup

SHAPES = [(), (0,), (3,), (1, 17), (5, 1, 37), (64, 33), (2, 0, 5), (40_001,)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_against_the_oracle(name: str, shape: tuple[int, ...]) -> None:
    g = gc.random.Generator(2**63 + 5)
    y = EXACT[name](g, shape)
    g.calls.value = np.uint64(2**40 + 3)  # its high word counts too
    (expected,) = evaluate(y)
    np.testing.assert_array_equal(gc.compile([], y)(), expected)


@pytest.mark.parametrize("name", ROUNDED)
def test_against_the_oracle_within_rounding(name: str) -> None:
    g = gc.random.Generator(5)
    y = ROUNDED[name](g, (7, 43))
    (expected,) = evaluate(y)
    tolerance = 1e-6 if y.dtype.itemsize == 4 else 1e-14
    np.testing.assert_allclose(gc.compile([], y)(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", EXACT | ROUNDED)
def test_same_bits_everywhere(name: str) -> None:
    draw = (EXACT | ROUNDED)[name]
    batch, results = gc.dim("batch"), set()
    x = gc.input("x", (batch, 19))
    threads = gc.get_num_threads()
    try:
        for backend, optimize, count in (("numba", True, 1), ("numba", True, 5), ("numba", False, 2), ("cpp", True, 2)):
            gc.set_num_threads(count)
            g = gc.random.Generator(3)
            y = draw(g, (batch, 19))
            step = gc.compile([x], [y, gc.astype(y, "float32") + x], backend=backend, optimize=optimize)
            arrays = [step(np.ones((1823, 19), np.float32)) for _ in range(2)]
            results.add(b"".join(a.tobytes() for pair in arrays for a in pair))
    finally:
        gc.set_num_threads(threads)
    assert len(results) == 1


def test_numbers_do_not_depend_on_the_shape_nor_on_how_it_is_known() -> None:
    n = gc.dim("n")
    x = gc.input("x", (n,))
    flat = gc.compile([], gc.random.Generator(1).uniform((12, 5, 7)))().ravel()
    symbolic = gc.compile([x], gc.random.Generator(1).uniform((n, 7)) + 0 * gc.sum(x))(np.zeros(60, np.float32))
    np.testing.assert_array_equal(symbolic.ravel(), flat)
    longer = gc.compile([], gc.random.Generator(1).uniform((1000,)))()
    np.testing.assert_array_equal(longer[:420], flat)


def bits(key: int, call: int, site: int, count: int, dtype: object = uint32) -> np.ndarray:
    array = lookup("random_bits").reference(np.uint64(key), np.uint64(call), site=site, dtype=dtype, shape=(count,))
    return array


@given(
    st.tuples(*[st.integers(0, 2**64 - 1)] * 2),
    st.tuples(*[st.integers(0, 2**48 - 1)] * 2),
    st.tuples(*[st.integers(0, 2**32 - 1)] * 2),
)
@settings(max_examples=50, deadline=None)
def test_different_keys_calls_and_sites_give_different_bits(keys: tuple, calls: tuple, sites: tuple) -> None:
    a, b = (bits(*place, 64) for place in zip(keys, calls, sites, strict=True))
    same = (keys[0], calls[0], sites[0]) == (keys[1], calls[1], sites[1])
    assert (a == b).all() if same else (a == b).mean() < 0.1


def test_no_word_is_used_twice() -> None:
    """32 bits repeat by chance, 64 do not: pairs of neighbours in time are as good as 64 bits."""
    words = np.concatenate([bits(0, call, site, 4096, uint64) for call in range(4) for site in range(4)])
    assert np.unique(words).size == words.size
    u32 = bits(0, 0, 0, 4096).reshape(64, 4, 16).astype(np.uint64)
    blocks = u32[:, 0] | u32[:, 1] << np.uint64(32), u32[:, 2] | u32[:, 3] << np.uint64(32)
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks).ravel()), np.sort(bits(0, 0, 0, 2048, uint64)))


def test_each_declaration_draws_by_itself_and_equal_draws_are_shared() -> None:
    g = gc.random.Generator(0)
    a, b = g.uniform((100,)), g.uniform((100,))
    step = gc.compile([], [a, b, a - a, a - b])
    first, second, zero, difference = step()
    assert not np.any(first == second) and not zero.any() and difference.any()
    assert sum(v.op.name == "random_bits" for v in step.compilation.optimized.values) == 2


def test_draws_print_and_parse() -> None:
    from graphc.ir.equality import graphs_equal
    from graphc.ir.graph import Graph
    from graphc.ir.parser import parse_graph
    from graphc.ir.printer import print_graph

    key, call = ops.input("key", (), "uint64"), ops.input("call", (), "uint64")
    y = ops.random_bits(key, call, site=3, dtype=uint32, shape=(2, 5))
    graph = Graph("draw", (key, call), (("y", y),))
    assert "random_bits(%key, %call, site=3)" in print_graph(graph)
    assert graphs_equal(parse_graph(print_graph(graph), lookup), graph)
