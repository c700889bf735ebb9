"""The registry: every record is complete, what is missing or double fails, and a new op needs one edit."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from graphc import ops
from graphc.autodiff.reverse import grad
from graphc.dtypes import BY_NAME, FLOATING
from graphc.ops.definition import REGISTRY, NoGradient, Op, Trait
from graphc.ops.families import unary
from tests.ops import samples
from tests.reference import evaluate


@pytest.fixture
def registry() -> Iterator[None]:
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize("op", list(REGISTRY.values()), ids=lambda op: op.name)
def test_record_is_complete(op: Op) -> None:
    assert op.summary.endswith((".", "]")) and op.family and op.dtypes
    assert op.reference is not None or op.name in ("input", "variable")
    assert callable(op.gradient) or (isinstance(op.gradient, NoGradient) and op.gradient.reason)
    assert all(math.isfinite(d.low) and d.low < d.high for d in op.domain)
    assert set(op.max_ulp) <= set(BY_NAME) and all(bound > 0 for bound in op.max_ulp.values())
    assert callable(getattr(ops, op.name, None)) or op.name in ("check_index", "gather", "slice")


def _toy(**change: object) -> Op:
    record = {
        "summary": "x cubed.",
        "dtypes": FLOATING,
        "reference": lambda x: x * x * x,
        "gradient": lambda g, x, y: (3 * g * x * x,),
        "lower": lambda k, x: x * x * x,
    }
    return unary("toy_cube", **(record | change))


def test_a_toy_op_is_evaluated_lowered_and_differentiated(registry: None) -> None:
    cube = _toy()
    x, array = ops.input("x", (3,), "float64"), np.array([-2.0, 0.0, 1.5])
    (second,) = evaluate(grad(ops.sum(grad(ops.sum(cube(x)), x)), x), {"x": array})
    np.testing.assert_allclose(second, 6 * array)
    np.testing.assert_array_equal(samples.lowered(cube, [array]), array**3)


@pytest.mark.parametrize(
    "change",
    [{"lower": None}, {"summary": ""}, {"traits": Trait.LEAF}],
    ids=["no lowering", "no summary", "a leaf that is computed"],
)
def test_an_incomplete_record_fails_at_import(registry: None, change: dict) -> None:
    with pytest.raises(AssertionError):
        _toy(**change)


def test_a_second_record_of_a_name_fails_at_import(registry: None) -> None:
    _toy()
    with pytest.raises(AssertionError, match="defined twice"):
        _toy()


def test_wrong_number_of_operands() -> None:
    with pytest.raises(TypeError, match="add takes 2 operands, got 1"):
        ops.add(1)
