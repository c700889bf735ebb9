"""Random exact programs: oracle ≡ interpreted plan ≡ fused ≡ unfused ≡ both backends, variables included."""

from __future__ import annotations

from random import Random

import interpret_program
import numpy as np
import pytest
import reference
from random_programs import RandomProgram, random_program

import graphc as gc

SEEDS = range(80)


@pytest.fixture(autouse=True)
def verified(monkeypatch):
    monkeypatch.setenv("GRAPHC_VERIFY", "1")


def expected(case: RandomProgram) -> list[np.ndarray]:
    feed = dict(zip(case.inputs, case.arrays, strict=True))
    return reference.evaluate([*case.outputs, *case.updates.values()], feed, case.sizes)


@pytest.mark.parametrize("seed", SEEDS)
def test_fused_unfused_and_interpreted(seed):
    case = random_program(Random(seed))
    want = expected(case)
    before = [(v, v.value) for v in case.updates]
    for optimize in (True, False):
        for variable, array in before:
            variable.value = array
        program = gc.compile(case.inputs, case.outputs, case.updates, optimize=optimize)
        made = program.compilation
        states = {v: v.value for v in made.optimized.variables}
        planned = interpret_program.run(
            made.schedule.program, made.schedule.kernels, case.arrays, list(states.values()), case.sizes
        ) + [states.get(v, array) for v, array in before]  # a variable that becomes itself is in no plan
        got = program(*case.arrays) + [v.value for v in case.updates]
        for native, array, exact in zip(got, planned, want, strict=True):
            assert native.dtype == exact.dtype
            np.testing.assert_array_equal(array, exact)
            np.testing.assert_array_equal(native, exact)


@pytest.mark.parametrize("seed", SEEDS[::8])
def test_the_other_backend(seed):
    case = random_program(Random(seed))
    want = expected(case)
    program = gc.compile(case.inputs, case.outputs, case.updates, backend="cpp")
    got = program(*case.arrays) + [v.value for v in case.updates]
    for array, exact in zip(got, want, strict=True):
        np.testing.assert_array_equal(array, exact)
