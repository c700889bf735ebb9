"""What the reference reads off the code is whole: every op, every public name, every bound, setting and example."""

from __future__ import annotations

import inspect
import re

import generated
import pytest

import graphc as gc
from graphc import config
from graphc.kernel_ir.expansion import MAX_ULP
from graphc.ops.definition import REGISTRY, NoGradient

REFERENCE = generated.ROOT / "docs" / "reference"
MODULES = sorted(
    {m for page in REFERENCE.glob("*.md") for m in re.findall(r"^```\{generated\} api (\S+)$", page.read_text(), re.M)}
)


def first_cells(table: str) -> list[str]:
    return [line.split(" | ")[0].removeprefix("| ").strip("`") for line in table.splitlines()[2:]]


def test_the_table_of_ops_has_each_op_once_with_its_summary():
    table = generated.ops()
    assert sorted(first_cells(table)) == sorted(REGISTRY)
    for op in REGISTRY.values():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{op.name}` "))
        assert op.summary.replace("|", "\\|") in row
        if isinstance(op.gradient, NoGradient):
            assert op.gradient.reason in row
        assert not op.onnx or f"`{op.onnx}`" in row
        assert len(re.findall(r"(?<!\\)\|", row)) == 8


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_described(module):
    text, found = generated.api(module), generated.module_of(module)
    assert generated.public_names(found)
    for name in generated.public_names(found):
        entry = re.search(rf"\{{py:\w+\}} {re.escape(module)}\.{name}\b[^\n]*\n\n(.*?)\n", text)
        assert entry and entry[1].strip(), f"{module}.{name} has no description"


def test_every_public_module_has_a_place():
    public = {"graphc"} | {f"graphc.{name}" for name in ("cache", "data", "nn", "random", "sklearn")}
    of_networks = (name for name, thing in vars(gc.nn).items() if inspect.ismodule(thing) and hasattr(thing, "get"))
    assert public | {"graphc.nn.callbacks"} | {f"graphc.nn.{name}" for name in of_networks} == set(MODULES)


def test_the_names_that_have_a_section_exist():
    assert all(hasattr(gc, name) for names in generated._SECTIONS.values() for name in names)


def test_signatures_read_as_the_source():
    def function(x: float | None, *rest: int, name: str = "a") -> list[str]: ...

    assert generated.signature(function) == "(x: float | None, *rest: int, name: str = 'a') -> list[str]"
    assert generated.signature(gc.nn.Dense).startswith("(units: int")


def test_bounds_settings_and_examples_are_all_there():
    assert first_cells(generated.ulp()) == list(MAX_ULP)
    assert first_cells(generated.settings()) == [s.name for s in config.SETTINGS]
    numbered = [path.name for path in generated.EXAMPLES.glob("[0-9]*.py")]
    assert numbered and all(f"`python examples/{name}`" in generated.examples() for name in numbered)
