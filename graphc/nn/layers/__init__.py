"""Layers: one file a family."""

from graphc.nn.layers.activations import ELU, LeakyReLU, PReLU, ReLU, Softmax
from graphc.nn.layers.base import Layer
from graphc.nn.layers.core import Activation, ActivityRegularization, Dense, Embedding, Flatten, Reshape
from graphc.nn.layers.merging import Add, Average, Concatenate, Maximum, Minimum, Multiply, Subtract
from graphc.nn.layers.normalization import BatchNormalization, LayerNormalization
from graphc.nn.layers.preprocessing import Normalization, Rescaling
from graphc.nn.layers.regularization import Dropout, GaussianDropout, GaussianNoise

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "Average",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "Subtract",
]
