"""Neural networks as plain functions on symbolic values; they stand on the public API alone."""

from graphc.nn import losses
from graphc.nn.functional import (
    dropout,
    gelu,
    log_sigmoid,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
