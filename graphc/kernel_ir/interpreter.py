"""The reference interpreter of kernels: what `kernel.py` says, executed one unit after the other.

It stands apart from the renderers as their oracle, down to the last bit, and it is the sanitizer:
accesses out of bounds and races between units are errors, unset scratch elements NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc import dims
from graphc.dtypes import as_dtype
from graphc.kernel_ir.evaluate import OPS, Evaluator, fma
from graphc.kernel_ir.expansion import expand
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import (
    Accumulator,
    Check,
    Kernel,
    Let,
    Loop,
    Nest,
    Statement,
    Store,
    Update,
    expressions,
    flatten,
    identity,
)

COMBINE = {name: OPS[name] for name in ("add", "mul", "max", "min", "and", "or")}
_UNSET = {"float": np.nan, "int": 99, "uint": 99, "bool": True}  # an element of a local array before a store
_NOBODY = -1  # no unit has written the element


def run(
    kernel: Kernel,
    buffers: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    units: tuple[int, int] | None = None,
    partials: list[np.ndarray] | None = None,
) -> int:
    """Run units [begin, end), or by default all of them and then the finish phase, on arrays that are
    changed in place. Returns 0 or the largest code of the failed checks.

    Raises `ValueError` for arrays that don't fit the declaration and `IndexError` for an access out of
    bounds. With `units`, `partials` (of `partial_buffers`) takes the results of reductions over units.
    """
    kernel = expand(kernel)
    partials = partial_buffers(kernel, sizes) if partials is None else partials
    machine = _Machine(kernel, buffers, sizes)
    counts = unit_counts(kernel, sizes)
    begin, end = units if units is not None else (0, sum(counts))
    first = 0
    at = 0
    with np.errstate(all="ignore"):
        for nest, count in zip(kernel.nests, counts, strict=True):
            own = partials[at : at + len(nest.accumulators)]
            for unit in range(max(begin, first), min(end, first + count)):
                machine.unit = unit
                machine.run_unit(nest, unit - first, own)
            first += count
            at += len(nest.accumulators)
    status = machine.status
    return status if units is not None else max(status, finish(kernel, buffers, sizes, partials))


def finish(
    kernel: Kernel, buffers: Mapping[str, np.ndarray], sizes: Mapping[str, int], partials: list[np.ndarray]
) -> int:
    """The finish phase of every nest: fold the partials from left to right, then run its statements."""
    kernel = expand(kernel)
    machine = _Machine(kernel, buffers, sizes)
    at = 0
    with np.errstate(all="ignore"):
        for nest in kernel.nests:
            machine.environment = {}
            for accumulator, partial in zip(nest.accumulators, partials[at:], strict=False):
                machine.declare(accumulator)
                for value in partial:
                    machine.combine_into(accumulator.name, value)
            at += len(nest.accumulators)
            machine.run_body(nest.finish)
    return machine.status


def unit_counts(kernel: Kernel, sizes: Mapping[str, int]) -> list[int]:
    """The number of units of each nest."""
    return [dims.evaluate(n.units, sizes) for n in kernel.nests]


def partial_buffers(kernel: Kernel, sizes: Mapping[str, int]) -> list[np.ndarray]:
    """One array for each accumulator of each nest, in order, with an element a unit."""
    counts = unit_counts(kernel, sizes)
    return [
        np.full(count, _identity(a))
        for nest, count in zip(kernel.nests, counts, strict=True)
        for a in nest.accumulators
    ]


class _Machine:
    """Memory, the names in scope and the lanes that are running."""

    def __init__(self, kernel: Kernel, buffers: Mapping[str, np.ndarray], sizes: Mapping[str, int]):
        self.sizes = sizes
        self.arrays: dict[str, np.ndarray] = {}
        self.owners: dict[str, np.ndarray] = {}  # of what may be written: the unit that wrote each element
        self.status = 0
        self.unit = _NOBODY
        self.active = 0  # lanes of the vector loop that is running, 0 outside
        self.environment: dict[str, Any] = {}
        self.declared: dict[str, Accumulator] = {}
        self.evaluators: dict[tuple[Expr, ...], Evaluator] = {}
        for buffer in kernel.buffers:
            array = buffers[buffer.name]
            shape = tuple(dims.evaluate(s, sizes) for s in buffer.shape)
            if array.shape != shape or array.dtype != buffer.dtype.numpy:
                raise ValueError(
                    f"expected {buffer.name}: {buffer.dtype}{dims.shape_text(shape)}, "
                    f"got {as_dtype(array.dtype)}{dims.shape_text(array.shape)}"
                )
            self.arrays[buffer.name] = array
            if buffer.access != "read":
                self.owners[buffer.name] = np.full(shape, _NOBODY, np.int64)

    # values --------------------------------------------------------------------------------------
    def values(self, statement: Statement) -> list[Any]:
        roots = expressions(statement)
        if roots not in self.evaluators:
            self.evaluators[roots] = Evaluator(*roots)
        return self.evaluators[roots](self.leaf)

    def leaf(self, node: Expr, *operands: Any) -> Any:
        if node.op == "dim":
            return np.int64(dims.evaluate(node.attr, self.sizes))
        if node.op == "load":
            self.check_access(node.attr, operands, "read")
            return self.arrays[node.attr][operands]
        if node.op == "load_if":
            return self.masked_load(node, *operands)
        value = self.environment[node.attr]
        if isinstance(value, np.ndarray):
            return value[: self.active].copy()
        return value

    def masked_load(self, node: Expr, condition: Any, *indices: Any) -> Any:
        shape = np.broadcast_shapes(np.shape(condition), *map(np.shape, indices))
        wanted = np.broadcast_to(condition, shape)
        place = tuple(np.broadcast_to(i, shape)[wanted] for i in indices)
        self.check_access(node.attr, place, "read")
        result = np.zeros(shape, node.dtype.numpy)
        result[wanted] = self.arrays[node.attr][place]
        return result[()]

    def check_access(self, name: str, indices: tuple[Any, ...], verb: str) -> None:
        """Within bounds, and not of an element that another unit writes."""
        shape = self.arrays[name].shape
        for index, extent in zip(indices, shape, strict=True):
            if np.any((index < 0) | (index >= extent)):
                raise IndexError(f"expected {verb}s of {name}{list(shape)} within bounds, got index {index}")
        if name in self.owners and self.unit != _NOBODY:
            owner = self.owners[name][indices]
            if np.any((owner != _NOBODY) & (owner != self.unit)):
                raise ValueError(f"expected {name} to be {verb} by the unit that writes it, got a race of units")

    # statements ----------------------------------------------------------------------------------
    def run_unit(self, nest: Nest, unit: int, partials: list[np.ndarray]) -> None:
        self.environment = {}
        for accumulator in nest.accumulators:
            self.declared[accumulator.name] = accumulator
            self.environment[accumulator.name] = _identity(accumulator)
        extent = dims.evaluate(nest.loop.extent, self.sizes)
        begin = unit * nest.grain
        self.run_loop(nest.loop, begin, min(begin + nest.grain, extent), nest)
        for accumulator, partial in zip(nest.accumulators, partials, strict=True):
            partial[unit] = self.environment[accumulator.name]

    def run_loop(self, loop: Loop, begin: int, end: int, nest: Nest | None = None) -> None:
        if loop.lanes:
            self.run_vector_loop(loop, begin, end)
            return
        for i in range(begin, end):
            for local in nest.locals if nest else ():
                shape = tuple(dims.evaluate(s, self.sizes) for s in local.shape)
                self.arrays[local.name] = np.full(shape, _UNSET[local.dtype.kind], local.dtype.numpy)
            self.environment[loop.index] = np.int64(i)
            self.run_body(loop.body)

    def run_vector_loop(self, loop: Loop, begin: int, end: int) -> None:
        outer = {name: self.environment[name] for name in sorted(_updated_from_outside(loop))}
        for name in outer:
            self.environment[name] = np.full(loop.lanes, _identity(self.declared[name]))
        for first in range(begin, end, loop.lanes):
            self.active = min(loop.lanes, end - first)
            self.environment[loop.index] = np.arange(first, first + self.active)
            self.run_body(loop.body)
        self.active = 0
        for name, value in outer.items():
            tree, combine = self.environment[name], COMBINE[self.declared[name].combine]
            while len(tree) > 1:
                half = len(tree) // 2
                tree = combine(tree[:half], tree[half:])
            self.environment[name] = value
            self.combine_into(name, tree[0])

    def run_body(self, body: tuple[Statement, ...]) -> None:
        for statement in body:
            if isinstance(statement, Loop):
                self.run_loop(statement, 0, dims.evaluate(statement.extent, self.sizes))
            elif isinstance(statement, Let):
                self.environment[statement.name] = self.values(statement)[0]
            elif isinstance(statement, Accumulator):
                self.declare(statement)
            elif isinstance(statement, Update):
                self.update(statement)
            elif isinstance(statement, Store):
                self.store(statement)
            elif isinstance(statement, Check) and not np.all(self.values(statement)[0]):
                self.status = max(self.status, statement.code)

    def declare(self, accumulator: Accumulator) -> None:
        value = self.values(accumulator)[0]
        self.declared[accumulator.name] = accumulator
        self.environment[accumulator.name] = np.full(self.active, value) if self.active else value

    def update(self, update: Update) -> None:
        *factor, value = self.values(update)
        if factor:
            current = self.environment[update.name]
            if isinstance(current, np.ndarray):
                current[: self.active] = fma(factor[0], value, current[: self.active])
            else:
                self.environment[update.name] = fma(factor[0], value, current)
        else:
            self.combine_into(update.name, value)

    def combine_into(self, name: str, value: Any) -> None:
        """acc = combine(acc, value), in the lanes that run."""
        current, combine = self.environment[name], COMBINE[self.declared[name].combine]
        if isinstance(current, np.ndarray):
            current[: self.active] = combine(current[: self.active], value)
        else:
            self.environment[name] = combine(current, value)

    def store(self, store: Store) -> None:
        *indices, value = self.values(store)
        place = tuple(indices)
        self.check_access(store.buffer, place, "write")
        array = self.arrays[store.buffer]
        if store.buffer in self.owners:
            self.owners[store.buffer][place] = self.unit
        if not store.add:
            array[place] = value
        elif not self.active:
            array[place] += value
        else:
            columns = [np.broadcast_to(c, self.active) for c in (*place, value)]
            for *at, term in zip(*columns, strict=True):
                array[tuple(at)] += term


def _identity(accumulator: Accumulator) -> Any:
    return accumulator.dtype.numpy.type(identity(accumulator.combine, accumulator.dtype).attr)


def _updated_from_outside(loop: Loop) -> set[str]:
    """The accumulators that `loop` updates and does not declare."""
    inside = flatten(loop.body)
    updated = {s.name for s in inside if isinstance(s, Update)}
    return updated - {s.name for s in inside if isinstance(s, Accumulator)}
