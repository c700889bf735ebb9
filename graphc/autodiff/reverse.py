"""Reverse mode: the gradient of a graph as a graph, by one sweep from the outputs back to `wrt`.

It stands apart from the ops, whose records it asks for their gradients, so that it knows none by name; and
because those records are written in public ops, what it returns can be differentiated again, to any order.

Source: Griewank & Walther, Evaluating Derivatives (2008), chapter 3.2, the incremental adjoint recursion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from graphc import ops
from graphc.autodiff.cotangent import Cotangent, absorb_selection, add_up
from graphc.ir.graph import topological
from graphc.ir.value import Value
from graphc.ops.definition import NoGradient, op_of, refuse
from graphc.origin import inherit
from graphc.passes.stabilize import stabilize_above

Values = Value | Sequence[Value]


@overload
def grad(loss: Value, wrt: Value) -> Value: ...
@overload
def grad(loss: Value, wrt: Sequence[Value]) -> list[Value]: ...
def grad(loss: Value, wrt: Values) -> Value | list[Value]:
    """The derivative of a float scalar with respect to each value of `wrt`, of that value's type.

    `wrt` is a value or a sequence of values, and so is the result (a list for a sequence). A value that
    `loss` does not depend on gets zeros. Raises `GraphError` if `loss` is not a float of shape [], if a
    value of `wrt` is not a float, or if an op on the way has no gradient.
    """
    if not isinstance(loss, Value):
        refuse("grad", f"expected a symbolic value as the loss, got {type(loss).__name__}")
    if loss.shape != () or not loss.dtype.is_float:
        refuse(
            "grad", f"expected a float scalar of shape [] as the loss, got {loss.type}; reduce it first, as with mean"
        )
    with inherit(loss.origin, via="grad"):
        seed = ops.ones_like(loss)
    return like_wrt(wrt, pull_back("grad", [loss], as_sources("grad", wrt), [seed]))


def vjp(outputs: Values, wrt: Values, cotangents: Values) -> Value | list[Value]:
    """Σ over outputs of cotangentᵀ · ∂output/∂wrt, for each value of `wrt`; one cotangent per output, of its type.

    Raises `GraphError` as `grad` does, and if cotangents and outputs don't match.
    """
    outputs, cotangents = as_values("vjp", outputs, "output"), as_values("vjp", cotangents, "cotangent")
    require_matching("vjp", "cotangent", outputs, cotangents)
    return like_wrt(wrt, pull_back("vjp", outputs, as_sources("vjp", wrt), cotangents))


def pull_back(function: str, outputs: list[Value], wrt: list[Value], seeds: list[Value]) -> list[Value]:
    """The cotangents of `wrt`, given those of `outputs`; `function` is named in errors."""
    outputs = stabilize_above(outputs, wrt)
    order = topological(outputs)
    path = _path(order, wrt)
    terms: dict[Value, list[Cotangent]] = {}
    for output, seed in zip(outputs, seeds, strict=True):
        terms.setdefault(output, []).append(Cotangent(seed))
    found: dict[Value, Cotangent] = {}
    for value in reversed(order):
        if value not in path or value not in terms:
            continue
        with inherit(value.origin, via="grad"):
            found[value] = total = add_up(terms.pop(value))
            if any(o in path for o in value.operands):
                for operand, contribution in _contributions(function, value, total):
                    if operand in path:
                        terms.setdefault(operand, []).append(contribution)
    results = []
    for value in wrt:
        with inherit(value.origin, via="grad"):
            results.append(found[value].applied() if value in found else ops.zeros_like(value))
    return results


def _path(order: Sequence[Value], wrt: Sequence[Value]) -> set[Value]:
    """The float values that depend on `wrt` through floats; whole numbers and bools carry no derivative."""
    path = set(wrt)
    for value in order:
        if value.dtype.is_float and any(o in path for o in value.operands):
            path.add(value)
    return path


def _contributions(function: str, value: Value, total: Cotangent) -> list[tuple[Value, Cotangent]]:
    """What the cotangent of `value` adds to those of its operands."""
    op = op_of(value)
    if isinstance(op.gradient, NoGradient):
        refuse(function, f"expected only ops with a gradient, got {op.name} at {value.origin}: {op.gradient.reason}")
    elementwise = op.family == "elementwise"
    g = total.value if elementwise else total.applied()
    gradients = op.gradient(g, *value.operands, y=value, **value.attrs)
    contributions = []
    for operand, gradient in zip(value.operands, gradients, strict=True):
        if gradient is None:
            continue
        if gradient.dtype is not operand.dtype or gradient.shape != operand.shape:
            raise AssertionError(f"the gradient of {op.name} has type {gradient.type}, its operand {operand.type}")
        contributions.append((operand, absorb_selection(gradient, total.mask if elementwise else None)))
    return contributions


def as_sources(function: str, wrt: Values) -> list[Value]:
    """The values to differentiate by, as a list. Literals are refused: broadcasting copies them, so that what is
    computed from one does not depend on it."""
    values = as_values(function, wrt, "value to differentiate by")
    for value in values:
        if value.op.name == "full":
            refuse(function, f"expected an input, a variable or a computed value to differentiate by, got {value!r}")
    return values


def as_values(function: str, values: Values, role: str) -> list[Value]:
    """A list of float values, from a value or a sequence of values; raises `GraphError`."""
    values = [values] if isinstance(values, Value) else list(values)
    for value in values:
        if not isinstance(value, Value):
            refuse(function, f"expected a symbolic {role}, got {type(value).__name__}")
        if not value.dtype.is_float:
            refuse(function, f"expected a float {role}, got {value!r}, declared at {value.origin}")
    return values


def require_matching(function: str, role: str, values: list[Value], partners: list[Value]) -> None:
    """Raise `GraphError` unless there is one partner of the same type for each value."""
    if len(values) != len(partners):
        refuse(function, f"expected {len(values)} {role}s, got {len(partners)}")
    for value, partner in zip(values, partners, strict=True):
        if partner.dtype is not value.dtype or partner.shape != value.shape:
            refuse(function, f"expected a {role} of type {value.type}, got {partner.type}")


def like_wrt(wrt: Values, results: list[Value]) -> Value | list[Value]:
    """One value if `wrt` is one value, else the list."""
    return results[0] if isinstance(wrt, Value) else results
