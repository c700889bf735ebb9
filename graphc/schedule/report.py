"""The schedule as text: which values share a kernel, and for each boundary why it is one."""

from __future__ import annotations

from graphc.ir.printer import name_values
from graphc.ir.value import Value
from graphc.program.program import GemmStep, KernelStep
from graphc.schedule.assemble import Schedule
from graphc.schedule.fusion import Group, role_of


def format_schedule(schedule: Schedule) -> str:
    """One block a task, in order; `# not fused` lines say what each reads from others, and why apart."""
    names = name_values(schedule.graph)
    order = schedule.order.tasks
    lines = [f"schedule {schedule.graph.name} {{"]
    for number, task in enumerate(order, 1):
        if task.library is not None:
            operands = ", ".join(_operands(task.library, names))
            lines.append(f"  {number}  library {task.library.op.name}({operands}) -> {names[task.library]}")
            lines += _boundaries(schedule, task.groups[0], names)
            if task.epilogue is not None:
                lines.append("     epilogue, on the rows just computed:")
                lines += _group(schedule, task.epilogue, names)
        else:
            plural = f", {len(task.groups)} nests" if len(task.groups) > 1 else ""
            lines.append(f"  {number}  kernel{plural}")
            for group in task.groups:
                lines += _group(schedule, group, names)
    for variable, why in schedule.order.notes.items():
        lines.append(f"  # {names[variable]} is not updated in place: {why}")
    kernels = sum(isinstance(s, KernelStep) for s in schedule.program.steps)
    gemms = [s for s in schedule.program.steps if isinstance(s, GemmStep)]
    fused = sum(s.epilogue is not None for s in gemms)
    lines.append(f"}}  # {_count(kernels, 'kernel')}, {_count(len(gemms), 'GEMM')}, {fused} with a fused epilogue")
    return "\n".join(lines) + "\n"


def _operands(library: Value, names: dict[Value, str]) -> list[str]:
    """The operands of a library step; `^T` marks a matrix that is read transposed."""
    flags = [library.attrs.get(f"transpose_{which}", False) for which in "ab"]
    flags += [False] * (len(library.operands) - len(flags))
    return [names[o] + ("^T" if flag else "") for o, flag in zip(library.operands, flags, strict=False)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _group(schedule: Schedule, group: Group, names: dict[Value, str]) -> list[str]:
    assert group.domain is not None
    reduced = f", reduces axes {list(group.domain.reduced)}" if group.domain.reduced else ""
    lines = [f"     over {list(group.domain.shape)}{reduced}"]
    for unit in group.units:
        found = role_of(unit, group.domain)
        assert found is not None
        kept = "stored" if schedule.fusion.is_stored(unit) else "stays in the kernel"
        over = schedule.order.in_place.get(unit)
        if over is not None:
            kept = f"overwrites {names[over]}"
        role = f"{found[0].name.lower()}, {kept}"
        lines.append(f"       {names[unit]:6} {unit.op.name:12} {role:32} @ {unit.origin}")
    return lines + _boundaries(schedule, group, names)


def _boundaries(schedule: Schedule, group: Group, names: dict[Value, str]) -> list[str]:
    lines = []
    for (producer, consumer), why in schedule.fusion.refusals.items():
        mine = schedule.fusion.group_of[consumer] is group
        if mine and schedule.fusion.group_of[producer] is not group:
            lines.append(f"       # not fused with {names[producer]}: {why}")
    return list(dict.fromkeys(lines))
