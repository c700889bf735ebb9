"""Whole programs: optimised ≡ unoptimised ≡ NumPy oracle ≡ interpreted plan ≡ every backend and thread count."""

from __future__ import annotations

import interpret_program
import numpy as np
import pytest
import reference
from programs import PROGRAMS, Case

import graphc as gc

SIZES = {"elementwise_chain": {"n": 1823}, "embedding_step": {"n": 19}, "logistic_hessian_product": {"n": 31}}
TOLERANCE = {"rtol": 2e-5, "atol": 2e-5}


def expected(case: Case) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What outputs and variables must be after one call, by the oracle."""
    feed = dict(zip(case.inputs, case.arrays, strict=True))
    roots = [*case.outputs.values(), *case.updates.values()]
    arrays = reference.evaluate(roots, feed)
    outputs = dict(zip(case.outputs, arrays, strict=False))
    states = dict(zip((v for v in case.updates), arrays[len(outputs) :], strict=True))
    return outputs, states


@pytest.mark.parametrize("optimize", [True, False], ids=["fused", "unfused"])
@pytest.mark.parametrize("backend", ["numba", "cpp"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_against_the_oracle(name, backend, optimize):
    case = PROGRAMS[name]()
    outputs, states = expected(case)
    step = gc.compile(case.inputs, case.outputs, case.updates, backend=backend, optimize=optimize)
    got = step(*case.arrays)
    for key, want in outputs.items():
        assert got[key].dtype == want.dtype and got[key].shape == want.shape
        np.testing.assert_allclose(got[key], want, err_msg=key, **TOLERANCE)
    for variable, want in states.items():
        np.testing.assert_allclose(variable.value, want, err_msg=variable.name, **TOLERANCE)


@pytest.mark.parametrize("name", PROGRAMS)
def test_interpreted_plan(name):
    """The plan itself, obeyed to the letter by an interpreter, gives the oracle's numbers."""
    case = PROGRAMS[name]()
    outputs, states = expected(case)
    made = gc.compile(case.inputs, case.outputs, case.updates).compilation
    variables = made.optimized.variables
    arrays = [v.value for v in variables]
    sizes = {
        str(s): n for v, a in zip(case.inputs, case.arrays, strict=True) for s, n in zip(v.shape, a.shape, strict=True)
    }
    got = interpret_program.run(made.schedule.program, made.schedule.kernels, case.arrays, arrays, sizes)
    for (key, want), array in zip(outputs.items(), got, strict=True):
        np.testing.assert_allclose(array, want, err_msg=key, **TOLERANCE)
    for variable, array in zip(variables, arrays, strict=True):
        if variable in states:
            np.testing.assert_allclose(array, states[variable], err_msg=variable.name, **TOLERANCE)


@pytest.mark.parametrize("name", PROGRAMS)
def test_same_bits_on_any_number_of_threads_and_both_backends(name):
    runs = []
    threads = gc.get_num_threads()
    try:
        for backend, count in (("numba", 1), ("numba", 2), ("numba", 5), ("cpp", 2)):
            gc.set_num_threads(count)
            case = PROGRAMS[name]()
            step = gc.compile(case.inputs, case.outputs, case.updates, backend=backend)
            arrays = list(step(*case.arrays).values()) + list(step(*case.arrays).values())
            runs.append([a.tobytes() for a in arrays] + [v.value.tobytes() for v in case.updates])
    finally:
        gc.set_num_threads(threads)
    assert all(run == runs[0] for run in runs[1:])
