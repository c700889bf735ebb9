"""Prints docs/walkthrough.md: one small graph through every stage, with the texts that the stages print.

python docs/walkthrough.py > docs/walkthrough.md
"""

from __future__ import annotations

import numpy as np

import graphc as gc
from graphc.kernel_ir.printer import print_kernel

CODE = """\
B = gc.dim("batch")
x = gc.input("x", (B, 784))
t = gc.input("t", (B, 10))
W = gc.variable(np.zeros((784, 10), "float32"), name="W")
residual = x @ W - t
loss = gc.mean(gc.square(residual))
step = gc.compile([x, t], {"loss": loss}, updates={W: W - 0.1 * gc.grad(loss, W)}, name="step")
"""


def build(backend: str = "numba") -> gc.Program:
    """The program of the walk-through."""
    names = {"gc": gc, "np": np}
    source = CODE.replace('name="step")', f'name="step", backend="{backend}")')
    exec(compile(source, "train.py", "exec"), names)
    return names["step"]


def text() -> str:
    """The whole page."""
    step, cpp = build(), build("cpp")
    kernels = "\n".join(print_kernel(k) for k in step.compilation.schedule.kernels)
    rendered = cpp.dump("kernels")
    llvm = step.dump("kernels").splitlines()
    sections = [
        (
            "Declared",
            "What the user wrote, with every shape and dtype inferred and every mistake refused.",
            "python",
            CODE,
        ),
        (
            '`dump("graph")`',
            "The same as typed SSA. The gradient is here already: `grad` returns values of this very graph, "
            "each with the line that it was derived from.",
            "",
            step.dump("graph"),
        ),
        (
            '`dump("optimized")`',
            "After the passes: the factors of the mean and of the square, and the learning rate, have moved; "
            "the transpose is a flag of the GEMM.",
            "",
            step.dump("optimized"),
        ),
        (
            '`dump("schedule")`',
            "Which values share a kernel, what rides on a GEMM, and for each boundary why it is one.",
            "",
            step.dump("schedule"),
        ),
        (
            "The kernel IR",
            "Loops over typed scalar expressions; one text, the same bits in the interpreter and in every backend.",
            "",
            kernels,
        ),
        (
            '`dump("kernels")`, C++',
            'Rendered by `backend="cpp"`: plain loops that the compiler vectorises, after the scalar operations of '
            "`kernels/prologue/scalar.h`.",
            "cpp",
            rendered[rendered.index("// from") :],
        ),
        (
            '`dump("kernels")`, LLVM',
            f"By the default backend for Numba's code generator, in explicit vectors; 40 of {len(llvm)} lines.",
            "llvm",
            "\n".join(llvm[:40]),
        ),
        (
            '`dump("plan")`',
            "What the C++ runtime executes: steps over slots of one arena, planned for every batch size.",
            "",
            step.dump("plan"),
        ),
    ]
    page = ["# One graph through every stage", "", "Printed by `python docs/walkthrough.py`.", ""]
    for number, (title, words, language, body) in enumerate(sections, 1):
        page += [f"## {number}. {title}", "", words, "", f"```{language}", body.rstrip(), "```", ""]
    return "\n".join(page)


if __name__ == "__main__":
    print(text(), end="")
