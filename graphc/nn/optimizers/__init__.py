"""Optimisers as symbolic updates, and schedules of their learning rate."""

from __future__ import annotations

from typing import Any

from graphc.nn.optimizers.base import Optimizer
from graphc.nn.optimizers.rules import SGD, Adagrad, Adam, AdamW, Lion, RMSprop
from graphc.nn.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from graphc.nn.serialization import resolve

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "Lion",
    "Optimizer",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "RMSprop",
    "get",
]


def get(identifier: Any) -> Optimizer:
    """An optimiser from itself, its class, its name ("adam") or its config. Raises `GraphError`."""
    return resolve(Optimizer, "an optimizer", identifier, spelling=str.lower)
