"""Every elementwise op, over its dtypes and irregular shapes: type rule, NumPy meaning, lowering."""

from __future__ import annotations

import numpy as np
import pytest

from graphc import dtypes
from graphc.ops.definition import Op, Trait
from tests.ops import samples
from tests.reference import evaluate

PLAIN = [op for op in samples.ops_of("elementwise") if Trait.CHECKS not in op.traits]
CASES = [pytest.param(op, dtype, id=f"{op.name}-{dtype.short}") for op in PLAIN for dtype in op.dtypes]


@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_type_rule_agrees_with_numpy_on_every_shape(op: Op, dtype: dtypes.DType) -> None:
    for shape in samples.SHAPES:
        arrays = samples.operands(op, dtype, shape)
        for attrs in samples.attributes(op, len(shape)):
            inputs = samples.inputs(arrays)
            (result,) = evaluate(op(*inputs, **attrs), dict(zip(inputs, arrays, strict=True)))  # asserts the type
            assert result.shape == shape


@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_lowering_means_what_numpy_means(op: Op, dtype: dtypes.DType) -> None:
    arrays = samples.all_operands(op, dtype)
    for attrs in samples.attributes(op, 1):
        got, expected = samples.lowered(op, arrays, **attrs), samples.accurately(op, arrays, **attrs)
        if got.dtype.kind != "f":
            wrong = got != expected
        else:
            wrong = samples.ulp_error(got, expected) > op.max_ulp.get(dtype.name, 0)
        where = np.flatnonzero(wrong)[:5]
        assert not where.size, (attrs, [a[where] for a in arrays], got[where], expected[where])


@pytest.mark.parametrize(("op", "dtype"), [c for c in CASES if c.values[1].is_float and not c.values[0].max_ulp])
def test_exact_ops_keep_the_sign_of_zero(op: Op, dtype: dtypes.DType) -> None:
    arrays = samples.all_operands(op, dtype)
    if Trait.COMMUTATIVE | Trait.IDEMPOTENT in op.traits:  # IEEE leaves maximum(0, -0) open
        keep = ~((arrays[0] == 0) & (arrays[1] == 0))
        arrays = [a[keep] for a in arrays]
    for attrs in samples.attributes(op, 1):
        got, expected = samples.lowered(op, arrays, **attrs), samples.accurately(op, arrays, **attrs)
        if got.dtype.kind == "f":
            wrong = (expected == 0) & (np.signbit(got) != np.signbit(expected))
            assert not wrong.any(), [a[wrong] for a in arrays]


@pytest.mark.parametrize("op", [op for op in PLAIN if op.dtypes == dtypes.FLOATING], ids=lambda op: op.name)
def test_integers_become_float64_where_only_floats_are_defined(op: Op) -> None:
    x = samples.inputs([np.ones(3, "int8")] * samples.arity(op))
    assert op(*x).dtype is dtypes.float64
