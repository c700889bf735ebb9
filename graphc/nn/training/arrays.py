"""Arrays from users' data: NumPy, pandas, tensors and lists become arrays that a program takes.

It stands apart from the sources, which cut arrays into batches: here is what a user may pass and what is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from graphc import dtypes, ops
from graphc.errors import GraphError

Array = np.ndarray


def refuse(message: str) -> NoReturn:
    """Raise `GraphError` with the user's line."""
    ops.refuse("data", message)


def as_arrays(what: str, data: Any, names: Sequence[str], dtype_names: Sequence[str | None]) -> list[Array]:
    """One array for each name, from an array, a frame, or a list or dict of them; `what` is "x", "y" or the like.

    `dtype_names` are the dtypes that are wanted; None keeps integers and makes floats float32. Raises `GraphError`.
    """
    parts = _parts(what, data, names)
    return [
        as_array(what if len(names) == 1 else f"{what}[{name!r}]", part, dtype)
        for name, part, dtype in zip(names, parts, dtype_names, strict=True)
    ]


def _parts(what: str, data: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(data, Mapping) or (len(names) > 1 and hasattr(data, "columns")):
        keys = list(data.keys())
        missing = [name for name in names if name not in keys]
        if missing:
            refuse(f"expected {what} with the keys {', '.join(map(repr, names))}, got {', '.join(map(repr, keys))}")
        return [data[name] for name in names]
    if len(names) == 1:
        several = isinstance(data, list | tuple) and len(data) == 1 and np.ndim(data[0]) > 0
        return [data[0]] if several and hasattr(data[0], "__array__") else [data]
    if not isinstance(data, list | tuple) or len(data) != len(names):
        got = f"{len(data)}" if isinstance(data, list | tuple) else f"one object of type {type(data).__name__}"
        refuse(f"expected {len(names)} arrays in {what}, for {', '.join(map(repr, names))}, got {got}")
    return list(data)


def as_array(what: str, data: Any, dtype: str | None = None) -> Array:
    """`data` as a contiguous array of `dtype`, or of float32, bool or its own kind of integer. Raises `GraphError`."""
    if hasattr(data, "to_numpy"):
        _refuse_columns_without_numbers(what, data)
        data = data.to_numpy()
    elif hasattr(data, "detach"):  # a PyTorch tensor
        data = data.detach().cpu().numpy()
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        refuse(f"expected {what} to be an array of numbers, got {type(data).__name__} ({error})")
    if array.dtype.kind not in "biuf":
        kind = "strings" if array.dtype.kind in "US" or _holds_strings(array) else f"dtype {array.dtype}"
        hint = " (np.unique(y, return_inverse=True)[1] numbers them)" if kind == "strings" else ""
        refuse(f"expected {what} to hold numbers, got {kind}{hint}")
    wanted = np.dtype(dtype) if dtype is not None else _kept(array.dtype)
    if wanted.kind != "f" and array.dtype.kind == "f":
        rounded = array.astype(wanted)
        if not np.array_equal(rounded, array):
            refuse(f"expected whole numbers in {what}, for dtype {wanted.name}, got {array.dtype.name} with fractions")
        return rounded
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, wanted) if array.ndim else np.asarray(array, wanted)


def _kept(dtype: np.dtype) -> np.dtype:
    """float32 for floats, else the dtype in native byte order, if graphc has it."""
    if dtype.kind == "f":
        return np.dtype(np.float32)
    try:
        return dtypes.as_dtype(dtype.newbyteorder("=")).numpy
    except GraphError:
        return np.dtype(np.int64)


def _holds_strings(array: Array) -> bool:
    return array.dtype == object and array.size > 0 and isinstance(array.flat[0], str)


def _refuse_columns_without_numbers(what: str, frame: Any) -> None:
    types = getattr(frame, "dtypes", None)
    if hasattr(frame, "columns") and types is not None:
        bad = [str(c) for c, t in zip(frame.columns, types, strict=True) if getattr(t, "kind", "O") not in "biuf"]
        if bad:
            refuse(f"expected columns of numbers in {what}, got {', '.join(map(repr, bad))} without")


def refuse_non_finite(what: str, array: Array) -> None:
    """Raise `GraphError`, which says where, if the array holds a NaN or an infinity."""
    if array.dtype.kind != "f" or all_finite(array):
        return
    bad = np.argwhere(~np.isfinite(array))
    place = ", ".join(map(str, bad[0]))
    more = f" and in {len(bad) - 1:,} more places" if len(bad) > 1 else ""
    refuse(f"expected finite numbers in {what}, got {array[tuple(bad[0])]} at [{place}]{more}")


def all_finite(array: Array) -> bool:
    """Whether no number is NaN or infinite; one pass and no copy, unless the sum overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()) or np.isfinite(array).all())
