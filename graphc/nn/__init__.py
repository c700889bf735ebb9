"""Neural networks as plain functions on symbolic values; they stand on the public API alone."""

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
from graphc.nn.recording import Recording, recording
from graphc.nn.saving import load_model
from graphc.nn.seeding import set_seed
from graphc.nn.serialization import deserialize, serialize
from graphc.nn.tracing import Input
from graphc.nn.training import Diagnosis, History, callbacks
