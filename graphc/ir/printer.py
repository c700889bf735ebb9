"""The text of a graph: typed SSA, one value a line, with the user's line at the right.

It stands apart so that the text can be read back (`parser.py`): whatever a graph holds is in the text, but
for the arrays of its variables and the folders of its source files.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import Dim, symbols_of
from graphc.dtypes import DType
from graphc.ir.graph import Graph
from graphc.ir.value import Literal, Value
from graphc.origin import UNKNOWN

_SMALL = 16  # elements of an array that are printed one by one
_WIDEST = (28, 60)  # columns of a type and of a call, beyond which one long line does not push the others


def print_graph(graph: Graph) -> str:
    """The text of `graph`. Numbers are given in topological order, so equal graphs have equal texts.

    graph    ::=  "graph" word "(" dims ")" "{" input* variable* value* output* update* "}"
    input    ::=  "in" name ":" type
    variable ::=  "var" name ":" type [string]            the string: a name that is no identifier
    value    ::=  name ":" type "=" op "(" [operand or attribute, ...] ")" ["@" [via] file ":" line]
    output   ::=  "out" word "=" name
    update   ::=  "set" name "=" name                     variable = its next value
    attribute::=  key "=" attr                            left out where the type of the value implies it
    attr     ::=  number | size | string | dtype | "True" | "False" | "None" | tuple | array
    tuple    ::=  "(" [attr, ...] ")"
    array    ::=  type "(" numbers in nested lists, or a string: base64 of the bytes, little-endian ")"
    """
    names = name_values(graph)
    head = {*graph.inputs, *graph.variables}
    rows = [(names[v], v) for v in graph.values if v not in head]
    left = [f"{name}: {v.type}" for name, v in rows]
    right = [f"{v.op.name}({_arguments(v, names)})" for _, v in rows]
    places = [f"@ {v.origin}" if v.origin != UNKNOWN else "" for _, v in rows]
    lines = [f"graph {_word(graph.name)}({', '.join(sorted(_symbols(graph)))}) {{"]
    lines += _header(graph, names)
    lines += [""] if rows and len(lines) > 1 else []
    width_left, width_right = _width(left, _WIDEST[0]), _width(right, _WIDEST[1])
    for a, b, c in zip(left, right, places, strict=True):
        lines.append(f"  {a:{width_left}} = {b:{width_right}}   {c}".rstrip())
    lines += [f"  out {_word(name)} = {names[v]}" for name, v in graph.outputs]
    targets = [names[variable] for variable, _ in graph.updates]
    width = _width(targets, _WIDEST[0])
    lines += [f"  set {t:{width}} = {names[v]}" for t, (_, v) in zip(targets, graph.updates, strict=True)]
    return "\n".join([*lines, "}"]) + "\n"


def name_values(graph: Graph) -> dict[Value, str]:
    """The name of every value in the text: `%x` for inputs and variables, `%0`, `%1`, … for the rest."""
    names: dict[Value, str] = {}
    taken: set[str] = set()
    for value in dict.fromkeys((*graph.inputs, *graph.variables)):
        wanted = re.sub(r"\W", "_", str(value.attrs.get("name", "")), flags=re.ASCII) or "_"
        wanted = f"_{wanted}" if wanted[0].isdigit() else wanted
        name, count = wanted, 1
        while name in taken:
            name, count = f"{wanted}_{count}", count + 1
        taken.add(name)
        names[value] = f"%{name}"
    unnamed = (v for v in graph.values if v not in names)
    names.update((v, f"%{number}") for number, v in enumerate(unnamed))
    return names


def attribute_text(attr: Any) -> str:
    """An attribute as the text has it; different attributes have different texts."""
    if attr is None or isinstance(attr, bool | Dim | DType):
        return str(attr)
    if isinstance(attr, int | np.integer):
        return str(int(attr))
    if isinstance(attr, float | np.floating):
        return repr(float(attr))
    if isinstance(attr, str):
        return _quoted(attr)
    if isinstance(attr, tuple):
        return f"({', '.join(map(attribute_text, attr))}{',' if len(attr) == 1 else ''})"
    if isinstance(attr, Literal):
        return _array_text(attr.array)
    raise TypeError(f"an attribute of type {type(attr).__name__} has no text")


def _array_text(array: np.ndarray) -> str:
    type_text = f"{dtypes.as_dtype(array.dtype).short}[{', '.join(map(str, array.shape))}]"
    if array.size <= _SMALL and not np.isnan(array).any():  # a NaN's sign and payload have no spelling
        return f"{type_text}({array.tolist()!r})"
    data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return f'{type_text}("{base64.b64encode(data).decode()}")'


def _arguments(value: Value, names: dict[Value, str]) -> str:
    operands = [names[o] for o in value.operands]
    attrs = {key: attribute_text(attr) for key, attr in value.attrs.items()}
    implied = {key: attribute_text(of(value.type)) for key, of in value.op.implied.items()}
    return ", ".join(operands + [f"{key}={text}" for key, text in attrs.items() if implied.get(key) != text])


def _header(graph: Graph, names: dict[Value, str]) -> list[str]:
    heads = [("in ", v) for v in graph.inputs] + [("var", v) for v in graph.variables]
    lines = []
    for head, value in heads:
        name = value.attrs.get("name", "")
        full_name = "" if f"%{name}" == names[value] else f" {_quoted(name)}"
        lines.append(f"  {head} {names[value]}: {value.type}{full_name}")
    return lines


def _symbols(graph: Graph) -> Iterable[str]:
    return symbols_of(n for v in (*graph.inputs, *graph.variables, *graph.values) for n in v.shape)


def _width(texts: Iterable[str], widest: int) -> int:
    return max((len(t) for t in texts if len(t) <= widest), default=0)


def _word(name: str) -> str:
    return name if re.fullmatch(r"[\w.]+", name, re.ASCII) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
