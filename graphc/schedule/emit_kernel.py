"""Group → kernel: the loops, what is computed in which of them, and what stays in scratch rows.

A group with reductions of its rows becomes stages: stage s loops over a row once, after the results
of the stages before it are known. Softmax is three: the maximum; exp and its sum; the quotient.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from graphc.dims import Shape, Size
from graphc.ir.value import Value
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import (
    Accumulator,
    Buffer,
    Check,
    Kernel,
    Let,
    Local,
    Loop,
    Nest,
    Statement,
    Store,
    Update,
    expressions,
    flatten,
)
from graphc.ops.definition import op_of
from graphc.schedule.elements import Elements, load_index, loads
from graphc.schedule.fusion import Group, Role, axis_index, element, role_of
from graphc.schedule.names import Names
from graphc.schedule.tuning import Tuning
from graphc.schedule.units import CHEAP

TRANSCENDENTAL_COST = 16  # nodes that one becomes, about


@dataclass(frozen=True)
class Emitted:
    """A kernel and, in the order of its buffers, the stored values to bind."""

    kernel: Kernel
    operands: tuple[Value, ...]


@dataclass
class _Stage:
    """One loop over a row, with the row-level statements around it."""

    before: list[Statement] = field(default_factory=list)
    body: list[Statement] = field(default_factory=list)
    after: list[Statement] = field(default_factory=list)


def emit_kernel(
    group: Group, elements: Elements, stored: Set[Value], name: str, codes: dict[str, int], tuning: Tuning
) -> Emitted:
    """Lower `group`; its units in `stored` are written to memory. `codes` numbers the messages of checks."""
    return _Emitter(group, elements, stored, codes, tuning).run(name)


class _Emitter:
    def __init__(self, group: Group, elements: Elements, stored: Set[Value], codes: dict[str, int], tuning: Tuning):
        assert group.domain is not None
        self.domain = group.domain
        self.units = group.units
        self.elements = elements
        self.stored = stored
        self.codes = codes
        self.tuning = tuning
        self.names = Names()
        self.role: dict[Value, Role] = {}
        self.index: dict[Value, tuple[Expr, ...]] = {}
        self.sources: dict[Value, list[Value]] = {}  # what each unit loads
        self.stage: dict[Value, int] = {}  # the first stage in which a unit can be computed
        self.known: dict[Value, Expr] = {}  # results of reductions and of rows, as variables
        self.computed: dict[Value, Expr] = {}  # full units, as expressions
        self.locals: dict[Value, Local] = {}  # full units kept in a scratch row
        self.buffers: dict[tuple[Value, Shape], Buffer] = {}
        self.checked: set[tuple[Expr, bool]] = set()  # conditions, and whether the finish checks them
        self.reduced_indices = {axis_index(a) for a in group.domain.reduced}
        self.row_is_filled = k.all_of(
            *(k.lt(k.int_const(0), k.size(self.domain.shape[a])) for a in self.domain.reduced)
        )
        self.stages: list[_Stage] = []
        self.row_end: list[Statement] = []
        self.totals: list[Accumulator] = []
        self.finish: list[Statement] = []

    def run(self, name: str) -> Emitted:
        self.place_units()
        self.choose_locals()
        self.stages = [_Stage() for _ in range(max(self.stage.values()) + 1)]
        for unit in self.units:
            self.emit_unit(unit)
        nest = Nest(self.outer_loop(), 1, tuple(self.locals.values()), tuple(self.totals), tuple(self.finish))
        comment = "from " + ", ".join(dict.fromkeys(f"{u.op.name} @ {u.origin}" for u in self.units))
        kernel = Kernel(name, tuple(self.buffers.values()), (nest,), comment)
        return Emitted(kernel, tuple(value for value, _ in self.buffers))

    # where and when ------------------------------------------------------------------------------
    def place_units(self) -> None:
        for unit in self.units:
            found = role_of(unit, self.domain)
            assert found is not None
            self.role[unit], self.index[unit] = found
            self.sources[unit] = [n.attr.value for n in loads(element(unit, found[1], self.elements))]
            self.stage[unit] = max(
                (
                    self.stage[source] + (self.role[source] is Role.REDUCE)
                    for source in self.sources[unit]
                    if source in self.stage
                ),
                default=0,
            )

    def choose_locals(self) -> None:
        """Keep an expensive full unit in a scratch row if a later stage reads it again."""
        if not self.domain.reduced or not self.domain.rows or self.domain.runs_down_columns:
            return
        shape = tuple(self.domain.shape[a] for a in self.domain.reduced)
        for unit in self.units:
            for source in self.sources[unit]:
                if source in self.stage and self.role[source] is Role.FULL and source not in self.locals:
                    expensive = len(k.walk(element(source, self.index[source], self.elements))) >= CHEAP
                    if expensive and self.stage[unit] > self.stage[source]:
                        self.locals[source] = Local(self.names.new(source.op.name), source.dtype, shape)

    # statements ----------------------------------------------------------------------------------
    def emit_unit(self, unit: Value) -> None:
        role, index, stage = self.role[unit], self.index[unit], self.stages[self.stage[unit]]
        if role is Role.TOTAL:
            target = stage.body if len(index) == len(self.domain.shape) else self.row_end
        else:
            target = {Role.ROW: stage.before, Role.AFTER: self.finish}.get(role, stage.body)
        value = self.resolve(element(unit, index, self.elements), self.stage[unit], target)
        if role is Role.REDUCE:
            stage.before.append(self.accumulate(unit, value, target))
            self.store(unit, tuple(axis_index(a) for a in self.domain.rows), self.known[unit], stage.after)
        elif role is Role.TOTAL:
            self.totals.append(self.accumulate(unit, value, target))
            self.store(unit, (), self.known[unit], self.finish)
        elif role is Role.FULL:
            self.computed[unit] = value
            if unit in self.locals:
                at = tuple(axis_index(a) for a in self.domain.reduced)
                target.append(Store(self.locals[unit].name, at, value))
            self.store(unit, index, value, target)
        else:
            name = self.names.new(unit.op.name)
            target.append(Let(name, value))
            self.known[unit] = k.var(name, unit.dtype)
            self.store(unit, index, self.known[unit], target)

    def accumulate(self, unit: Value, value: Expr, target: list[Statement]) -> Accumulator:
        """Update an accumulator for `unit` in `target`; a product is folded into a sum by fma."""
        rule = op_of(unit).reduce
        assert rule is not None
        name = self.names.new(unit.op.name)
        self.known[unit] = k.var(name, unit.dtype)
        if rule.combine == "add" and value.op == "mul" and value.dtype.is_float:
            target.append(Update(name, value.args[1], factor=value.args[0]))
        else:
            target.append(Update(name, value))
        return Accumulator(name, unit.dtype, rule.combine, k.const(rule.identity(unit.dtype), unit.dtype))

    def store(self, unit: Value, index: tuple[Expr, ...], value: Expr, target: list[Statement]) -> None:
        if unit in self.stored:
            buffer = self.buffer(unit, unit.shape, "write")
            target.append(Store(buffer, index, value))

    def buffer(self, value: Value, shape: Shape, access: str) -> str:
        key = (value, shape)
        if key not in self.buffers:
            name = self.names.new(value.attrs.get("name", value.op.name))
            self.buffers[key] = Buffer(name, value.dtype, shape, access)
        return self.buffers[key].name

    def resolve(self, root: Expr, stage: int, target: list[Statement]) -> Expr:
        """Name the loads of `root`, and turn its checks into statements of `target`."""

        def change(node: Expr) -> Expr | None:
            if node.op in ("load", "load_if"):
                return self.resolve_load(node, stage)
            if node.op == "check":
                condition, value = node.args
                place = target
                if (
                    target is self.stages[stage].body
                    and self.domain.rows
                    and self.reduced_indices.isdisjoint(k.walk(condition))
                ):  # once for a row, unless the row is empty
                    place = self.stages[stage].before
                    condition = k.guarded(self.row_is_filled, condition, True)
                if (condition, place is self.finish) not in self.checked:
                    self.checked.add((condition, place is self.finish))
                    place.append(Check(condition, self.codes.setdefault(node.attr, len(self.codes) + 1)))
                return value
            return None

        return k.substitute(root, change)

    def resolve_load(self, node: Expr, stage: int) -> Expr:
        source = node.attr.value
        if source in self.known:
            return self.known[source]
        if source in self.computed:
            if source in self.locals and stage > self.stage[source]:
                at = tuple(axis_index(a) for a in self.domain.reduced)
                return k.load(self.locals[source].name, at, source.dtype)
            return self.computed[source]
        name = self.buffer(source, node.attr.shape, "read")
        return Expr(node.op, node.args, node.dtype, name)

    # loops ---------------------------------------------------------------------------------------
    def outer_loop(self) -> Loop:
        body: list[Statement] = []
        for stage in self.stages:
            body += stage.before
            if stage.body:
                body += self.loops(self.domain.reduced, _stores_last(stage.body))
            body += stage.after
        body += self.row_end
        if self.domain.rows:
            body = self.loops(self.row_order(), _stores_last(body))
        if len(body) == 1 and isinstance(body[0], Loop):
            return body[0]
        return Loop("once", 1, tuple(body))

    def row_order(self) -> tuple[int, ...]:
        """The rows, outermost first; where most reads are transposed, the vector axis comes first.

        Then consecutive iterations read neighbours in the same cache lines, and write a line each.
        """
        rows = self.domain.rows
        if self.domain.reduced or len(rows) < 2:
            return rows
        last = axis_index(rows[-1])
        wide = transposed = 0
        for unit in self.units:
            for node in loads(element(unit, self.index[unit], self.elements)):
                index = load_index(node)
                if len(index) > 1 and last in index:
                    wide += 1
                    transposed += index[-1] is not last
        return (rows[-1], *rows[:-1]) if 2 * transposed > wide else rows

    def loops(self, axes: tuple[int, ...], body: list[Statement]) -> list[Statement]:
        """`body` in loops over `axes`; the innermost axis of the domain runs in vectors."""
        for axis in reversed(axes):
            extent = self.domain.shape[axis]
            lanes = choose_lanes(body, extent, self.tuning) if axis == len(self.domain.shape) - 1 else 0
            body = [Loop(f"i{axis}", extent, tuple(body), lanes)]
        return body


def choose_lanes(body: list[Statement], extent: Size, tuning: Tuning) -> int:
    """How many iterations run side by side: part of the meaning of a reduction."""
    if isinstance(extent, int) and extent < tuning.wide_lanes:
        return tuning.lanes
    work = sum(
        TRANSCENDENTAL_COST if node.op in k.TRANSCENDENTAL else 1
        for statement in flatten(body)
        for node in k.walk(*expressions(statement))
    )
    return tuning.wide_lanes if work <= tuning.short_body else tuning.lanes


def _stores_last(body: list[Statement]) -> list[Statement]:
    """Stores after everything that may read the same element, where the body is straight-line code."""
    if any(isinstance(s, (Loop, Accumulator)) for s in body):
        return body
    return [s for s in body if not isinstance(s, Store)] + [s for s in body if isinstance(s, Store)]
