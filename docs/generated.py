"""The parts of the documentation that are read off the code: API, ops, error bounds, settings, examples. Markdown.

It stands apart from `conf.py` so that the tests see the same text without a generator of sites.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import graphc as gc
from graphc import config, dtypes
from graphc.dtypes import DType
from graphc.kernel_ir.expansion import MAX_ULP
from graphc.ops.definition import REGISTRY, NoGradient, Op, Trait
from graphc.ops.families import Elementwise

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
_HEADINGS = {
    "declaration": "Declaring",
    "derivatives": "Derivatives",
    "programs": "Compiling, running, exporting",
}
_SECTIONS = {  # public names that stand above the operations, in this order; all others are operations, by module
    "declaration": "dim Dim input variable Variable constant Value".split(),
    "derivatives": "grad vjp jvp hvp jacobian hessian gradcheck stop_gradient".split(),
    "programs": (
        "compile Program export get_cmake_dir get_include set_num_threads get_num_threads info "
        "GraphError CompileError RuntimeFault"
    ).split(),
}
_NOT_CALLED = (BaseException, gc.Value, gc.Dim, gc.Program)  # classes whose objects are made by functions
_DESCRIBED = {  # base classes whose members are not repeated under every subclass
    gc.Value,
    gc.nn.Layer,
    gc.nn.Model,
    gc.nn.callbacks.Callback,
    gc.nn.constraints.Constraint,
    gc.nn.initializers.Initializer,
    gc.nn.losses.Loss,
    gc.nn.metrics.Metric,
    gc.nn.metrics.MeanMetric,
    gc.nn.optimizers.LearningRateSchedule,
    gc.nn.optimizers.Optimizer,
    gc.nn.regularizers.Regularizer,
}
_WAYS = {"lower": "elementwise", "pull": "indexed", "reduce": "reduction", "decompose": "by other ops"}
_GROUPS = (  # of dtypes, as a table shows them
    (dtypes.ALL, "all"),
    (dtypes.NUMERIC, "numbers"),
    (dtypes.FLOATING, "floats"),
    (dtypes.INTEGER, "integers"),
)


class _Verbatim:
    """An annotation or a default that prints as the source says it."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


# ---- the API -----------------------------------------------------------------------------------------------------


def api(module: str = "graphc") -> str:
    """Every public name of a module, with signature and docstring; those of graphc itself in sections."""
    if module == "graphc":
        return "\n".join(_graphc())
    found = module_of(module)
    return "\n".join(_entry(module, name, getattr(found, name)) for name in public_names(found))


def module_of(path: str) -> ModuleType:
    """The module that a user reaches by `path`, which may be an attribute of another one: `graphc.nn.callbacks`."""
    found = gc
    for name in path.split(".")[1:]:
        found = getattr(found, name) if hasattr(found, name) else importlib.import_module(f"{found.__name__}.{name}")
    return found


def public_names(module: ModuleType) -> list[str]:
    """What `module` offers: its `__all__`, else what it defines, or, for a package, what of graphc it imports."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__, key=str.lower)
    home = "graphc" if hasattr(module, "__path__") else module.__name__
    found = {name: thing for name, thing in vars(module).items() if not name.startswith("_")}
    ours = [n for n, thing in found.items() if not isinstance(thing, ModuleType) and _home(thing).startswith(home)]
    return sorted(ours, key=str.lower)


def _home(thing: Any) -> str:
    return str(getattr(thing, "__module__", None) or type(thing).__module__)


def _graphc() -> Iterator[str]:
    left = dict.fromkeys(public_names(gc))
    for section, names in _SECTIONS.items():
        yield f"## {_HEADINGS[section]}\n"
        for name in names:
            left.pop(name)
            yield _entry("graphc", name, getattr(gc, name))
    families: dict[str, list[str]] = {}
    for name in left:
        families.setdefault(_family(getattr(gc, name)), []).append(name)
    for family in sorted(families):
        yield f"## Operations: {family}\n"
        for name in families[family]:
            yield _entry("graphc", name, getattr(gc, name))


def _family(thing: Any) -> str:
    """The file of `graphc/ops/` that defines it: for an op, that of its gradient or of how it lowers."""
    if isinstance(thing, Op):
        parts = (thing.gradient, thing.lower, thing.decompose, thing.pull, thing.reference)
        modules = [p.__module__ for p in parts if isinstance(p, FunctionType) and p.__module__ != "graphc.ops.families"]
        module = next((m for m in modules if m.startswith("graphc.ops.")), "graphc.ops.arithmetic")
    else:
        module = thing.__module__
    return module.rpartition(".")[2].replace("_", " ")


def _entry(module: str, name: str, thing: Any) -> str:
    """A name as a directive of the Python domain."""
    where = f"{module}.{name}"
    if isinstance(thing, type):
        return _class(where, thing)
    if isinstance(thing, Op):
        return _directive("function", f"{where}({', '.join(_operands(thing))})", thing.summary)
    if not callable(thing):
        return _directive("data", where, _docstring(thing))
    return _directive("function", where + signature(thing), _docstring(thing))


def _operands(op: Op) -> list[str]:
    """The operands of an elementwise op, which are positional, by the names that its summary uses."""
    if not isinstance(op, Elementwise):
        return ["x", "/"]
    first = ["condition"] if op.selects else []
    numbered = [f"x{i}" for i in range(1, op.arity - len(first) + 1)]
    return [*first, *(numbered if len(numbered) > 1 else ["x"]), "/"]


def _class(where: str, cls: type) -> str:
    members = []
    for name, member in _members(cls):
        if isinstance(member, property):
            members.append(_directive("property", name, _docstring(member), "::::"))
        else:
            members.append(_directive("method", name + signature(member, bound=True), _docstring(member), "::::"))
    heading = where + ("" if issubclass(cls, _NOT_CALLED) else signature(cls))
    kind = "exception" if issubclass(cls, BaseException) else "class"
    return _directive(kind, heading, "\n\n".join([_docstring(cls), *members]), ":::::")


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that graphc's classes add, in the order of the source; documented ones."""
    seen: set[str] = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("graphc"):
            continue
        if base is not cls and base in _DESCRIBED:
            seen.update(dir(base))
            continue
        for name, member in vars(base).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            member = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
            if isinstance(member, (FunctionType, property)) and member.__doc__:
                yield name, member


