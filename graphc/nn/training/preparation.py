"""Preparation: from what a user passes to `fit` to a source of batches that fits the model.

It stands apart from sources and arrays because it knows the model: names and dtypes of its inputs and outputs, and
which labels its outputs can have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import ops
from graphc.data import Dataset
from graphc.ir.value import Value
from graphc.nn.losses import Loss
from graphc.nn.structure import leaves
from graphc.nn.tracing import Input
from graphc.nn.training.arrays import all_finite, as_array
from graphc.nn.training.sources import (
    ArraySource,
    DatasetSource,
    Layout,
    Samples,
    Source,
    StreamSource,
    samples,
)

if TYPE_CHECKING:
    from graphc.nn.models.model import Model


def prepared(model: Model, method: str, x: Any, y: Any, w: Any, class_weight: Any, steps: int | None) -> Source:
    """A source of batches for `method`; targets are prepared unless it is "predict". Raises `GraphError`."""
    supervised = method != "predict"
    if supervised:
        model.objective.require_loss()
    if x is None:
        ops.refuse(method, "expected x, the data, got None")
    if isinstance(x, Dataset):
        if y is not None:
            ops.refuse(method, "expected a Dataset, which has its labels, or x and y, got a Dataset and y")
        x, y = x.x, (x.y if supervised else None)

    def layouts(example: Any) -> Layout:
        return layout_of(model, example, supervised, class_weight)

    if _is_stream(x) or _is_dataset(x):
        if y is not None or w is not None:
            ops.refuse(
                method, "expected y and sample_weight inside of the batches of an iterable x, got them beside it"
            )

        def check(made: Samples) -> None:
            if supervised:
                _check_labels(model, method, made)

        source: Source = StreamSource(layouts, check, x, steps) if _is_stream(x) else DatasetSource(layouts, check, x)
        if supervised and not source.specs.y:
            ops.refuse(method, "expected batches (x, y) or (x, y, sample_weight), got x without y")
        return source
    return ArraySource(checked_samples(model, method, x, y, w, class_weight))


def checked_samples(model: Model, method: str, x: Any, y: Any, w: Any = None, class_weight: Any = None) -> Samples:
    """Arrays that fit the model, with targets unless `method` predicts. Raises `GraphError`."""
    supervised = not method.startswith("predict")
    if supervised:
        model.objective.require_loss()
        if y is None:
            ops.refuse(method, "expected y, the targets, got None")
    made = samples(layout_of(model, x, supervised, class_weight), x, y if supervised else None, w)
    if len(made) == 0:
        ops.refuse(method, "expected at least one sample, got none")
    _check_inputs(model, made)
    if supervised:
        _check_labels(model, method, made)
    return made


def layout_of(model: Model, example: Any, supervised: bool, class_weight: Any) -> Layout:
    """Names and dtypes of the model's arrays; a model that knows no inputs takes them from the example."""
    if not model.inputs:
        declare_inputs(model, example)
    inputs = model.inputs
    names: list[str] = model.output_names if supervised else []
    wanted = ["int64" if label else None for label in model.objective.wants_labels(names)] if supervised else []
    if class_weight is not None and not isinstance(class_weight, Mapping):
        ops.refuse("fit", f"expected class_weight to be a dict from labels to weights, got {class_weight!r}")
    return Layout(
        tuple(value.attrs["name"] for value in inputs),
        tuple(value.dtype.name for value in inputs),
        tuple(value.ndim for value in inputs),
        tuple(names),
        tuple(wanted),
        class_weight,
    )


def declare_inputs(model: Model, example: Any) -> None:
    """Give the model inputs like the arrays, or symbolic values, of an example."""

    def declared(name: str | None, part: Any) -> Any:
        if isinstance(part, Value):
            return Input(part.shape[1:], part.dtype, name=name)
        array = as_array("x", part)
        return Input(array.shape[1:] if array.ndim > 1 else (1,), array.dtype.name, name=name)

    if isinstance(example, Mapping):
        model.accept({name: declared(name, part) for name, part in example.items()})
    elif isinstance(example, list | tuple) and len(example) and all(hasattr(part, "shape") for part in example):
        model.accept([declared(None, part) for part in example])
    else:
        model.accept(declared(None, example))


def split(model: Model, source: Source, share: float) -> tuple[Source, Source]:
    """The first part of the samples to train with and the last `share` of them to validate. Raises `GraphError`."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        ops.refuse("fit", f"expected validation_split in [0, 1), got {share!r}")
    if not isinstance(source, ArraySource):
        ops.refuse("fit", "expected arrays for validation_split, got an iterable: pass validation_data")
    count = len(source.data)
    place = int(count * (1 - share))
    if place in (0, count):
        parts = f"{place} to train with and {count - place} to validate"
        ops.refuse(
            "fit", f"expected a validation_split that leaves samples on both sides, got {share} of {count}: {parts}"
        )
    return ArraySource(source.data.rows(0, place)), ArraySource(source.data.rows(place, count))


def refuse_non_finite_weights(model: Model) -> None:
    """Raise `GraphError`, which names the variable, for weights that no training can repair."""
    for path, variable in model.named_variables().items():
        if variable.dtype.is_float and not all_finite(variable.value):
            ops.refuse(model.name, f"expected finite weights to start from, got NaN or infinity in {path!r}")


def _is_dataset(x: Any) -> bool:
    arrays = hasattr(x, "__array__") or hasattr(x, "to_numpy") or isinstance(x, list | tuple | Mapping | str)
    return not arrays and hasattr(x, "__getitem__") and hasattr(x, "__len__")


def _is_stream(x: Any) -> bool:
    arrays = hasattr(x, "__array__") or hasattr(x, "to_numpy") or isinstance(x, list | tuple | Mapping | str)
    return not arrays and hasattr(x, "__iter__") and not _is_dataset(x)


def _check_inputs(model: Model, made: Samples) -> None:
    from graphc.nn.training.programs import check_inputs

    check_inputs(model, model.inputs, made.specs.x)


def _check_labels(model: Model, method: str, made: Samples) -> None:
    """Class numbers that an output has no class for are refused before the first step."""
    names = model.output_names
    outputs = leaves(model.declaration(training=False).outputs)
    for name, loss, output, labels in zip(names, model.objective.loss_of(names), outputs, made.y, strict=True):
        classes = _classes(loss, output)
        if classes is None or labels.dtype.kind not in "iu":
            continue
        bad = labels[(labels < 0) | (labels >= classes)]
        ignored = getattr(loss, "ignore_class", None)
        bad = bad if ignored is None else bad[bad != ignored]
        if bad.size:
            wanted = f"labels in [0, {classes}), for the {classes} classes of output {name!r}"
            ops.refuse(method, f"expected {wanted}, got {bad.flat[0]}")


def _classes(loss: Loss | None, output: Value) -> int | None:
    """The number of classes of an output that is compared with class numbers."""
    sparse = loss is not None and hasattr(loss, "ignore_class") and output.ndim > 0
    axis = getattr(loss, "axis", -1)
    size: Any = output.shape[axis] if sparse else None
    return int(size) if isinstance(size, int | np.integer) else None
