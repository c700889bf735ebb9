"""The machine code is SIMD: packed instructions for exp, tanh and a fused chain, from both backends.

It stands apart because it reads assembly text, which only x86 machines of the tests give in this form.
"""

from __future__ import annotations

import platform
import re

import pytest
from backends.running import BACKENDS

from graphc.backends import build
from graphc.dims import dim
from graphc.dtypes import float32
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expr import Expr
from graphc.kernel_ir.kernel import Accumulator, Buffer, Kernel, Loop, Nest, Store, Update

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86-64 assembly")

N, AT = dim("n"), k.index("i")
X = k.load("x", (AT,), float32)
PACKED = re.compile(r"\sv?(?:f?n?m(?:add|sub)\d*|add|sub|mul|div)ps\s")
SCALAR = re.compile(r"\sv?(?:f?n?m(?:add|sub)\d*|add|sub|mul|div)ss\s")


def elementwise(name: str, value: Expr) -> Kernel:
    buffers = (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (N,), "write"))
    return Kernel(name, buffers, (Nest(Loop("i", N, (Store("y", (AT,), value),), 16), grain=1024),))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "name, value, least",
    [("exp", k.exp(X), 8), ("tanh", k.tanh(X), 10), ("chain", k.tanh(X) * k.exp(-X) + X, 20)],
    ids=["exp", "tanh", "chain"],
)
def test_elementwise_is_packed(backend: str, name: str, value: Expr, least: int) -> None:
    text = build([elementwise(name, value)], backend).assembly()
    assert len(PACKED.findall(text)) >= least
    if backend == "numba":  # the tail is masked: no scalar remainder
        assert not SCALAR.findall(text)


@pytest.mark.parametrize("backend", BACKENDS)
def test_reduction_is_packed(backend: str) -> None:
    total = Accumulator("total", float32, "add", k.const(0, float32))
    buffers = (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (), "write"))
    loop = Loop("i", N, (Update("total", X, X),), 16)
    finish = (Store("y", (), k.var("total", float32)),)
    kernel = Kernel("squares", buffers, (Nest(loop, 1024, (), (total,), finish),))
    text = build([kernel], backend).assembly()
    assert re.search(r"vfmadd\d+ps\s.*%[yz]mm", text) or PACKED.search(text)


def test_widest_vectors_are_used() -> None:
    """512 bits where the machine has them."""
    import llvmlite.binding as llvm

    if not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("no AVX-512 here")
    for backend in BACKENDS:
        assert "%zmm" in build([elementwise("exp", k.exp(X))], backend).assembly(), backend
