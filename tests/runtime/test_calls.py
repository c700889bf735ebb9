"""What a call accepts, what it refuses, and what it returns."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from small_programs import B, guarded_count, identity, mirror, program, scale, total

from graphc.dtypes import bool_, float32, float64, int8, int64
from graphc.errors import CompileError, GraphError, RuntimeFault
from graphc.program.program import CopyStep, Port, Ref
from graphc.runtime.buffers import StateBuffer
from graphc.runtime.program import Executable

X = np.arange(12, dtype="float32")


def scaled(addresses, **options) -> Executable:
    return Executable(scale(), addresses, [StateBuffer(np.ones(1, "float32"), "w")], **options)


def two_inputs() -> Executable:
    ports = (Port("x", float32, (B,)), Port("t", int64, (B,)))
    outputs = (Port("p", float32, (B,)), Port("q", int64, (B,)))
    copies = tuple(CopyStep(Ref("input", i), Ref("output", i)) for i in range(2))
    return Executable(program(ports, outputs, steps=copies), {}, [])


def passes_through(dtype, value) -> np.ndarray:
    port = Port("x", dtype, (B,))
    copy = program((port,), (replace(port, name="y"),), steps=(CopyStep(Ref("input", 0), Ref("output", 0)),))
    return Executable(copy, {}, [], structure="single")(value)


def test_structures(addresses) -> None:
    expected = 2 * X + 1
    np.testing.assert_array_equal(scaled(addresses)(X)[0], expected)
    np.testing.assert_array_equal(scaled(addresses, structure="single")(X), expected)
    result = scaled(addresses, structure=("y",))(X)
    assert list(result) == ["y"]
    np.testing.assert_array_equal(result["y"], expected)


def test_a_scalar_output_is_an_array_without_axes(addresses) -> None:
    result = Executable(total(), addresses, [], structure="single")(X)
    assert isinstance(result, np.ndarray) and result.shape == () and result.dtype == np.float32
    assert result == X.sum()


def test_inputs_by_position_and_name() -> None:
    executable = two_inputs()
    t = np.arange(3)
    x = t.astype("float32")
    for p, q in (executable(x, t), executable(x, t=t), executable(t=t, x=x)):
        np.testing.assert_array_equal(p, x)
        np.testing.assert_array_equal(q, t)


@pytest.mark.parametrize(
    ("args", "named", "message"),
    [
        ((X,), {}, "missing input t"),
        ((), {}, "missing input x"),
        ((X,), {"q": X}, "unknown input q; expected x, t"),
        ((X,), {"x": X}, "expected input x once, got it twice"),
        ((X, X, X), {}, "expected 2 inputs (x, t), got 3"),
        ((X.astype("float64"), X), {}, "input x: expected float32, got float64"),
        ((np.float64(3), X), {}, "input x: expected float32, got float64"),
        (("a", X), {}, "input x: expected an array of numbers, got str"),
        ((None, X), {}, "input x: expected an array of numbers, got NoneType"),
        (([[1], [1, 2]], X), {}, "input x: expected an array, got list"),
        ((X, [1.0, 2.0]), {}, "input t: expected int64, got float64"),
    ],
)
def test_wrong_arguments(args, named, message) -> None:
    with pytest.raises(GraphError) as caught:
        two_inputs()(*args, **named)
    assert str(caught.value) == message


def test_arrays_of_any_layout(addresses) -> None:
    executable = Executable(mirror(), addresses, [], structure="single")
    base = np.arange(60, dtype="float32").reshape(6, 10)
    raw = np.zeros(4 * 60 + 1, "u1")
    misaligned = raw[1:].view("float32").reshape(6, 10)
    misaligned[:] = base
    layouts = [base[::2, ::3], base[::-1], base.T, np.asfortranarray(base), base.astype(">f4"), misaligned]
    layouts += [np.broadcast_to(np.float32(3), (4, 5)), base[:0], base[:, :0]]
    for array in layouts:
        np.testing.assert_array_equal(executable(array), array[:, ::-1])


def test_read_only_arrays_are_accepted(addresses) -> None:
    x = X.copy()
    x.flags.writeable = False
    np.testing.assert_array_equal(scaled(addresses)(x)[0], 2 * x + 1)


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (float32, [1.5, 2]),
        (float32, [1, 2]),
        (float64, (True, 3)),
        (int64, [1, 2]),
        (int8, [True]),
        (bool_, [True, False]),
    ],
)
def test_python_numbers_are_converted(dtype, value) -> None:
    result = passes_through(dtype, value)
    assert result.dtype == dtype.numpy
    np.testing.assert_array_equal(result, np.asarray(value).astype(dtype.numpy))


@pytest.mark.parametrize(
    ("dtype", "value", "message"),
    [
        (int64, [1.5], "expected int64, got float64"),
        (bool_, [1], "expected bool, got int64"),
        (int8, [200], "expected numbers in the range of int8, got 200 to 200"),
        (float32, [1j], "expected an array of numbers, got list"),
    ],
)
def test_python_numbers_of_another_kind_are_refused(dtype, value, message) -> None:
    with pytest.raises(GraphError, match=message):
        passes_through(dtype, value)


def test_empty_list_fits_every_dtype() -> None:
    for dtype in (float32, int64, bool_):
        assert passes_through(dtype, []).shape == (0,)


class Exporter:
    """An array of another library: only DLPack."""

    def __init__(self, array: np.ndarray, device: int = 1):
        self.array, self.kind = array, device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.kind, 0

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)


def test_dlpack(addresses) -> None:
    np.testing.assert_array_equal(scaled(addresses)(Exporter(X))[0], 2 * X + 1)
    with pytest.raises(GraphError, match="input x: expected an array in host memory, got one on a device"):
        scaled(addresses)(Exporter(X, device=2))
    with pytest.raises(GraphError, match="input x: expected float32, got float64"):
        scaled(addresses)(Exporter(X.astype("float64")))


def test_cuda_arrays_are_refused(addresses) -> None:
    class Device:
        __cuda_array_interface__ = {}  # noqa: RUF012 - only its presence counts

    with pytest.raises(GraphError, match="expected an array in host memory, got one on a device"):
        scaled(addresses)(Device())


def test_failed_check_leaves_the_states(addresses) -> None:
    n = StateBuffer(np.array(0), "n")
    executable = Executable(guarded_count(), addresses, [n], structure="single")
    assert executable(X) == 1
    with pytest.raises(RuntimeFault) as caught:
        executable(-X)
    assert str(caught.value) == "train.py:3: expected x of at least 0"
    with pytest.raises(RuntimeFault, match="step 1 of test: expected success, got code 2"):
        executable(X + 100)
    assert n.get() == 1
    assert executable(X) == 2


def test_sizes_change_from_call_to_call(addresses) -> None:
    executable = Executable(total(), addresses, [], structure="single")
    for _ in range(3):
        for length in [0, 1, 3, 17, 1000, 1001, 12345, 5, *range(40)]:
            x = np.ones(length, "float32")
            assert executable(x) == length


def test_states_are_checked(addresses) -> None:
    with pytest.raises(GraphError, match=r"variable w: expected f32\[1\], got f32\[2\]"):
        Executable(scale(), addresses, [StateBuffer(np.ones(2, "float32"))])
    with pytest.raises(CompileError, match="expected 1 states, got 0"):
        Executable(scale(), addresses, [])
    buffer = StateBuffer(np.ones((2, 3), "float32"), "W")
    for wrong in (np.ones((3, 2), "float32"), np.ones((2, 3))):
        with pytest.raises(GraphError, match=r"variable W: expected float32\[2, 3\], got"):
            buffer.set(wrong)
    buffer.set(np.arange(6, dtype="float32").reshape(3, 2).T)
    np.testing.assert_array_equal(buffer.get(), np.arange(6).reshape(3, 2).T)


def test_missing_kernel_is_refused(addresses) -> None:
    with pytest.raises(CompileError, match="expected an address of kernel scale, got none"):
        Executable(scale(), {}, [StateBuffer(np.ones(1, "float32"))])
    without_finish = {name: address for name, address in addresses.items() if name != "total_finish"}
    with pytest.raises(CompileError, match="expected an address of kernel total_finish, got none"):
        Executable(total(), without_finish, [])


def test_code_lives_as_long_as_the_executable(addresses) -> None:
    class Code:
        pass

    code = Code()
    executable = scaled(addresses, keep_alive=code)
    alive = weakref.ref(code)
    code.executable = executable  # a cycle, as a code object that knows its programs would make
    del code, executable
    gc.collect()
    assert alive() is None


def test_memory_is_reported(addresses) -> None:
    executable = Executable(total(), addresses, [])
    assert executable.arena_bytes({"batch": 2500}) == 12
    assert executable.peak_bytes({"batch": 2500}) == 12 + 4
    executable = scaled(addresses)
    assert executable.peak_bytes({"batch": 10}) == 4 + 40


def test_profile(addresses) -> None:
    n = StateBuffer(np.array(0), "n")
    profile = Executable(guarded_count(), addresses, [n], structure="single").profile(X)
    assert profile.result == 1 and profile.sizes == {"batch": 12}
    assert len(profile.nanoseconds) == 3 and all(t >= 0 for t in profile.nanoseconds)


def test_an_executable_may_be_subclassed(addresses) -> None:
    class Program(Executable):
        extra = 3

    made = Program(scale(), addresses, [StateBuffer(np.ones(1, "float32"))], structure="single")
    np.testing.assert_array_equal(made(x=X), 2 * X + 1)
    assert made.extra == 3 and made.program.name == "test"


def test_wrong_structure_is_refused() -> None:
    with pytest.raises(CompileError, match="expected a structure for 1 outputs"):
        Executable(identity((B,), ("batch",)), {}, [], structure=("a", "b"))
