"""What a program's input, or the value of a variable, may be besides a contiguous NumPy array of the right dtype.

It stands apart because the C++ call path comes here only when the cheap test failed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import GraphError

_HOST_DEVICES = (1, 3, 11, 13)  # DLPack: CPU, and memory pinned by CUDA, ROCm or managed by CUDA

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}


def as_input(value: Any, name: str, dtype: str) -> np.ndarray:
    """`as_array` for input `name`."""
    return as_array(value, f"input {name}", dtype)


def as_array(value: Any, what: str, dtype: str) -> np.ndarray:
    """`value` as a C-contiguous, aligned array of `dtype` in native byte order; errors call it `what`.

    NumPy arrays and scalars, DLPack arrays in host memory and objects that NumPy understands must have the
    dtype already. Python numbers, and lists of them, are converted where no value changes its kind.
    Raises `GraphError`.
    """
    expected = np.dtype(dtype)
    if type(value) is np.ndarray and value.dtype == expected and value.flags.carray:
        return value
    array = _as_array(value, what)
    if array.dtype.name != expected.name:
        if not isinstance(value, (bool, int, float, list, tuple)) or isinstance(value, np.generic):
            raise GraphError(f"{what}: expected {dtype}, got {array.dtype.name}")
        array = _convert_python_numbers(array, what, expected)
    return np.require(array, expected, ["C", "A"])


def _as_array(value: Any, what: str) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "__dlpack_device__"):
        device, _ = value.__dlpack_device__()
        if int(device) not in _HOST_DEVICES:
            raise GraphError(f"{what}: expected an array in host memory, got one on a device ({_place(value)})")
        if not isinstance(value, np.generic):
            return _from_dlpack(value, what)
    elif hasattr(value, "__cuda_array_interface__"):
        raise GraphError(f"{what}: expected an array in host memory, got one on a device ({_place(value)})")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise GraphError(f"{what}: expected an array, got {type(value).__name__}") from error
    if array.dtype.kind not in "biuf":
        raise GraphError(f"{what}: expected an array of numbers, got {type(value).__name__}")
    return array


def _from_dlpack(value: Any, what: str) -> np.ndarray:
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError) as error:  # a dtype that NumPy lacks, a tensor with a gradient
        raise GraphError(f"{what}: expected an array that DLPack can share, got: {error}") from error


def _place(value: Any) -> str:
    return str(getattr(value, "device", type(value).__name__))


def _convert_python_numbers(array: np.ndarray, what: str, expected: np.dtype) -> np.ndarray:
    """bool → integer → float, never back; an empty list has no kind. Integers must be in range."""
    if array.size and _RANK[array.dtype.kind] > _RANK[expected.kind]:
        raise GraphError(f"{what}: expected {expected.name}, got {array.dtype.name}")
    with np.errstate(over="ignore"):  # beyond float32's range is infinity
        converted = array.astype(expected)
    if expected.kind != "f" and not np.array_equal(converted, array):
        raise GraphError(
            f"{what}: expected numbers in the range of {expected.name}, got {array.min()} to {array.max()}"
        )
    return converted
