"""Reading image files of the layouts in which data sets are published."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from ..places import UserError

IMAGENET_SIZE = 224
"""Height and width to which ImageNet's pictures are brought: shorter side to 256, centre cut out."""


def parquet(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """A shard in hub layout: ``image`` (bytes, path) and ``label``, class names in the schema's metadata.

    Args:
        path: The shard; all its pictures must have one size.

    Returns:
        uint8 images (n, h, w) if grey, else (n, h, w, 3); int64 labels (n,); class names.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["image", "label"])
    metadata = table.schema.metadata or {}
    labels = table["label"].to_numpy().astype(np.int64)
    images = np.stack([picture(row["bytes"]) for row in table["image"].to_pylist()])
    listed = metadata.get(b"classes", b"").decode()
    return images, labels, tuple(listed.split(",")) if listed else _numbered(labels)


def picture(content: bytes) -> np.ndarray:
    """Decode one picture: uint8 (h, w) if it is grey, else (h, w, 3)."""
    with Image.open(io.BytesIO(content)) as opened:
        return np.asarray(opened if opened.mode == "L" else opened.convert("RGB"))


def cifar10(archive: Path, split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """CIFAR-10's official archive of pickled batches.

    Args:
        archive: ``cifar-10-python.tar.gz``, checked against its checksum before: pickles run code.
        split: ``"train"`` or ``"test"``.
    """
    wanted = [f"data_batch_{i}" for i in range(1, 6)] if split == "train" else ["test_batch"]
    batches = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            stream = tar.extractfile(member) if name in (*wanted, "batches.meta") else None
            if stream is not None:
                batches[name] = pickle.load(stream, encoding="latin1")
    images = np.concatenate([batches[name]["data"] for name in wanted]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([batches[name]["labels"] for name in wanted]).astype(np.int64)
    return images.transpose(0, 2, 3, 1), labels, tuple(batches["batches.meta"]["label_names"])


def idx(path: Path) -> np.ndarray:
    """A gzipped IDX archive of bytes, as MNIST's are: uint8, of the shape that its header states.

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


def svhn(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """SVHN's cropped digits, format 2; the file's label 10 is the digit 0."""
    from scipy.io import loadmat

    content = loadmat(path)
    labels = content["y"].ravel().astype(np.int64) % 10
    return content["X"].transpose(3, 0, 1, 2), labels, tuple("0123456789")


def class_folders(folder: Path, count: int, in_turn: bool) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Pictures in one folder a class: the layout of ImageNet's validation set.

    Args:
        folder: Folder of folders.
        count: How many pictures to take.
        in_turn: Let classes take turns, so that every part has all of them; else class by class.

    Returns:
        uint8 images (count, 224, 224, 3): shorter side scaled to 256, centre cut out; labels; folder names.

    Raises:
        UserError: Fewer pictures than asked for.
    """
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    endings = {".jpeg", ".jpg", ".png"}
    files = [
        (turn, label, path)
        for label, name in enumerate(classes)
        for turn, path in enumerate(
            sorted(path for path in (folder / name).iterdir() if path.suffix.lower() in endings)
        )
    ]
    if len(files) < count:
        raise UserError(
            f"{len(files)} pictures in {len(classes)} folders below {folder}, {count} expected: JPEG "
            "or PNG, in one folder a class"
        )
    chosen = (sorted(files) if in_turn else files)[:count]
    images = np.empty((count, IMAGENET_SIZE, IMAGENET_SIZE, 3), np.uint8)
    for i, (_, _, path) in enumerate(chosen):
        with Image.open(path) as opened:
            images[i] = _centre(opened.convert("RGB"))
    return images, np.array([label for _, label, _ in chosen], np.int64), tuple(classes)


def _centre(image: Image.Image) -> np.ndarray:
    """Shorter side to 256 pixels, the middle 224 × 224 of it."""
    scale = 256 / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    left, top = (width - IMAGENET_SIZE) // 2, (height - IMAGENET_SIZE) // 2
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + IMAGENET_SIZE, top + IMAGENET_SIZE)))


def _numbered(labels: np.ndarray) -> tuple[str, ...]:
    """Names for classes that have none."""
    return tuple(map(str, range(int(labels.max()) + 1)))
