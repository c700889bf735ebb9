"""Mean, variance and standard deviation: decomposed into sums.

They stand apart from the sums because they need the number of elements, which may be known only at run time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc import ops
from graphc.dims import product
from graphc.dtypes import FLOATING, float64
from graphc.ir.value import Value
from graphc.ops.families import reduction
from graphc.ops.leaves import as_value, size_of
from graphc.ops.reduction import Axis, reduce, reduced_axes, spread, sum


def element_count(x: Value, axes: tuple[int, ...]) -> Value:
    """The number of elements that each result along `axes` sees, as a scalar of x's dtype."""
    return ops.astype(size_of(product(x.shape[a] for a in axes)), x.dtype)


def _as_floating(x: Any) -> Value:
    x = as_value(x)
    return x if x.dtype.is_float else ops.astype(x, float64)


def _count(x: np.ndarray, axes: tuple[int, ...]) -> int:
    return math.prod(x.shape[a] for a in axes)


def _mean_reference(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
    return np.asarray(np.sum(x, axis=axes) / x.dtype.type(_count(x, axes)), x.dtype)


_mean = reduction(
    "mean",
    summary="The arithmetic mean along axes; NaN of nothing.",
    dtypes=FLOATING,
    reference=_mean_reference,
    gradient=lambda g, x, y, axes: (spread(g / element_count(x, axes), x.shape, axes),),
    decompose=lambda x, *, axes: sum(x, axis=axes) / element_count(x, axes),
    onnx="ReduceMean",
)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Value:
    """The arithmetic mean along `axis` (all axes for None); bools and integers are averaged in float64."""
    x = _as_floating(x)
    axes = reduced_axes("mean", axis, x.ndim)
    return reduce(_mean, x, axes, keepdims) if axes else x


def _degrees(x: Value, axes: tuple[int, ...], correction: float) -> Value:
    return ops.maximum(element_count(x, axes) - correction, 0)


def _deviation(x: Value, axes: tuple[int, ...]) -> Value:
    return x - spread(mean(x, axis=axes), x.shape, axes)


def _var_gradient(g: Value, x: Value, y: Value, axes: tuple[int, ...], correction: float) -> tuple[Value]:
    return (spread(2 * g / _degrees(x, axes, correction), x.shape, axes) * _deviation(x, axes),)


def _var_reference(x: np.ndarray, *, axes: tuple[int, ...], correction: float) -> np.ndarray:
    deviation = x - np.sum(x, axis=axes, keepdims=True) / x.dtype.type(_count(x, axes))
    degrees = x.dtype.type(max(_count(x, axes) - correction, 0))
    return np.asarray(np.sum(deviation * deviation, axis=axes) / degrees, x.dtype)


_var = reduction(
    "var",
    summary="The mean squared deviation from the mean along axes, over n - correction elements.",
    dtypes=FLOATING,
    reference=_var_reference,
    gradient=_var_gradient,
    decompose=lambda x, *, axes, correction: (
        sum(ops.square(_deviation(x, axes)), axis=axes) / _degrees(x, axes, correction)
    ),
)


def var(x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Value:
    """The variance along `axis` (all axes for None), divided by n - correction: 0 for a population, 1 for a sample.

    Two passes over the data, so that a large mean costs no digits.
    """
    x = _as_floating(x)
    return reduce(_var, x, reduced_axes("var", axis, x.ndim), keepdims, correction=float(correction))


def std(x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Value:
    """The square root of `var`."""
    return ops.sqrt(var(x, axis, correction, keepdims))
