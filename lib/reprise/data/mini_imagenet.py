"""mini-ImageNet from its usual folder, in the split of Ravi and Larochelle (2017).

The layout is ``mini-imagenet/`` with ``train.csv``, ``val.csv``, ``test.csv`` (columns ``filename,label``;
64, 16 and 20 classes of ILSVRC-2012, 600 images each) and the images in ``images/`` or in
``<split>/<label>/``. There is no official archive, and copies differ in how they were resized: the declared
fingerprint covers classes and numbers of images, :func:`pixel_digest` says which pixels a run has seen.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from ..places import DataDamaged
from . import listing
from .fewshot import ClassPool, FewShotSplits

SIZE = 84
"""Height and width in pixels to which images are resized, as in Vinyals et al. (2016)."""


def load(paths: list[Path]) -> FewShotSplits:
    """Decode all images into memory, on as many threads as there are cores.

    Images that are 84 × 84 already keep their pixels; others are resized to it (Lanczos), whatever their
    proportions. Decoding ILSVRC's originals takes several times as long as decoding resized copies.

    Args:
        paths: ``train.csv``, ``val.csv`` and ``test.csv``.

    Returns:
        One pool a split, uint8 (classes, images, 84, 84, 3), classes and images in order of name. The whole
        set takes 1.27 GB: 813 MB to meta-train on, 203 MB to validate, 254 MB to test.

    Raises:
        DataMissing: A list or an image is not there.
        DataDamaged: The lists contradict each other (see :func:`reprise.data.listing.read`), or a file is no
            image.
    """
    listed = listing.images(listing.read(paths))
    with ThreadPoolExecutor() as threads:
        return FewShotSplits(*(_pool(path.stem, listed[path], threads) for path in paths))


def decode(path: Path) -> np.ndarray:
    """One image in colour, resized to 84 × 84 (Lanczos); uint8 (84, 84, 3).

    Raises:
        DataDamaged: The file is no image, or is cut short.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataDamaged(f"{path} cannot be decoded ({error}); put the intact image in its place") from error


def pixel_digest(splits: FewShotSplits) -> str:
    """Sixteen hexadecimal digits that change with any pixel or class: for the provenance of a run.

    Args:
        splits: What :func:`load` returned.
    """
    digest = hashlib.sha256()
    for pool in (splits.train, splits.validation, splits.test):
        digest.update(f"{pool.names} {pool.images.shape}".encode())
        digest.update(pool.images.data)
    return digest.hexdigest()[:16]


def _pool(split: str, classes: dict[str, list[Path]], threads: ThreadPoolExecutor) -> ClassPool:
    drawings = len(next(iter(classes.values())))
    images = np.empty((len(classes), drawings, SIZE, SIZE, 3), np.uint8)
    # No bar where nobody watches; a class at a time keeps decoded images from queueing up in memory.
    bar = tqdm(classes.values(), desc=f"decoding mini-imagenet, {split}", unit="class", disable=None)
    for place, files in zip(images, bar, strict=True):
        for i, pixels in enumerate(threads.map(decode, files)):
            place[i] = pixels
    return ClassPool(images, tuple(classes))
