"""Image sets: layouts on disk, labels, and what is refused before anything is learned."""

import dataclasses
import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reprise.data import decoding
from reprise.data.gratings import gratings, rings
from reprise.data.images import ImageSet, load_images, to_rgb
from reprise.data.labels import noisy, shifted
from reprise.data.registry import dataset_entry
from reprise.places import UserError


def _png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def test_parquet_shards_in_hub_layout(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    rows = [{"image": {"bytes": _png(x), "path": f"{i}.png"}, "label": i % 2} for i, x in enumerate(images)]
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"classes": "no,yes"})
    pq.write_table(table, tmp_path / "x.parquet")
    found, labels, classes = decoding.parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(found, images)
    assert labels.tolist() == [0, 1, 0, 1, 0] and classes == ("no", "yes")


def test_cifar_archive_is_read_as_torchvision_reads_it(tmp_path):
    rng = np.random.default_rng(1)
    batches = {f"data_batch_{i}": 20 for i in range(1, 6)} | {"test_batch": 10}
    content = {
        name: {
            "data": rng.integers(0, 256, (n, 3072), dtype=np.uint8),
            "labels": rng.integers(0, 10, n).tolist(),
        }
        for name, n in batches.items()
    }
    content["batches.meta"] = {"label_names": [f"class{i}" for i in range(10)]}
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as tar:
        for name, value in content.items():
            data = pickle.dumps(value)
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    images, labels, classes = decoding.cifar10(tmp_path / "cifar-10-python.tar.gz", "train")
    assert images.shape == (100, 32, 32, 3) and classes[3] == "class3"
    row = content["data_batch_2"]["data"][7]
    for channel, y, x in ((0, 0, 1), (2, 31, 5)):
        assert images[27, y, x, channel] == row[channel * 1024 + y * 32 + x]
    assert labels[27] == content["data_batch_2"]["labels"][7]
    assert len(decoding.cifar10(tmp_path / "cifar-10-python.tar.gz", "test")[0]) == 10


def test_svhn_calls_its_class_ten_the_digit_zero(tmp_path):
    from scipy.io import savemat

    pixels = np.random.default_rng(2).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": np.array([[1], [10], [9], [10]])})
    images, labels, _ = decoding.svhn(tmp_path / "test_32x32.mat")
    assert labels.tolist() == [1, 0, 9, 0]
    np.testing.assert_array_equal(images[2], pixels[..., 2])


def test_mnist_gets_a_border_and_three_equal_channels(tmp_path, monkeypatch):
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    digits = np.random.default_rng(3).integers(0, 256, (10, 28, 28), dtype=np.uint8)
    pairs = {
        "t10k-images-idx3-ubyte.gz": struct.pack(">HBBIII", 0, 8, 3, 10, 28, 28) + digits.tobytes(),
        "t10k-labels-idx1-ubyte.gz": struct.pack(">HBBI", 0, 8, 1, 10) + bytes(range(10)),
    }
    pairs |= {name.replace("t10k", "train"): value for name, value in pairs.items()}
    for name, value in pairs.items():
        (folder / name).write_bytes(gzip.compress(value))
    monkeypatch.setattr("reprise.data.fetch.verify", lambda *_: None)
    found = load_images("mnist", "test", tmp_path)
    assert found.images.shape == (10, 3, 32, 32) and found.labels.tolist() == list(range(10))
    np.testing.assert_array_equal(found.images[4, 1, 2:30, 2:30], digits[4])
    assert not found.images[:, :, :2].any() and not found.images[:, :, :, 30:].any()
    assert (found.images[:, 0] == found.images[:, 2]).all()


def test_colour_images_keep_their_pixels():
    images = np.random.default_rng(4).integers(0, 256, (2, 32, 40, 3), dtype=np.uint8)
    tensor = to_rgb(images)
    assert tensor.shape == (2, 3, 32, 40)
    np.testing.assert_array_equal(tensor[1, 2], images[1, :, :, 2])


@pytest.fixture
def folders(tmp_path):
    """Three classes of two pictures each, whose colour names class and place."""
    for label in range(3):
        (tmp_path / f"n{label}").mkdir()
        for i in range(2):
            colour = np.full((300, 260, 3), 40 * (2 * label + i), np.uint8)
            Image.fromarray(colour).save(tmp_path / f"n{label}" / f"{i}.png")
    return tmp_path


def test_class_folders_in_turn_and_in_order(folders):
    images, labels, classes = decoding.class_folders(folders, 6, in_turn=True)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2] and classes == ("n0", "n1", "n2")
    assert images.shape == (6, 224, 224, 3) and images[:, 5, 5, 0].tolist() == [0, 80, 160, 40, 120, 200]
    _, labels, _ = decoding.class_folders(folders, 4, in_turn=False)
    assert labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(UserError, match="6 pictures in 3 folders"):
        decoding.class_folders(folders, 7, in_turn=True)


def test_missing_imagenet_folders_are_named(tmp_path):
    with pytest.raises(UserError, match="imagenet-val/<class>/"):
        load_images("imagenet-val", "test", tmp_path)