def signature(function: Callable[..., Any], bound: bool = False) -> str:
    """The arguments as the source spells them, without `self`."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        return "(…)"
    parameters = list(found.parameters.values())[1 if bound else 0 :]
    shown = [p.replace(annotation=_spelled(p.annotation), default=_default(p.default)) for p in parameters]
    returned = inspect.Signature.empty if isinstance(function, type) else _spelled(found.return_annotation)
    return str(found.replace(parameters=shown, return_annotation=returned))


def _spelled(annotation: Any) -> Any:
    return _Verbatim(annotation) if isinstance(annotation, str) else annotation


def _default(value: Any) -> Any:
    text = repr(value)
    return _Verbatim("…") if value is not inspect.Parameter.empty and " at 0x" in text else value


def _docstring(thing: Any) -> str:
    if isinstance(thing, type) and thing.__doc__ and thing.__doc__.startswith(f"{thing.__name__}("):
        return ""  # what a dataclass without a docstring gets
    return inspect.cleandoc(thing.__doc__ or "")


def _directive(kind: str, heading: str, text: str, fence: str = ":::") -> str:
    return f"{fence}{{py:{kind}}} {heading}\n\n{text}\n\n{fence}\n"


# ---- tables ------------------------------------------------------------------------------------------------------


def ops() -> str:
    """One row for each op of the registry."""
    rows = [
        (
            f"`{op.name}`",
            op.summary,
            _dtypes(op.dtypes),
            f"none: {op.gradient.reason}" if isinstance(op.gradient, NoGradient) else "yes",
            _way(op),
            _bound(op),
            f"`{op.onnx}`" if op.onnx else "–",
        )
        for op in sorted(REGISTRY.values(), key=lambda op: (op.family, op.name))
    ]
    return _table(("op", "what it computes", "dtypes", "gradient", "lowering", "ULP bound", "ONNX"), rows)


def _dtypes(accepted: tuple[DType, ...]) -> str:
    left, shown = set(accepted), []
    for group, name in _GROUPS:
        if set(group) <= left:
            shown.append(name)
            left -= set(group)
    return ", ".join([*shown, *(t.name for t in accepted if t in left)]) or "–"


def _way(op: Op) -> str:
    if op.library is not None:
        return f"library step `{op.library}`"
    ways = [text for way, text in _WAYS.items() if getattr(op, way) is not None]
    return "leaf" if Trait.LEAF in op.traits else ways[0]


def _bound(op: Op) -> str:
    bounds = [f"{bound:g} ({name})" for name, bound in op.max_ulp.items()]
    return "<br>".join(bounds) or "–"


def ulp() -> str:
    """The published bounds of the functions that are expanded into arithmetic."""
    rows = [
        (f"`{name}`", *(f"{bounds[dtype]:g}" for dtype in ("float32", "float64"))) for name, bounds in MAX_ULP.items()
    ]
    return _table(("function", "float32", "float64"), rows)


def settings() -> str:
    """The settings that come from the environment."""
    return _table(("variable", "meaning"), [(f"`{s.name}`", s.help) for s in config.SETTINGS])


def examples() -> str:
    """Every script of examples/ that is run by a command, with what its docstring says, and its notebook."""
    rows = []
    for path in [EXAMPLES / "demo.py", *sorted(EXAMPLES.glob("[0-9]*.py"))]:
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        command = "make demo" if path.name == "demo.py" else f"python examples/{path.name}"
        notebook = EXAMPLES / "notebooks" / f"{path.stem}.ipynb"
        places = [_link(path, path.name), *([_link(notebook, "notebook")] if notebook.exists() else [])]
        rows.append((", ".join(places), first, f"`{command}`"))
    return _table(("example", "what it shows", "command"), rows)


def hosts() -> str:
    """The C++ programs of examples/cpp/, with the comment that they begin with."""
    rows = []
    for path in sorted((EXAMPLES / "cpp").glob("*.cpp")):
        comment = itertools.takewhile(lambda line: line.startswith("//"), path.read_text().splitlines())
        rows.append((_link(path, path.name), " ".join(line.removeprefix("//").strip() for line in comment)))
    return _table(("host", "what it does"), rows)


def _link(path: Path, text: str) -> str:
    return f"[{text}](../{path.relative_to(ROOT).as_posix()})"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


PARTS: dict[str, Callable[..., str]] = {
    "api": api,
    "ops": ops,
    "ulp": ulp,
    "settings": settings,
    "examples": examples,
    "hosts": hosts,
}


def part(arguments: str) -> str:
    """The text for `{generated} arguments`: the name of a part, then what it takes. Raises `KeyError`."""
    name, *rest = arguments.split()
    return PARTS[name](*rest)
