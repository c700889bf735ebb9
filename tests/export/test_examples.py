"""The C++ examples, built with CMake against the installed library: each gives what Python gives."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import hosts
import numpy as np
import pytest

import graphc as gc
from graphc import data
from graphc.program.package import unpack

FOLDER = hosts.ROOT / "examples" / "cpp"
sys.path.insert(0, str(FOLDER))
import audio  # noqa: E402
import digits  # noqa: E402
import objective  # noqa: E402


@pytest.fixture(scope="module")
def built(prefix, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    warnings = "-Wall -Wextra -Werror"
    hosts.build(FOLDER, folder, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_FLAGS={warnings}")
    return folder


@pytest.fixture(scope="module")
def network() -> dict[str, gc.Program]:
    return digits.trained_programs(epochs=1)


def images() -> tuple[np.ndarray, np.ndarray]:
    mnist = data.mnist()
    chosen = [int(np.flatnonzero(mnist.y == digit)[7]) for digit in range(10)]
    return np.rint(mnist.x[chosen] * 255).astype("float32") / np.float32(255), mnist.y[chosen]


def write_images(folder: Path) -> list[Path]:
    x, _ = images()
    paths = [folder / f"digit-{digit}.pgm" for digit in range(10)]
    for path, image in zip(paths, x, strict=True):
        digits.write_pgm(path, image)
    return paths


def test_classify_digits(built, network, own_gemm, tmp_path):
    gc.export(network, tmp_path / "digits.gcp")
    lines = hosts.run(built / "classify_digits", tmp_path / "digits.gcp", *write_images(tmp_path)).stdout.decode()
    found = re.findall(r"digit-\d.pgm: (\d) \((\S+)\)", lines)
    expected = network["classify"](images()[0])
    assert [int(digit) for digit, _ in found] == expected["digit"].tolist()
    assert np.array([c for _, c in found], "float32").tobytes() == expected["confidence"].tobytes()
    assert np.mean(expected["digit"] == images()[1]) >= 0.7


def test_fine_tune(built, network, own_gemm, tmp_path):
    package = tmp_path / "digits.gcp"
    gc.export(network, package)
    samples = [f"{digit}={path}" for digit, path in enumerate(write_images(tmp_path))]
    lines = hosts.run(built / "fine_tune", package, package, "12", *samples).stdout.decode()
    losses = np.array(re.findall(r"loss (\S+)", lines), "float32")
    x, t = images()
    expected = np.array([network["train"](x, t)["loss"] for _ in range(12)])
    assert losses.tobytes() == expected.tobytes() and losses[-1] < losses[0]
    saved = dict(unpack(package.read_bytes()).variables)
    for state in network["train"].states:
        assert saved[state.name].tobytes() == state.get().tobytes()


def test_audio_effect(built, tmp_path):
    gc.export(audio.effect(), tmp_path / "audio.gcp")
    text = hosts.run(built / "audio_effect", tmp_path / "audio.gcp", "750", tmp_path / "samples").stdout.decode()
    median = float(re.search(r"median (\S+) us", text)[1])
    assert median < 1333  # a block of 64 samples at 48 kHz
    found = np.fromfile(tmp_path / "samples", "float32")
    seconds = np.arange(len(found)) / 48000
    tone = (0.8 * np.sin(2 * 3.14159265358979 * (110 + 200 * seconds) * seconds)).astype("float32")
    sample = audio.effect()
    expected = np.array([sample(x) for x in tone[:2000]], "float32")
    np.testing.assert_allclose(found[:2000], expected, rtol=1e-5, atol=1e-6)  # the tones' sines differ by an ulp
    assert np.isfinite(found).all() and np.abs(found - tone).max() > 0.01


def test_minimize(built, tmp_path):
    gc.export(objective.programs(), tmp_path / "objective.gcp")
    text = hosts.run(built / "minimize", tmp_path / "objective.gcp", "37").stdout.decode()
    values = [float(v) for v in re.findall(r"value (\S+)", text)]
    assert values == sorted(values, reverse=True) and values[-1] < 1e-12
    first, last = map(float, re.search(r"x\[0\] (\S+) x\[36\] (\S+)", text).groups())
    assert first == pytest.approx(1, abs=1e-6) and last == pytest.approx(1, abs=1e-6)


def test_the_python_package_serves_find_package(tmp_path):
    """Configured only: the library is the same, built with the host."""
    assert (hosts.ROOT / "csrc" / "include").samefile(gc.get_include())
    hosts.run(hosts.tool("cmake"), "-S", FOLDER, "-B", tmp_path, f"-Dgraphc_DIR={gc.get_cmake_dir()}")
