"""Optimizer: from a loss to the next values of the variables that it depends on, and of the optimiser's own.

It stands apart from the rules, which move one variable: here gradients are clipped and accumulated, weights decay,
are averaged and constrained. All of it is graph values, so that it fuses into the kernels of the backward pass.
Order and formulas: Keras 3, `BaseOptimizer.apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from graphc import ops
from graphc.autodiff.reverse import grad
from graphc.ir.value import Value
from graphc.nn.optimizers.schedules import LearningRateSchedule, checked_rate
from graphc.nn.serialization import Configured, serialize
from graphc.ops import refuse
from graphc.variables import Variable, variable

Slots = Mapping[str, Value]


class Optimizer(Configured):
    """`optimizer.updates(loss, variables)` gives a dict from variables to next values, for `gc.compile`.

    `learning_rate` is a number or a schedule. At most one of `clipnorm` (of each gradient), `global_clipnorm` (of all
    together) and `clipvalue` (of each element) limits gradients. `weight_decay` takes that share, times the learning
    rate, off each weight. `use_ema` keeps averages of the weights, which `finalize_variable_values` puts in place
    (or every `ema_overwrite_frequency` steps). With `gradient_accumulation_steps` n, only every n-th call moves the
    weights, by the mean of n gradients. Raises `GraphError`.
    """

    slots: tuple[str, ...] = ()  # the names of what a rule keeps for each variable

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ):
        self.name = name or type(self).__name__.lower()
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            refuse(self.name, "expected at most one of clipnorm, clipvalue and global_clipnorm, got several")
        for label, limit in (("clipnorm", clipnorm), ("clipvalue", clipvalue), ("global_clipnorm", global_clipnorm)):
            if limit is not None and not limit > 0:
                refuse(self.name, f"expected {label} > 0, got {limit!r}")
        if not 0 <= ema_momentum <= 1:
            refuse(self.name, f"expected ema_momentum in [0, 1], got {ema_momentum!r}")
        counts = {
            "ema_overwrite_frequency": ema_overwrite_frequency,
            "gradient_accumulation_steps": gradient_accumulation_steps,
        }
        for label, n in counts.items():
            if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
                refuse(self.name, f"expected {label} to be an int ≥ 1, got {n!r}")
        self.weight_decay = None if weight_decay is None else checked_rate("weight_decay", weight_decay)
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.iterations = variable(np.int64(0), name=f"{self.name}/iterations")  # calls so far
        self._schedule: LearningRateSchedule | None = None
        self._rate: Variable | None = None
        if isinstance(learning_rate, LearningRateSchedule):
            self._schedule = learning_rate
        else:
            rate = np.float64(checked_rate("learning_rate", learning_rate))
            self._rate = variable(rate, name=f"{self.name}/learning_rate")
        self._slots: dict[Variable, dict[str, Variable]] = {}
        self._undecayed: list[Callable[[Variable], bool]] = []

    # what a rule says ------------------------------------------------------------------------------------

    def move(self, w: Value, g: Value, rate: Value, slots: Slots, step: Value) -> tuple[Value, Slots]:
        """The next weight and the next slots, from the weight, its gradient, the learning rate and the slots, all of
        the dtype of the weight, and the number of this step, from 1, as a float64 scalar."""
        raise NotImplementedError

    def initial(self, slot: str) -> float:
        """What fills a slot at first."""
        return 0.0

    # what users call -------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """The rate of the next step. Setting it moves compiled programs too; raises `GraphError` for a schedule."""
        if self._rate is not None:
            return float(self._rate.value)
        assert self._schedule is not None
        return self._schedule(int(self.iterations.value))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if self._rate is None:
            refuse(self.name, "expected an optimizer without a schedule to set its learning rate, got one with")
        self._rate.value = np.float64(checked_rate("learning_rate", value))

    @property
    def variables(self) -> list[Variable]:
        """Its state: the number of calls, the learning rate unless a schedule gives it, and the slots."""
        own = [self.iterations] if self._rate is None else [self.iterations, self._rate]
        return own + [slot for slots in self._slots.values() for slot in slots.values()]

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots of `variables` that have none yet, as `updates` does, so that a state can be restored."""
        names = [*self.slots]
        names += ["average"] if self.use_ema else []
        names += ["gradient_accumulator"] if self.gradient_accumulation_steps else []
        for v in variables:
            if v not in self._slots:
                self._slots[v] = {
                    name: variable(
                        v.value if name == "average" else np.full(v.shape, self.initial(name), v.dtype.numpy),
                        name=f"{self.name}/{v.name}/{name}",
                    )
                    for name in names
                }

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Let the variables listed, and those whose name contains one of the names, not decay."""
        listed, names = set(var_list or ()), tuple(var_names or ())
        self._undecayed.append(lambda v: v in listed or any(name in v.name for name in names))

    def finalize_variable_values(self, variables: Sequence[Variable]) -> None:
        """Give each variable its average, for `use_ema`."""
        if not self.use_ema:
            refuse(self.name, "expected use_ema=True to have averages of variables, got an optimizer without")
        for v in variables:
            v.value = self._slots[v]["average"].value

    def get_config(self) -> dict[str, Any]:
        """The arguments as JSON has them; the learning rate is the present one."""
        return super().get_config() | {"learning_rate": serialize(self._schedule or self.learning_rate)}

    def updates(self, loss: Value | Sequence[Value], variables: Sequence[Variable]) -> dict[Variable, Value]:
        """The next value of each variable and of the optimiser's own, after one step down the gradient of `loss`.

        `loss` is a float scalar, or the gradients, one for each variable. Raises `GraphError`.
        """
        variables = list(variables)
        gradients = self._gradients(loss, variables)
        self.build(variables)
        n = self.gradient_accumulation_steps
        due = None if n is None else (self.iterations + 1) % n == 0
        pending = [self._slots[v].get("gradient_accumulator") for v in variables]
        if n is not None:
            gradients = [(g + p) for g, p in zip(gradients, pending, strict=True)]
        moved = self._moved([g / n for g in gradients] if n else gradients, variables)
        result: dict[Variable, Value] = {self.iterations: self.iterations + 1}
        for v, g, p, (w, slots) in zip(variables, gradients, pending, moved, strict=True):
            slots = {name: _without_subnormals(slot) for name, slot in slots.items()}
            if due is not None and p is not None:
                w = ops.where(due, w, v)
                slots = {name: ops.where(due, slot, self._slots[v][name]) for name, slot in slots.items()}
                result[p] = ops.where(due, 0, g)
            result.update((self._slots[v][name], slot) for name, slot in slots.items())
            if self.use_ema:
                w = self._averaged(v, w, result)
            constraint = getattr(v, "constraint", None)
            result[v] = w if constraint is None else constraint(w)
        return result

    # the parts of a step ---------------------------------------------------------------------------------

    def _gradients(self, loss: Value | Sequence[Value], variables: list[Variable]) -> list[Value]:
        for v in variables:
            if not isinstance(v, Variable):
                refuse(self.name, f"expected variables to move, got {v!r}")
        if not variables:
            refuse(self.name, "expected at least one variable to move, got none")
        if isinstance(loss, Value):
            return grad(loss, variables)
        gradients = list(loss)
        if len(gradients) != len(variables):
            refuse(self.name, f"expected one gradient for each of {len(variables)} variables, got {len(gradients)}")
        for v, g in zip(variables, gradients, strict=True):
            if not isinstance(g, Value) or g.type != v.type:
                refuse(self.name, f"expected a gradient {v.type} for {v.name}, got {getattr(g, 'type', g)}")
        return gradients

    def _moved(self, gradients: list[Value], variables: list[Variable]) -> list[tuple[Value, Slots]]:
        """The weights and slots after this step, whether or not it is due."""
        done = self._steps_done()
        step = ops.astype(done, "float64") + 1
        rate = self._rate if self._rate is not None else self._schedule(self.iterations)  # type: ignore[misc]
        moved = []
        for v, g in zip(variables, self._clipped(gradients), strict=True):
            own_rate = ops.astype(rate, v.dtype)
            w: Value = v
            if self.weight_decay and not any(excluded(v) for excluded in self._undecayed):
                w = v - v * self.weight_decay * own_rate
            moved.append(self.move(w, g, own_rate, {name: self._slots[v][name] for name in self.slots}, step))
        return moved

    def _steps_done(self) -> Value:
        n = self.gradient_accumulation_steps
        return self.iterations if n is None else self.iterations // n

    def _clipped(self, gradients: list[Value]) -> list[Value]:
        if self.clipvalue is not None:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        if self.clipnorm is not None:
            return [g * _shrink(self.clipnorm, ops.sum(ops.square(g))) for g in gradients]
        if self.global_clipnorm is not None:
            squares = [ops.astype(ops.sum(ops.square(g)), "float64") for g in gradients]
            scale = _shrink(self.global_clipnorm, reduce(ops.add, squares))
            return [g * ops.astype(scale, g.dtype) for g in gradients]
        return gradients

    def _averaged(self, v: Variable, w: Value, result: dict[Variable, Value]) -> Value:
        """Move the average on; the weight, or in steps that overwrite it the average."""
        average = self._slots[v]["average"]
        started = ops.astype(self._steps_done() != 0, v.dtype)
        momentum = started * self.ema_momentum
        result[average] = momentum * average + (1 - momentum) * w
        if self.ema_overwrite_frequency is None:
            return w
        overwrite = (self._steps_done() + 1) % self.ema_overwrite_frequency == 0
        return ops.where(overwrite, result[average], w)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _without_subnormals(slot: Value) -> Value:
    """`slot` with 0 for numbers so small that they, or 1 - β of them, are subnormal: below 2e-34 in float32.

    The momentum of a unit that no longer gets gradients shrinks by β at every step down to the subnormal numbers, and
    stays there (β times the smallest one rounds to itself); a step on them takes five times as long on a CPU.
    """
    smallest = 2.0**14 * float(np.finfo(slot.dtype.numpy).smallest_normal)
    return ops.where(ops.abs(slot) < smallest, 0, slot)


def _shrink(limit: float, squares: Value) -> Value:
    """The factor that brings a norm, the root of `squares`, down to `limit`; 1 below it."""
    return limit / ops.maximum(ops.sqrt(squares), limit)
