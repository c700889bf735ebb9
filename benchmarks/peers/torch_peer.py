"""PyTorch, eager and through torch.compile with its default settings.

Both modes share a file because they differ in one wrapper. Tensors are made once, outside the timing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.case import Arrays, Body, Call

torch.set_num_threads(len(os.sched_getaffinity(0)))

OPS = SimpleNamespace(
    tanh=torch.tanh,
    exp=torch.exp,
    erf=torch.erf,
    relu=torch.relu,
    softplus=F.softplus,
    mean=torch.mean,
    linear=lambda x, weight, bias: torch.addmm(bias, x, weight),
    matvec=torch.mv,
    softmax=lambda x: torch.softmax(x, -1),
    layer_norm=lambda x, scale, shift: F.layer_norm(x, x.shape[-1:], scale, shift),
    cross_entropy=F.cross_entropy,
)


class TorchEager:
    name = "torch eager"

    def version(self) -> str:
        return torch.__version__

    def wrap(self, function: Callable) -> Callable:
        return function

    def forward(self, body: Body, arrays: Arrays) -> Call:
        tensors = [torch.from_numpy(array) for array in arrays]
        function = self.wrap(lambda *tensors: body(OPS, *tensors))

        def call() -> Any:
            with torch.inference_mode():
                return function(*tensors)

        return call

    def forward_backward(self, body: Body, arrays: Arrays, cotangent: np.ndarray) -> Call:
        tensors = [torch.from_numpy(array).requires_grad_() for array in arrays]
        seed = torch.from_numpy(cotangent)
        function = self.wrap(lambda *tensors: body(OPS, *tensors))

        def call() -> Any:
            y = function(*tensors)
            return [y, *torch.autograd.grad(y, tensors, seed)]

        return call

    def gradient(self, body: Body, arrays: Arrays) -> Call:
        tensors = [torch.from_numpy(array) for array in arrays]
        function = self.wrap(torch.func.grad(lambda *tensors: body(OPS, *tensors)))
        return lambda: function(*tensors)

    def hessian_product(self, body: Body, arrays: Arrays, direction: np.ndarray) -> Call:
        first, *rest = (torch.from_numpy(array) for array in arrays)
        gradient = torch.func.grad(lambda first, *rest: body(OPS, first, *rest))

        def product(first: Any, direction: Any, *rest: Any) -> Any:
            return torch.func.jvp(lambda first: gradient(first, *rest), (first,), (direction,))[1]

        function = self.wrap(product)
        seed = torch.from_numpy(direction)
        return lambda: function(first, seed, *rest)

    def training_step(self, body: Body, parameters: Arrays, batch: Arrays, optimizer: str, rate: float) -> Call:
        tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in parameters]
        inputs = [torch.from_numpy(array) for array in batch]
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
        rule = kinds[optimizer](tensors, lr=rate, fused=True)
        loss_of = self.wrap(lambda *inputs: body(OPS, tensors, *inputs))

        def call() -> Any:
            rule.zero_grad()
            loss = loss_of(*inputs)
            loss.backward()
            rule.step()
            return loss

        return call

    def arrays(self, result: Any) -> list[np.ndarray]:
        results = result if isinstance(result, (list, tuple)) else [result]
        return [tensor.detach().numpy() for tensor in results]


class TorchCompile(TorchEager):
    name = "torch.compile"

    def wrap(self, function: Callable) -> Callable:
        torch.compiler.reset()  # every case is compiled for its own shapes, as in a program of its own
        return torch.compile(function, dynamic=False)
