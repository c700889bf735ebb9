"""How the lanes of a vector loop address memory: in a row, at a stride, or each where it wants.

It stands apart from the renderer because what is contiguous is a question of index arithmetic, not of
instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphc import dtypes
from graphc.backends.renderer import VectorLoop
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.affine import stride_along
from graphc.kernel_ir.expr import Expr


class Access(NamedTuple):
    """Lane l is at element base + l * stride, both scalars; without a stride, at its own `base` (a gather)."""

    base: Expr
    stride: Expr | None

    def has_stride(self, value: int) -> bool:
        """Whether the stride is known to be `value`."""
        return self.stride is not None and self.stride.op == "const" and self.stride.attr == value


def classify(linear: Expr, vector: VectorLoop, lets: Mapping[str, Expr], varies: Callable[[Expr], bool]) -> Access:
    """The access of the linear index `linear`, which differs between the lanes of `vector`.

    `lets` are the loop's Lets that differ between lanes, `varies` says whether an expression does.
    """
    inlined: dict[Expr, Expr] = {}
    while True:  # index arithmetic may sit in lets
        names = {n: lets[n.attr] for n in k.walk(linear) if n.op == "var" and n.attr in lets and n not in inlined}
        names = {n: value for n, value in names.items() if value.dtype is dtypes.int64}
        if not names:
            break
        inlined |= names
        linear = k.substitute(linear, names.get)
    varying = {n.attr: None for n in k.walk(linear) if n.op == "var" and varies(n)}
    stride = stride_along(linear, vector.index, varying)
    if stride is None:
        return Access(linear, None)
    first = {k.index(vector.index): vector.base}
    return Access(k.substitute(linear, first.get), stride)
