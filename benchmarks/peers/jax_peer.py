"""JAX: every call is one jitted function on arrays that live on the device, with donated training state."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.case import Arrays, Body, Call


def _layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-5) * scale + shift


def _cross_entropy(logits: Any, labels: Any) -> Any:
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


OPS = SimpleNamespace(
    tanh=jnp.tanh,
    exp=jnp.exp,
    erf=jax.scipy.special.erf,
    relu=jax.nn.relu,
    softplus=jax.nn.softplus,
    mean=jnp.mean,
    linear=lambda x, weight, bias: x @ weight + bias,
    matvec=jnp.matmul,
    softmax=lambda x: jax.nn.softmax(x, axis=-1),
    layer_norm=_layer_norm,
    cross_entropy=_cross_entropy,
)


def _adam(parameters: Any, state: Any, gradients: Any, rate: float) -> tuple[Any, Any]:
    count, means, squares = state
    count = count + 1
    means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients, strict=True)]
    squares = [0.999 * v + 0.001 * g * g for v, g in zip(squares, gradients, strict=True)]
    step = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    moved = [p - step * m / (jnp.sqrt(v) + 1e-8) for p, m, v in zip(parameters, means, squares, strict=True)]
    return moved, (count, means, squares)


def _sgd(parameters: Any, state: Any, gradients: Any, rate: float) -> tuple[Any, Any]:
    return [p - rate * g for p, g in zip(parameters, gradients, strict=True)], state


class Jax:
    name = "JAX"

    def version(self) -> str:
        return jax.__version__

    def _call(self, function: Any, arrays: Arrays) -> Call:
        compiled = jax.jit(function)
        tensors = [jax.device_put(array) for array in arrays]
        return lambda: jax.block_until_ready(compiled(*tensors))

    def forward(self, body: Body, arrays: Arrays) -> Call:
        return self._call(lambda *tensors: body(OPS, *tensors), arrays)

    def forward_backward(self, body: Body, arrays: Arrays, cotangent: np.ndarray) -> Call:
        def both(seed: Any, *tensors: Any) -> Any:
            y, pull_back = jax.vjp(lambda *tensors: body(OPS, *tensors), *tensors)
            return [y, *pull_back(seed)]

        return self._call(both, [cotangent, *arrays])

    def gradient(self, body: Body, arrays: Arrays) -> Call:
        return self._call(jax.grad(lambda *tensors: body(OPS, *tensors)), arrays)

    def hessian_product(self, body: Body, arrays: Arrays, direction: np.ndarray) -> Call:
        def product(direction: Any, first: Any, *rest: Any) -> Any:
            gradient = jax.grad(lambda first: body(OPS, first, *rest))
            return jax.jvp(gradient, (first,), (direction,))[1]

        return self._call(product, [direction, *arrays])

    def training_step(self, body: Body, parameters: Arrays, batch: Arrays, optimizer: str, rate: float) -> Call:
        rule = {"sgd": _sgd, "adam": _adam}[optimizer]

        def step(parameters: Any, state: Any, *batch: Any) -> Any:
            loss, gradients = jax.value_and_grad(lambda p: body(OPS, p, *batch))(parameters)
            return loss, *rule(parameters, state, gradients, rate)

        compiled = jax.jit(step, donate_argnums=(0, 1))
        inputs = [jax.device_put(array) for array in batch]
        tensors = [jnp.array(array) for array in parameters]  # copies: they are donated
        state = ()
        if optimizer == "adam":
            moments = [[jnp.zeros_like(p) for p in tensors] for _ in range(2)]
            state = (jnp.zeros(()), *moments)

        def call() -> Any:
            nonlocal tensors, state
            loss, tensors, state = compiled(tensors, state, *inputs)
            jax.block_until_ready((loss, tensors))
            return loss

        return call

    def arrays(self, result: Any) -> list[np.ndarray]:
        return [np.asarray(array) for array in (result if isinstance(result, (list, tuple)) else [result])]
