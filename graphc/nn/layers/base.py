"""Layer: a function on symbolic values that makes its variables at the first call and keeps them.

It stands apart from the layers themselves, which say only what they build and what they compute.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from graphc import ops
from graphc.dims import Shape
from graphc.dtypes import DTypeLike
from graphc.errors import GraphError
from graphc.ir.value import Value
from graphc.nn import initializers
from graphc.nn.constraints import Constraint
from graphc.nn.naming import snake_case, unique_name
from graphc.nn.parameter import Parameter, parameter
from graphc.nn.recording import Call, Recording, current, recording
from graphc.nn.regularizers import Regularizer
from graphc.nn.serialization import Configured
from graphc.nn.structure import leaves, map_leaves
from graphc.nn.tracing import is_traced, trace
from graphc.ops.leaves import checked_dtype
from graphc.random import Generator
from graphc.variables import Variable


class Layer(Configured):
    """A function from values to values with variables of its own. Subclass it and write

    `__init__`: hand `**kwargs` (name, dtype, trainable) to `super().__init__` and keep the arguments as attributes;
    `build(self, input_shape)`: make variables with `add_weight`; called once, with the shape of the first input;
    `call(self, x)` or `call(self, x, training)`: the output, in `gc` functions and other layers.

    A layer, or a list of layers, that is an attribute is part of this one. `training` is a Python bool: two programs,
    one declared with it and one without, share the variables.
    """

    def __init__(self, *, trainable: bool = True, dtype: DTypeLike = "float32", name: str | None = None):
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.dtype = checked_dtype(self.name, dtype).name
        self._trainable = trainable
        self.built = False
        self._parameters: list[Parameter] = []
        self._called = Recording()  # of the last call
        self._trained = Recording()  # of the last call with training=True

    # to be written by subclasses -------------------------------------------------------------------------

    def build(self, *input_shapes: Any) -> None:
        """Make the variables; `input_shapes` are nests of shapes, one for each input."""

    def call(self, *inputs: Any, **kwargs: Any) -> Any:
        """The output for `inputs`."""
        raise NotImplementedError(f"{type(self).__name__} has no method call")

    # calling ---------------------------------------------------------------------------------------------

    def __call__(self, *inputs: Any, training: bool | None = None) -> Any:
        """The output, as a value; `training` is False, or that of the layer around. Raises `GraphError`."""
        if not hasattr(self, "_trained"):
            ops.refuse(type(self).__name__, "expected super().__init__() to be called in __init__, got a layer without")
        if not isinstance(training, bool | None):
            self.refuse(f"expected training to be True or False, got {training!r}")
        if not inputs:
            self.refuse("expected a value to work on, got none")
        record = current()
        if record is not None:
            return self._recorded(record, inputs, record.training if training is None else training)
        with recording() as record:
            output = self._recorded(record, inputs, bool(training))
        return trace(record.calls[-1]) if is_traced(inputs) else output

    def _recorded(self, record: Recording, inputs: tuple[Any, ...], training: bool) -> Any:
        try:
            inputs = tuple(map_leaves(ops.as_value, nest) for nest in inputs)
            if not self.built:
                self.build(*(map_leaves(lambda value: value.shape, nest) for nest in inputs))
                self.built = True
            extra = {"training": training} if _takes_training(type(self)) else {}
            with record.mode(training):
                output = self.call(*inputs, **extra)
            for value in leaves(output):
                if not isinstance(value, Value):
                    self.refuse(f"expected call to return symbolic values, got {type(value).__name__}")
        except GraphError as error:
            if f"{self.name}: " in str(error):
                raise
            raise GraphError(f"{error} (in layer {self.name})") from error
        self._called = record
        if training:
            self._trained = record
        record.calls.append(Call(self, inputs, output, training))
        return output

    # what subclasses call --------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Shape,
        initializer: Any = "glorot_uniform",
        name: str = "weight",
        *,
        trainable: bool = True,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
        dtype: DTypeLike | None = None,
    ) -> Parameter:
        """A new variable of this layer, `layer/name`. Raises `GraphError` for a size that is not known yet."""
        if not all(isinstance(n, int) for n in shape):
            self.refuse(f"expected sizes of {name} that are known when the graph is declared, got {shape}")
        array = initializers.get(initializer)(shape, self.dtype if dtype is None else dtype)  # type: ignore[arg-type]
        if array.shape != tuple(shape):
            self.refuse(f"expected an initializer of {name} to return shape {tuple(shape)}, got {array.shape}")
        made = parameter(array, f"{self.name}/{name}", trainable, regularizer, constraint)
        self._parameters.append(made)
        return made

    def add_loss(self, value: Value) -> None:
        """Add a scalar, computed from this call, to the loss."""
        self._record().losses.append((self, value))

    def add_update(self, variable: Variable, value: Value) -> None:
        """Let `variable` be `value` after a training step; start from `self.latest(variable)` to count each call."""
        self._record().updates[variable] = value

    def latest(self, variable: Variable) -> Value:
        """The variable after the updates that earlier calls in this program made."""
        return self._record().latest(variable)

    def floating(self, x: Value) -> Value:
        """x in the layer's dtype. Raises `GraphError` if that is no float."""
        if self.dtype not in ("float32", "float64"):
            self.refuse(f"expected dtype float32 or float64, got {self.dtype!r}")
        return ops.astype(x, self.dtype)

    def known_size(self, shape: Shape, axis: int) -> int:
        """The size of an axis that must be known now. Raises `GraphError`."""
        if not -len(shape) <= axis < len(shape):
            self.refuse(f"expected an input with axis {axis}, got shape {list(shape)}")
        size = shape[axis]
        if not isinstance(size, int):
            self.refuse(f"expected a known size along axis {axis}, got shape {list(shape)}")
        return size

    def refuse(self, message: str) -> NoReturn:
        """Raise `GraphError` with the user's line and the name of the layer."""
        ops.refuse(self.name, message)

    def _record(self) -> Recording:
        record = current()
        if record is None:
            self.refuse("expected add_loss, add_update and latest in call, got them outside of a call")
        return record

    # what it holds ---------------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether an optimiser moves its variables. Setting it sets the layers inside too, for programs to come."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in _walk(self):
            layer._trainable = bool(value)

    @property
    def layers(self) -> list[Layer]:
        """The layers that are attributes of this one, or in lists, tuples or dicts that are."""
        return list(dict.fromkeys(v for a in vars(self).values() for v in leaves(a) if isinstance(v, Layer)))

    def flattened_layers(self) -> list[Layer]:
        """This layer and all layers in it, each once, outer ones first."""
        return list(_walk(self))

    @property
    def variables(self) -> list[Variable]:
        """The state of this layer and the layers in it: the weights of each, then its random streams."""
        return _unique(v for layer in _walk(self) for v in (*layer.own_weights(), *layer.random_state()))

    @property
    def weights(self) -> list[Variable]:
        """The variables but those of random streams, in the order in which they were made."""
        return _unique(v for layer in _walk(self) for v in layer.own_weights())

    def named_variables(self) -> dict[str, Variable]:
        """The variables by a path that begins with the name of their layer. Raises `GraphError` for two of one name."""
        named: dict[str, Variable] = {}
        for layer in _walk(self):
            for v in (*layer.own_weights(), *layer.random_state()):
                path = v.name if v.name.startswith(f"{layer.name}/") else f"{layer.name}/{v.name}"
                if named.setdefault(path, v) is not v:
                    self.refuse(f"expected variables of different names, got {path} twice")
        return named

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that an optimiser moves; none of a layer whose `trainable` is False."""
        return _unique(
            v
            for layer in _walk(self, only_trainable=True)
            for v in layer.own_weights()
            if v.dtype.is_float and getattr(v, "trainable", True)
        )

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other variables."""
        trained = set(self.trainable_variables)
        return [v for v in self.variables if v not in trained]

    non_trainable_weights = non_trainable_variables

    def own_weights(self) -> list[Variable]:
        """The weights of this layer alone: those of `add_weight`, and variables that are attributes."""
        return _unique(v for a in vars(self).values() for v in leaves(a) if isinstance(v, Variable))

    def random_state(self) -> list[Variable]:
        """The state of the generators that are attributes of this layer."""
        generators = [g for a in vars(self).values() for g in leaves(a) if isinstance(g, Generator)]
        return [v for g in generators for v in (g.key, g.calls)]

    @property
    def losses(self) -> list[Value]:
        """Scalars to add to the loss: regularisers of trainable variables, and what the last call added."""
        parameters = [v for v in self.trainable_variables if isinstance(v, Parameter)]
        penalties = [v.regularizer(v) for v in parameters if v.regularizer is not None]
        inside = set(_walk(self))
        return penalties + [value for layer, value in self._called.losses if layer in inside]

    @property
    def updates(self) -> list[tuple[Variable, Value]]:
        """The (variable, next value) pairs of the last call with training=True, as `gc.compile` takes them."""
        inside = set(self.variables)
        return [(variable, value) for variable, value in self._trained.updates.items() if variable in inside]

    def count_params(self) -> int:
        """The number of elements of all weights."""
        return sum(math.prod(int(n) for n in v.shape) for v in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """The arrays of all weights, in order."""
        return [v.value for v in self.weights]

    def set_weights(self, arrays: list[np.ndarray]) -> None:
        """Set all weights. Raises `GraphError`, and sets none, for another number, shape or dtype."""
        variables = self.weights
        if len(arrays) != len(variables):
            self.refuse(f"expected {len(variables)} arrays, got {len(arrays)}")
        arrays = [np.asarray(a) for a in arrays]
        for variable, array in zip(variables, arrays, strict=True):
            if array.shape != variable.shape or array.dtype != variable.dtype.numpy:
                self.refuse(f"expected {variable.type} for {variable.name}, got {array.dtype}{list(array.shape)}")
        for variable, array in zip(variables, arrays, strict=True):
            variable.value = array

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _walk(root: Layer, only_trainable: bool = False) -> Iterator[Layer]:
    """The layer and those in it, in depth-first order, each once."""
    seen: set[Layer] = set()
    waiting = [root]
    while waiting:
        layer = waiting.pop()
        if layer in seen or (only_trainable and not layer.trainable):
            continue
        seen.add(layer)
        yield layer
        waiting.extend(reversed(layer.layers))


def _unique(variables: Iterator[Variable]) -> list[Variable]:
    return list(dict.fromkeys(variables))


def _takes_training(cls: type[Layer]) -> bool:
    arguments = inspect.signature(cls.call).parameters.values()
    return any(a.name == "training" or a.kind is a.VAR_KEYWORD for a in arguments)
