"""The kernels that the tests of this folder compile: those of all shared programs, and the standard set.

It stands apart because emulation and nvcc must see the same kernels. The standard set is what a GPU's speed is
judged by, in shapes where a row takes a block: softmax, layer norm, cross entropy, elementwise, Adam.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from programs import PROGRAMS, Case, normal, weights

import graphc as gc
from graphc import nn
from graphc.declaration import declare
from graphc.kernel_ir.kernel import Kernel
from graphc.passes.pipeline import LOWERING, PIPELINE
from graphc.passes.pipeline import optimize as run_passes
from graphc.schedule.assemble import schedule
from graphc.schedule.tuning import CUDA, Tuning

WIDTH = 781


def kernels_of(name: str, case: Case, optimize: bool = True, tuning: Tuning = CUDA) -> list[Kernel]:
    """The kernels of a program, each named after it."""
    graph, _ = declare(case.inputs, case.outputs, case.updates, "cpu", "numba", name)
    planned = schedule(run_passes(graph, PIPELINE if optimize else LOWERING), optimize, tuning)
    return [replace(kernel, name=f"{name}_{kernel.name}") for kernel in planned.kernels]


def program_kernels(optimize: bool = True, tuning: Tuning = CUDA) -> dict[str, list[Kernel]]:
    """The kernels of every shared program."""
    kind = f"{'fused' if optimize else 'unfused'}_{tuning.lanes}"
    return {name: kernels_of(f"{name}_{kind}", make(), optimize, tuning) for name, make in PROGRAMS.items()}


def standard_kernels() -> dict[str, list[Kernel]]:
    """The kernels of the standard set; `batch`, `n` and `m` are symbolic."""
    return {name: kernels_of(name, case) for name, case in _cases().items()}


def _cases() -> dict[str, Case]:
    b, n, m = gc.dim("batch"), gc.dim("n"), gc.dim("m")
    rng = np.random.default_rng(1)
    x, w = gc.input("x", (b, WIDTH)), gc.input("w", (b, WIDTH))
    gain, shift = weights(rng, WIDTH, name="gain"), weights(rng, WIDTH, name="shift")
    mean = gc.mean(x, axis=-1, keepdims=True)
    normed = (x - mean) * gc.rsqrt(gc.mean((x - mean) ** 2, axis=-1, keepdims=True) + 1e-5) * gain + shift
    gx, gg, gs = gc.grad(gc.sum(normed * w), [x, gain, shift])
    free = gc.input("x", (b, m))  # rows of any length: scratch rows lie in global memory
    t = gc.input("t", (b,), "int64")
    loss = nn.losses.cross_entropy(x, t)
    flat, other = gc.input("x", (n,)), gc.input("y", (n,))
    softmax_gradient = gc.grad(gc.sum(gc.softmax(x) * w), x)
    return {
        "softmax": Case([x, w], {"y": gc.softmax(x), "gx": softmax_gradient}, {}, []),
        "softmax_free": Case([free], {"y": gc.softmax(free)}, {}, []),
        "layer_norm": Case([x, w], {"y": normed, "gx": gx}, {gain: gain - gg, shift: shift - gs}, []),
        "cross_entropy": Case([x, t], {"loss": loss, "gx": gc.grad(loss, x)}, {}, []),
        "elementwise": Case([flat, other], {"gelu": nn.gelu(flat) * other, "large": flat > other}, {}, []),
        "total": Case([flat, other], {"dot": gc.sum(flat * other), "max": gc.max(flat)}, {}, []),
        "adam": _adam(rng),
    }


def _adam(rng: np.random.Generator) -> Case:
    updates: dict[Any, Any] = {}
    gradients = [gc.input("g", (WIDTH, 33)), gc.input("h", (WIDTH,))]
    for g in gradients:
        shape = tuple(int(s) for s in g.shape)
        p, m, v = (gc.variable(normal(rng, *shape), name=name) for name in ("p", "m", "v"))
        updates[m] = 0.9 * m + 0.1 * g
        updates[v] = 0.999 * v + 0.001 * g * g
        updates[p] = p - 0.01 * updates[m] / (gc.sqrt(updates[v]) + 1e-8)
    return Case(gradients, {}, updates, [])
