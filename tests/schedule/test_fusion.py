"""What fuses and what doesn't: the number of steps of well-known programs, and the reasons in the text."""

from __future__ import annotations

import numpy as np
import pytest
from programs import PROGRAMS

import graphc as gc
from graphc.ir.graph import Graph
from graphc.passes.pipeline import optimize
from graphc.program.program import CopyStep, GemmStep, KernelStep
from graphc.schedule.assemble import Schedule, schedule
from graphc.schedule.report import format_schedule

B = gc.dim("batch")


def scheduled(inputs, outputs, updates=None) -> Schedule:  # type: ignore[no-untyped-def]
    named = outputs if isinstance(outputs, dict) else {f"out{i}": v for i, v in enumerate(outputs)}
    graph = Graph("test", tuple(inputs), tuple(named.items()), tuple((updates or {}).items()))
    return schedule(optimize(graph))


def steps(made: Schedule, kind: type) -> list:
    return [s for s in made.program.steps if isinstance(s, kind)]


def of_program(name: str) -> Schedule:
    case = PROGRAMS[name]()
    return scheduled(case.inputs, case.outputs, case.updates)


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        ("elementwise_chain", 1),
        ("broadcast_chain", 1),
        ("softmax_both_ways", 1),
        ("cross_entropy_both_ways", 1),
        ("layer_norm_both_ways", 2),  # rows; and the sums down the columns for gain and shift
    ],
)
def test_known_programs_are_few_kernels(name, kernels):
    made = of_program(name)
    assert len(made.program.steps) == len(steps(made, KernelStep)) == kernels


def test_each_direction_of_a_row_program_is_one_kernel():
    x = gc.input("x", (B, 512))
    g = gc.input("g", (B, 512))
    y = gc.softmax(x)
    assert len(scheduled([x], [y]).program.steps) == 1
    assert len(scheduled([x, g], [gc.vjp(y, [x], g)[0]]).program.steps) == 1
    mean = gc.mean(x, axis=1, keepdims=True)
    y = (x - mean) / gc.sqrt(gc.var(x, axis=1, keepdims=True) + 1e-5)
    assert len(scheduled([x], [y]).program.steps) == 1
    assert len(scheduled([x, g], [gc.vjp(y, [x], g)[0]]).program.steps) == 1


def test_an_mlp_step_is_gemms_with_epilogues_and_one_kernel_for_the_rest():
    made = of_program("mlp_step")
    gemms = steps(made, GemmStep)
    assert len(gemms) == 5 and all(g.epilogue is not None for g in gemms)
    assert len(steps(made, KernelStep)) <= 2  # the step's scalars; the updates of both biases
    assert len(steps(made, CopyStep)) == 1  # the output `old` of a variable that is updated


def test_bias_and_activation_ride_on_the_gemm_in_its_own_memory():
    x, w, b = gc.input("x", (B, 64)), gc.input("w", (64, 32)), gc.input("b", (32,))
    made = scheduled([x, w, b], [gc.relu(x @ w + b)])
    (step,) = made.program.steps
    assert isinstance(step, GemmStep) and step.epilogue is not None
    assert step.c.space == "output" and not made.program.slots


def test_the_mask_of_a_backward_pass_rides_on_its_gemm():
    x, w, v = gc.input("x", (B, 64)), gc.input("w", (64, 32)), gc.input("v", (32, 16))
    hidden = gc.relu(x @ w)
    gx = gc.grad(gc.sum(gc.square(hidden @ v)), x)
    gemms = steps(scheduled([x, w, v], [gx]), GemmStep)
    assert len(gemms) == 4 and sum(g.epilogue is not None for g in gemms) == 2  # relu and its mask


def test_intermediates_inside_a_kernel_take_no_memory():
    x = gc.input("x", (B, 512))
    made = scheduled([x], [gc.tanh(gc.softmax(x) * 3 + gc.exp(x))])
    assert not made.program.slots and made.program.arena == 0


def test_updates_happen_in_place():
    made = of_program("mlp_step")
    assert not made.order.notes
    states = [s for step in steps(made, CopyStep) for s in [step.target] if s.space == "state"]
    assert not states


def test_a_variable_that_is_read_later_is_copied_and_the_text_says_why():
    v = gc.variable(np.ones((4, 4), np.float32), name="v")
    made = scheduled([], [], {v: gc.permute_dims(v, (1, 0)) + 1})
    assert [type(s) for s in made.program.steps] == [KernelStep, CopyStep]


def test_an_epilogue_never_overwrites_an_operand_of_its_gemm():
    a = gc.variable(np.eye(4, dtype=np.float32) * 2, name="a")
    made = scheduled([], [], {a: a - a @ a})
    (gemm,) = steps(made, GemmStep)
    assert gemm.epilogue is None and len(steps(made, KernelStep)) == 1


def test_reasons_are_told():
    x, w = gc.input("x", (B, 8)), gc.input("w", (8, 8))
    y = gc.tanh(x)
    z = y @ w
    text = format_schedule(scheduled([x, w], [z, gc.sum(z, axis=0), gc.exp(gc.permute_dims(y, (1, 0)))]))
    assert "# not fused with" in text
    assert "takes a materialised operand" in text or "is a step of its own" in text
    assert "iterates over" in text or "reads tanh at another index" in text


def test_no_fusion_through_a_cycle():
    """exp(x) feeds both a GEMM and what follows the GEMM: the two sides must not become one kernel."""
    x, w = gc.input("x", (B, 8)), gc.input("w", (8, 8))
    e = gc.exp(x)
    made = scheduled([x, w], [e @ w + e])
    gemm = next(i for i, s in enumerate(made.program.steps) if isinstance(s, GemmStep))
    assert gemm > 0  # exp comes first, the sum after


def test_a_chain_of_ten_thousand_values():
    x = gc.input("x", (B,))
    y = x
    for i in range(10_000):
        y = y * 0.5 + float(i % 3) if i % 2 else gc.maximum(y, -float(i))
    made = scheduled([x], [y])
    assert len(made.program.steps) < 40
