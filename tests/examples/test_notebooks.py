"""The notebooks: each is what its example makes, and runs from top to bottom with the short setting."""

from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("mlxtend")
pytest.importorskip("matplotlib")
pytest.importorskip("ipykernel")
pytest.importorskip("nbclient")
pytest.importorskip("nbformat")

import build_notebooks
import nbclient
import nbformat

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"


def by_name(example):
    return example.stem


def test_there_are_nine_and_they_are_small():
    assert [example.stem[:2] for example in build_notebooks.sources()] == [f"0{number}" for number in range(1, 10)]
    assert sum(path.stat().st_size for path in FOLDER.glob("*.ipynb")) < 500_000


@pytest.mark.parametrize("example", build_notebooks.sources(), ids=by_name)
def test_the_notebook_is_what_its_example_makes(example):
    committed = nbformat.read(build_notebooks.notebook_path(example), as_version=4)
    assert committed == build_notebooks.notebook(example), "run: python examples/notebooks/build_notebooks.py"
    assert committed.cells[0].cell_type == "markdown" and committed.cells[0].source.startswith("# ")


@pytest.mark.parametrize("example", build_notebooks.sources(), ids=by_name)
def test_the_notebook_runs(example, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(build_notebooks.notebook_path(example), as_version=4)
    settings = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    settings.source = settings.source.replace("QUICK = False", "QUICK = True").replace(
        'Path("examples-output")', f"Path({str(tmp_path)!r})"
    )
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", ()) for output in shown)
    assert list(tmp_path.glob("*.png"))
    assert not any(output.get("name") == "stderr" for output in shown), [o for o in shown if o.get("name") == "stderr"]
