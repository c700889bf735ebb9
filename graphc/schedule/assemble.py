"""Tasks → program: every kernel emitted, every stored value bound to a buffer, every slot to an offset."""

from __future__ import annotations

from dataclasses import dataclass, replace

from graphc import dims
from graphc.dims import Size
from graphc.dtypes import DType
from graphc.errors import CompileError
from graphc.ir.graph import Graph
from graphc.ir.value import Value
from graphc.kernel_ir.kernel import Buffer, Check, Kernel, Nest
from graphc.kernel_ir.scratch import scratch_bytes
from graphc.ops.definition import op_of
from graphc.program.program import (
    Constant,
    CopyStep,
    GemmStep,
    KernelCall,
    KernelInfo,
    KernelStep,
    Port,
    Program,
    Ref,
    Slot,
    State,
    Step,
)
from graphc.schedule import cost
from graphc.schedule.elements import Elements
from graphc.schedule.emit_kernel import emit_kernel
from graphc.schedule.fusion import Fusion, Group, fuse
from graphc.schedule.in_place import merge_in_place
from graphc.schedule.loops import collapse_loops, rename_memory, set_grain
from graphc.schedule.memory_plan import Lifetime, plan_memory
from graphc.schedule.names import Names
from graphc.schedule.results import bind_results
from graphc.schedule.scatter import emit_scatter
from graphc.schedule.tasks import Order, Task, order_tasks
from graphc.schedule.tuning import CPU, Tuning
from graphc.schedule.units import Plan, choose_units, gemm_operand


@dataclass(frozen=True)
class Schedule:
    """A scheduled graph: the program, its kernels, and the decisions behind them."""

    graph: Graph
    plan: Plan
    fusion: Fusion
    order: Order
    program: Program
    kernels: tuple[Kernel, ...]  # in the order of program.kernels


def schedule(graph: Graph, fuse_kernels: bool = True, tuning: Tuning = CPU) -> Schedule:
    """Lower an optimised graph for the target of `tuning`; with `fuse_kernels` off, every value is a kernel of
    its own."""
    plan = choose_units(graph, fuse_kernels)
    elements = Elements(plan.stored)
    fusion = fuse(graph, plan.reasons, elements, fuse_kernels)
    order = order_tasks(graph, fusion, elements, fuse_kernels)
    assembly = _Assembly(graph, fusion, order, elements, tuning)
    program = assembly.run()
    return Schedule(graph, plan, fusion, order, program, tuple(assembly.kernels))


@dataclass
class _SlotDraft:
    name: str
    dtype: DType
    shape: tuple[Size, ...]


