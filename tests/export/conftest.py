"""The installed host library and a package, made once for all tests of exporting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hosts
import pytest

from graphc.runtime import blas


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `cmake --install` has put the host library."""
    folder = tmp_path_factory.mktemp("library")
    settings = ("-DCMAKE_CXX_FLAGS=-Werror", "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DCMAKE_INSTALL_LIBDIR=lib")
    hosts.build(hosts.ROOT / "csrc", folder / "build", *settings, install=folder / "installed")
    return folder / "installed"


@pytest.fixture(scope="session")
def runner(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host that runs any program on files."""
    binary = tmp_path_factory.mktemp("runner") / "runner"
    return hosts.compile_host([Path(__file__).parent / "runner.cpp"], prefix, binary)


@pytest.fixture
def own_gemm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Matrix products of Python as in a host, for one test."""
    blas.use_own_gemm()
    yield
    monkeypatch.setattr(blas, "_searched", False)
    blas.load_default_blas()
