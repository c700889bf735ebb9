"""Splits, scaling and batches: every row lands exactly once, and nothing leaks from the test part."""

import numpy as np
import pytest

import graphc as gc
from graphc.data import Dataset, minibatches, standardize, train_validation_test_split


def numbered(n):
    """Rows that can be told apart: row i holds i and i², its label is i."""
    rows = np.arange(n)
    return np.stack([rows, rows**2], axis=1).astype("float32"), rows.astype("int64")


@pytest.mark.parametrize("n", [3, 17, 150, 1823])
def test_every_row_lands_in_exactly_one_part(n):
    x, y = numbered(n)
    split = train_validation_test_split(x, y, (0.4, 0.3, 0.3), seed=1)
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate([part.y for part in parts])) == list(range(n))
    assert all(len(part) for part in parts)
    for part in parts:
        assert np.array_equal(part.x[:, 0].astype("int64"), part.y)


def test_the_seed_decides_the_parts():
    x, y = numbered(150)
    first, same, other = (train_validation_test_split(x, y, seed=seed).test.y for seed in (0, 0, 1))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    assert len(first) == 22


def test_standardize_is_fitted_on_the_training_part():
    x, y = numbered(150)
    x = np.concatenate([x, np.full((150, 1), 7, "float32")], axis=1)
    split = train_validation_test_split(x, y)
    scaled = standardize(split)
    np.testing.assert_allclose(scaled.train.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.train.x.std(axis=0), [1, 1, 0], atol=1e-5)
    expected = (split.test.x[:, :2] - split.train.x[:, :2].mean(axis=0)) / split.train.x[:, :2].std(axis=0)
    np.testing.assert_allclose(scaled.test.x[:, :2], expected, rtol=1e-6)
    assert scaled.test.x.dtype == np.float32


def test_an_epoch_holds_every_row_once_and_keeps_the_rest():
    data = Dataset(*numbered(17))
    batches = list(minibatches(data, 5, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [5, 5, 5, 2]
    assert sorted(np.concatenate([batch.y for batch in batches])) == list(range(17))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Dataset(np.zeros((3, 2)), np.zeros(4)),
            "expected as many labels as samples, got 3 samples and 4 labels",
        ),
        (
            lambda: train_validation_test_split(*numbered(9), (0.5, 0.6, -0.1)),
            "expected three positive fractions with sum 1, got (0.5, 0.6, -0.1)",
        ),
        (
            lambda: train_validation_test_split(*numbered(2)),
            "expected enough samples for three parts of (0.7, 0.15, 0.15), got 2",
        ),
        (
            lambda: next(minibatches(Dataset(*numbered(2)), 0, np.random.default_rng(0))),
            "expected a batch size of at least 1, got 0",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(gc.GraphError) as refused:
        call()
    assert str(refused.value) == message