class _Assembly:
    def __init__(self, graph: Graph, fusion: Fusion, order: Order, elements: Elements, tuning: Tuning):
        self.graph = graph
        self.tuning = tuning
        self.fusion = fusion
        self.order = order
        self.elements = elements
        self.ref: dict[Value, Ref] = {}
        self.slots: list[_SlotDraft] = []
        self.constants: list[Constant] = []
        self.kernels: list[Kernel] = []
        self.infos: list[KernelInfo] = []
        self.steps: list[Step] = []
        self.codes: dict[str, int] = {}
        self.names: set[str] = set()
        states = {v: Ref("state", i) for i, v in enumerate(graph.variables)}
        self.wanted_in_place = {unit: states[variable] for unit, variable in order.in_place.items()}

    def run(self) -> Program:
        self.bind_leaves()
        results = bind_results(self.graph, self.fusion.group_of, self.wanted_in_place, self.new_slot)
        self.ref.update(results.bound)
        self.steps += results.opening
        for task in self.order.tasks:
            self.emit_task(task)
        self.steps += results.closing_steps(self.ref)
        slots, arena = self.place_slots()
        symbols = sorted(dims.symbols_of(s for v in (*self.graph.inputs, *self.graph.values) for s in v.shape))
        return Program(
            name=self.graph.name,
            symbols=tuple(symbols),
            inputs=tuple(Port(v.attrs["name"], v.dtype, v.shape) for v in self.graph.inputs),
            outputs=tuple(Port(name, v.dtype, v.shape) for name, v in self.graph.outputs),
            states=self.states(),
            constants=tuple(self.constants),
            slots=slots,
            arena=arena,
            kernels=tuple(self.infos),
            steps=tuple(self.steps),
            messages=tuple(self.codes),
        )

    def states(self) -> tuple[State, ...]:
        updated = {v for v, _ in self.graph.updates}
        return tuple(
            State(v.attrs["name"], v.dtype, tuple(int(s) for s in v.shape), v in updated) for v in self.graph.variables
        )

    # binding -------------------------------------------------------------------------------------
    def bind_leaves(self) -> None:
        for i, value in enumerate(self.graph.inputs):
            self.ref[value] = Ref("input", i)
        for i, value in enumerate(self.graph.variables):
            self.ref[value] = Ref("state", i)
        for value in self.graph.values:
            if value.op.name == "constant":
                self.ref[value] = Ref("constant", len(self.constants))
                self.constants.append(Constant(f"c{len(self.constants)}", value.attrs["value"].array))

    def new_slot(self, value: Value) -> Ref:
        name = self.unique(value.attrs.get("name", value.op.name))
        self.slots.append(_SlotDraft(name, value.dtype, value.shape))
        return Ref("slot", len(self.slots) - 1)

    def target(self, value: Value) -> Ref:
        """Where a computed value is written."""
        if value not in self.ref:
            self.ref[value] = self.new_slot(value)
        return self.ref[value]

    def unique(self, name: str) -> str:
        wish, n = name, 0
        while wish in self.names:
            wish, n = f"{name}_{n}", n + 1
        self.names.add(wish)
        return wish

    # steps ---------------------------------------------------------------------------------------
    def emit_task(self, task: Task) -> None:
        if task.library is not None and task.library in self.wanted_in_place:
            self.ref[task.library] = self.wanted_in_place[task.library]  # a library step never reads its target
        if task.library is None:
            self.steps.append(KernelStep(self.emit_call(task.groups)))
        elif op_of(task.library).library == "scatter_add":
            emitted = emit_scatter(task.library, "kernel", self.tuning)
            kernel = set_grain(emitted.kernel, self.tuning)
            self.steps.append(KernelStep(self.finish_call([(kernel, emitted.operands)], "scatter_add")))
        else:
            self.emit_gemm(task)

    def emit_group(self, group: Group, epilogue: bool) -> tuple[Kernel, tuple[Value, ...]]:
        stored = {u for u in group.units if self.fusion.is_stored(u)}
        emitted = emit_kernel(group, self.elements, stored, "kernel", self.codes, self.tuning)
        kernel = collapse_loops(emitted.kernel, keep_rows=epilogue)
        operands = emitted.operands
        for unit in group.units:
            if unit in self.wanted_in_place:
                kernel, operands = self.update_in_place(kernel, operands, unit)
        return set_grain(kernel, self.tuning), operands

    def update_in_place(
        self, kernel: Kernel, operands: tuple[Value, ...], unit: Value
    ) -> tuple[Kernel, tuple[Value, ...]]:
        """Let `unit` overwrite its variable if the kernel allows it; else it goes to a slot and is copied."""
        state = self.wanted_in_place[unit]
        write = next(b.name for b, v in zip(kernel.buffers, operands, strict=True) if v is unit)
        reads = [b.name for b, v in zip(kernel.buffers, operands, strict=True) if self.ref.get(v) == state]
        if not reads:
            self.ref[unit] = state
        elif len(reads) == 1 and (merged := merge_in_place(kernel, reads[0], write)) is not None:
            self.ref[unit] = state
            return merged, tuple(v for b, v in zip(kernel.buffers, operands, strict=True) if b.name != write)
        return kernel, operands

    def emit_call(self, groups: list[Group]) -> KernelCall:
        return self.finish_call([self.emit_group(g, epilogue=False) for g in groups], self.hint(groups))

    def hint(self, groups: list[Group]) -> str:
        """The ops that make the kernel what it is, for its name."""
        units = [u for g in groups for u in g.units]
        if any(u in self.wanted_in_place for u in units):
            return "update"
        return "_".join(list(dict.fromkeys(u.op.name for u in units))[:3])

    def finish_call(self, parts: list[tuple[Kernel, tuple[Value, ...]]], hint: str) -> KernelCall:
        """Put the nests of several kernels into one and bind its operands; `hint` begins its name."""
        kernel, operands = parts[0] if len(parts) == 1 else _combine(parts)
        kernel = replace(kernel, name=f"{hint}_{len(self.kernels)}")
        refs = [self.target(v) for v in operands]
        refs += self.partials(kernel)
        self.kernels.append(kernel)
        self.infos.append(_info(kernel))
        return KernelCall(len(self.kernels) - 1, tuple(refs))

    def partials(self, kernel: Kernel) -> list[Ref]:
        refs = []
        for nest in kernel.nests:
            for accumulator in nest.accumulators:
                name = self.unique(f"{accumulator.name}_partials")
                self.slots.append(_SlotDraft(name, accumulator.dtype, (nest.units,)))
                refs.append(Ref("slot", len(self.slots) - 1))
        return refs

    def emit_gemm(self, task: Task) -> None:
        value = task.library
        assert value is not None
        (a, broadcast_a), (b, broadcast_b) = map(gemm_operand, value.operands)
        transpose_a, transpose_b = value.attrs["transpose_a"], value.attrs["transpose_b"]
        *batch, m, n = value.shape
        inner = value.operands[0].shape[-2 if transpose_a else -1]
        epilogue = None
        if task.epilogue is not None:
            epilogue = self.emit_epilogue(task.epilogue, value, dims.product(batch) * m)
        step = GemmStep(
            dtype=value.dtype,
            a=self.ref[a],
            b=self.ref[b],
            c=self.target(value),
            batch=dims.product(batch),
            m=m,
            n=n,
            k=inner,
            transpose_a=transpose_a,
            transpose_b=transpose_b,
            broadcast_a=broadcast_a,
            broadcast_b=broadcast_b,
            alpha=float(value.attrs["alpha"]),
            epilogue=epilogue,
            origin=str(value.origin),
        )
        self.steps.append(step)
        if task.epilogue is not None and epilogue is None:
            self.steps.append(KernelStep(self.emit_call([task.epilogue])))

    def emit_epilogue(self, group: Group, result: Value, rows: Size) -> KernelCall | None:
        """The kernel over the rows of a GEMM's result, if its parallel loop turns out to be those rows."""
        kernel, operands = self.emit_group(group, epilogue=True)
        nest = kernel.nests[0]
        if nest.loop.extent != rows or nest.loop.lanes:
            return None
        if result not in self.fusion.results and self.fusion.readers[result] == {group}:
            kernel, operands = self.reuse_result(kernel, operands, result)
        return self.finish_call([(kernel, operands)], self.hint([group]))

    def reuse_result(
        self, kernel: Kernel, operands: tuple[Value, ...], result: Value
    ) -> tuple[Kernel, tuple[Value, ...]]:
        """Let the GEMM write where its epilogue writes, so that its result takes no memory of its own."""
        by_name = dict(zip((b.name for b in kernel.buffers), operands, strict=True))
        reads = [b.name for b in kernel.buffers if by_name[b.name] is result]
        for buffer in kernel.buffers:
            if buffer.access == "write" and len(reads) == 1:
                merged = merge_in_place(kernel, reads[0], buffer.name)
                if merged is not None:
                    unit = by_name[buffer.name]
                    self.ref[result] = self.target(unit)
                    return merged, tuple(v for b, v in by_name.items() if b != buffer.name)
        return kernel, operands

    # memory --------------------------------------------------------------------------------------
    def place_slots(self) -> tuple[tuple[Slot, ...], Size]:
        used: dict[int, list[int]] = {}
        for number, step in enumerate(self.steps):
            for ref in step_refs(step):
                if ref.space == "slot":
                    used.setdefault(ref.index, []).append(number)
        lifetimes = []
        for i, slot in enumerate(self.slots):
            at = used.get(i)
            if at is None:
                raise CompileError(f"slot {slot.name} is never used")
            nbytes = dims.product(slot.shape) * slot.dtype.itemsize
            lifetimes.append(Lifetime(nbytes, min(at), max(at)))
        offsets, arena = plan_memory(lifetimes)
        slots = tuple(
            Slot(s.name, s.dtype, s.shape, offset, life.first, life.last)
            for s, life, offset in zip(self.slots, lifetimes, offsets, strict=True)
        )
        return slots, arena


