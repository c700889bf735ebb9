"""Index arithmetic that renderers share: linear addresses, and how far an index moves with a loop.

It stands apart from the renderers so that all of them agree on which accesses are contiguous,
strided, invariant or gathers.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphc.dims import Shape, Size
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr, int_const, walk
from graphc.kernel_ir.kernel import Accumulator, Let, Loop, Statement, Store, Update

_ZERO = int_const(0)


def linear_index(indices: tuple[Expr, ...], shape: Shape) -> Expr:
    """The offset, in elements, of `indices` in a C-contiguous array of `shape`; i64.

    Written as a sum of index × stride, so that the part of every loop can be hoisted by itself.
    """
    assert len(indices) == len(shape), (indices, shape)
    stride: Size = 1
    terms: list[Expr] = []
    for position, extent in zip(reversed(indices), reversed(shape), strict=True):
        terms.append(position * k.size(stride))
        stride = stride * extent
    total = _ZERO
    for term in reversed(terms):
        total = total + term
    return total


def changes_inside(loop: Loop) -> dict[str, Expr | None]:
    """The names that `loop`'s body gives a value: a Let's expression, None for what is updated or stored."""
    changed: dict[str, Expr | None] = {}
    stack: list[Statement] = list(loop.body)
    while stack:
        statement = stack.pop()
        if isinstance(statement, Let):
            changed[statement.name] = statement.value
        elif isinstance(statement, (Accumulator, Update)):
            changed[statement.name] = None
        elif isinstance(statement, Store):
            changed[statement.buffer] = None
        elif isinstance(statement, Loop):
            changed[statement.index] = None
            stack.extend(statement.body)
    return changed


def stride_along(expr: Expr, index_name: str, inside: Mapping[str, Expr | None] | None = None) -> Expr | None:
    """How much the integer `expr` grows when the loop index `index_name` grows by one; i64.

    The constant 0 says that `expr` (of any dtype) is invariant; None that it is not affine in the index.
    The result never depends on the index itself. `inside` is `changes_inside(loop)`: variables and
    buffers that are not in it are invariant; without it, every variable and load counts as varying.
    """
    strides: dict[Expr, Expr | None] = {}
    stack = [expr]
    while stack:
        root = stack[-1]
        definitions = [inside.get(n.attr) for n in walk(root) if n.op == "var"] if inside else []
        missing = [d for d in definitions if d is not None and d not in strides]
        if missing:
            stack.extend(missing)
            continue
        for node in walk(root):
            if node not in strides:
                strides[node] = _stride(node, index_name, inside, strides)
        stack.pop()
    return strides[expr]


def _stride(
    node: Expr, index_name: str, inside: Mapping[str, Expr | None] | None, strides: Mapping[Expr, Expr | None]
) -> Expr | None:
    """The stride of `node`, given those of its operands."""
    if node.op in ("const", "dim"):
        return _ZERO
    if node.op == "index":
        if node.attr == index_name:
            return int_const(1)
        return None if inside and node.attr in inside else _ZERO
    if node.op == "var":
        if inside is None:
            return None
        definition = inside.get(node.attr, _ZERO)
        return definition and strides.get(definition, _ZERO)
    if node.op in ("load", "load_if") and (inside is None or node.attr in inside):
        return None
    operands = [strides[a] for a in node.args]
    if all(s is _ZERO for s in operands):
        return _ZERO
    if node.dtype.name == "int64" and node.op in _RULES:
        return _RULES[node.op](node.args, operands)
    return None


def _add_rule(args: tuple[Expr, ...], strides: list[Expr | None]) -> Expr | None:
    a, b = strides
    return None if a is None or b is None else a + b


def _sub_rule(args: tuple[Expr, ...], strides: list[Expr | None]) -> Expr | None:
    a, b = strides
    if a is None or b is None:
        return None
    return _ZERO if a is b else a - b


def _neg_rule(args: tuple[Expr, ...], strides: list[Expr | None]) -> Expr | None:
    return None if strides[0] is None else _ZERO - strides[0]


def _mul_rule(args: tuple[Expr, ...], strides: list[Expr | None]) -> Expr | None:
    a, b = strides
    if a is _ZERO and b is not None:
        return args[0] * b
    return a * args[1] if b is _ZERO and a is not None else None


_RULES = {"add": _add_rule, "sub": _sub_rule, "neg": _neg_rule, "mul": _mul_rule}
