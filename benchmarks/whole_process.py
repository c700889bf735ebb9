"""What a user waits for and pays: whole processes that import a library, build the MLP's step and run it.

They stand apart from the rows because nothing can be interleaved inside a process: each run is a fresh one,
cold (empty caches) or warm (the caches that the cold one left). The child is this file run as a module.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environment import with_caches, with_threads

REPEATS = 3
LARGE_BATCH = 16_384


@dataclass(frozen=True)
class Run:
    seconds: float  # from the start of the process to its end
    peak: int  # bytes, largest resident set


def run_step(peer_name: str, batch: int, environment: dict[str, str]) -> Run:
    """One process. Raises `RuntimeError` with its last line of output where it fails."""
    command = [sys.executable, "-m", "benchmarks.whole_process", peer_name, str(batch)]
    started = time.perf_counter()
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"exit status {child.returncode}"]
        raise RuntimeError(lines[-1])
    return Run(seconds, int(child.stdout.split()[-1]))


def measure(threads: int, peers: list[str]) -> list[dict[str, Any]]:
    """Rows of seconds (cold, warm) and of bytes (peak at batch 128, growth to the large batch), by peer."""
    names = {
        "cold": "whole process cold, MLP step",
        "warm": "whole process warm, MLP step",
        "peak": "peak memory of the warm process, batch 128",
        "growth": f"peak memory beyond that at batch {LARGE_BATCH:,}",
    }
    found: dict[str, dict[str, float]] = {key: {} for key in names}
    failed: dict[str, str] = {}
    for peer in peers:
        print(f"whole processes: {peer}", file=sys.stderr, flush=True)
        cold, warm, large = [], [], []
        try:
            for _ in range(REPEATS):
                with tempfile.TemporaryDirectory() as folder:
                    environment = with_caches(with_threads(threads), Path(folder))
                    cold.append(run_step(peer, 128, environment))
                    warm.append(run_step(peer, 128, environment))
                    if len(cold) == REPEATS:  # once to fill the caches of this batch, once to count
                        large = [run_step(peer, LARGE_BATCH, environment) for _ in range(2)]
        except RuntimeError as error:
            failed[peer] = str(error)
            continue
        found["cold"][peer] = statistics.median(run.seconds for run in cold)
        found["warm"][peer] = statistics.median(run.seconds for run in warm)
        found["peak"][peer] = statistics.median(run.peak for run in warm)
        found["growth"][peer] = large[-1].peak - found["peak"][peer]
    units = {"cold": "seconds", "warm": "seconds", "peak": "bytes", "growth": "bytes"}
    return [{"name": names[key], units[key]: found[key], "failed": failed} for key in names]


def main() -> None:
    """The child: one training step, then the peak of its resident set in bytes."""
    peer_name, batch = sys.argv[1], int(sys.argv[2])
    warnings.simplefilter("ignore")
    from benchmarks.cases import training
    from benchmarks.peers import load_peer

    peer = load_peer(peer_name)
    call = training.build_mlp_step(peer, training.arguments(training.MLP, batch))
    for _ in range(3):
        peer.arrays(call())
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main()
