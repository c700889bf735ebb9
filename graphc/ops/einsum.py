"""`einsum`: sums of products in index notation, from left to right in pairs.

It stands apart from the contractions because it is a small language of its own: subscripts are read here,
and every pair of operands becomes one call of `contract`.
"""

from __future__ import annotations

import re
from typing import Any

from graphc import dtypes, ops
from graphc.dims import Size
from graphc.ir.value import Value
from graphc.ops.broadcasting import promoted
from graphc.ops.contraction import contract
from graphc.ops.definition import refuse
from graphc.ops.indexing import diagonal
from graphc.ops.views import permute_dims, squeeze

Labels = tuple[str, ...]  # one per axis: a letter, or "...k", the axis k places before an ellipsis's end


def einsum(subscripts: str, *operands: Any) -> Value:
    """The sum of products that `subscripts` states, as `numpy.einsum`: letters, `...` and an optional `->`.

    A letter that stands twice in one operand takes its diagonal; a size of 1 broadcasts. Raises `GraphError`.
    """
    values = promoted(*operands, function="einsum") if operands else ()
    terms, output = _read(subscripts, values)
    sizes: dict[str, Size] = {}
    for value, labels in zip(values, terms, strict=True):
        for label, n in zip(labels, value.shape, strict=True):
            known = sizes.setdefault(label, n)
            if known == 1:
                sizes[label] = n
            elif n not in (1, known):
                refuse("einsum", f"expected one size for {label!r} in {subscripts!r}, got {known} and {n}")
    for label in output:
        if label not in sizes:
            refuse("einsum", f"expected {label!r} of the output among the inputs, got {subscripts!r}")

    pending = [_reduced(v, t, sizes) for v, t in zip(values, terms, strict=True)]
    result, labels = _summed(*pending[0], needed=_needed(pending[1:], output))
    for place, (value, term) in enumerate(pending[1:], 2):
        result, labels = _multiply(result, labels, value, term, _needed(pending[place:], output))
    return permute_dims(result, tuple(labels.index(label) for label in output))


def _read(subscripts: str, values: tuple[Value, ...]) -> tuple[list[Labels], Labels]:
    text = re.sub(r"\s", "", subscripts)
    letters = r"[A-Za-z]*(?:\.\.\.)?[A-Za-z]*"
    if not re.fullmatch(rf"{letters}(?:,{letters})*(?:->{letters})?", text):
        refuse("einsum", f"expected subscripts like 'ij,jk->ik', got {subscripts!r}")
    inputs, arrow, result = text.partition("->")
    texts = inputs.split(",")
    if len(texts) != len(values) or not values:
        refuse("einsum", f"expected {len(texts)} operands for {subscripts!r}, got {len(values)}")
    terms = []
    for term, value in zip(texts, values, strict=True):
        named = len(term.replace("...", ""))
        if named > value.ndim or ("..." not in term and named != value.ndim):
            refuse("einsum", f"expected an operand of rank {named} for {term!r}, got {value.type}")
        terms.append(_labels(term, value.ndim - named))
    hidden = max(sum(label.startswith("...") for label in labels) for labels in terms)
    if arrow:
        output = _labels(result, hidden)
        if len(set(output)) != len(output):
            refuse("einsum", f"expected each letter once in the output, got {subscripts!r}")
        if hidden and "..." not in result:
            refuse("einsum", f"expected '...' in the output of {subscripts!r}, got {result!r}")
        return terms, output
    once = sorted(c for c in set(inputs) - set(",.") if inputs.count(c) == 1)
    return terms, _labels("..." + "".join(once), hidden)


def _labels(term: str, hidden: int) -> Labels:
    before, dots, after = term.partition("...")
    return (*before, *(f"...{k}" for k in range(hidden, 0, -1) if dots), *after)


def _reduced(value: Value, labels: Labels, sizes: dict[str, Size]) -> tuple[Value, Labels]:
    """Each label once, and no axis of size 1 that broadcasts."""
    ones = tuple(a for a, label in enumerate(labels) if value.shape[a] == 1 and sizes[label] != 1)
    if ones:
        value = squeeze(value, ones)
        labels = tuple(label for a, label in enumerate(labels) if a not in ones)
    while len(set(labels)) != len(labels):
        label = next(c for c in labels if labels.count(c) > 1)
        first = labels.index(label)
        second = labels.index(label, first + 1)
        value = diagonal(value, first, second)
        labels = (label, *(c for a, c in enumerate(labels) if a not in (first, second)))
    return value, labels


def _needed(pending: list[tuple[Value, Labels]], output: Labels) -> set[str]:
    return set(output).union(*(labels for _, labels in pending))


def _summed(value: Value, labels: Labels, needed: set[str]) -> tuple[Value, Labels]:
    """The sum over the axes that nobody needs."""
    axes = tuple(a for a, label in enumerate(labels) if label not in needed)
    if not axes:
        return value, labels
    is_bool = value.dtype is dtypes.bool_
    total = ops.any(value, axis=axes) if is_bool else ops.sum(value, axis=axes, dtype=value.dtype)
    return total, tuple(label for label in labels if label in needed)


def _multiply(a: Value, labels_a: Labels, b: Value, labels_b: Labels, needed: set[str]) -> tuple[Value, Labels]:
    a, labels_a = _summed(a, labels_a, needed | set(labels_b))
    b, labels_b = _summed(b, labels_b, needed | set(labels_a))
    shared = [label for label in labels_a if label in labels_b]
    batch = [label for label in shared if label in needed]
    over = [label for label in shared if label not in needed]
    result = contract(
        a,
        b,
        batch=(tuple(map(labels_a.index, batch)), tuple(map(labels_b.index, batch))),
        over=(tuple(map(labels_a.index, over)), tuple(map(labels_b.index, over))),
    )
    rest = [label for label in (*labels_a, *labels_b) if label not in shared]
    return result, (*batch, *rest)
