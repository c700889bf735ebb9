"""The architecture as a test: who may import whom, how long files are, and that public names are documented."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import graphc as gc

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "graphc"

LEAVES = ("errors", "dtypes", "dims", "origin", "config")

# package or module → what of graphc it may import besides the leaves; the same table stands in docs/architecture.md
IMPORTS: dict[str, tuple[str, ...]] = {
    "ir": (),
    "kernel_ir": (),
    "program": (),
    "ops": ("ir", "kernel_ir"),
    "autodiff": ("ir", "ops", "passes"),  # what it differentiates is stabilised first: log(sum(exp(x)))
    "passes": ("ir", "ops"),
    "schedule": ("ir", "ops", "kernel_ir", "program"),
    "backends": ("kernel_ir",),
    "runtime": ("program",),
    "variables": ("ir", "ops", "runtime"),
    "declaration": ("ir", "ops", "variables", "runtime"),
    "cache": ("backends",),
    "native": (),
    "export": ("compiled", "kernel_ir", "program", "backends", "runtime", "export_sources"),
    "export_sources": ("program", "backends", "native"),
}
SEE_EVERYTHING = ("compiler", "compiled", "profile", "roofline", "info", "__init__", "__main__")
PUBLIC_API_ONLY = ("nn", "data", "random", "sklearn")

# C++: folder → folders whose headers it may include
INCLUDES: dict[str, tuple[str, ...]] = {
    "include": (),
    "runtime": (),
    "library": ("runtime", "cpu"),  # cpu: the hand-written kernels of kernels/cpu
    "python": ("runtime", "library", "cpu"),
    "host": ("runtime", "library"),
}

LONGEST = 500  # lines; a file above needs a reason here
LONG_FILES: dict[str, str] = {}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py"))


def owner(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The parts of graphc that a file imports while it is loaded or later."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "graphc":
            parts = node.module.split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name.split(".")[1] for a in node.names if a.name.startswith("graphc.")}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    part = owner(path)
    if part in SEE_EVERYTHING or part in PUBLIC_API_ONLY:
        return
    allowed = {*LEAVES, part, *IMPORTS.get(part, ())}
    assert part in IMPORTS or part in LEAVES, f"{part} is not in the table"
    extra = imported(path) - allowed
    if path.name == "check.py" and part == "autodiff":
        extra -= {"compiler"}  # gradcheck runs programs: imported when it is called
    assert not extra, f"{path.relative_to(ROOT)} imports {sorted(extra)}"


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").rglob("*.[ch]*")), ids=lambda p: str(p.relative_to(ROOT)))
def test_includes_run_one_way(path):
    part = path.relative_to(ROOT / "csrc").parts[0]
    for name in re.findall(r'#include "([^"]+)"', path.read_text()):
        folder = name.split("/")[0] if "/" in name else part
        allowed = {part, "graphc", "include", *INCLUDES[part]}
        assert folder in allowed, f"{path.relative_to(ROOT)} includes {name}"


def test_only_the_bindings_see_python():
    for path in (ROOT / "csrc").rglob("*.[ch]*"):
        if "python" not in path.relative_to(ROOT / "csrc").parts:
            text = path.read_text()
            assert "pybind11" not in text and "Python.h" not in text, path


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_file_says_what_it_is_and_is_short(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"
    lines = text.count("\n")
    assert lines <= LONGEST or str(path.relative_to(ROOT)) in LONG_FILES, f"{path} has {lines} lines"


def public_names() -> list[str]:
    return [n for n in dir(gc) if not n.startswith("_")]


@pytest.mark.parametrize("name", public_names())
def test_every_public_name_is_documented(name):
    value = getattr(gc, name)
    assert (getattr(value, "summary", None) or value.__doc__ or "").strip()


def test_the_table_in_the_documentation_is_this_one():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for part, allowed in IMPORTS.items():
        row = f"| `{part}` | {', '.join(f'`{a}`' for a in allowed) or '–'} |"
        assert row in text, f"docs/architecture.md lacks the row {row}"
