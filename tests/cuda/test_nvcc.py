"""nvcc takes the text of every kernel, for two architectures; the standard set fits in registers.

It stands apart from the emulation, which runs the text: this asks the compiler alone, where there is one.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from standard import program_kernels, standard_kernels

from graphc.backends.cuda import target
from graphc.errors import CompileError
from graphc.kernel_ir.expansion import expand

needs_nvcc = pytest.mark.skipif(target.find_compiler() is None, reason="nvcc is not found")
ARCHITECTURES = ("sm_80", "sm_90a")


@pytest.fixture(scope="module")
def reports() -> dict[str, str]:
    """What ptxas says of every kernel, by architecture; one call of nvcc each."""
    kernels = [k for each in (program_kernels(), standard_kernels()) for ks in each.values() for k in ks]
    source = target.render([expand(kernel) for kernel in kernels])

    def compile_for(architecture: str) -> str:
        options = ("-cubin", f"-arch={architecture}", "-Xptxas", "-v")
        return target.run_nvcc(source, options, "kernels.cubin")[1]

    with ThreadPoolExecutor() as pool:
        return dict(zip(ARCHITECTURES, pool.map(compile_for, ARCHITECTURES), strict=True))


@needs_nvcc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles_without_a_warning(reports, architecture):
    assert "warning" not in reports[architecture]
    compiled = set(re.findall(r"entry function '(\w+)'", reports[architecture]))
    wanted = {k.name for each in (program_kernels(), standard_kernels()) for ks in each.values() for k in ks}
    assert wanted <= compiled


@needs_nvcc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_standard_set_spills_nothing(reports, architecture):
    names = {k.name for kernels in standard_kernels().values() for k in kernels}
    entries = re.findall(
        r"entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads", reports[architecture], re.DOTALL
    )
    spilled = {name: (stores, loads) for name, stores, loads in entries if (stores, loads) != ("0", "0")}
    assert names <= {name for name, _, _ in entries}
    assert not {name for name in spilled if name.removesuffix("_finish") in names}, spilled


def ptx_of(name: str) -> str:
    source = target.render([expand(kernel) for kernel in standard_kernels()[name]])
    return target.run_nvcc(source, ("-ptx", "-arch=sm_90a"), "kernels.ptx")[0].decode()


@needs_nvcc
def test_elementwise_kernels_move_sixteen_bytes_an_instruction():
    text = ptx_of("elementwise")
    assert re.search(r"ld\.global(\.nc)?\.v4\.(b32|f32|u32)", text)
    assert re.search(r"st\.global\.v4\.(b32|f32|u32)", text)


@needs_nvcc
def test_arithmetic_is_as_written():
    text = ptx_of("adam")  # products and sums, but no fma
    assert "mul.f32" in text or "mul.rn.f32" in text
    assert "div.rn.f32" in text and "sqrt.rn.f32" in text
    assert not re.search(r"fma\.|\.ftz|\.approx", text)


@needs_nvcc
def test_an_unknown_architecture_is_refused():
    (kernel,) = standard_kernels()["softmax_free"]
    with pytest.raises(CompileError, match=r"expected nvcc to compile the kernels, got: .*compute_12345"):
        target.build([kernel], "sm_12345")
