"""Tasks: groups and library steps in the order in which a program runs them.

Three things beyond data flow shape the order: a variable is overwritten only after everybody has read
it and after every check; a kernel that works on the rows of a GEMM's result runs as its epilogue; and
kernels that are ready together become one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.kernel_ir import expr as k
from graphc.ops.definition import op_of
from graphc.schedule.elements import Elements, load_index, loads, storage
from graphc.schedule.fusion import Fusion, Group, Role, element, role_of


@dataclass(eq=False)
class Task:
    """A GEMM, a scatter, or the groups of one kernel; `epilogue` belongs to a GEMM."""

    groups: list[Group]
    library: Value | None = None
    epilogue: Group | None = None

    @property
    def members(self) -> list[Group]:
        return self.groups + ([self.epilogue] if self.epilogue is not None else [])

    @property
    def units(self) -> list[Value]:
        return [u for g in self.members for u in g.units]


@dataclass
class Order:
    """The tasks in order, the updates that may happen in place, and reasons for the schedule's text."""

    tasks: list[Task]
    in_place: dict[Value, Value] = field(default_factory=dict)  # unit → the variable that it overwrites
    notes: dict[Value, str] = field(default_factory=dict)  # variable → why it is not updated in place


def order_tasks(graph: Graph, fusion: Fusion, elements: Elements, enabled: bool = True) -> Order:
    """Decide in-place updates and epilogues, then list the tasks."""
    flow = _Flow(fusion, elements)
    in_place, notes = _choose_in_place(graph, flow)
    epilogues = _choose_epilogues(flow, in_place) if enabled else {}
    return Order(_list_schedule(flow, epilogues, enabled), in_place, notes)


class _Flow:
    """Which group must come before which: data flow, and the edges that ordering decisions add."""

    def __init__(self, fusion: Fusion, elements: Elements):
        self.groups = fusion.groups
        self.group_of = fusion.group_of
        self.elements = elements
        self.before: dict[Group, set[Group]] = {g: {self.group_of[p] for p in g.producers} for g in self.groups}
        self.reads: dict[Group, set[Value]] = {g: self._reads(g) for g in self.groups}
        self.checks = [g for g in self.groups if not g.is_library and any(self._has_check(u) for u in g.units)]

    def body(self, unit: Value) -> k.Expr:
        domain = self.group_of[unit].domain
        assert domain is not None
        found = role_of(unit, domain)
        assert found is not None
        return element(unit, found[1], self.elements)

    def _has_check(self, unit: Value) -> bool:
        return any(n.op == "check" for n in k.walk(self.body(unit)))

    def _reads(self, group: Group) -> set[Value]:
        if not group.is_library:
            return {n.attr.value for u in group.units for n in loads(self.body(u))}
        found, stack = set(), list(group.units[0].operands)
        while stack:
            value = stack.pop()
            if value in self.elements.stored:
                found.add(value)
            else:
                stack.extend(value.operands)
        return found

    def reaches(self, source: Group, target: Group) -> bool:
        """Whether `target` must come after `source`."""
        stack, seen = [target], {target}
        while stack:
            for earlier in self.before[stack.pop()]:
                if earlier is source:
                    return True
                if earlier not in seen:
                    seen.add(earlier)
                    stack.append(earlier)
        return False


def _choose_in_place(graph: Graph, flow: _Flow) -> tuple[dict[Value, Value], dict[Value, str]]:
    chosen: dict[Value, Value] = {}
    notes: dict[Value, str] = {}
    for variable, value in graph.updates:
        unit = storage(value)
        if unit not in flow.group_of or unit in chosen:
            notes[variable] = "its next value is computed elsewhere already"
            continue
        writer = flow.group_of[unit]
        readers = [g for g in flow.groups if g is not writer and variable in flow.reads[g]]
        late = [g for g in readers + flow.checks if g is writer or flow.reaches(writer, g)]
        if late:
            why = "may fail" if late[0] in flow.checks else f"reads {variable.attrs['name']}"
            notes[variable] = f"{late[0].units[0].op.name} {why} after the update is computed"
            continue
        if writer.is_library and variable in flow.reads[writer]:
            notes[variable] = f"{unit.op.name} reads it while it writes"
            continue
        flow.before[writer].update(readers, flow.checks)
        chosen[unit] = variable
    return chosen, notes


def _choose_epilogues(flow: _Flow, in_place: dict[Value, Value]) -> dict[Group, Group]:
    """GEMM → the group that runs on the rows of its result, while other rows are still being computed."""
    chosen: dict[Group, Group] = {}
    taken: set[Group] = set()
    for gemm in reversed([g for g in flow.groups if g.is_library and op_of(g.units[0]).library == "gemm"]):
        for group in flow.groups:
            if group not in taken and gemm in flow.before[group] and _works_on_rows(group, gemm.units[0], flow):
                others = flow.before[group] - {gemm}
                overwrites_operand = any(in_place.get(u) in flow.reads[gemm] for u in group.units)
                if not overwrites_operand and not any(other is gemm or flow.reaches(gemm, other) for other in others):
                    chosen[gemm] = group
                    taken.add(group)
                    flow.before[gemm] |= others  # from here on the two are one task
                    break
    return chosen


def _works_on_rows(group: Group, result: Value, flow: _Flow) -> bool:
    domain = group.domain
    if domain is None or domain.shape != result.shape or domain.runs_down_columns:
        return False
    last = len(domain.shape) - 1
    everything = tuple(range(last + 1))
    if domain.reduced not in ((), (last,), everything):
        return False
    for unit in group.units:
        for node in loads(flow.body(unit)):
            if node.attr.value is result:
                found = role_of(unit, domain)
                assert found is not None
                if node.op != "load" or len(load_index(node)) != last + 1 or load_index(node) != found[1]:
                    return False
                if found[0] not in (Role.FULL, Role.REDUCE, Role.TOTAL):
                    return False
    return True


def _list_schedule(flow: _Flow, epilogues: dict[Group, Group], merge: bool) -> list[Task]:
    """Library steps as soon as they are ready; then all kernels that are ready, as one."""
    host = {epilogue: gemm for gemm, epilogue in epilogues.items()}

    def task_head(group: Group) -> Group:
        return host.get(group, group)

    heads = [g for g in flow.groups if g not in host]
    waits: dict[Group, set[Group]] = {}
    for head in heads:
        members = [head, *([epilogues[head]] if head in epilogues else [])]
        waits[head] = {task_head(e) for m in members for e in flow.before[m]} - {head}
    missing = {head: len(needed) for head, needed in waits.items()}
    users: dict[Group, list[Group]] = {head: [] for head in heads}
    for head, needed in waits.items():
        for other in needed:
            users[other].append(head)
    place = {head: i for i, head in enumerate(heads)}
    ready = [head for head in heads if not missing[head]]
    tasks: list[Task] = []
    while ready:
        library = next((g for g in ready if g.is_library), None)
        if library is not None:
            batch = [library]
            tasks.append(Task(batch, library.units[0], epilogues.get(library)))
        else:
            batch = list(ready) if merge else ready[:1]
            tasks.append(Task(batch))
        ready = [g for g in ready if g not in batch]
        for group in batch:
            for user in users[group]:
                missing[user] -= 1
                if not missing[user]:
                    ready.append(user)
        ready.sort(key=place.__getitem__)
    assert not any(missing.values()), "the order of tasks has a cycle"
    return tasks
