"""`make bench`: times every row against every peer and reports the ratios to the fastest.

It only starts processes and prints: measuring is done in children, whose threads are bound before any
library loads. From the repository: `python -m benchmarks.run --only softmax --threads 1,2 --write`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import fit, machine, report, whole_process
from benchmarks.environment import with_threads
from benchmarks.peers import PEERS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"


def run_rows(threads: int, pattern: str) -> dict[str, Any]:
    """The rows at one thread count, in a process of their own bound to that many cores."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        subprocess.run(
            [sys.executable, "-m", "benchmarks.measure", str(threads), pattern, str(results)],
            cwd=ROOT,
            env=with_threads(threads),
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
            check=True,
        )
        return json.loads(results.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", metavar="PATTERN", default="", help="rows whose name contains this regular expression"
    )
    parser.add_argument("--threads", default="1,2", help="thread counts, separated by commas (default: 1,2)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)} too")
    arguments = parser.parse_args()
    os.chdir(ROOT)

    cores = len(os.sched_getaffinity(0))
    timed = []
    for threads in (int(count) for count in arguments.threads.split(",")):
        if threads <= cores:
            timed.append(run_rows(threads, arguments.only))
        else:
            print(f"{threads} threads are left out: this process may use {cores} cores", file=sys.stderr)
    whole = []
    if re.search(arguments.only, "whole process, peak memory", re.IGNORECASE):
        absent = {name for run in timed for name in run["missing"]}
        whole = whole_process.measure(cores, [name for name in PEERS if name not in absent])
    epochs = fit.measure(cores) if re.search(arguments.only, "training by fit", re.IGNORECASE) else []

    timed = [run for run in timed if run["rows"]]
    text = report.render(machine.describe(), datetime.date.today().isoformat(), timed, whole, epochs)
    print(text)
    if arguments.write:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
