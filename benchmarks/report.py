"""Results as a table: for people in the terminal and, the same, in RESULTS.md.

It stands apart from the measuring so that a report can be made again from stored results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.peers import OURS, PEERS

TOLERABLE = 0.05  # cores that other processes may use before a row is marked
COLUMNS = ("ratio", "best of graphc", "fastest peer", "of roofline", *PEERS)
FIT_COLUMNS = ("graphc", "loop by hand", "Keras JAX", "Keras torch")
FIT_NOTE = "Ratio: the fastest other's time by that of graphc's fit; 0.95 by hand means that fit costs 5 % more."
Cells = Callable[[Mapping[str, Any]], list[str]]  # of a row


def quantity(row: Mapping[str, Any]) -> tuple[Mapping[str, float], float, str]:
    """What a row measures, by peer, with the factor to its unit."""
    if "bytes" in row:
        return row["bytes"], 1e-6, "MB"
    largest = max(row["seconds"].values(), default=0)
    return row["seconds"], *((1.0, "s") if largest > 0.5 else (1e6, "µs"))


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: Mapping[str, Any]) -> list[str]:
    """The row's cells under COLUMNS; a dash where there is nothing to compare."""
    values, factor, unit = quantity(row)
    ours = {name: values[name] for name in OURS if name in values}
    peers = {name: values[name] for name in values if name not in OURS}
    best, fastest = (min(group, key=group.get) if group else None for group in (ours, peers))
    ratio = f"{peers[fastest] / ours[best]:.2f}" if best and fastest else "–"
    share = f"{row['floor'] / min(ours.values()):.0%}" if ours and "floor" in row else "–"
    by_peer = [f"{number(values[name] * factor)} {unit}" if name in values else "–" for name in PEERS]
    return [ratio, best or "–", fastest or "–", share, *by_peer]


def fit_cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of a row of fit.py: what the fastest other takes by what graphc takes, then each."""
    seconds = row["seconds"]
    others = [seconds[name] for name in FIT_COLUMNS if name in seconds and name != "graphc"]
    ratio = f"{min(others) / seconds['graphc']:.2f}" if others and "graphc" in seconds else "–"
    return [ratio, *(f"{number(seconds[name] * 1e3)} ms" if name in seconds else "–" for name in FIT_COLUMNS)]


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], cells: Cells) -> list[str]:
    """A Markdown table, padded so that it reads well unrendered."""
    lines = [["row", *columns], *([row["name"], *cells(row)] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return [text[0], rule, *text[1:]]


def threads_text(threads: int) -> str:
    return f"{threads} thread{'s'[: threads > 1]}"


def notes(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each library that is missing, each row that one could not do and each disturbed row."""
    found: dict[str, None] = {}
    for run in runs:
        for name, reason in run.get("missing", {}).items():
            found[f"- {name} is left out: {reason}"] = None
        for row in run["rows"]:
            for name, reason in row["failed"].items():
                found[f"- {name}, {row['name']}: {reason}"] = None
            if row.get("disturbance", 0) > TOLERABLE:
                cores = f"other processes kept {row['disturbance']:.2f} cores busy"
                found[f"- {row['name']}, {threads_text(run['threads'])}: not to be trusted, {cores}"] = None
    return list(found)


def render(
    machine: str,
    date: str,
    timed: list[dict[str, Any]],
    whole: list[dict[str, Any]],
    fit: list[dict[str, Any]],
) -> str:
    """The report. `timed`: one result of measure.py a thread count; `whole`, `fit`: rows of those files."""
    lines = [f"# {date}", "", machine, ""]
    versions = {name: version for run in timed for name, version in run["versions"].items()}
    if versions:
        lines += [", ".join(f"{name} {version}" for name, version in versions.items()), ""]
    lines += [
        "Ratio: the fastest peer's time by that of graphc's faster backend; above 1, graphc is ahead. Times are",
        "medians over rounds in which all libraries take turns in one process. Of the roofline: the time that the",
        "row's compulsory bytes or FLOPs take at the bandwidth or GEMM peak measured in the same process.",
        "",
    ]
    for run in timed:
        rates = f"triad {run['triad'] / 1e9:.1f} GB/s, GEMM {run['gemm'] / 1e9:.0f} GFLOP/s"
        lines += [f"## {threads_text(run['threads'])}: {rates}", "", *table(COLUMNS, run["rows"], cells), ""]
    if whole:
        lines += ["## Whole processes", "", *table(COLUMNS, whole, cells), ""]
    if fit:
        lines += ["## Training by fit", "", FIT_NOTE, "", *table(("ratio", *FIT_COLUMNS), fit, fit_cells), ""]
    remarks = notes([*timed, {"rows": whole}, {"rows": fit}])
    return "\n".join(lines + ([*remarks, ""] if remarks else []))
