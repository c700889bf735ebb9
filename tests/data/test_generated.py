"""Generated data: shapes and dtypes, the same for the same seed, and wrong options refused."""

import numpy as np
import pytest

import graphc as gc
from graphc import data

pytest.importorskip("sklearn")

MAKERS = [
    (lambda **o: data.make_classification(50, n_features=5, **o), (50, 5), (50,), "int64"),
    (
        lambda **o: data.make_classification(50, multilabel=True, n_features=5, n_classes=3, **o),
        (50, 5),
        (50, 3),
        "int64",
    ),
    (lambda **o: data.make_regression(50, n_features=5, **o), (50, 5), (50,), "float32"),
    (lambda **o: data.make_regression(50, n_features=5, n_targets=2, **o), (50, 5), (50, 2), "float32"),
]


@pytest.mark.parametrize(("make", "x_shape", "y_shape", "y_dtype"), MAKERS)
def test_shapes_dtypes_and_seeds(make, x_shape, y_shape, y_dtype):
    first, same, other = make(seed=0), make(seed=0), make(seed=2)
    assert first.x.shape == x_shape and first.x.dtype == np.float32
    assert first.y.shape == y_shape and first.y.dtype == y_dtype
    assert np.array_equal(first.x, same.x) and np.array_equal(first.y, same.y)
    assert not np.array_equal(first.x, other.x)


def test_labels():
    assert sorted(set(data.make_classification(90, n_classes=3, n_informative=3).y.tolist())) == [0, 1, 2]
    assert set(data.make_classification(90, multilabel=True, seed=3).y.ravel().tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: data.make_classification(9, random_state=1),
            "make_classification: expected seed, got random_state=1",
        ),
        (lambda: data.make_regression(9, coef=True), "make_regression: expected no such option, got coef=True"),
        (
            lambda: data.make_classification(9, n_clases=3),
            "make_classification: expected options of scikit-learn's function, got others",
        ),
        (
            lambda: data.make_classification(9, n_features=2, n_informative=5),
            "make_classification: expected options of scikit-learn's function, got others",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(gc.GraphError) as refused:
        make()
    assert str(refused.value).startswith(message)
