"""Texts that are no graph are refused with the number of the line and what was expected."""

from __future__ import annotations

import pytest

from graphc.errors import GraphError
from graphc.ir.parser import parse_graph
from graphc.ops.definition import lookup

GOOD = """\
graph step(batch) {
  in  %x: f32[batch, 3]
  var %b: f32[3] "dense/bias"

  %0: f32[batch, 3] = broadcast_to(%b)   @ train.py:3
  %1: f32[batch, 3] = add(%x, %0)        @ grad my file.py:4
  %2: f32[3]        = constant(value=f32[3]([1.0, 2.0, -inf]))
  out y = %1
  set %b = %2
}
"""


def test_a_good_text():
    graph = parse_graph(GOOD, lookup)
    assert [str(v.origin) for _, v in graph.outputs] == ["grad my file.py:4"]
    assert graph.variables[0].attrs["name"] == "dense/bias"


ORDER = "'in', 'var', a value, 'out', 'set' or '}', in this order"
SHORT = "bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64"


@pytest.mark.parametrize("old, new, message", [
    ("graph step(batch) {\n", "", "line 1: expected 'graph', got in  %x: f32[batch, 3]"),
    ("(batch) {", "(batch)", "line 1: expected '{', got the end of the line"),
    ("(batch) {", "(batch} {", "line 1: expected dims and ')', got } {"),
    ("%x: f32[batch, 3]", "x: f32[batch, 3]", "line 2: expected a name like '%x', got x: f32[batch, 3]"),
    ("%x: f32[batch, 3]", "%x: f33[batch, 3]", f"line 2: expected a dtype among {SHORT}, got f33"),
    ("%x: f32[batch, 3]", "%x: f32[batch 3]", "line 2: expected a size like '2*batch + 1', got 'batch 3'"),
    ("%x: f32[batch, 3]", "%x: f32[batch, 3", "line 2: expected ',', got the end of the line"),
    ("%x: f32[batch, 3]", "%x: f32[batch, 3] 4", "line 2: expected the end of the line, got 4"),
    ("var %b", "var %x", "line 3: expected each name once, got %x"),
    ("add(%x, %0)", "add(%x, %7)", "line 6: expected a value of a line above, got %7"),
    ("add(%x, %0)", "plus(%x, %0)", "line 6: expected the name of an op, got 'plus'"),
    ("add(%x, %0)", "add(%x %0)", "line 6: expected ')', got %0)        @ grad my file.py:4"),
    ("add(%x, %0)", "add(%x, %b)", "line 6: add: expected operands of one shape, got f32[batch, 3] and f32[3]"),
    ("add(%x, %0)", "add(%x, %0, axis=1)", "line 6: add: "),
    ("add(%x, %0)", "add(%x, axis)", "line 6: expected '=', got )        @ grad my file.py:4"),
    ("%1: f32[batch, 3]", "%1: f32[batch, 4]", "line 6: expected f32[batch, 3], which add gives, got f32[batch, 4]"),
    ("@ train.py:3", "@ train.py", "line 5: expected a place like 'train.py:11', got train.py"),
    ("@ train.py:3", "train.py:3", "line 5: expected the end of the line, got train.py:3"),
    ("([1.0, 2.0, -inf])", "([1.0, 2.0])", "line 7: expected the elements of f32[3], got "),
    ("([1.0, 2.0, -inf])", '("AAAA")', "line 7: expected the elements of f32[3], got "),
    ("([1.0, 2.0, -inf])", '("?")', "line 7: expected the elements of f32[3], got "),
    ("f32[3](", "f32[batch](", "line 7: expected an array with ints as sizes, got f32[batch]"),
    ("value=f32", "value=1.2.3, x=f32", "line 7: expected a number, got 1.2.3"),
    ("out y = %1", "out y %1", "line 8: expected '=', got %1"),
    ("out y = %1", "result y = %1", f"line 8: expected {ORDER}, got result y = %1"),
    ("  set %b = %2\n}", "}\n  set %b = %2", f"line 10: expected {ORDER}, got set %b = %2"),
    ("  out y = %1\n", "  out y = %1\n  in %z: f32[]\n",
     f"line 9: expected {ORDER}, got in %z: f32[]"),
    ("}\n", "", "expected a graph that ends with '}', got the end of the text"),
    ("}\n", "}\n}\n", "line 11: expected nothing after '}', got }"),
])  # fmt: skip
def test_a_bad_text(old, new, message):
    assert old in GOOD
    with pytest.raises(GraphError) as error:
        parse_graph(GOOD.replace(old, new), lookup)
    assert str(error.value).startswith(message)
