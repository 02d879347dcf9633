"""Characters to recognise: MNIST in its two layouts, and few-shot classes divided."""

import gzip
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reprise.data import mnist
from reprise.data.characters import Characters, divide, load_characters
from reprise.data.fetch import DataMissing
from reprise.data.fewshot import ClassPool


def _idx(path, values):
    header = b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))
    return path


def test_the_official_archives_are_read(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 256, (7, 28, 28), np.uint8), rng.integers(0, 10, 7).astype(np.uint8),
        rng.integers(0, 256, (4, 28, 28), np.uint8), rng.integers(0, 10, 4).astype(np.uint8),
    ]  # fmt: skip
    splits = mnist.load([_idx(tmp_path / f"{i}.gz", values) for i, values in enumerate(arrays)])
    np.testing.assert_array_equal(splits.train.images, arrays[0])
    np.testing.assert_array_equal(splits.train.labels, arrays[1])
    np.testing.assert_array_equal(splits.test.images, arrays[2])
    assert (splits.train.split, splits.test.split) == ("train", "test")
    assert splits.test.labels.dtype == np.int64 and splits.test.index.tolist() == [0, 1, 2, 3]


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\0\0\x0d\x01aaaa"))
    with pytest.raises(ValueError, match="no IDX archive of unsigned bytes"):
        mnist.read_idx(path)
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 5) + b"abcd"))
    with pytest.raises(ValueError, match=r"holds 4 values, its header says \(5,\)"):
        mnist.read_idx(path)


def test_images_and_labels_must_be_equally_many(tmp_path):
    paths = [
        _idx(tmp_path / "a.gz", np.zeros((3, 28, 28), np.uint8)),
        _idx(tmp_path / "b.gz", np.zeros(2, np.uint8)),
    ]
    with pytest.raises(ValueError, match="3 images with 2 labels"):
        mnist.load(paths * 2)


def test_the_test_split_alone_is_divided_in_order(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    monkeypatch.setattr(mnist, "TRAINED_ON", 4)
    pictures = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)

    def encoded(picture):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "PNG")
        return {"bytes": stream.getvalue(), "path": ""}

    table = pa.table({"image": [encoded(p) for p in pictures], "label": [3, 1, 4, 1, 5, 9]})
    parquet.write_table(table, tmp_path / "mnist-test.parquet")
    splits = mnist.load_test_split([tmp_path / "mnist-test.parquet"])
    np.testing.assert_array_equal(splits.train.images, pictures[:4])
    assert splits.test.labels.tolist() == [5, 9] and splits.test.index.tolist() == [4, 5]


def test_every_class_is_divided_by_its_drawings():
    images = np.arange(3 * 4, dtype=np.uint8).reshape(3, 4, 1, 1)
    splits = divide(ClassPool(images, ("a", "b", "c")), 3)
    assert splits.train.images.ravel().tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert splits.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert splits.test.images.ravel().tolist() == splits.test.index.tolist() == [3, 7, 11]
    for drawings in (0, 4):
        with pytest.raises(ValueError, match=f"drawings={drawings}: a class has 4 images"):
            divide(ClassPool(images, ("a", "b", "c")), drawings)


def test_chosen_classes_are_numbered_anew():
    labels = np.array([0, 1, 2, 2, 0])
    some = Characters(np.arange(5).reshape(5, 1, 1), labels, np.arange(5), ("a", "b", "c"), "test")
    kept = some.of_classes(np.array([2, 0]))
    assert kept.labels.tolist() == [1, 0, 0, 1] and kept.names == ("c", "a")
    assert kept.index.tolist() == kept.images.ravel().tolist() == [0, 2, 3, 4]


def test_missing_files_are_named_with_the_stand_in(tmp_path):
    with pytest.raises(DataMissing) as caught:
        load_characters("mnist", tmp_path, 15)
    assert "train-images-idx3-ubyte.gz" in str(caught.value) and "dataset=glyphs" in str(caught.value)


@pytest.mark.realdata
def test_the_real_test_split():
    root = Path(os.environ.get("REPRISE_DATA", ""))
    if not (root / "mnist-test.parquet").is_file():
        pytest.skip("no MNIST below REPRISE_DATA")
    splits = load_characters("mnist-test", root, 15)
    assert (len(splits.train), len(splits.test)) == (9000, 1000)
    assert splits.train.images.shape == (9000, 28, 28) and set(splits.test.labels) == set(range(10))
    # Digits are ink on nothing: corners are empty, the middle is not.
    assert splits.train.images[:, 0, 0].max() == 0 < splits.train.images[:, 14, 14].mean()
