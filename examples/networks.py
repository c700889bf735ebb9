"""Fully connected networks in the low-level API: declared values and nothing else, no layer objects.

They stand apart from the demo so that the test against NumPy trains exactly these graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import graphc as gc


@dataclass(frozen=True)
class Network:
    """A classifier: inputs, variables and what can be computed from them."""

    x: gc.Value  # f32[batch, features]
    t: gc.Value  # i64[batch], labels
    parameters: list[gc.Variable]  # W₀, b₀, W₁, b₁, …
    logits: gc.Value  # f32[batch, classes]
    classes: gc.Value  # i64[batch], predicted labels
    loss: gc.Value  # f32[], mean cross entropy
    accuracy: gc.Value  # f32[]


def initial_parameters(sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Weights normal with variance 1/fan-in (LeCun 1998, which suits tanh), biases zero; float32."""
    generator = np.random.default_rng(seed)
    arrays = []
    for fan_in, fan_out in pairwise(sizes):
        arrays.append(generator.normal(0, fan_in**-0.5, (fan_in, fan_out)).astype("float32"))
        arrays.append(np.zeros(fan_out, "float32"))
    return arrays


def declare_network(arrays: Sequence[np.ndarray]) -> Network:
    """A chain of affine maps with tanh between them, starting from the given W₀, b₀, W₁, b₁, …"""
    batch = gc.dim("batch")
    x = gc.input("x", (batch, arrays[0].shape[0]), "float32")
    t = gc.input("t", (batch,), "int64")
    parameters = []
    hidden = x
    for layer in range(len(arrays) // 2):
        weight = gc.variable(arrays[2 * layer], name=f"W{layer}")
        bias = gc.variable(arrays[2 * layer + 1], name=f"b{layer}")
        parameters += [weight, bias]
        logits = hidden @ weight + bias
        hidden = gc.tanh(logits)
    classes = gc.argmax(logits, axis=-1)
    loss = gc.nn.losses.cross_entropy(logits, t)
    accuracy = gc.mean(gc.astype(classes == t, "float32"))
    return Network(x, t, parameters, logits, classes, loss, accuracy)
