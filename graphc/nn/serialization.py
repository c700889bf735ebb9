"""Objects as JSON: what was made from arguments is described by them, and made again from the description.

It stands apart because layers, initialisers, losses, metrics, optimisers and schedules all do it alike. A
description names a class that exists already; reading one imports nothing and runs no code that it brings.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from importlib import import_module
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from graphc.dtypes import DType
from graphc.nn import activations
from graphc.nn.naming import snake_case, suggestion
from graphc.ops import refuse

T = TypeVar("T")
_CUSTOM = "custom"
_FAMILIES = ("layers", "models", "losses", "metrics", "optimizers", "initializers", "regularizers", "constraints")
_classes: dict[str, type[Configured]] = {}
_custom: ContextVar[Mapping[str, type]] = ContextVar("graphc_custom_objects", default=MappingProxyType({}))


class Configured:
    """An object that keeps each argument of `__init__` in an attribute of the same name.

    A subclass is known to `deserialize` from its definition on; one from outside graphc as `custom>Name`.
    """

    package = ""  # parts what would have one name: a metric from the loss

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _classes[registered_name(cls)] = cls

    def get_config(self) -> dict[str, Any]:
        """The arguments as JSON has them. Raises `GraphError` for a function that has no known name."""
        return {name: serialize(getattr(self, name)) for name in parameters(type(self))}

    @classmethod
    def from_config(cls: type[T], config: Mapping[str, Any]) -> T:
        """A new object from what `get_config` returned. Raises `GraphError` for arguments that the class has not."""
        if not isinstance(config, Mapping):
            refuse(cls.__name__, f"expected a config that is a dict, got {config!r}")
        known = parameters(cls)
        for name in config:
            if name not in known:
                refuse(cls.__name__, f"expected arguments among {', '.join(known)}, got {name!r}")
        return cls(**{name: _restored(value) for name, value in config.items()})


def registered_name(cls: type) -> str:
    """The name of a class in descriptions."""
    own = cls.__module__.partition(".")[0] == __name__.partition(".")[0]
    package = getattr(cls, "package", "")
    return ">".join(part for part in ("" if own else _CUSTOM, package, cls.__name__) if part)


def parameters(cls: type) -> tuple[str, ...]:
    """The names of the arguments of `cls`, and of its bases where `__init__` hands on **kwargs."""
    names: dict[str, None] = {}
    for base in cls.__mro__[:-1]:
        if "__init__" not in base.__dict__:
            continue
        arguments = list(inspect.signature(base.__dict__["__init__"]).parameters.values())[1:]
        names.update((a.name, None) for a in arguments if a.kind is not a.VAR_KEYWORD)
        if not any(a.kind is a.VAR_KEYWORD for a in arguments):
            break
    return tuple(names)


def serialize(value: Any) -> Any:
    """`value` as JSON has it; an object becomes `{"class_name": …, "config": …}`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Configured):
        return {"class_name": registered_name(type(value)), "config": value.get_config()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Mapping):
        return {key: serialize(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [serialize(item) for item in value]
    if callable(value):
        return activations.name_of(value)
    refuse("get_config", f"expected a value that JSON can hold, got an object of type {type(value).__name__}")


def deserialize(description: Any, custom_objects: Mapping[str, type] | None = None) -> Any:
    """The object that `serialize` described. Raises `GraphError`.

    `custom_objects` maps names to further classes, also for the objects inside.
    """
    if not _is_description(description):
        refuse("deserialize", f"expected a dict with class_name and config, got {description!r}")
    token = _custom.set({**_custom.get(), **(custom_objects or {})})
    try:
        return _class_of(description["class_name"]).from_config(description["config"])
    finally:
        _custom.reset(token)


def _class_of(name: str) -> type[Configured]:
    custom = _custom.get()
    if name not in _classes and name not in custom:
        for family in _FAMILIES:  # graphc.nn imports each when it is asked for
            import_module(f"graphc.nn.{family}")
    for known in (custom.get(name), custom.get(name.rpartition(">")[2]), _classes.get(name)):
        if known is not None:
            return known
    refuse("deserialize", f"expected a class that is defined ({suggestion(name, _classes)}), got {name!r}")


def _is_description(value: Any) -> bool:
    return (
        isinstance(value, Mapping) and set(value) == {"class_name", "config"} and isinstance(value["class_name"], str)
    )


def _restored(value: Any) -> Any:
    return deserialize(value) if _is_description(value) else value


def resolve(
    family: type[T],
    what: str,
    identifier: Any,
    aliases: Mapping[str, Any] | None = None,
    wrap: Callable[[Callable[..., Any]], T] | None = None,
    spelling: Callable[[str], str] = snake_case,
) -> T:
    """An object of `family` from itself, its class, its name, its description, or a function that `wrap` takes.

    `aliases` are further names; an error calls the family `what`, as "an initializer", and its members as `spelling`
    has them. Raises `GraphError`.
    """
    function = what.partition(" ")[2]
    if _is_description(identifier):
        identifier = deserialize(identifier)
    if isinstance(identifier, family):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, family):
        return identifier()
    if isinstance(identifier, str):
        names = names_of(family) | dict(aliases or {})
        found = names.get(identifier) or names.get(identifier.lower())
        if found is None:
            known = {spelling(c.__name__) for c in names_of(family).values()} | set(aliases or {})
            refuse(function, f"expected the name of {what} ({suggestion(identifier, known)}), got {identifier!r}")
        return found()
    if wrap is not None and callable(identifier) and not isinstance(identifier, type | Configured):
        return wrap(identifier)
    refuse(function, f"expected {what}, its name or its config, got {_shown(identifier)}")


def names_of(family: type[T]) -> dict[str, type[T]]:
    """The classes of a family by their names in snake case and in lower case."""
    own = (c for name, c in _classes.items() if not name.startswith(_CUSTOM) and not c.__name__.startswith("_"))
    members = [c for c in own if issubclass(c, family) and c is not family]
    return {spelling: c for c in members for spelling in (c.__name__.lower(), snake_case(c.__name__))}


def _shown(x: Any) -> str:
    return (
        repr(x) if isinstance(x, str | int | float | Mapping | type(None)) else f"an object of type {type(x).__name__}"
    )
