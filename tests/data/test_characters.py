"""Characters to recognise: MNIST in its two layouts, and few-shot classes divided."""

import gzip
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reprise.data import decoding, images
from reprise.data.fetch import DataMissing
from reprise.data.fewshot import ClassPool
from reprise.data.images import ImageSet, divide, load_characters


def _idx(path, values):
    header = b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))
    return path


@pytest.fixture
def unchecked(monkeypatch):
    """Files are taken as they are."""
    monkeypatch.setattr("reprise.data.fetch.verify", lambda *_: None)


def _archives(root, arrays):
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    names = [
        f"{part}-{what}-ubyte.gz" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
    ]
    for name, values in zip(names, arrays, strict=True):
        _idx(folder / name, values)


def test_the_official_archives_are_read(tmp_path, unchecked):
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 256, (7, 28, 28), np.uint8), rng.integers(0, 10, 7).astype(np.uint8),
        rng.integers(0, 256, (4, 28, 28), np.uint8), rng.integers(0, 10, 4).astype(np.uint8),
    ]  # fmt: skip
    _archives(tmp_path, arrays)
    splits = load_characters("mnist", tmp_path, 15)
    np.testing.assert_array_equal(splits.train.images[:, 0], arrays[0])
    np.testing.assert_array_equal(splits.train.labels, arrays[1])
    np.testing.assert_array_equal(splits.test.images[:, 0], arrays[2])
    assert splits.tested == "test" and splits.train.classes == tuple("0123456789")
    assert splits.test.labels.dtype == torch.int64 and splits.test.index.tolist() == [0, 1, 2, 3]


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\0\0\x0d\x01aaaa"))
    with pytest.raises(ValueError, match="no IDX archive of unsigned bytes"):
        decoding.idx(path)
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 5) + b"abcd"))
    with pytest.raises(ValueError, match=r"holds 4 values, its header says \(5,\)"):
        decoding.idx(path)


def test_images_and_labels_must_be_equally_many(tmp_path, unchecked):
    _archives(tmp_path, [np.zeros((3, 28, 28), np.uint8), np.zeros(2, np.uint8)] * 2)
    with pytest.raises(ValueError, match="2 labels for 3 images"):
        load_characters("mnist", tmp_path, 15)


def test_the_test_split_alone_is_divided_in_order(tmp_path, monkeypatch, unchecked):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    monkeypatch.setattr(images, "TRAINED_ON", 4)
    pictures = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)

    def encoded(picture):
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, "PNG")
        return {"bytes": stream.getvalue(), "path": ""}

    table = pa.table({"image": [encoded(p) for p in pictures], "label": [3, 1, 4, 1, 5, 9]})
    parquet.write_table(table, tmp_path / "mnist-test.parquet")
    splits = load_characters("mnist-test", tmp_path, 15)
    np.testing.assert_array_equal(splits.train.images[:, 0], pictures[:4])
    assert splits.test.labels.tolist() == [5, 9] and splits.test.index.tolist() == [4, 5]
    assert splits.train.classes == splits.test.classes == tuple("0123456789")


def test_every_class_is_divided_by_its_drawings():
    drawn = np.arange(3 * 4, dtype=np.uint8).reshape(3, 4, 1, 1)
    splits = divide(ClassPool(drawn, ("a", "b", "c")), 3)
    assert splits.train.images.shape == (9, 1, 1, 1) and splits.tested == "train"
    assert splits.train.images.flatten().tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert splits.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert splits.test.images.flatten().tolist() == splits.test.index.tolist() == [3, 7, 11]
    for drawings in (0, 4):
        with pytest.raises(ValueError, match=f"drawings={drawings}: a class has 4 images"):
            divide(ClassPool(drawn, ("a", "b", "c")), drawings)


def test_chosen_classes_are_numbered_anew():
    labels = torch.tensor([0, 1, 2, 2, 0])
    some = ImageSet(torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1), labels, ("a", "b", "c"))
    kept = some.of_classes([2, 0])
    assert kept.labels.tolist() == [1, 0, 0, 1] and kept.classes == ("c", "a")
    assert kept.index.tolist() == kept.images.flatten().tolist() == [0, 2, 3, 4]
    again = kept[torch.tensor([3, 0])]
    assert again.index.tolist() == [4, 0] and again.labels.tolist() == [1, 1]
    assert again.labelled(torch.tensor([0, 1])).index.tolist() == [4, 0]


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
    assert splits.train.images.shape == (9000, 1, 28, 28) and set(splits.test.labels.tolist()) == set(
        range(10)
    )
    # Digits are ink on nothing: corners are empty, the middle is not.
    assert splits.train.images[:, 0, 0, 0].max() == 0 < splits.train.images[:, 0, 14, 14].double().mean()
