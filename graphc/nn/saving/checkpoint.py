"""Checkpoints: everything that decides how training goes on, so that it resumes bit for bit.

They stand apart from models: variables of the model (random streams too), of the optimiser (its step and learning
rate too) and of the metrics, the position in the data and its order, the history and the state of callbacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import random
from graphc.nn.saving.archive import Arrays, read_archive, refuse, write_archive
from graphc.nn.saving.files import PathLike
from graphc.nn.saving.weights import arrays_of, assign, built_variables
from graphc.nn.training.history import History
from graphc.nn.training.loop import Position, Shuffling
from graphc.variables import Variable

if TYPE_CHECKING:
    from graphc.nn.models.model import Model

_MARK = "array"  # {"array": name} stands in JSON for an array


def save_checkpoint(model: Model, path: PathLike) -> None:
    """Write the state of the training of `model`. Raises `GraphError` before `compile`, and `OSError`."""
    arrays = arrays_of(_variables(model))
    arrays.update((f"metrics/{name}", array) for name, array in arrays_of(_metrics(model)).items())
    states = _states(model)
    document = {
        "position": vars(model.position),
        "shuffling": {"seed": model.shuffling.seed, "epochs": model.shuffling.epochs},
        "history": _packed(model.history.history, "history", arrays),
        "epochs": model.history.epoch,
        "baseline": model.history.baseline,
        "callbacks": _packed(states, "callbacks", arrays),
    }
    write_archive(path, "checkpoint", document, arrays)


def load_checkpoint(model: Model, path: PathLike) -> Position:
    """Let the next `fit` of `model` go on from the checkpoint, up to its `epochs`; returns where that is.

    The model must be declared and compiled as it was. Raises `GraphError`, which says what differs, and then leaves
    the model as it is.
    """
    document, arrays = read_archive(path, "checkpoint")
    try:
        position = Position(*_counts(document["position"], "epoch", "batch"))
        shuffling = Shuffling(*_counts(document["shuffling"], "seed", "epochs"))
        history = History(_unpacked(document["history"], arrays), document["epochs"], document["baseline"])
        states = _unpacked(document["callbacks"], arrays)
    except (KeyError, TypeError) as error:
        refuse(f"expected the state of a training in {path}, got one that is damaged ({error!r})")
    kept = {name: a for name, a in arrays.items() if name.partition("/")[0] in ("model", "optimizer", "random")}
    variables = _variables(model)
    for name in ("random/key", "random/calls"):
        if name in kept:
            variables[name] = getattr(random.default_generator, name.partition("/")[2])
    assign(variables, kept, str(path))
    metrics = {n.removeprefix("metrics/"): a for n, a in arrays.items() if n.startswith("metrics/")}
    model.resume(position, shuffling, history, states, metrics)
    return position


def _counts(document: Any, *names: str) -> list[int]:
    """Numbers ≥ 0 by name. Raises `KeyError` and `TypeError`."""
    counts = [document[name] for name in names]
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in counts):
        raise TypeError(f"{', '.join(names)}: {counts}")
    return counts


def restore_metrics(model: Model, arrays: Arrays) -> None:
    """Set the sums of an epoch that is under way; the metrics are declared by then."""
    assign(_metrics(model), arrays, "the checkpoint")


def _variables(model: Model) -> dict[str, Variable]:
    """The variables of model and optimiser, and of the generator of `gc.random`, if a program drew from it."""
    named = {f"model/{path}": variable for path, variable in built_variables(model).items()}
    if not model.compiled:
        model.objective  # refuses  # noqa: B018
    model.optimizer.build(model.trainable_variables)
    for number, variable in enumerate(model.optimizer.variables):
        named[f"optimizer/{number}/{variable.name.rpartition('/')[2]}"] = variable
    generator = random.default_generator
    if int(generator.calls.value):
        named.update({"random/key": generator.key, "random/calls": generator.calls})
    return named


def _metrics(model: Model) -> dict[str, Variable]:
    measures = model.objective.measures().items()
    return {f"{name}/{i}": v for name, metric in measures for i, v in enumerate(metric.variables)}


def _states(model: Model) -> list[dict[str, Any]]:
    if model.callbacks is not None:
        return model.callbacks.states()
    return model.restored_callbacks or []


def _packed(nest: Any, name: str, arrays: Arrays) -> Any:
    """The nest with arrays moved to `arrays`, and NumPy numbers as Python's."""
    if isinstance(nest, dict):
        return {key: _packed(item, f"{name}/{key}", arrays) for key, item in nest.items()}
    if isinstance(nest, list | tuple):
        return [_packed(item, f"{name}/{i}", arrays) for i, item in enumerate(nest)]
    if isinstance(nest, np.ndarray) and nest.ndim:
        arrays[name] = nest
        return {_MARK: name}
    return nest.item() if isinstance(nest, np.generic | np.ndarray) else nest


def _unpacked(nest: Any, arrays: Arrays) -> Any:
    if isinstance(nest, dict):
        if set(nest) == {_MARK}:
            return arrays[nest[_MARK]]
        return {key: _unpacked(item, arrays) for key, item in nest.items()}
    return [_unpacked(item, arrays) for item in nest] if isinstance(nest, list) else nest
