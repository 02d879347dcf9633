"""MNIST: the official archives, as torchvision keeps them, or its test split alone in one table."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from .characters import Characters, CharacterSplits

DIGITS = tuple("0123456789")

TRAINED_ON = 9000
"""Images of the test split that its own variant gives to training; the thousand that follow are tested on."""


def load(paths: list[Path]) -> CharacterSplits:
    """The official split: 60 000 images to train on, 10 000 to test on.

    Args:
        paths: Archives of training images and labels, test images and labels.

    Raises:
        ValueError: An archive is not in the IDX format, or images and labels are not equally many.
    """
    arrays = [read_idx(path) for path in paths]
    return CharacterSplits(_characters(*arrays[:2], split="train"), _characters(*arrays[2:], split="test"))


def load_test_split(paths: list[Path]) -> CharacterSplits:
    """The official test split alone, divided once more, where the training split is not to be had.

    Args:
        paths: A parquet table of 10 000 rows in the official order: ``image`` (encoded, with ``bytes``) and
            ``label``.

    Returns:
        The first 9000 images to train on, the other 1000 to test on. The official order goes from cleaner to
        harder writers, so the tested images are of the harder kind.
    """
    import pyarrow.parquet as parquet

    table = parquet.read_table(paths[0], columns=["image", "label"])
    images = np.stack([_decode(image["bytes"]) for image in table["image"].to_pylist()])
    everything = _characters(images, table["label"].to_numpy(), split="test")
    first = np.arange(len(images)) < TRAINED_ON
    return CharacterSplits(everything.chosen(first), everything.chosen(~first))


def read_idx(path: Path) -> np.ndarray:
    """Read one gzipped IDX archive of bytes.

    Args:
        path: The archive.

    Returns:
        uint8, of the shape that its header states.

    Raises:
        ValueError: Not an IDX archive of unsigned bytes, or its length does not fit its header.
    """
    content = gzip.decompress(path.read_bytes())
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is no IDX archive of unsigned bytes")
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    if values.size != np.prod(shape):
        raise ValueError(f"{path} holds {values.size} values, its header says {shape}")
    return values.reshape(shape)


def _characters(images: np.ndarray, labels: np.ndarray, split: str) -> Characters:
    return Characters(images, labels.astype(np.int64), np.arange(len(images)), DIGITS, split)


def _decode(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("L"))
