"""Fusion: which units share a kernel.

Every unit starts as a group of its own. Two groups merge when one iteration domain serves both, every
element that one takes from the other is the one at hand in the same iteration, and no third group
stands between them. What was refused, and why, is kept for the schedule's text.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from graphc.dims import Shape
from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.ops.definition import op_of
from graphc.schedule.elements import Elements, Source, load_index, loads, storage

LARGEST_GROUP = 3000  # nodes of scalar expression in one kernel; bounds compile time, not speed


class Role(enum.Enum):
    """What a unit is to the domain of its group."""

    FULL = "an element for every iteration"
    ROW = "an element for every row"
    REDUCE = "a reduction of each row"
    TOTAL = "a reduction of everything"
    AFTER = "a scalar computed after the whole reduction"


@dataclass(frozen=True)
class Domain:
    """An iteration space and the axes of it that are reduced; the others are the rows."""

    shape: Shape
    reduced: tuple[int, ...] = ()

    @property
    def rows(self) -> tuple[int, ...]:
        return tuple(a for a in range(len(self.shape)) if a not in self.reduced)

    @property
    def row_shape(self) -> Shape:
        return tuple(self.shape[a] for a in self.rows)

    @property
    def runs_down_columns(self) -> bool:
        """The innermost axis is kept, so that a reduction runs across memory."""
        return bool(self.reduced) and bool(self.rows) and len(self.shape) - 1 not in self.reduced


@dataclass(eq=False)
class Group:
    """Units that one kernel computes; a library step is a group of its own, with no domain."""

    units: list[Value]  # in topological order
    domain: Domain | None
    producers: set[Value] = field(default_factory=set)  # units of other groups that this one reads
    cost: int = 0  # nodes of scalar expression

    @property
    def is_library(self) -> bool:
        return self.domain is None


@dataclass
class Fusion:
    """The groups in topological order, the group of each unit, and why neighbours were not merged."""

    groups: list[Group]
    group_of: dict[Value, Group]
    refusals: dict[tuple[Value, Value], str]  # (producer, consumer) → reason
    results: frozenset[Value]  # units that outputs and updates need in memory

    @cached_property
    def readers(self) -> dict[Value, set[Group]]:
        """For each unit that other groups read, those groups."""
        readers: dict[Value, set[Group]] = {}
        for group in self.groups:
            for producer in group.producers:
                readers.setdefault(producer, set()).add(group)
        return readers

    def is_stored(self, unit: Value) -> bool:
        """Whether a unit leaves its kernel: another group reads it, or it is a result."""
        return unit in self.results or unit in self.readers


def axis_index(axis: int) -> Expr:
    """The loop index of an axis of a domain, before loops have names."""
    return k.index(f"i{axis}")


def fuse(graph: Graph, units: Iterable[Value], elements: Elements, enabled: bool = True) -> Fusion:
    """Group the units of `graph`, which are in topological order."""
    return _Fuser(graph, list(units), elements).run(enabled)


def role_of(unit: Value, domain: Domain) -> tuple[Role, tuple[Expr, ...]] | None:
    """The unit's role in `domain` and the index at which an iteration computes (or reduces) it."""
    everything = tuple(range(len(domain.shape)))
    rule = op_of(unit).reduce
    if rule is not None:
        operand, axes = unit.operands[0].shape, unit.attrs["axes"]
        full = tuple(axis_index(a) for a in everything)
        if operand == domain.shape and axes == domain.reduced:
            return (Role.REDUCE if domain.rows else Role.TOTAL), full
        if operand == domain.shape and axes == everything:
            return Role.TOTAL, full
        if operand == domain.row_shape and domain.rows and axes == tuple(range(len(operand))):
            return Role.TOTAL, tuple(axis_index(a) for a in domain.rows)
        return None
    if unit.shape == domain.shape:
        return Role.FULL, tuple(axis_index(a) for a in everything)
    if domain.reduced and _without_ones(unit.shape) == _without_ones(domain.row_shape):
        rows = [axis_index(a) for a in domain.rows if domain.shape[a] != 1]
        index = tuple(k.int_const(0) if s == 1 else rows.pop(0) for s in unit.shape)
        return (Role.ROW if domain.rows else Role.AFTER), index
    return (Role.AFTER, ()) if unit.shape == () and domain.reduced else None


