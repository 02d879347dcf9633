"""Omniglot's zips: deduplication, splits without leaks, real files where they are at hand."""

import hashlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from reprise.data import dataset_entry, load_few_shot, omniglot
from reprise.data.fetch import locate


def _png(number):
    pixels = np.full((105, 105), 255, np.uint8)
    pixels[number % 100, : 5 + number % 90] = 0
    pixels[51, 51:53] = divmod(number, 256)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _zip(path, name, alphabets, first=0):
    """Write a zip in Omniglot's layout: alphabet → list of character numbers."""
    with zipfile.ZipFile(path, "w") as archive:
        for alphabet, characters in alphabets.items():
            for character in characters:
                for drawing in range(20):
                    member = f"{name}/{alphabet}/character{character:02d}/{character:04d}_{drawing:02d}.png"
                    archive.writestr(member, _png(hash_number(alphabet, character, drawing)))
    return path


def hash_number(alphabet, character, drawing):
    return int(hashlib.sha256(f"{alphabet}{character}{drawing}".encode()).hexdigest()[:4], 16)


@pytest.fixture
def minimal(tmp_path):
    first = {"Balinese": [1, 2], "Greek": [1, 2], "Early_Aramaic": [1, 2]}
    second = {"Greek": [1, 2], "Sanskrit": [1, 2], "Tagalog": [1], "Japanese_(katakana)": [1]}
    return [_zip(tmp_path / "a.zip", "small1", first), _zip(tmp_path / "b.zip", "small2", second)]


def test_minimal_splits_share_no_character_and_no_drawing(minimal):
    splits = omniglot.load_minimal(minimal)
    assert [len(split) for split in (splits.train, splits.validation, splits.test)] == [4, 2, 4]
    assert {name.split("/")[0] for name in splits.test.names} == set(omniglot.MINIMAL_TEST_ALPHABETS)
    assert {name.split("/")[0] for name in splits.validation.names} == {"Early_Aramaic"}


def test_a_character_in_both_zips_is_kept_once(minimal):
    characters = omniglot.read_characters(minimal)
    assert len(characters) == 6 + 4
    assert all(len(drawings) == 20 for drawings in characters.values())


def test_a_test_alphabet_whose_drawings_were_trained_on_is_refused(tmp_path):
    first = _zip(tmp_path / "a.zip", "small1", {"Sanskrit": [1], "Early_Aramaic": [1]})
    second = _zip(tmp_path / "b.zip", "small2", {"Sanskrit": [1]})
    with pytest.raises(ValueError, match="both minimal splits"):
        omniglot.load_minimal([first, second])


def test_decoding_inverts_and_resizes():
    image = omniglot.decode(_png(5))
    assert image.shape == (28, 28) and image.dtype == np.uint8
    assert image[14:, :10].mean() < 5 < image.max()


def test_two_equal_drawings_in_one_zip_both_stay(tmp_path):
    path = _zip(tmp_path / "a.zip", "background", {"Braille": [1, 2]})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["background/Braille/character01/0001_18.png"] = members[
        "background/Braille/character01/0001_02.png"
    ]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    drawings = omniglot.read_characters([path])["Braille/character01"]
    assert len(drawings) == 20 and drawings[18] == drawings[2]


def _parquet(path, alphabets):
    rows = [
        {
            "image": {"bytes": _png(hash_number(alphabet, character, drawing)), "path": ""},
            "alphabet": alphabet,
            "character": f"character{character:03d}",
        }
        for alphabet, characters in alphabets.items()
        for character in characters
        for drawing in range(20)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_the_background_set_is_trained_on_and_the_evaluation_set_tested_on(tmp_path):
    paths = [
        _parquet(tmp_path / "b.parquet", {"Greek": range(60), "Latin": range(60)}),
        _parquet(tmp_path / "e.parquet", {"Tagalog": range(3)}),
    ]
    splits = omniglot.load_background(paths)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [20, 100, 3]
    assert not set(splits.train.names) & set(splits.validation.names)
    assert splits.test.names == tuple(f"Tagalog/character{i:03d}" for i in range(3))
    expected = omniglot.decode(_png(hash_number("Tagalog", 1, 7)))
    np.testing.assert_array_equal(splits.test.images[1, 7], expected)
    again = omniglot.load_background(paths)
    assert again.validation.names == splits.validation.names


def test_the_full_set_must_be_full(minimal):
    with pytest.raises(ValueError, match="not 1623"):
        omniglot.load_full(minimal)


@pytest.mark.realdata
def test_real_minimal_splits():
    root = Path(os.environ.get("REPRISE_DATA", "data"))
    entry = dataset_entry("omniglot-minimal")
    if locate(entry, root) is None:
        pytest.skip(f"omniglot-minimal is not below {root}")
    splits = load_few_shot("omniglot-minimal", root)
    pools = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    assert {name: len(pool) for name, pool in pools.items()} == dict(entry.classes)
    names = [set(pool.names) for pool in pools.values()]
    assert not names[0] & names[1] and not names[0] & names[2] and not names[1] & names[2]
    drawings = [{image.tobytes() for image in pool.images.reshape(-1, 784)} for pool in pools.values()]
    assert not drawings[0] & drawings[2]


@pytest.mark.realdata
def test_real_background_and_evaluation_sets():
    root = Path(os.environ.get("REPRISE_DATA", "data"))
    entry = dataset_entry("omniglot-background")
    if locate(entry, root) is None:
        pytest.skip(f"omniglot-background is not below {root}")
    splits = load_few_shot("omniglot-background", root)
    pools = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    assert {name: len(pool) for name, pool in pools.items()} == dict(entry.classes)
    alphabets = [{name.split("/")[0] for name in pool.names} for pool in pools.values()]
    assert not alphabets[0] & alphabets[2] and len(alphabets[2]) == 20
