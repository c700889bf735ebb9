"""`graphc.nn` imports a name when it is asked for: every name is there, and one loss brings no models with it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from graphc import nn
from graphc.nn import layers


@pytest.mark.parametrize("name", dir(nn))
def test_every_name_is_there_and_documented(name):
    assert getattr(nn, name).__doc__


def test_checkers_of_types_see_the_names_that_are_there():
    tree = ast.parse(Path(nn.__file__).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports if node.module.startswith("graphc") for alias in node.names}
    assert (names - {"*"}) | set(layers.__all__) == set(dir(nn))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'graphc\.nn' has no attribute 'Dens'"):
        nn.Dens  # noqa: B018


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_a_loss_alone_imports_no_models_no_training_and_no_saving():
    code = "import sys, graphc as gc; gc.nn.losses.cross_entropy; print(*(m for m in sys.modules if 'graphc.nn' in m))"
    loaded = run(code).split()
    assert "graphc.nn.losses" in loaded
    assert not [m for m in loaded if m.startswith(("graphc.nn.models", "graphc.nn.training", "graphc.nn.saving"))]


def test_a_description_is_read_before_anything_else_was_imported():
    code = """
from graphc import nn
model = nn.deserialize({"class_name": "Dense", "config": {"units": 3, "kernel_regularizer": "l2"}})
print(type(model).__name__, nn.optimizers.get("adam").name)
"""
    assert run(code).split() == ["Dense", "adam"]
