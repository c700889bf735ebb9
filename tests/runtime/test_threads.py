"""Threads change nothing but time: the pool, several Python threads, shared states, a fork."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from small_programs import guarded_count, mirror, scale, total

from graphc.errors import GraphError, RuntimeFault
from graphc.runtime.buffers import StateBuffer
from graphc.runtime.program import Executable
from graphc.runtime.threads import get_num_threads, set_num_threads


def test_the_same_bits_for_any_number_of_threads(addresses) -> None:
    x = np.random.default_rng(1).standard_normal(1_234_567).astype("float32")
    executable = Executable(total(), addresses, [], structure="single")
    results = set()
    for threads in (1, 2, 3, 7):
        set_num_threads(threads)
        for _ in range(20):
            results.add(executable(x).tobytes())
    assert len(results) == 1


def test_every_unit_runs_once(addresses) -> None:
    executable = Executable(scale(), addresses, [StateBuffer(np.zeros(1, "float32"))], structure="single")
    for threads in (1, 2, 5):
        set_num_threads(threads)
        for length in (0, 1, 7, 8, 9, 100_003, 1_000_000):
            x = np.arange(length, dtype="float32")
            np.testing.assert_array_equal(executable(x), 2 * x)


def test_each_worker_has_its_own_scratch(addresses) -> None:
    executable = Executable(mirror(), addresses, [], structure="single")
    x = np.random.default_rng(2).random((1823, 781), "float32")
    for threads in (1, 4, 2, 8):
        set_num_threads(threads)
        np.testing.assert_array_equal(executable(x), x[:, ::-1])


def test_several_python_threads_at_once(addresses) -> None:
    executable = Executable(total(), addresses, [], structure="single")

    def work(seed: int) -> bool:
        return all(executable(np.ones(seed + 997 * i, "float32")) == seed + 997 * i for i in range(200))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_programs_that_share_a_state_take_turns(addresses) -> None:
    n = StateBuffer(np.array(0), "n")
    first, second = (Executable(guarded_count(), addresses, [n], structure="single") for _ in range(2))
    x = np.zeros(1, "float32")
    seen: list[int] = []

    def work(executable: Executable) -> None:
        seen.extend(int(executable(x)) for _ in range(500))

    threads = [threading.Thread(target=work, args=(e,)) for e in (first, second, first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 2001))
    assert n.get() == 2000


def test_the_smallest_code_is_reported(addresses) -> None:
    x = np.zeros(200_000, "float32")
    x[1], x[-1] = 200, -1  # code 2 in the first unit, code 1 in the last
    executable = Executable(guarded_count(), addresses, [StateBuffer(np.array(0))])
    for threads in (1, 2, 4):
        set_num_threads(threads)
        with pytest.raises(RuntimeFault, match="expected x of at least 0"):
            executable(x)


def test_a_forked_child_runs_programs(addresses) -> None:
    set_num_threads(3)
    x = np.ones(3_000_000, "float32")
    executable = Executable(total(), addresses, [], structure="single")
    expected = executable(x).tobytes()
    child = os.fork()
    if child == 0:
        os._exit(0 if executable(x).tobytes() == expected and get_num_threads() == 3 else 1)
    for _ in range(600):
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert status == 0
    assert executable(x).tobytes() == expected


@pytest.mark.parametrize("wrong", [0, -1, 10_000, 1.5, "2", True, None])
def test_wrong_numbers_of_threads(wrong) -> None:
    before = get_num_threads()
    with pytest.raises(GraphError, match="expected"):
        set_num_threads(wrong)
    assert get_num_threads() == before
