"""PyTensor in its default (Numba) mode, with static shapes, `trust_input` and shared training state."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.special import log_softmax, softmax

from benchmarks.case import Arrays, Body, Call

pytensor.config.floatX = "float32"


def _layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred * centred).mean(-1, keepdims=True)
    return centred / pt.sqrt(variance + np.float32(1e-5)) * scale + shift


def _cross_entropy(logits: Any, labels: Any) -> Any:
    return -log_softmax(logits, axis=-1)[pt.arange(labels.shape[0]), labels].mean()


OPS = SimpleNamespace(
    tanh=pt.tanh,
    exp=pt.exp,
    erf=pt.erf,
    relu=lambda x: pt.maximum(x, np.float32(0)),
    softplus=pt.softplus,
    mean=pt.mean,
    linear=lambda x, weight, bias: pt.dot(x, weight) + bias,
    matvec=pt.dot,
    softmax=lambda x: softmax(x, axis=-1),
    layer_norm=_layer_norm,
    cross_entropy=_cross_entropy,
)


def _symbol(array: np.ndarray) -> Any:
    return pt.tensor(shape=array.shape, dtype=str(array.dtype))


def _function(inputs: list[Any], outputs: Any, arrays: Arrays, updates: Any = ()) -> Call:
    function = pytensor.function(inputs, outputs, updates=updates)
    function.trust_input = True
    return lambda: function(*arrays)


class PyTensor:
    name = "PyTensor"

    def version(self) -> str:
        return pytensor.__version__

    def forward(self, body: Body, arrays: Arrays) -> Call:
        inputs = [_symbol(array) for array in arrays]
        return _function(inputs, body(OPS, *inputs), arrays)

    def forward_backward(self, body: Body, arrays: Arrays, cotangent: np.ndarray) -> Call:
        inputs, seed = [_symbol(array) for array in arrays], _symbol(cotangent)
        y = body(OPS, *inputs)
        gradients = pt.grad((y * seed).sum(), inputs)
        return _function([*inputs, seed], [y, *gradients], [*arrays, cotangent])

    def gradient(self, body: Body, arrays: Arrays) -> Call:
        inputs = [_symbol(array) for array in arrays]
        return _function(inputs, pt.grad(body(OPS, *inputs), inputs[0]), arrays)

    def hessian_product(self, body: Body, arrays: Arrays, direction: np.ndarray) -> Call:
        inputs, along = [_symbol(array) for array in arrays], _symbol(direction)
        gradient = pt.grad(body(OPS, *inputs), inputs[0])
        product = pt.grad((gradient * along).sum(), inputs[0])
        return _function([*inputs, along], product, [*arrays, direction])

    def training_step(self, body: Body, parameters: Arrays, batch: Arrays, optimizer: str, rate: float) -> Call:
        inputs = [_symbol(array) for array in batch]
        shared = [pytensor.shared(array.copy(), shape=array.shape) for array in parameters]
        loss = body(OPS, shared, *inputs)
        gradients = pt.grad(loss, shared)
        if optimizer == "sgd":
            updates = [(p, p - np.float32(rate) * g) for p, g in zip(shared, gradients, strict=True)]
            return _function(inputs, loss, batch, updates)
        count = pytensor.shared(np.float32(0))
        step = np.float32(rate) * pt.sqrt(1 - np.float32(0.999) ** (count + 1)) / (1 - np.float32(0.9) ** (count + 1))
        updates = [(count, count + 1)]
        for p, g in zip(shared, gradients, strict=True):
            mean, square = (pytensor.shared(np.zeros_like(p.get_value()), shape=p.type.shape) for _ in range(2))
            moved = np.float32(0.9) * mean + np.float32(0.1) * g
            moved_square = np.float32(0.999) * square + np.float32(0.001) * g * g
            updates += [(mean, moved), (square, moved_square)]
            updates += [(p, p - step * moved / (pt.sqrt(moved_square) + np.float32(1e-8)))]
        return _function(inputs, loss, batch, updates)

    def arrays(self, result: Any) -> list[np.ndarray]:
        return [np.asarray(array) for array in (result if isinstance(result, (list, tuple)) else [result])]
