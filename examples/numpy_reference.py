"""The networks of networks.py trained by a plain NumPy loop, with the gradients written out by hand.

It stands apart because it shares no code with graphc: the same weights and batches must give the same
losses, and a test holds that. All arrays are float32, as in the graph.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def forward(parameters: list[Array], x: Array) -> list[Array]:
    """The input of every layer and, last, the logits. `parameters`: W₀ (n, m), b₀ (m,), W₁, b₁, …"""
    values = [x]
    for layer in range(0, len(parameters), 2):
        y = values[-1] @ parameters[layer] + parameters[layer + 1]
        last = layer == len(parameters) - 2
        values.append(y if last else np.tanh(y))
    return values


def loss_and_gradients(parameters: list[Array], x: Array, t: Array) -> tuple[float, list[Array]]:
    """Mean cross entropy of logits with integer labels `t` (batch,), and its gradient by parameter."""
    values = forward(parameters, x)
    rows = np.arange(len(t))
    shifted = values[-1] - values[-1].max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = np.mean(log_sum[:, 0] - shifted[rows, t])

    gradient = np.exp(shifted - log_sum)  # softmax − one_hot, over the batch size
    gradient[rows, t] -= 1
    gradient /= np.float32(len(t))
    gradients: list[Array] = []
    for layer in range(len(parameters) - 2, -1, -2):
        inputs = values[layer // 2]
        gradients[:0] = [inputs.T @ gradient, gradient.sum(axis=0)]
        gradient = (gradient @ parameters[layer].T) * (1 - inputs * inputs)  # of tanh, by its result
    return float(loss), gradients


class SgdMomentum:
    """v ← μ v + g; p ← p − η v. In place."""

    def __init__(self, parameters: list[Array], learning_rate: float, momentum: float):
        self.parameters, self.learning_rate, self.momentum = parameters, np.float32(learning_rate), np.float32(momentum)
        self.velocities = [np.zeros_like(p) for p in parameters]

    def step(self, gradients: list[Array]) -> None:
        for p, v, g in zip(self.parameters, self.velocities, gradients, strict=True):
            v *= self.momentum
            v += g
            p -= self.learning_rate * v


class Adam:
    """Kingma & Ba 2015, with the bias correction folded into the step size as in their section 2. In place."""

    def __init__(self, parameters: list[Array], learning_rate: float, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.parameters, self.learning_rate = parameters, learning_rate
        self.beta1, self.beta2, self.epsilon = beta1, beta2, np.float32(epsilon)
        self.count = 0
        self.means = [np.zeros_like(p) for p in parameters]
        self.squares = [np.zeros_like(p) for p in parameters]

    def step(self, gradients: list[Array]) -> None:
        self.count += 1
        rate = np.float32(self.learning_rate * np.sqrt(1 - self.beta2**self.count) / (1 - self.beta1**self.count))
        beta1, beta2, one = np.float32(self.beta1), np.float32(self.beta2), np.float32(1)
        for p, m, v, g in zip(self.parameters, self.means, self.squares, gradients, strict=True):
            m *= beta1
            m += (one - beta1) * g
            v *= beta2
            v += (one - beta2) * g * g
            p -= rate * m / (np.sqrt(v) + self.epsilon)
