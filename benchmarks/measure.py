"""The process that times rows at one thread count: all peers live in it and take turns.

A process of its own because thread counts and affinity are fixed before the libraries load. run.py starts
it as `python -m benchmarks.measure THREADS PATTERN RESULTS.json`.
"""

from __future__ import annotations

import gc as garbage
import json
import os
import re
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import Call, Case, Peer
from benchmarks.cases import ROWS
from benchmarks.machine import OtherWork, Roofline, bandwidth
from benchmarks.peers import PEERS, load_peer
from benchmarks.report import threads_text

ROUNDS = 9
SLICE = 0.04  # seconds a peer runs in one round
SETTLE = 0.005  # seconds over which this process must be idle before a slice
PATIENCE = 2.0  # seconds to wait for that


def first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def load_peers() -> tuple[dict[str, Peer], dict[str, str]]:
    """The peers that can be imported, and why the others cannot."""
    peers, missing = {}, {}
    for name in PEERS:
        try:
            peers[name] = load_peer(name)
        except Exception as error:  # a half-installed library raises anything
            missing[name] = first_line(error)
    return peers, missing


def check(peer: Peer, case: Case, call: Call, expected: list[np.ndarray]) -> None:
    """Raise `AssertionError` unless the peer gives what NumPy gives."""
    for _ in range(case.calls_to_check):
        result = call()
    arrays = peer.arrays(result)
    assert len(arrays) == len(expected), f"expected {len(expected)} results, got {len(arrays)}"
    for array, right in zip(arrays, expected, strict=True):
        assert array.shape == right.shape, f"expected shape {right.shape}, got {array.shape}"
        error = np.abs(array - right).max() / max(np.abs(right).max(), 1e-30)
        assert error <= case.tolerance, f"expected an error of at most {case.tolerance}, got {error:.2g}"


def prepare(case: Case, peers: dict[str, Peer]) -> tuple[dict[str, Call], dict[str, str]]:
    """The peers' calls, built and checked, and what went wrong with the others."""
    arrays = case.arguments()
    exact = [array.astype("float64") if array.dtype == np.float32 else array for array in arrays]
    expected = case.reference(*exact)
    calls, failed = {}, {}
    for name, peer in peers.items():
        try:
            call = case.build(peer, arrays)
            check(peer, case, call, expected)
        except Exception as error:  # whatever a library raises on this row is what the row says
            failed[name] = first_line(error)
        else:
            calls[name] = call
    return calls, failed


def seconds_a_call(call: Call, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - started) / repeats


def settle() -> None:
    """Sleep until the threads of whoever ran last have stopped spinning; OpenBLAS's go on for 0.1 s and more."""
    gives_up = time.perf_counter() + PATIENCE
    while time.perf_counter() < gives_up:
        spent = time.process_time()
        time.sleep(SETTLE)
        if time.process_time() - spent < 0.1 * SETTLE:
            return


def interleave(calls: dict[str, Call]) -> dict[str, float]:
    """Median seconds a call, over rounds in which every peer runs one slice."""
    repeats = {}
    for name, call in calls.items():
        seconds_a_call(call, 3)
        once = min(seconds_a_call(call, 1) for _ in range(3))
        repeats[name] = max(1, round(SLICE / max(once, 1e-7)))
    slices: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            settle()
            seconds_a_call(call, max(1, repeats[name] // 10))
            slices[name].append(seconds_a_call(call, repeats[name]))
    return {name: statistics.median(times) for name, times in slices.items()}


def measure(threads: int, pattern: str) -> dict[str, Any]:
    """Everything that this process finds out, as JSON."""
    peers, missing = load_peers()
    roofline = Roofline.measure(threads)
    rows = []
    for case in ROWS:
        if not re.search(pattern, case.name, re.IGNORECASE):
            continue
        print(f"{threads_text(threads)}: {case.name}", file=sys.stderr, flush=True)
        calls, failed = prepare(case, peers)
        garbage.collect()
        garbage.disable()
        others = OtherWork()
        times = interleave(calls)
        disturbance = others.cores()
        garbage.enable()
        floor = roofline.floor(case.bytes, case.flops)
        row = {"name": case.name, "seconds": times, "failed": failed, "floor": floor, "disturbance": disturbance}
        rows.append(row)
    return {
        "threads": threads,
        "triad": bandwidth(3 * 2**27),
        "gemm": roofline.flops_per_second,
        "versions": {name: peer.version() for name, peer in peers.items()},
        "missing": missing,
        "rows": rows,
    }


def main() -> None:
    threads, pattern, results = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    assert len(os.sched_getaffinity(0)) == threads, "expected run.py to have set the affinity"
    warnings.simplefilter("ignore")
    results.write_text(json.dumps(measure(threads, pattern)))


if __name__ == "__main__":
    main()
