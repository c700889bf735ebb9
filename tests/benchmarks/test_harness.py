"""The benchmark harness without its peers: rows give what NumPy gives, and a report says what is missing."""

import sys

import numpy as np
import pytest

from benchmarks import fit, measure, report
from benchmarks.cases import ROWS
from benchmarks.cases.fit import IRIS
from benchmarks.peers import PEERS, load_peer


@pytest.mark.parametrize("case", [case for case in ROWS if "2^22" not in case.name], ids=lambda case: case.name)
def test_graphc_gives_what_numpy_gives(case):
    calls, failed = measure.prepare(case, {"graphc": load_peer("graphc")})
    assert not failed
    assert list(calls) == ["graphc"]


def test_a_wrong_result_is_refused_before_it_is_timed():
    class Wrong:
        def forward(self, body, arrays):
            return lambda: [array + np.float32(1e-3) for array in arrays]

        def arrays(self, result):
            return result

    case = next(case for case in ROWS if case.name.startswith("tanh"))
    calls, failed = measure.prepare(case, {"wrong": Wrong()})
    assert not calls
    assert failed["wrong"].startswith("AssertionError: expected an error of at most 1e-05, got")


def test_a_missing_peer_is_a_line(monkeypatch):
    for module in ("torch", "jax", "pytensor", *(module for module, _ in PEERS.values())):
        monkeypatch.setitem(sys.modules, module, None)
    peers, missing = measure.load_peers()
    assert not peers
    assert set(missing) == set(PEERS)
    text = report.render("a machine", "2026-01-01", [], [], [])
    assert text.startswith("# 2026-01-01\n\na machine\n")
    lines = report.notes([{"missing": {"JAX": "ImportError: no jax"}, "rows": []}])
    assert lines == ["- JAX is left out: ImportError: no jax"]


def test_a_disturbed_row_is_marked():
    rows = [{"name": name, "failed": {}, "disturbance": cores} for name, cores in (("gelu", 0.01), ("softmax", 0.5))]
    lines = report.notes([{"threads": 2, "rows": rows}])
    assert lines == ["- softmax, 2 threads: not to be trusted, other processes kept 0.50 cores busy"]


def test_the_ratio_is_to_the_fastest_peer():
    row = {
        "name": "softmax",
        "seconds": {"torch eager": 400e-6, "JAX": 300e-6, "graphc": 200e-6, "graphc cpp": 150e-6},
        "failed": {"PyTensor": "TypeError: no"},
        "floor": 75e-6,
    }
    cells = dict(zip(report.COLUMNS, report.cells(row), strict=True))
    assert cells["ratio"] == "2.00"
    assert cells["best of graphc"] == "graphc cpp"
    assert cells["fastest peer"] == "JAX"
    assert cells["of roofline"] == "50%"
    assert cells["torch eager"] == "400 µs"
    assert cells["PyTensor"] == "–"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"seconds": {"JAX": 1.5}}, "1.5 s"),
        ({"seconds": {"JAX": 9.31e-6}}, "9.31 µs"),
        ({"bytes": {"JAX": 312_000_000}}, "312 MB"),
    ],
)
def test_units(values, expected):
    cells = dict(zip(report.COLUMNS, report.cells(values), strict=True))
    assert cells["JAX"] == expected
    assert cells["ratio"] == "–"


def test_fit_is_timed_beside_a_loop_by_hand(monkeypatch):
    monkeypatch.setattr(fit, "SEEN", 300)
    monkeypatch.setattr(fit, "interleave", lambda calls: {name: call() or 2.0 for name, call in calls.items()})
    row = fit.beside_hand(IRIS)
    assert row["name"].endswith("epoch of 150 samples")
    assert row["seconds"] == {"graphc": 1.0, "loop by hand": 1.0}


def test_the_ratio_of_fit_is_to_the_fastest_other():
    row = {"name": "MNIST", "seconds": {"graphc": 0.2, "Keras JAX": 0.5, "Keras torch": 4.0}, "failed": {}}
    assert report.fit_cells(row) == ["2.50", "200 ms", "–", "500 ms", "4,000 ms"]
    assert "## Training by fit" in report.render("a machine", "2026-01-01", [], [], [row])


def test_a_library_that_cannot_be_imported_says_why():
    nothing = {"KERAS_BACKEND": "none", "PATH": ""}
    with fit.Child("0", "Keras JAX", environment=nothing) as child, pytest.raises(RuntimeError, match="Error"):
        child.ask("0")
