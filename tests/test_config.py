"""The settings from the environment: their defaults, and that a bad one is refused in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphc import config
from graphc.errors import GraphError


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in config.SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert config.cache_dir.read() == Path("/somewhere/graphc")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert config.cache_dir.read() == Path.home() / ".cache" / "graphc"
    assert config.num_threads.read() == len(os.sched_getaffinity(0))
    assert config.dump.read() == () and config.verify.read() is False


@pytest.mark.parametrize(
    "setting, text, value",
    [
        (config.num_threads, "3", 3),
        (config.cache_dir, "~/x", Path.home() / "x"),
        (config.dump, "graph, kernels", ("graph", "kernels")),
        (config.verify, "1", True),
        (config.verify, "0", False),
    ],
)
def test_values(setting: config.Setting, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(setting.name, text)
    assert setting.read() == value


@pytest.mark.parametrize(
    "setting, text, message",
    [
        (config.num_threads, "0", "GRAPHC_NUM_THREADS: expected a number of threads from 1 to 256, got '0'"),
        (config.num_threads, "two", "GRAPHC_NUM_THREADS: expected a number of threads from 1 to 256, got 'two'"),
        (config.dump, "graphs", "GRAPHC_DUMP: expected names of stages among graph, passes, .*, got 'graphs'"),
        (config.verify, "yes", "GRAPHC_VERIFY: expected 0 or 1, got 'yes'"),
        (config.cache_dir, __file__, "GRAPHC_CACHE_DIR: expected a folder, got"),
    ],
)
def test_refusals(setting: config.Setting, text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(setting.name, text)
    with pytest.raises(GraphError, match=message):
        setting.read()


@pytest.mark.parametrize(
    "text, said", [("3", "3"), ("256", "256"), ("many", "GRAPHC_NUM_THREADS: expected a number of threads")]
)
def test_a_process_starts_with_the_threads_of_its_environment(text: str, said: str) -> None:
    code = "import graphc as gc; print(gc.get_num_threads())"
    environment = {**os.environ, "GRAPHC_NUM_THREADS": text}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    last = (done.stdout + done.stderr).strip().splitlines()[-1]
    assert said in last and (done.returncode == 0) == text.isdecimal()
