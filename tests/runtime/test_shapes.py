"""Symbols are solved from the inputs' shapes; what does not fit is one sentence in the user's terms."""

from __future__ import annotations

import numpy as np
import pytest
from small_programs import B, N, identity

from graphc.dims import maximum
from graphc.dtypes import float32
from graphc.errors import CompileError, GraphError
from graphc.program.program import Port
from graphc.runtime.program import Executable


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, "float32")


@pytest.mark.parametrize(
    ("shape", "given", "sizes"),
    [
        ((B,), (0,), {"batch": 0}),
        ((2 * B + 1,), (7,), {"batch": 3}),
        ((B - 2, B), (1, 3), {"batch": 3}),
        ((2 * B + N, B), (17, 5), {"batch": 5, "n": 7}),
        ((B * N, N), (12, 3), {"batch": 4, "n": 3}),
        ((B // 2, B), (3, 7), {"batch": 7}),
        ((maximum(B, 4), B), (4, 2), {"batch": 2}),
        ((3, B), (3, 1823), {"batch": 1823}),
    ],
)
def test_solved(shape, given, sizes) -> None:
    executable = Executable(identity(shape, tuple(sizes)), {}, [])
    x = np.random.default_rng(0).random(given, "float32")
    assert executable.sizes(x) == sizes
    np.testing.assert_array_equal(executable(x)[0], x)


@pytest.mark.parametrize(
    ("shape", "given", "message"),
    [
        ((B, 784), (5, 783), "input x: expected shape [batch, 784], got [5, 783]"),
        ((B, 784), (5,), "input x: expected shape [batch, 784], got [5]"),
        ((B,), (), "input x: expected shape [batch], got []"),
        ((2 * B + 1,), (4,), "input x: expected shape [2*batch + 1], got [4]"),
        ((2 * B + 5,), (3,), "input x: expected shape [2*batch + 5], got [3]"),
        ((B, B), (5, 6), "input x: expected shape [batch, batch], got [5, 6]"),
        ((B, B // 2), (5, 3), "input x: expected shape [batch, (batch//2)], got [5, 3]"),
        ((3 - B,), (4,), "input x: expected shape [-batch + 3], got [4]"),
    ],
)
def test_refused(shape, given, message) -> None:
    executable = Executable(identity(shape, ("batch",)), {}, [])
    with pytest.raises(GraphError) as caught:
        executable(zeros(*given))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("second", "given", "message"),
    [
        ((B,), (6,), "input t: expected batch = 5 (from input x), got 6"),
        ((2 * B, 3), (11, 3), "input t: expected shape [2*batch, 3] with batch = 5 (from input x), got [11, 3]"),
    ],
)
def test_contradictions_name_the_other_input(second, given, message) -> None:
    executable = Executable(identity((B,), ("batch",), (Port("t", float32, second),)), {}, [])
    with pytest.raises(GraphError) as caught:
        executable(zeros(5), zeros(*given))
    assert str(caught.value) == message


def test_zero_factor_leaves_a_symbol_open() -> None:
    executable = Executable(identity((B * N, N), ("batch", "n")), {}, [])
    with pytest.raises(
        GraphError, match=r"input x: expected a shape \[batch\*n, n\] that determines batch, got \[0, 0\]"
    ):
        executable(zeros(0, 0))


@pytest.mark.parametrize("shape", [(B // 2,), (B * B,), (3,)])
def test_undetermined_symbol_is_refused_when_bound(shape) -> None:
    with pytest.raises(CompileError, match="expected an input whose shape determines batch, got none"):
        Executable(identity(shape, ("batch",)), {}, [])


def test_sizes_beyond_int64_are_refused() -> None:
    executable = Executable(identity((B,), ("batch",)), {}, [])
    with pytest.raises(GraphError, match="missing size batch"):
        executable.arena_bytes({})
    with pytest.raises(GraphError, match=r"expected sizes below 2\*\*63, got larger ones"):
        executable.peak_bytes({"batch": 2**62})
