"""graphc with its default (Numba) and its C++ backend: NumPy arrays go in and come out of every call."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np

import graphc as gc
from benchmarks.case import Arrays, Body, Call


def _layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    centred = x - gc.mean(x, axis=-1, keepdims=True)
    variance = gc.mean(centred * centred, axis=-1, keepdims=True)
    return centred * gc.rsqrt(variance + 1e-5) * scale + shift


OPS = SimpleNamespace(
    tanh=gc.tanh,
    exp=gc.exp,
    erf=gc.erf,
    relu=gc.relu,
    softplus=gc.softplus,
    mean=gc.mean,
    linear=lambda x, weight, bias: x @ weight + bias,
    matvec=gc.matmul,
    softmax=lambda x: gc.softmax(x, axis=-1),
    layer_norm=_layer_norm,
    cross_entropy=gc.nn.losses.cross_entropy,
)


def _inputs(arrays: Arrays, prefix: str = "x") -> list[Any]:
    return [gc.input(f"{prefix}{i}", array.shape, str(array.dtype)) for i, array in enumerate(arrays)]


class Graphc:
    name = "graphc"
    backend = "numba"

    def version(self) -> str:
        return gc.__version__

    def _call(self, inputs: list[Any], outputs: Any, arrays: Arrays, updates: Any = None) -> Call:
        program = gc.compile(inputs, outputs, updates=updates or {}, backend=self.backend)
        return lambda: program(*arrays)

    def forward(self, body: Body, arrays: Arrays) -> Call:
        inputs = _inputs(arrays)
        return self._call(inputs, body(OPS, *inputs), arrays)

    def forward_backward(self, body: Body, arrays: Arrays, cotangent: np.ndarray) -> Call:
        inputs, [seed] = _inputs(arrays), _inputs([cotangent], "seed")
        y = body(OPS, *inputs)
        gradients = gc.grad(gc.sum(y * seed), inputs)
        return self._call([*inputs, seed], [y, *gradients], [*arrays, cotangent])

    def gradient(self, body: Body, arrays: Arrays) -> Call:
        inputs = _inputs(arrays)
        return self._call(inputs, gc.grad(body(OPS, *inputs), inputs[:1]), arrays)

    def hessian_product(self, body: Body, arrays: Arrays, direction: np.ndarray) -> Call:
        inputs, [along] = _inputs(arrays), _inputs([direction], "direction")
        [gradient] = gc.grad(body(OPS, *inputs), inputs[:1])
        product = gc.grad(gc.sum(gradient * along), inputs[:1])
        return self._call([*inputs, along], product, [*arrays, direction])

    def training_step(self, body: Body, parameters: Arrays, batch: Arrays, optimizer: str, rate: float) -> Call:
        inputs = _inputs(batch)
        variables = [gc.variable(array, name=f"p{i}") for i, array in enumerate(parameters)]
        loss = body(OPS, variables, *inputs)
        gradients = gc.grad(loss, variables)
        if optimizer == "sgd":
            updates = {p: p - rate * g for p, g in zip(variables, gradients, strict=True)}
            return self._call(inputs, loss, batch, updates)
        count = gc.variable(np.zeros((), "float32"), name="count")
        steps = count + 1
        step = rate * gc.sqrt(-gc.expm1(steps * math.log(0.999))) / -gc.expm1(steps * math.log(0.9))
        updates = {count: steps}
        for i, (p, g) in enumerate(zip(variables, gradients, strict=True)):
            mean = gc.variable(np.zeros_like(parameters[i]), name=f"mean{i}")
            square = gc.variable(np.zeros_like(parameters[i]), name=f"square{i}")
            updates[mean] = 0.9 * mean + 0.1 * g
            updates[square] = 0.999 * square + 0.001 * g * g
            updates[p] = p - step * updates[mean] / (gc.sqrt(updates[square]) + 1e-8)
        return self._call(inputs, loss, batch, updates)

    def arrays(self, result: Any) -> list[np.ndarray]:
        return [np.asarray(array) for array in (result if isinstance(result, (list, tuple)) else [result])]


class GraphcCpp(Graphc):
    name = "graphc cpp"
    backend = "cpp"
