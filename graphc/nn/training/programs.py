"""The programs of a model: one that trains, one that evaluates, one that predicts, each compiled at its first use.

They stand apart from the loop, which only calls them. All are declared from the same layers and share variables; the
batch is a symbolic size, so that the smaller last one needs no other program.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from graphc import ops
from graphc.compiled import Program
from graphc.compiler import compile
from graphc.dims import dim, shape_text
from graphc.ir.value import Value
from graphc.nn.recording import Recording
from graphc.nn.training.diagnostics import Flags, declare_flags
from graphc.nn.training.objective import Measured
from graphc.nn.training.sources import Spec, Specs

if TYPE_CHECKING:
    from graphc.nn.models.declaration import Declaration
    from graphc.nn.models.model import Model


class Programs:
    """Compiled programs of `model` by what they are declared for."""

    def __init__(self, model: Model):
        self.model = model
        self._made: dict[tuple[Any, ...], Any] = {}

    def train(self, specs: Specs) -> Program:
        """(inputs, targets, weights) → the loss; moves all variables on by one step."""
        return self._once(("train", specs), lambda: self._declare_train(specs))

    def watched(self, specs: Specs) -> tuple[Program, Flags]:
        """As `train`, but leaves the weights alone where a number is not finite, and says by flags which."""
        return self._once(("watched", specs), lambda: self._declare_watched(specs))

    def test(self, specs: Specs) -> Program:
        """(inputs, targets, weights) → the loss; only counts in the metrics."""
        return self._once(("test", specs), lambda: self._declare_test(specs))

    def predict(self) -> Program:
        """Inputs → the outputs in a list."""
        return self._once(("predict",), self._declare_predict)

    def _once(self, key: tuple[Any, ...], declare: Any) -> Any:
        if key not in self._made:
            self._made[key] = declare()
        return self._made[key]

    def _declare_train(self, specs: Specs) -> Program:
        inputs, total, _, updates = self._step(specs)
        return compile(inputs, total, updates, name="train")

    def _declare_watched(self, specs: Specs) -> tuple[Program, Flags]:
        inputs, total, declared, updates = self._step(specs)
        moved = self.model.trainable_variables
        flags = declare_flags(declared, total, moved)
        kept: dict[Any, Value] = {v: ops.where(flags.all_finite, new, v) for v, new in updates.items()}
        return compile(inputs, [total, flags.packed], kept, name="watched_train"), flags

    def _step(self, specs: Specs) -> tuple[list[Value], Value, Declaration, dict[Any, Value]]:
        model = self.model
        declared = model.declaration(training=True)
        inputs, measured = self._measured(declared, specs)
        total = with_penalties(model, declared.record, measured.loss)
        moved = model.trainable_variables
        updates: dict[Any, Value] = dict(declared.record.updates)
        if moved:
            updates.update(model.optimizer.updates(total, moved))
        updates.update(measured.updates)
        updates.update(model.objective.means(total, measured, _batch_size(declared)))
        return inputs, total, declared, updates

    def _declare_test(self, specs: Specs) -> Program:
        model = self.model
        declared = model.declaration(training=False)
        inputs, measured = self._measured(declared, specs)
        total = with_penalties(model, declared.record, measured.loss)
        updates: dict[Any, Value] = {
            **measured.updates,
            **model.objective.means(total, measured, _batch_size(declared)),
        }
        return compile(inputs, total, updates, name="test")

    def _declare_predict(self) -> Program:
        declared = self.model.declaration(training=False)
        return compile(declared.input_values, declared.output_values, name="predict")

    def _measured(self, declared: Declaration, specs: Specs) -> tuple[list[Value], Measured]:
        names = self.model.output_names
        check_inputs(self.model, declared.input_values, specs.x)
        targets = [_input(f"{_word(n)}_target", s) for n, s in zip(names, specs.y, strict=True)]
        weights = [None if s is None else _input(f"{_word(n)}_weight", s) for n, s in zip(names, specs.w, strict=True)]
        measured = self.model.objective.measure(names, targets, declared.output_values, weights)
        given = [w for w in weights if w is not None]
        return [*declared.input_values, *targets, *given], measured


def with_penalties(model: Model, record: Recording, loss: Value) -> Value:
    """The loss plus regularisers of weights and losses of activities."""
    rules = ((v, getattr(v, "regularizer", None)) for v in model.trainable_variables)
    penalties = [rule(v) for v, rule in rules if rule is not None]
    penalties += [value for _, value in record.losses]
    return reduce(lambda a, b: a + ops.astype(b, a.dtype), penalties, loss)


def check_inputs(model: Model, declared: Sequence[Value], specs: Sequence[Spec]) -> None:
    """Raise `GraphError`, which names the input, for arrays of another shape than the model's inputs."""
    for value, spec in zip(declared, specs, strict=True):
        wanted = value.shape[1:]
        fits = len(wanted) == len(spec.shape) and all(
            not isinstance(n, int) or n == m for n, m in zip(wanted, spec.shape, strict=True)
        )
        if not fits:
            got = ", ".join(["samples", *map(str, spec.shape)])
            name = value.attrs["name"]
            ops.refuse(
                model.name, f"expected an array of shape {shape_text(value.shape)} for input {name!r}, got [{got}]"
            )


def _input(name: str, spec: Spec) -> Value:
    return ops.input(name, (dim("batch"), *spec.shape), spec.dtype)


def _word(name: str) -> str:
    word = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
    return f"_{word}" if word[:1].isdigit() else word


def _batch_size(declared: Declaration) -> Any:
    return declared.input_values[0].shape[0]
