"""Whole training steps: an MLP where GEMM and memory decide, and a tiny one where the overhead does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.case import Arrays, Call, Case, Ops, Peer

MLP = (784, 512, 256, 10)
TINY = (4, 16, 3)
CHECKED_STEPS = 3


def network_loss(ops: Ops, parameters: Any, x: Any, t: Any) -> Any:
    """Cross entropy of a relu network. `parameters`: W₀, b₀, W₁, b₁, …"""
    hidden = x
    for layer in range(0, len(parameters), 2):
        logits = ops.linear(hidden, parameters[layer], parameters[layer + 1])
        hidden = ops.relu(logits)
    return ops.cross_entropy(logits, t)


def arguments(sizes: tuple[int, ...], batch: int) -> Arrays:
    """x, t, then the parameters."""
    generator = np.random.default_rng(4)
    x = generator.normal(size=(batch, sizes[0])).astype("float32")
    t = generator.integers(0, sizes[-1], batch)
    parameters = []
    for fan_in, fan_out in pairwise(sizes):
        parameters.append((generator.normal(size=(fan_in, fan_out)) * (2 / fan_in) ** 0.5).astype("float32"))
        parameters.append(np.zeros(fan_out, "float32"))
    return [x, t, *parameters]


def build_mlp_step(peer: Peer, arrays: Arrays) -> Call:
    """The MLP's Adam step; also what the whole processes of compile_time.py and memory.py run."""
    return peer.training_step(network_loss, arrays[2:], arrays[:2], "adam", 1e-3)


def build_tiny_step(peer: Peer, arrays: Arrays) -> Call:
    return peer.training_step(network_loss, arrays[2:], arrays[:2], "sgd", 0.1)


def _loss_and_gradients(parameters: list[np.ndarray], x: np.ndarray, t: np.ndarray) -> tuple[float, list[np.ndarray]]:
    values = [x]
    for layer in range(0, len(parameters), 2):
        y = values[-1] @ parameters[layer] + parameters[layer + 1]
        values.append(np.maximum(y, 0) if layer < len(parameters) - 2 else y)
    rows = np.arange(len(t))
    shifted = values[-1] - values[-1].max(1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(1, keepdims=True))
    gradient = np.exp(shifted - log_sum)
    gradient[rows, t] -= 1
    gradient /= len(t)
    gradients: list[np.ndarray] = []
    for layer in range(len(parameters) - 2, -1, -2):
        inputs = values[layer // 2]
        gradients[:0] = [inputs.T @ gradient, gradient.sum(0)]
        gradient = (gradient @ parameters[layer].T) * (inputs > 0)
    return float((log_sum[:, 0] - shifted[rows, t]).mean()), gradients


def _reference(update: Callable) -> Callable[..., list[np.ndarray]]:
    """The loss of the last of CHECKED_STEPS steps."""

    def losses(x: np.ndarray, t: np.ndarray, *parameters: np.ndarray) -> list[np.ndarray]:
        parameters = [p.copy() for p in parameters]
        state: dict[int, Any] = {}
        for count in range(1, CHECKED_STEPS + 1):
            loss, gradients = _loss_and_gradients(parameters, x, t)
            for i, gradient in enumerate(gradients):
                parameters[i] -= update(state, i, gradient, count)
        return [np.asarray(loss)]

    return losses


def _sgd(state: dict, i: int, gradient: np.ndarray, count: int) -> np.ndarray:
    return 0.1 * gradient


def _adam(state: dict, i: int, gradient: np.ndarray, count: int) -> np.ndarray:
    mean, square = state.get(i, (0, 0))
    mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
    state[i] = mean, square
    return 1e-3 * (mean / (1 - 0.9**count)) / (np.sqrt(square / (1 - 0.999**count)) + 1e-8)


def _weights(sizes: tuple[int, ...]) -> int:
    return sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes))


def _flops(sizes: tuple[int, ...], batch: int) -> int:
    """Forward, gradient by weight, and gradient by input for every layer but the first."""
    return 2 * batch * (3 * _weights(sizes) - sizes[0] * sizes[1])


CASES = (
    Case(
        "MLP 784-512-256-10, Adam step, batch 128",
        arguments=lambda: arguments(MLP, 128),
        build=build_mlp_step,
        reference=_reference(_adam),
        bytes=4 * (6 * _weights(MLP) + 128 * MLP[0]),  # parameters and both moments are read and written
        flops=_flops(MLP, 128),
        tolerance=1e-3,
        calls_to_check=CHECKED_STEPS,
    ),
    Case(
        "MLP 4-16-3, SGD step, batch 16",
        arguments=lambda: arguments(TINY, 16),
        build=build_tiny_step,
        reference=_reference(_sgd),
        bytes=4 * (2 * _weights(TINY) + 16 * TINY[0]),
        flops=_flops(TINY, 16),
        tolerance=1e-4,
        calls_to_check=CHECKED_STEPS,
    ),
)
