"""A whole model as one file: its architecture and what `compile` was told as JSON, its weights as safetensors.

It stands apart from checkpoints, which hold how far training is and need the model to be declared already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphc.errors import GraphError
from graphc.nn.saving.archive import read_archive, refuse, write_archive
from graphc.nn.saving.files import PathLike
from graphc.nn.saving.weights import arrays_of, assign, built_variables
from graphc.nn.serialization import deserialize, serialize

if TYPE_CHECKING:
    from graphc.nn.models.model import Model


def save_model(model: Model, path: PathLike) -> None:
    """Write architecture, weights, and optimiser, loss and metrics where JSON can hold them (functions it can't).

    Raises `GraphError` for a model with functions between its layers that have no known name, and `OSError`.
    """
    from graphc.nn.models.declaration import inputs_config

    variables = built_variables(model)
    if not model.inputs:
        refuse(f"expected a model whose inputs are known (an Input, build or data), got {model.name} without")
    document = {
        "model": serialize(model),
        "inputs": inputs_config(model.declared_inputs()),
        "training": _training(model),
    }
    write_archive(path, "model", document, arrays_of(variables))


def load_model(path: PathLike, compile: bool = True) -> Model:
    """The model that `save` wrote: built, with its weights, and compiled if it was.

    Classes of own layers must be defined before; nothing of the file is run. Raises `GraphError` for a file that is
    damaged, of another kind, or does not fit together.
    """
    from graphc.nn.models.declaration import inputs_from_config
    from graphc.nn.models.model import Model

    document, arrays = read_archive(path, "model")
    try:
        model = deserialize(document["model"])
        if not isinstance(model, Model):
            refuse(f"expected a model in {path}, got {type(model).__name__}")
        model.accept(inputs_from_config(document["inputs"]))  # a subclass learnt them from data
        variables = built_variables(model)
    except GraphError:
        raise
    except Exception as error:  # whatever a hostile description may do to a constructor
        refuse(f"expected the description of a model in {path}, got one that is damaged ({error!r})")
    assign(variables, arrays, str(path))
    training = document.get("training")
    if compile and training is not None:
        try:
            model.compile(deserialize(training["optimizer"]), **training["objective"])
        except (KeyError, TypeError, AttributeError) as error:
            refuse(f"expected what compile was told in {path}, got a description that is damaged ({error!r})")
    return model


def _training(model: Model) -> dict[str, Any] | None:
    if not model.compiled:
        return None
    try:
        return {"optimizer": serialize(model.optimizer), "objective": model.objective.get_config()}
    except GraphError:  # a loss that is a user's function: the model is loaded as one that is not compiled
        return None
