"""Objective: what `compile` was told — losses, metrics and their weights — as values of a program.

It stands apart from the programs because it holds the metrics, whose variables all programs of a model share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NoReturn

import numpy as np

from graphc import ops
from graphc.dtypes import float64
from graphc.ir.value import Value
from graphc.nn import losses, metrics
from graphc.nn.losses import Loss, SparseCategoricalCrossentropy
from graphc.nn.metrics import Mean, Metric
from graphc.nn.naming import suggestion
from graphc.nn.serialization import serialize
from graphc.variables import Variable

_ACCURACY = ("accuracy", "acc")
Spec = str | Metric  # a metric, or "accuracy", which is decided by targets and loss


@dataclass(frozen=True)
class Measured:
    """The loss to minimise before penalties, the loss of each output, and the next states of metrics."""

    loss: Value
    by_output: dict[str, Value]
    updates: dict[Variable, Value]


class Objective:
    """Losses and metrics by output. Arguments as `Model.compile` has them; raises `GraphError`."""

    def __init__(self, loss: Any, metrics: Any, loss_weights: Any, weighted_metrics: Any):
        self.loss, self.metrics = _each(_loss, loss), _each(_metric, metrics)
        self.loss_weights, self.weighted_metrics = loss_weights, _each(_metric, weighted_metrics)
        self.mean_loss = Mean(name="loss")
        self._output_means: dict[str, Mean] = {}
        self._chosen: dict[tuple[str, int, bool], Metric] = {}  # by output, place and whether weights count

    def get_config(self) -> dict[str, Any]:
        """The arguments as JSON has them. Raises `GraphError` for functions."""
        parts = (self.loss, self.metrics, self.loss_weights, self.weighted_metrics)
        return dict(zip(("loss", "metrics", "loss_weights", "weighted_metrics"), map(serialize, parts), strict=True))

    def require_loss(self) -> None:
        """Raise `GraphError` if `compile` was given none."""
        if self.loss is None:
            _refuse("expected a loss to train or to evaluate with, got none: compile(optimizer, loss=…)")

    def loss_of(self, names: Sequence[str]) -> list[Loss | None]:
        """The loss of each output. Raises `GraphError` for a list or dict that does not fit the outputs."""
        self.require_loss()
        if isinstance(self.loss, Loss):
            return [self.loss] * len(names)
        return _by_output("loss", self.loss, names, None)

    def measure(
        self, names: Sequence[str], targets: Sequence[Value], outputs: Sequence[Value], weights: Sequence[Value | None]
    ) -> Measured:
        """Losses and metrics of a batch, as values. Raises `GraphError` for targets that do not fit an output."""
        factors = _loss_weights(self.loss_weights, names)
        updates: dict[Variable, Value] = {}
        by_output: dict[str, Value] = {}
        terms = []
        for name, loss, target, output, weight in zip(
            names, self.loss_of(names), targets, outputs, weights, strict=True
        ):
            if loss is not None:
                value = loss(target, output, weight)
                by_output[name] = ops.mean(value) if value.ndim else value
                terms.append(by_output[name] * factors[name])
            for metric in self._metrics(name, names, target, output, loss, False):
                updates.update(metric.update(target, output))
            for metric in self._metrics(name, names, target, output, loss, True):
                updates.update(metric.update(target, output, weight))
        if not terms:
            _refuse(f"expected a loss for one of the outputs {', '.join(names)}, got none")
        return Measured(reduce(lambda a, b: a + b, terms), by_output, updates)

    def means(self, total: Value, measured: Measured, size: Any) -> dict[Variable, Value]:
        """The next states of the mean losses of the epoch, in which a batch counts by its `size`."""
        weight = ops.astype(ops.size_of(size), float64)
        updates = dict(self.mean_loss.update(total, weight))
        if len(measured.by_output) > 1:
            for name, value in measured.by_output.items():
                mean = self._output_means.setdefault(name, Mean(name=f"{name}_loss"))
                updates.update(mean.update(value, weight))
        return updates

    def measures(self) -> dict[str, Metric]:
        """All that is measured, by its name in the history: the loss first."""
        found: dict[str, Metric] = {"loss": self.mean_loss}
        found.update((mean.name, mean) for mean in self._output_means.values())
        several = len({output for output, _, _ in self._chosen}) > 1 or len(self._output_means) > 1
        for (output, _, _), metric in self._chosen.items():
            wanted = f"{output}_{metric.name}" if several else metric.name
            label, number = wanted, 1
            while label in found:
                label, number = f"{wanted}_{number}", number + 1
            found[label] = metric
        return found

    def results(self) -> dict[str, Any]:
        """Python floats (arrays for what is not one number) of all that is measured."""
        results = ((name, metric.result()) for name, metric in self.measures().items())
        return {name: r if isinstance(r, np.ndarray) and r.ndim else float(r) for name, r in results}

    def reset(self) -> None:
        """Begin a new epoch."""
        for metric in self.measures().values():
            metric.reset()

    @property
    def variables(self) -> list[Variable]:
        """The states of all metrics."""
        return [v for metric in self.measures().values() for v in metric.variables]

    def wants_labels(self, names: Sequence[str]) -> list[bool]:
        """Which outputs are compared with class numbers."""
        return [isinstance(loss, SparseCategoricalCrossentropy) for loss in self.loss_of(names)]

    def _metrics(
        self, name: str, names: Sequence[str], target: Value, output: Value, loss: Loss | None, weighted: bool
    ) -> list[Metric]:
        given = self.weighted_metrics if weighted else self.metrics
        chosen = []
        for number, spec in enumerate(_metrics_of(given, name, names)):
            key = (name, number, weighted)
            if key not in self._chosen:
                self._chosen[key] = metrics.accuracy_for(target, output, loss, spec) if isinstance(spec, str) else spec
            chosen.append(self._chosen[key])
        return chosen


def _loss(identifier: Any) -> Loss:
    return losses.get(identifier)


def _metric(identifier: Any) -> Spec:
    return identifier if identifier in _ACCURACY else metrics.get(identifier)


def _each(make: Any, given: Any) -> Any:
    """`make` of each entry of a nest, before any output is known, so that an unknown name is refused by `compile`."""
    if given is None:
        return None
    if isinstance(given, Mapping) and set(given) != {"class_name", "config"}:
        return {name: _each(make, item) for name, item in given.items()}
    if isinstance(given, list | tuple):
        return [_each(make, item) for item in given]
    return make(given)


def _by_output(what: str, given: Any, names: Sequence[str], default: Any) -> list[Any]:
    if isinstance(given, Mapping):
        for key in given:
            if key not in names:
                _refuse(f"expected {what} by names of outputs ({suggestion(key, names)}), got {key!r}")
        return [given.get(name, default) for name in names]
    if len(given) != len(names):
        _refuse(f"expected {what} for {len(names)} outputs ({', '.join(names)}), got {len(given)}")
    return list(given)


def _metrics_of(given: Any, name: str, names: Sequence[str]) -> list[Spec]:
    if given is None:
        return []
    if not isinstance(given, Mapping) and len(names) == 1:
        nested = isinstance(given, list) and len(given) == 1 and isinstance(given[0], list)
        chosen = given[0] if nested else given
    else:
        chosen = _by_output("metrics", given if isinstance(given, Mapping | list) else [given], names, None)[
            names.index(name)
        ]
    return [] if chosen is None else chosen if isinstance(chosen, list) else [chosen]


def _loss_weights(given: Any, names: Sequence[str]) -> dict[str, float]:
    values = [1.0] * len(names) if given is None else _by_output("loss_weights", _listed(given), names, 1.0)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            _refuse(f"expected numbers in loss_weights, got {value!r}")
    return dict(zip(names, map(float, values), strict=True))


def _listed(given: Any) -> Any:
    return given if isinstance(given, Mapping | list | tuple) else [given]


def _refuse(message: str) -> NoReturn:
    ops.refuse("compile", message)
