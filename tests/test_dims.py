"""Symbolic sizes: arithmetic against evaluation, the text, and what is provable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc import dims
from graphc.dims import Dim, Size, dim, maximum, minimum
from graphc.errors import GraphError

A, B, N = dim("a"), dim("b"), dim("N")
SIZES = st.fixed_dictionaries({"a": st.integers(0, 12), "b": st.integers(0, 12)})


def _pairs(children: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "min", "max"]), children, children),
        st.tuples(st.just("//"), children, st.integers(1, 5)),
    )


# A tree of operations, so that the same one can be done on dims and on ints.
TREES = st.recursive(st.one_of(st.integers(-3, 5), st.sampled_from(["a", "b"])), _pairs, max_leaves=6)


def build(tree, leaf) -> Size:
    if not isinstance(tree, tuple):
        return leaf(tree)
    op, left, right = tree[0], build(tree[1], leaf), build(tree[2], leaf)
    if op == "min":
        return dims.minimum(left, right)
    if op == "max":
        return dims.maximum(left, right)
    if op == "//":
        return dims.floordiv(left, right)
    return {"+": left + right, "-": left - right, "*": left * right}[op]


def symbolic(tree) -> Size:
    return build(tree, lambda leaf: dim(leaf) if isinstance(leaf, str) else leaf)


@given(TREES, SIZES)
def test_arithmetic_agrees_with_evaluation(tree, sizes):
    expected = build(tree, lambda leaf: sizes[leaf] if isinstance(leaf, str) else leaf)
    assert dims.evaluate(symbolic(tree), sizes) == expected


@given(TREES)
def test_text_reads_back(tree):
    size = symbolic(tree)
    assert dims.parse_size(str(size)) == size


@given(TREES, TREES, SIZES)
def test_what_is_provable_holds(left, right, sizes):
    a, b = symbolic(left), symbolic(right)
    if dims.at_most(a, b):
        assert dims.evaluate(a, sizes) <= dims.evaluate(b, sizes)


@given(TREES, TREES)
def test_equal_sizes_have_equal_hashes(left, right):
    a, b = symbolic(left), symbolic(right)
    assert (a + b) == (b + a) and hash(a + b) == hash(b + a)
    assert (a * b) == (b * a) and a + b - b == a


@pytest.mark.parametrize(
    "size, text",
    [
        (A * 2 + 1, "2*a + 1"),
        (A * B - A, "a*b - a"),
        ((A + 1) * (A - 1), "a*a - 1"),
        (A // 2, "(a//2)"),
        (4 * A // 2, "2*a"),
        ((4 * A + 2) // 4, "a"),
        (A * B // B, "a"),
        (A % 3, "-3*(a//3) + a"),
        (dims.ceildiv(A, 4), "((a + 3)//4)"),
        (dims.maximum(A, 0), "a"),
        (dims.minimum(A, 5), "min(5, a)"),
        (dims.maximum(A + 2, A), "a + 2"),
        (A - A, "0"),
    ],
)
def test_canonical_text(size, text):
    assert str(size) == text


def test_symbols():
    assert dims.symbols_of((A * B // 3, 7, dims.minimum(A, 2))) == {"a", "b"}
    assert dims.product((A, 2, B)) == 2 * A * B


@pytest.mark.parametrize("name", ["", "2a", "a b", "max", "f32", "nan", None])
def test_names_are_identifiers_that_the_texts_do_not_use(name):
    with pytest.raises(GraphError, match="expected a dim name"):
        dim(name)


@pytest.mark.parametrize("text", ["", "a +", "a b", "(a", "a // ", "min(a)", "a ? 2", "2..3"])
def test_bad_text_is_refused(text):
    with pytest.raises(GraphError, match="expected a size like"):
        dims.parse_size(text)


def test_a_size_is_no_number_yet():
    with pytest.raises(GraphError, match="no truth value"):
        bool(A)
    with pytest.raises(GraphError, match="is no int"):
        range(A)
    with pytest.raises(GraphError, match="non-zero divisor"):
        dims.floordiv(A, 0)
    assert isinstance(A + 1, Dim) and (A + 1) != 1


def test_substitution_puts_sizes_in_the_place_of_names():
    n, m = dim("n"), dim("m")
    size = 2 * n * m + dims.floordiv(n, 3) + dims.maximum(n, m) + 1
    assert dims.substitute(size, {"n": 6}) == 12 * m + 2 + dims.maximum(6, m) + 1
    assert dims.substitute(size, {"n": m, "m": 2}) == 4 * m + dims.floordiv(m, 3) + dims.maximum(m, 2) + 1
    assert dims.substitute(size, {"n": 6, "m": 2}) == dims.evaluate(size, {"n": 6, "m": 2})


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (minimum(maximum(0, N - 1), N), "max(0, N - 1)"),
        (maximum(0, maximum(0, N - 1) - 1), "max(0, N - 2)"),
        (maximum(0, N - maximum(0, N - 3)), "min(3, N)"),
        (minimum(minimum(N, 7), 5), "min(5, N)"),
    ],
)
def test_nested_extrema_are_decided_where_they_can_be(size, text):
    assert str(size) == text
