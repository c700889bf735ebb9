"""The cache on disk: a file is right or it is not there, and nothing that is wrong with it is an error.

It stands apart from the kernels' tests because it breaks folders and files on purpose.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backends.running import BACKENDS, check, execute

import graphc.cache
from graphc.backends import build, cache
from graphc.dims import dim
from graphc.dtypes import float32
from graphc.errors import CompileError, GraphError
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.kernel import Buffer, Kernel, Loop, Nest, Store

N, AT = dim("n"), k.index("i")
ROOT = Path(__file__).parents[2]


def scaled(factor: float) -> Kernel:
    buffers = (Buffer("x", float32, (N,), "read"), Buffer("y", float32, (N,), "write"))
    body = (Store("y", (AT,), k.load("x", (AT,), float32) * factor),)
    return Kernel("scaled", buffers, (Nest(Loop("i", N, body, 16)),))


def works(code: object, factor: float) -> bool:
    arrays = {"x": np.arange(20, dtype=np.float32), "y": np.zeros(20, np.float32)}
    outcome = execute(code, scaled(factor), arrays, {"n": 20})  # type: ignore[arg-type]
    return bool((outcome.arrays["y"] == arrays["x"] * np.float32(factor)).all())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHC_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("backend", BACKENDS)
def test_second_build_is_a_hit(backend: str, folder: Path) -> None:
    first, second = build([scaled(2)], backend), build([scaled(2)], backend)
    assert not first.from_cache and "nothing was compiled" in build([scaled(3)], backend).why_missed
    assert second.from_cache and second.why_missed == ""
    assert works(first, 2) and works(second, 2)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("damage", ["empty", "truncated", "changed", "foreign"])
def test_damaged_files_are_rebuilt(backend: str, damage: str, folder: Path) -> None:
    build([scaled(2)], backend)
    (path,) = folder.iterdir()
    data = path.read_bytes()
    if damage == "foreign":  # a good file under another's name
        build([scaled(5)], backend)
        (other,) = (p for p in folder.iterdir() if p != path)
        data = other.read_bytes()
    elif damage == "changed":
        middle = len(data) // 2
        data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    path.unlink()  # the old one may be mapped
    path.write_bytes({"empty": b"", "truncated": data[: len(data) // 2]}.get(damage, data))
    rebuilt = build([scaled(2)], backend)
    assert not rebuilt.from_cache and "truncated or changed" in rebuilt.why_missed
    assert works(rebuilt, 2)
    assert build([scaled(2)], backend).from_cache


def test_other_settings_are_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    build([scaled(2)])
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    key = cache.key_of("a", "b")
    assert key != cache.key_of("ab", "") and key == cache.key_of("a", "b")
    from graphc.backends.numba_cpu import target

    assert "NUMBA_CPU_NAME=generic" in target.fingerprint()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_unwritable_folder(backend: str, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        code = build([scaled(2)], backend)
    assert not code.from_cache and works(code, 2)
    assert list(folder.iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setattr(cache.tempfile, "mkstemp", fail)
        assert works(build([scaled(2)], "numba"), 2)
    assert not build([scaled(2)], backend).from_cache


@pytest.mark.skipif(os.getuid() == 0, reason="root writes anywhere")
def test_read_only_folder(folder: Path) -> None:
    folder.mkdir(mode=0o500)
    code = build([scaled(2)])
    assert not code.from_cache and works(code, 2)


def test_folder_of_others_is_not_trusted(folder: Path) -> None:
    build([scaled(2)])
    folder.chmod(0o777)
    code = build([scaled(2)])
    assert not code.from_cache and "can be written by other users" in code.why_missed and works(code, 2)
    assert graphc.cache.clear() == 0


def test_clear(folder: Path) -> None:
    assert graphc.cache.clear() == 0
    build([scaled(2)])
    build([scaled(3)])
    (folder / "somebody's.txt").write_text("keep")
    assert graphc.cache.folder() == folder
    assert graphc.cache.clear() == 2
    assert [p.name for p in folder.iterdir()] == ["somebody's.txt"]
    assert not build([scaled(2)]).from_cache


def test_a_file_is_no_folder(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(GraphError, match="GRAPHC_CACHE_DIR: expected a folder, got"):
        build([scaled(2)])


SECOND_PROCESS = """
import sys
sys.path.insert(0, "tests")
from backends.test_cache import build, scaled, works
code = build([scaled(2)])
assert works(code, 2)
print(code.from_cache, "numba" in sys.modules)
"""


def start() -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", SECOND_PROCESS], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def test_second_process_needs_no_numba() -> None:
    build([scaled(2)])
    output, _ = start().communicate()
    assert output.split() == ["True", "False"]


def test_two_processes_at_once(folder: Path) -> None:
    both = [start(), start()]
    assert [process.communicate()[0].split()[-1] for process in both] and all(p.returncode == 0 for p in both)
    assert len(list(folder.iterdir())) == 1
    assert build([scaled(2)]).from_cache


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler -m64")
    with pytest.raises(CompileError, match=r"no-such-compiler is not on PATH; install one .*apt install g"):
        build([scaled(2)], "cpp")
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CompileError, match=r"g\+\+ or clang\+\+ is not on PATH"):
        build([scaled(2)], "cpp")


def test_compiler_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "g++ -no-such-flag")
    with pytest.raises(CompileError, match=r"expected .*g\+\+ to compile the kernels, got: .*no-such-flag"):
        build([scaled(2)], "cpp")


def test_unknown_backend() -> None:
    with pytest.raises(GraphError, match="expected a backend among 'numba', 'cpp', got 'fortran'"):
        build([scaled(2)], "fortran")  # type: ignore[arg-type]


def test_several_kernels_in_one_module() -> None:
    kernels = [scaled(2), Kernel("other", scaled(3).buffers, scaled(3).nests)]
    for backend in BACKENDS:
        assert set(build(kernels, backend).addresses) == {"scaled", "other"}
    check(scaled(4), {"x": np.ones(5, np.float32), "y": np.zeros(5, np.float32)}, {"n": 5})