def step_refs(step: Step) -> tuple[Ref, ...]:
    """Every buffer that a step touches."""
    if isinstance(step, KernelStep):
        return step.call.operands
    if isinstance(step, CopyStep):
        return (step.source, step.target)
    return (step.a, step.b, step.c, *(step.epilogue.operands if step.epilogue is not None else ()))


def _info(kernel: Kernel) -> KernelInfo:
    return KernelInfo(
        symbol=kernel.name,
        symbols=kernel.symbols,
        nests=tuple((n.loop.extent, n.grain) for n in kernel.nests),
        has_finish=kernel.has_finish,
        scratch=scratch_bytes(kernel),
        read=cost.bytes_read(kernel),
        written=cost.bytes_written(kernel),
        flops=cost.flops(kernel),
        origin=kernel.comment,
        access=tuple(b.access for b in kernel.buffers),
        checks=any(isinstance(s, Check) for s in kernel.statements),
    )


def _combine(parts: list[tuple[Kernel, tuple[Value, ...]]]) -> tuple[Kernel, tuple[Value, ...]]:
    """One kernel with the nests of all; buffers and local arrays get a number where names collide."""
    buffers: list[Buffer] = []
    nests: list[Nest] = []
    operands: list[Value] = []
    names = Names()
    for kernel, values in parts:
        local = [x.name for nest in kernel.nests for x in nest.locals]
        renamed = rename_memory(kernel, {name: names.new(name) for name in (*(b.name for b in kernel.buffers), *local)})
        buffers += renamed.buffers
        nests += renamed.nests
        operands += values
    comment = "; ".join(dict.fromkeys(kernel.comment for kernel, _ in parts))
    return Kernel("combined", tuple(buffers), tuple(nests), comment), tuple(operands)
