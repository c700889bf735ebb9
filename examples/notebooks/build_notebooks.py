"""Makes the notebooks out of the examples: `python examples/notebooks/build_notebooks.py`.

It stands apart so that an example and its notebook can't differ: the scripts are written in cells (`# %%`), and this
file copies prose and code. The one change: what a script reads from its command line is the first cell of a notebook.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

FOLDER = Path(__file__).resolve().parent
SETTINGS = "QUICK, OUTPUT = pictures.settings(__doc__)"
FIRST_CELL = """\
# The settings of this notebook
import sys
from pathlib import Path

sys.path.append("..")  # the folder of pictures.py
QUICK = False  # True: a short run, to see that everything works
OUTPUT = Path("examples-output")"""


def sources() -> list[Path]:
    """The examples that are notebooks: those with a number."""
    return sorted(FOLDER.parent.glob("[0-9][0-9]_*.py"))


def notebook_path(example: Path) -> Path:
    """Where the notebook of an example stands."""
    return FOLDER / f"{example.stem}.ipynb"


def notebook(example: Path) -> nbformat.NotebookNode:
    """The notebook of an example, without outputs; the same for the same text."""
    cells = []
    for kind, text in re.findall(r"^# %%( \[markdown\])?\n(.*?)(?=^# %%|\Z)", example.read_text(), re.S | re.M):
        if kind:
            cells.append(nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", text, flags=re.M).strip()))
            continue
        if not any(cell.cell_type == "code" for cell in cells):
            cells.append(nbformat.v4.new_code_cell(FIRST_CELL, metadata={"tags": ["parameters"]}))
        code = text.replace(SETTINGS, "").strip()
        if code:
            cells.append(nbformat.v4.new_code_cell(code))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made.metadata["language_info"] = {"name": "python"}
    nbformat.validate(made)
    return made


def main() -> None:
    for example in sources():
        nbformat.write(notebook(example), notebook_path(example))
        print(f"Notebook: {notebook_path(example)}")


if __name__ == "__main__":
    main()
