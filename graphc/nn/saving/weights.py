"""Weights of a model as a safetensors file, named by the place of each variable in the model.

They stand apart from whole models because they go into any model of the same architecture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from graphc.nn.saving.archive import Arrays, decode_arrays, encode_arrays, existing, refuse
from graphc.nn.saving.files import PathLike, write_atomically
from graphc.variables import Variable

if TYPE_CHECKING:
    from graphc.nn.models.model import Model

_SHOWN = 5  # differences in one message


def save_weights(model: Model, path: PathLike) -> None:
    """Write all variables of the model; other programs read the file too. Raises `GraphError` and `OSError`."""
    data = encode_arrays(arrays_of(built_variables(model)))
    write_atomically(path, lambda file: file.write(data))


def load_weights(model: Model, path: PathLike) -> None:
    """Set all variables of the model. Raises `GraphError`, which says what differs, and then sets none."""
    place = existing(path)
    assign(built_variables(model), decode_arrays(place.read_bytes(), str(place)), str(place))


def built_variables(model: Model) -> dict[str, Variable]:
    """The variables by path. Raises `GraphError` for a model that has not made them yet."""
    if not model.built and not model.inputs:
        refuse(
            f"expected a model whose weights are made (an Input, build or fit), got {model.name}, which has none yet"
        )
    if model.inputs:
        model.declaration(training=False)  # a subclass makes its weights when it is called
    return model.named_variables()


def arrays_of(variables: Mapping[str, Variable]) -> Arrays:
    """The values by name."""
    return {name: variable.value for name, variable in variables.items()}


def assign(variables: Mapping[str, Variable], arrays: Mapping[str, np.ndarray], place: str) -> None:
    """Set the variables, all or none. Raises `GraphError` with the names, shapes and dtypes that differ."""
    differences = [f"no {name!r}" for name in variables if name not in arrays]
    differences += [f"{name!r}, which the model has not" for name in sorted(arrays) if name not in variables]
    for name, variable in variables.items():
        if name in arrays:
            array = arrays[name]
            if array.shape != variable.shape or array.dtype != variable.dtype.numpy:
                wanted = f"{variable.dtype.name}{list(variable.shape)}"
                differences.append(f"{array.dtype.name}{list(array.shape)} for {name!r} instead of {wanted}")
    if differences:
        more = f" and {len(differences) - _SHOWN} more differences" if len(differences) > _SHOWN else ""
        refuse(f"expected the variables of this model in {place}, got {'; '.join(differences[:_SHOWN])}{more}")
    for name, variable in variables.items():
        variable.value = arrays[name]