def test_class_folders_of_imagenet_are_found_below_the_data_root(folders, tmp_path, monkeypatch):
    root = tmp_path / "root"
    (root / "imagenet-val").mkdir(parents=True)
    for folder in folders.glob("n*"):
        folder.rename(root / "imagenet-val" / folder.name)

    def few(name):
        return dataclasses.replace(dataset_entry(name), sizes={"test": 6}, classes={"test": 3})

    monkeypatch.setattr("reprise.data.images.dataset_entry", few)
    for name, labels in (("imagenet-val", [0, 1, 2] * 2), ("imagenet-val-sorted", [0, 0, 1, 1, 2, 2])):
        found = load_images(name, "test", root)
        assert found.images.shape == (6, 3, 224, 224) and found.labels.tolist() == labels
        assert found.classes == ("n0", "n1", "n2")


def test_the_synthetic_sets_have_their_classes_in_turn_and_differ_between_splits():
    for draw in (gratings, rings):
        images, labels, classes = draw("train", 40)
        assert images.shape == (40, 32, 32, 3) and images.dtype == np.uint8 and len(classes) == 10
        assert labels.tolist() == [i % 10 for i in range(40)]
        again, _, _ = draw("train", 40)
        np.testing.assert_array_equal(images, again)
        assert (images[:20] != draw("test", 20)[0]).any()


def test_a_class_of_gratings_is_its_orientation():
    images, labels, _ = gratings("train", 200)
    grey = images.astype(float).mean(-1)
    grey -= grey.mean((1, 2), keepdims=True)
    power = np.abs(np.fft.fft2(grey))[:, :16]
    for label in (0, 5):  # vertical stripes: their frequency lies along x
        mean = power[labels == label].mean(0)
        y, _ = np.unravel_index(mean.argmax(), mean.shape)
        assert y <= 1


def test_bad_sets_and_requests_are_refused():
    images = torch.zeros(3, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(UserError, match="labels from 0 to 3"):
        ImageSet(images, torch.tensor([0, 1, 3]), ("a", "b", "c"))
    with pytest.raises(UserError, match="labels from -1"):
        ImageSet(images, torch.tensor([0, 1, -1]), ("a", "b", "c"))
    with pytest.raises(UserError, match="without images"):
        ImageSet(images[:0], torch.tensor([], dtype=torch.int64), ("a",))
    whole = ImageSet(images, torch.tensor([0, 1, 2]), ("a", "b", "c"))
    for count in (0, 4):
        with pytest.raises(UserError, match=f"{count} images asked for, but there are 3"):
            whole.first(count)
    with pytest.raises(ValueError, match="no image set 'cifar'; there are: cifar10"):
        load_images("cifar", "train", Path())
    with pytest.raises(UserError, match="mnist-test has no train split; it has: test"):
        load_images("mnist-test", "train", Path())


def test_noise_of_a_degree_is_uniform_over_that_many_labels():
    labels = torch.arange(10).repeat(4000)
    for degree in (0, 1, 4, 9):
        changed = noisy(labels, degree, 10, torch.Generator().manual_seed(degree))
        added = (changed - labels) % 10
        shares = torch.bincount(added, minlength=10).double() / len(labels)
        expected = torch.tensor([1 / (degree + 1) if i <= degree else 0 for i in range(10)])
        assert (shares - expected).abs().max() < 0.01
        assert int(changed.min()) >= 0 and int(changed.max()) <= 9


def test_a_shift_renames_every_class_and_nothing_else():
    labels = torch.tensor([0, 3, 9, 3])
    assert shifted(labels, 4, 10).tolist() == [4, 7, 3, 7]
    assert labels.tolist() == [0, 3, 9, 3]


def test_impossible_labels_are_refused():
    labels, random = torch.tensor([0, 10]), torch.Generator()
    with pytest.raises(UserError, match="labels from 0 to 10"):
        noisy(labels, 1, 10, random)
    with pytest.raises(UserError, match="noise degree 10: choose 0"):
        noisy(labels[:1], 10, 10, random)
    with pytest.raises(UserError, match="a shift by 20 leaves labels of 10 classes"):
        shifted(labels[:1], 20, 10)
    with pytest.raises(UserError, match="no labels"):
        noisy(labels[:0], 1, 10, random)


def test_variants_have_their_own_fingerprints():
    names = ("cifar10", "cifar10-jpeg", "svhn", "mnist", "mnist-test", "gratings", "rings")
    assert len({dataset_entry(name).fingerprint for name in names}) == len(names)


@pytest.mark.realdata
def test_real_cifar_and_mnist_are_decoded(tmp_path):
    import os

    root = Path(os.environ.get("REPRISE_DATA") or tmp_path)
    if not (root / "cifar10-test.parquet").is_file():
        pytest.skip("no real data")
    cifar = load_images("cifar10-jpeg", "test", root)
    assert cifar.images.shape == (10000, 3, 32, 32) and torch.bincount(cifar.labels).tolist() == [1000] * 10
    assert 110 < float(cifar.images[:500].float().mean()) < 130
    digits = load_images("mnist-test", "test", root)
    assert digits.images.shape == (10000, 3, 32, 32) and digits.labels[:4].tolist() == [7, 2, 1, 0]