def result_index(unit: Value, role: Role, index: tuple[Expr, ...], domain: Domain) -> tuple[Expr, ...]:
    """The index at which an iteration of `domain` has the unit's own element at hand."""
    if role is Role.REDUCE:
        return tuple(axis_index(a) for a in domain.rows)
    return () if role is Role.TOTAL else index


def element(unit: Value, index: tuple[Expr, ...], elements: Elements) -> Expr:
    """What a unit computes at `index`; for a reduction, the element that it takes in."""
    if op_of(unit).reduce is not None:
        return elements.read(unit.operands[0], index)
    return elements.compute(unit, index)


def _without_ones(shape: Shape) -> tuple:
    return tuple(s for s in shape if s != 1)


class _Fuser:
    def __init__(self, graph: Graph, units: list[Value], elements: Elements):
        self.units = units
        self.elements = elements
        self.results = frozenset(storage(v) for v in graph.roots)
        self.position = {unit: i for i, unit in enumerate(units)}
        self.refusals: dict[tuple[Value, Value], str] = {}
        self.group_of: dict[Value, Group] = {}
        self._loads: dict[tuple[Value, tuple[Expr, ...]], tuple[Expr, ...]] = {}

    def run(self, enabled: bool) -> Fusion:
        for unit in self.units:
            self.group_of[unit] = self.single(unit)
        if enabled:
            for consumer in self.units:
                for producer in sorted(self.group_of[consumer].producers, key=self.position.__getitem__, reverse=True):
                    self.try_merge(producer, consumer)
            self.merge_neighbours()
        groups = list(dict.fromkeys(self.group_of[u] for u in self.units))
        return Fusion(self.in_order(groups), self.group_of, self.refusals, self.results)

    def single(self, unit: Value) -> Group:
        if op_of(unit).library is not None:
            behind = [o for operand in unit.operands for o in self._stored_behind(operand)]
            return Group([unit], None, {s for s in behind if s in self.position})
        if op_of(unit).reduce is not None:
            domain = Domain(unit.operands[0].shape, unit.attrs["axes"])
        else:
            domain = Domain(unit.shape)
        found = role_of(unit, domain)
        assert found is not None
        body = element(unit, found[1], self.elements)
        sources = {node.attr.value for node in self.loads_of(unit, found[1])}
        return Group([unit], domain, {s for s in sources if s in self.position}, len(k.walk(body)))

    def _stored_behind(self, operand: Value) -> list[Value]:
        found, stack = [], [operand]
        while stack:
            value = stack.pop()
            if value in self.elements.stored:
                found.append(value)
            else:
                stack.extend(value.operands)
        return found

    def try_merge(self, producer: Value, consumer: Value) -> bool:
        a, b = self.group_of[producer], self.group_of[consumer]
        if a is b:
            return True
        merged, reason = self.merge(a, b)
        if merged is None:
            self.refusals[producer, consumer] = reason
            return False
        for unit in merged.units:
            self.group_of[unit] = merged
        return True

    def merge_neighbours(self) -> None:
        """Merge groups that read the same buffer over one domain though neither needs the other."""
        readers: dict[Value, list[Value]] = {}
        for unit in self.units:
            group = self.group_of[unit]
            if not group.is_library:
                index = role_of(unit, group.domain)[1]  # type: ignore[arg-type,index]
                for source in {node.attr.value for node in self.loads_of(unit, index)}:
                    readers.setdefault(source, []).append(unit)
        for users in readers.values():
            for first, second in itertools.pairwise(users):
                a, b = self.group_of[first].domain, self.group_of[second].domain
                if a is not None and b is not None and a.shape == b.shape:
                    self.try_merge(first, second)
                    self.refusals.pop((first, second), None)

    def merge(self, a: Group, b: Group) -> tuple[Group | None, str]:
        if a.is_library or b.is_library:
            library = a if a.is_library else b
            return None, f"{library.units[0].op.name} is a step of its own"
        if a.cost + b.cost > LARGEST_GROUP:
            return None, "the kernel would become too large"
        units = sorted(a.units + b.units, key=self.position.__getitem__)
        reason = "no iteration domain serves both"
        for domain in _candidate_domains(a.domain, b.domain):  # type: ignore[arg-type]
            refusal = self.refuse(units, domain)
            if refusal is None:
                group = Group(units, domain, (a.producers | b.producers) - set(units), a.cost + b.cost)
                between = self.stands_between(a, b)
                return (group, "") if between is None else (None, f"{between.op.name} stands between them")
            reason = refusal
        return None, _telling(a.domain, b.domain) or reason  # type: ignore[arg-type]

    def refuse(self, units: list[Value], domain: Domain) -> str | None:
        """Why `domain` doesn't serve the units, or None."""
        placed: dict[Value, tuple[Role, tuple[Expr, ...]]] = {}
        for unit in units:
            found = role_of(unit, domain)
            if found is None:
                return f"{unit.op.name} iterates over {list(unit.shape)}, not over {list(domain.shape)}"
            role, index = found
            for node in self.loads_of(unit, index):
                source: Source = node.attr
                if source.value in placed:
                    theirs, at = placed[source.value]
                    if load_index(node) != at or source.shape != source.value.shape:
                        return f"{unit.op.name} reads {source.value.op.name} at another index"
                    if theirs in (Role.TOTAL, Role.AFTER) and role is not Role.AFTER:
                        return f"{unit.op.name} needs the whole reduction first"
                    if domain.runs_down_columns and theirs is Role.FULL:
                        return f"{unit.op.name} reduces down the columns of {source.value.op.name}"
            placed[unit] = role, result_index(unit, role, index, domain)
        if domain.runs_down_columns and any(role is Role.FULL for role, _ in placed.values()):
            return "a reduction down the columns writes no rows"
        return None

    def loads_of(self, unit: Value, index: tuple[Expr, ...]) -> tuple[Expr, ...]:
        key = (unit, index)
        if key not in self._loads:
            self._loads[key] = loads(element(unit, index, self.elements))
        return self._loads[key]

    def stands_between(self, a: Group, b: Group) -> Value | None:
        """A unit of a third group on a path between the two, in either direction."""
        found = self._path(a, b)
        return self._path(b, a) if found is None else found

    def _path(self, source: Group, target: Group) -> Value | None:
        first = self.position[source.units[0]]
        stack = [(p, p) for p in target.producers if self.group_of[p] not in (source, target)]
        seen: set[Group] = set()
        while stack:
            unit, via = stack.pop()
            group = self.group_of[unit]
            if group is source:
                return via
            if group in seen or self.position[group.units[-1]] < first:
                continue
            seen.add(group)
            stack.extend((p, via) for p in group.producers)
        return None

    def in_order(self, groups: list[Group]) -> list[Group]:
        """Producers first; among the ready ones, the order of declaration."""
        order: list[Group] = []
        done: set[Group] = set()
        stack = [(g, False) for g in reversed(groups)]
        while stack:
            group, ready = stack.pop()
            if group in done:
                continue
            if ready:
                done.add(group)
                order.append(group)
            else:
                stack.append((group, True))
                needed = sorted(group.producers, key=self.position.__getitem__, reverse=True)
                stack.extend((self.group_of[p], False) for p in needed if self.group_of[p] not in done)
        return order


def _telling(a: Domain, b: Domain) -> str | None:
    """Why no domain serves both, where that shows in the domains alone."""
    if a.shape == () and b.shape != ():
        return "a scalar, computed once for all of them"
    if a.shape == b.shape and a.reduced and b.reduced and a.reduced != b.reduced:
        return f"one reduces axes {list(a.reduced)}, the other axes {list(b.reduced)}"
    return None


def _candidate_domains(a: Domain, b: Domain) -> list[Domain]:
    candidates = [a, b]
    if a.shape == b.shape and not a.reduced:
        candidates = [b]
    elif a.shape == b.shape and not b.reduced:
        candidates = [a]
    return list(dict.fromkeys(candidates))
