"""Neural networks as plain functions on symbolic values; they stand on the public API alone.

Each name is imported when it is asked for (PEP 562): a program that needs one loss loads no models and no training.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphc.nn.recording import Recording, recording  # here: a module has the name of the function

if TYPE_CHECKING:  # the same names once more, as checkers of types and editors read them
    from graphc.nn import (
        activations,
        constraints,
        functional,
        initializers,
        layers,
        losses,
        metrics,
        optimizers,
        regularizers,
    )
    from graphc.nn.functional import (
        dropout,
        elu,
        exponential,
        gelu,
        hard_sigmoid,
        leaky_relu,
        log_sigmoid,
        log_softmax,
        logsumexp,
        mish,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        softmax,
        softplus,
        softsign,
        tanh,
    )
    from graphc.nn.layers import *  # noqa: F403 - all layers, by their __all__
    from graphc.nn.models import InputLayer, Lambda, Model, Sequential
    from graphc.nn.naming import clear_session
    from graphc.nn.parameter import Parameter
    from graphc.nn.saving import load_model
    from graphc.nn.seeding import set_seed
    from graphc.nn.serialization import deserialize, serialize
    from graphc.nn.tracing import Input
    from graphc.nn.training import Diagnosis, History, callbacks

_MODULES = {  # name → where
    "activations": "activations",
    "callbacks": "training.callbacks",
    "constraints": "constraints",
    "functional": "functional",
    "initializers": "initializers",
    "layers": "layers",
    "losses": "losses",
    "metrics": "metrics",
    "optimizers": "optimizers",
    "regularizers": "regularizers",
}
_NAMES = {  # module → what stands here too
    "functional": (
        "dropout elu exponential gelu hard_sigmoid leaky_relu log_sigmoid log_softmax logsumexp mish relu "
        "relu6 selu sigmoid silu softmax softplus softsign tanh"
    ),
    "layers": (
        "ELU Activation ActivityRegularization Add Average BatchNormalization Concatenate Dense Dropout "
        "Embedding Flatten GaussianDropout GaussianNoise Layer LayerNormalization LeakyReLU Maximum Minimum "
        "Multiply Normalization PReLU ReLU Rescaling Reshape Softmax Subtract"
    ),
    "models": "InputLayer Lambda Model Sequential",
    "naming": "clear_session",
    "parameter": "Parameter",
    "saving": "load_model",
    "seeding": "set_seed",
    "serialization": "deserialize serialize",
    "tracing": "Input",
    "training": "Diagnosis History",
}
_PLACES = {name: module for module, names in _NAMES.items() for name in names.split()}
__all__ = sorted(("Recording", "recording", *_MODULES, *_PLACES))


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{_MODULES[name]}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
