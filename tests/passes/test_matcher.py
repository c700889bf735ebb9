"""The matcher: commuted operands, literals, single use, exactness, and what a wrong rule does."""

from __future__ import annotations

import pytest

from graphc import ops
from graphc.errors import GraphError
from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.passes.matcher import (
    EXACT,
    FINITE_ONLY,
    SIGNED_ZERO,
    WITHIN_ULP,
    AnyNumber,
    Anything,
    RuleTable,
    once,
    op,
    rule,
)

x, y, c = Anything(), Anything(), AnyNumber()
exp, log, sin, where = op("exp"), op("log"), op("sin"), op("where")


def rewritten(*rows: object, output: Value, also: Value | None = None) -> Value:
    outputs = [("y", output)] + ([("z", also)] if also is not None else [])
    return RuleTable(rows)(Graph("f", (), tuple(outputs))).outputs[0][1]


def vector(name: str = "a", dtype: str = "float64") -> Value:
    return ops.input(name, (3,), dtype)


def test_commutative_operands_match_in_either_order() -> None:
    row = rule("r", exp(x) + sin(y), x - y, WITHIN_ULP)
    a, b = vector(), vector("b")
    for value in (ops.exp(a) + ops.sin(b), ops.sin(b) + ops.exp(a)):
        result = rewritten(row, output=value)
        assert result.op.name == "subtract" and result.operands[0] is a and result.operands[1] is b


def test_operands_of_other_ops_do_not_commute() -> None:
    value = ops.sin(vector()) - ops.exp(vector())
    assert rewritten(rule("r", exp(x) - sin(y), x, EXACT), output=value) is value


def test_a_variable_stands_for_one_value() -> None:
    row = rule("r", exp(x) * sin(x), x, EXACT)
    a, b = vector(), vector("b")
    assert rewritten(row, output=ops.sin(a) * ops.exp(a)) is a
    value = ops.exp(a) * ops.sin(b)
    assert rewritten(row, output=value) is value


def test_numbers_are_told_apart_by_the_sign_of_zero() -> None:
    row = rule("r", x + 0, x, EXACT)
    a = vector()
    assert rewritten(row, output=a + 0.0) is a
    value = a + -0.0
    assert rewritten(row, output=value) is value


def test_a_node_used_elsewhere_is_not_single() -> None:
    row = rule("r", sin(once(exp(x))), exp(sin(x)), EXACT)
    e = ops.exp(vector())
    assert rewritten(row, output=ops.sin(e)).op.name == "exp"
    value = ops.sin(e)
    assert rewritten(row, output=value, also=e) is value
    assert rewritten(row, output=value, also=ops.log(e)) is value


@pytest.mark.parametrize("exactness", [SIGNED_ZERO, FINITE_ONLY])
def test_inexact_rules_are_for_whole_numbers(exactness: object) -> None:
    row = rule("r", x - x, 0, exactness)
    value = (lambda a: a - a)(vector())
    assert rewritten(row, output=value) is value
    assert rewritten(row, output=(lambda a: a - a)(vector(dtype="int32"))).op.name == "full"


def test_conditions_and_functions_may_decline() -> None:
    value = ops.exp(vector())
    assert rewritten(rule("r", exp(x), x, EXACT, lambda m: m[x].ndim == 2), output=value) is value
    assert rewritten(rule("r", exp(x), lambda m: None, EXACT), output=value) is value


def test_a_rewrite_is_rewritten_and_built_nodes_too() -> None:
    rows = (rule("a", sin(x), log(exp(exp(x))), EXACT), rule("b", log(exp(x)), x, EXACT))
    result = rewritten(*rows, output=ops.sin(vector()))
    assert result.op.name == "exp" and result.operands[0].op.name == "input"


def test_numbers_are_computed_when_built() -> None:
    result = rewritten(rule("r", (x * c) * c, x * (c + c), EXACT), output=(vector() * 3.0))
    assert result.op.name == "multiply"
    three = ops.full((3,), 3.0)
    result = rewritten(rule("r", (x * c) * c, x * (c + c), EXACT), output=vector() * three * three)
    assert result.operands[1].attrs["value"] == 6.0


def test_rules_that_undo_each_other_end() -> None:
    rows = (rule("a", sin(x), exp(x), EXACT), rule("b", exp(x), sin(x), EXACT))
    assert rewritten(*rows, output=ops.sin(vector())).op.name in ("sin", "exp")


def test_a_rule_that_changes_the_type_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="rule r replaced a value of type"):
        rewritten(rule("r", exp(x), lambda m: ops.sum(m[x]), EXACT), output=ops.exp(vector()))


def test_an_unknown_op_is_an_error_when_the_rule_is_written() -> None:
    with pytest.raises(GraphError, match="expected the name of an op, got 'expp'"):
        op("expp")
