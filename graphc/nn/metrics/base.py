"""Metric: a number about all samples of an epoch, gathered batch by batch in variables.

It stands apart from the metrics, which say what they count. Sums are kept, never averages of batches, so that
batches of uneven size count by their samples; in float64, so that a million samples add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import ops
from graphc.dims import shape_text
from graphc.dtypes import float64
from graphc.ir.value import Value
from graphc.nn.losses.base import same_rank
from graphc.nn.naming import snake_case
from graphc.nn.serialization import Configured
from graphc.variables import Variable, variable

Updates = list[tuple[Variable, Value]]


class Metric(Configured):
    """`update(y_true, y_pred, sample_weight)` gives pairs (variable, next value) for `gc.compile`; `result()` reads the
    variables, or takes their arrays; `reset()` starts anew.

    A subclass writes `count(y_true, y_pred, weight)`, a dict from names to what one batch adds, and
    `compute(**totals)`, the result from the sums. Names, arguments and defaults: Keras 3. Raises `GraphError`.
    """

    package = "metrics"

    def __init__(self, name: str | None = None):
        self.name = name or snake_case(type(self).__name__)
        self._states: dict[str, Variable] = {}

    # to be written by subclasses -------------------------------------------------------------------------

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        """What a batch adds to each state; `weight` is float64 [batch, …], or None for 1."""
        raise NotImplementedError

    def compute(self, **totals: np.ndarray) -> Any:
        """The metric from the sums of all batches."""
        raise NotImplementedError

    # what users call -------------------------------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """The states; made by the first `update`."""
        return list(self._states.values())

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Updates:
        """The states after this batch: y_true and y_pred [batch, …], weights [batch] or less than that of values."""
        y_pred = ops.as_value(y_pred)
        weight = None if sample_weight is None else ops.astype(ops.as_value(sample_weight), float64)
        return self._added(self.count(ops.as_value(y_true), y_pred, weight))

    def _added(self, amounts: dict[str, Value]) -> Updates:
        updates = []
        for name, amount in amounts.items():
            amount = ops.astype(amount, float64)
            if name not in self._states:
                if not all(isinstance(n, int) for n in amount.shape):
                    self.refuse(f"expected a number of classes that is known when declared, got {amount.type}")
                zeros = np.zeros(amount.shape)
                self._states[name] = variable(zeros, name=f"{self.name}/{name}")
            state = self._states[name]
            if amount.shape != state.shape:
                self.refuse(f"expected values like those before, {shape_text(state.shape)}, got {amount.type}")
            updates.append((state, state + amount))
        return updates

    def result(self, states: Sequence[np.ndarray] | None = None) -> Any:
        """The metric of what was counted since `reset`: a NumPy float or array; NaN where there was nothing.

        `states` are arrays to use instead of the values of `variables`, in their order.
        """
        arrays = [v.value for v in self.variables] if states is None else [np.asarray(s) for s in states]
        if not arrays:
            return np.float64(np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.compute(**dict(zip(self._states, arrays, strict=True)))

    def reset(self) -> None:
        """Forget all that was counted."""
        for state in self.variables:
            state.value = np.zeros(state.shape)

    def refuse(self, message: str) -> Any:
        """Raise `GraphError` with the user's line and the name of the metric."""
        ops.refuse(self.name, message)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Mean(Metric):
    """The weighted mean of values: `update(values, sample_weight)`. Of nothing, 0."""

    def update(self, values: Any, sample_weight: Any = None) -> Updates:  # type: ignore[override]
        """The states after these values of any shape; weights as of a metric."""
        weight = None if sample_weight is None else ops.astype(ops.as_value(sample_weight), float64)
        return self._added(averaged(self, ops.as_value(values), weight))

    def compute(self, **totals: np.ndarray) -> Any:
        return _ratio(totals["total"], totals["count"])


class MeanMetric(Metric):
    """The weighted mean of what `values(y_true, y_pred)` gives for each sample."""

    def values(self, y_true: Value, y_pred: Value) -> Value:
        """One number or bool for each sample."""
        raise NotImplementedError

    def count(self, y_true: Value, y_pred: Value, weight: Value | None) -> dict[str, Value]:
        return averaged(self, self.values(y_true, y_pred), weight)

    def compute(self, **totals: np.ndarray) -> Any:
        return _ratio(totals["total"], totals["count"])


def averaged(metric: Metric, values: Value, weight: Value | None) -> dict[str, Value]:
    """Σ weight * value and Σ weight, in float64."""
    values = ops.astype(values, float64)
    if weight is None:
        return {"total": ops.sum(values), "count": ops.astype(ops.size_of(values.size), float64)}
    weight = weight_like(metric, weight, values)
    return {"total": ops.sum(values * weight), "count": ops.sum(weight)}


def weight_like(metric: Metric, weight: Value, values: Value) -> Value:
    """Weights of the first axes of `values`, repeated along the others. Raises `GraphError`."""
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    fits = weight.ndim <= values.ndim and all(n in (m, 1) for n, m in zip(weight.shape, values.shape, strict=False))
    if not fits:
        metric.refuse(f"expected weights of shape {shape_text(values.shape)}, got {weight.type}")
    weight = ops.reshape(weight, (*weight.shape, *(1,) * (values.ndim - weight.ndim)))
    return ops.broadcast_to(weight, values.shape)


def same_shape(metric: Metric, y_true: Value, y_pred: Value) -> tuple[Value, Value]:
    """Both in one shape, but for an axis of size 1 at the end. Raises `GraphError`."""
    y_true, y_pred = same_rank(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        metric.refuse(
            f"expected targets of shape {shape_text(y_pred.shape)}, that of the predictions, got {y_true.type}"
        )
    return y_true, y_pred


def sparse_labels(metric: Metric, y_true: Value, y_pred: Value) -> Value:
    """Integer labels [batch, …] for predictions [batch, …, classes]. Raises `GraphError`."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1:] == (1,):
        y_true = ops.squeeze(y_true, axis=-1)
    if y_pred.ndim == 0 or y_true.shape != y_pred.shape[:-1]:
        wanted = f"labels of shape {shape_text(y_pred.shape[:-1])} for predictions {y_pred.type}"
        metric.refuse(f"expected {wanted}, got {y_true.type}")
    return y_true


def _ratio(total: np.ndarray, count: np.ndarray) -> Any:
    weight = float(count)
    return np.float64(float(total) / weight if weight else 0.0)
