"""What `fit` costs: beside a loop by hand around the same program, and whole epochs beside Keras 3.

It stands apart from the rows because Keras has one backend a process: each library lives in a child, and the children
take turns. The child is this file run as a module; it trains when it reads a number of epochs, and says how long.
"""

from __future__ import annotations

import contextlib
import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks.cases.fit import IRIS, MNIST, Training, by_fit, by_hand, compiled, data
from benchmarks.environment import with_caches, with_threads
from benchmarks.measure import interleave

BY_HAND = "loop by hand"
PEERS: dict[str, dict[str, str]] = {  # with what their process has in its environment
    "graphc": {},
    "Keras JAX": {"KERAS_BACKEND": "jax"},
    "Keras torch": {"KERAS_BACKEND": "torch"},
}
REPEATS = 3  # fresh processes with empty caches
ROUNDS = 2  # epochs after the first, in each of them
SAMPLES = 4_000  # at most, beside a loop by hand: few enough for many rounds
SEEN = 12_000  # samples that a call trains with there, in several epochs
OVERHEAD = "overhead"


class Child:
    """A process that trains one network in one library. Raises `RuntimeError` with its last line where it fails."""

    def __init__(self, *arguments: str, environment: dict[str, str]):
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fit", *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.communicate()
        self._errors.close()

    def ask(self, request: str) -> Any:
        """The child's answer, from JSON."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            answer = ""
        else:
            answer = self._process.stdout.readline()
        if answer:
            return json.loads(answer)
        status = self._process.wait()
        self._errors.seek(0)
        raise RuntimeError((self._errors.read().strip().splitlines() or [f"exit status {status}"])[-1])


def measure(threads: int) -> list[dict[str, Any]]:
    """Rows of seconds an epoch, by column."""
    print("fit: beside a loop by hand", file=sys.stderr, flush=True)
    with Child(OVERHEAD, environment=with_threads(threads)) as child:
        rows = child.ask("all")
    return rows + [row for training in MNIST for row in _beside_keras(threads, training)]


def _beside_keras(threads: int, training: Training) -> list[dict[str, Any]]:
    """The first epoch, with compilation and empty caches, and the epochs after it: the children take turns."""
    print(f"fit: {training.name}, beside Keras", file=sys.stderr, flush=True)
    first: dict[str, list[float]] = {}
    later: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            environment = with_caches(with_threads(threads), Path(folder))
            children = {
                name: stack.enter_context(Child(str(MNIST.index(training)), name, environment=environment | backend))
                for name, backend in PEERS.items()
                if name not in failed
            }
            for epochs, times in ((0, {}), (1, first), *((1, later) for _ in range(ROUNDS))):  # 0: imports are over
                for name, child in list(children.items()):
                    try:
                        times.setdefault(name, []).append(child.ask(str(epochs)))
                    except RuntimeError as error:
                        failed[name] = str(error)
                        del children[name]
    rows = {f"{training.name}: first epoch, with compilation": first, f"{training.name}: later epoch": later}
    return [
        {
            "name": name,
            "seconds": {peer: statistics.median(seconds) for peer, seconds in found.items() if peer not in failed},
            "failed": failed,
        }
        for name, found in rows.items()
    ]


def beside_hand(training: Training) -> dict[str, Any]:
    """The row of one model, trained by `fit` and by hand in turns, in this process."""
    from graphc import nn

    x, t = data(training, min(training.samples, SAMPLES))
    model = compiled(nn, training)
    ways = {"graphc": by_fit(model, training, x, t), BY_HAND: by_hand(model, training, x, t)}
    epochs = SEEN // len(x)
    times = interleave({name: functools.partial(train, epochs) for name, train in ways.items()})
    seconds = {name: time / epochs for name, time in times.items()}
    return {"name": f"{training.name}: epoch of {len(x):,} samples", "seconds": seconds, "failed": {}}


def main() -> None:
    """The child: answers every line of input by one line."""
    warnings.simplefilter("ignore")
    if sys.argv[1] == OVERHEAD:
        for _ in sys.stdin:
            print(json.dumps([beside_hand(training) for training in (IRIS, *MNIST)]), flush=True)
        return
    training, peer = MNIST[int(sys.argv[1])], sys.argv[2]
    x, t = data(training)
    if peer == "graphc":
        from graphc import nn as library
    else:
        import keras as library
    train = None
    for line in sys.stdin:
        started = time.perf_counter()
        if int(line):
            train = train or by_fit(compiled(library, training), training, x, t)
            train(int(line))
        print(json.dumps(time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
