"""Models: networks with inputs, which train, save and summarise themselves; one file a kind."""

from graphc.nn.models.function import InputLayer, Lambda
from graphc.nn.models.model import Model
from graphc.nn.models.sequential import Sequential

__all__ = ["InputLayer", "Lambda", "Model", "Sequential"]
