"""Labelled images in memory: decoded once into one uint8 tensor, whatever layout their files have."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ..places import UserError
from . import decoding, fetch, load_few_shot
from .fewshot import ClassPool
from .gratings import gratings, rings
from .registry import DatasetEntry, dataset_entry

Split = Literal["train", "test"]
Decoded = tuple[np.ndarray, np.ndarray, tuple[str, ...]]
"""uint8 images (n, height, width[, 3]), int64 labels (n,), and a name for each class."""

TRAINED_ON = 9000
"""Images of MNIST's test split to train on where there is no other; the thousand left are tested on."""


@dataclass(frozen=True)
class ImageSet:
    """Images with labels, decoded once and kept in memory.

    Attributes:
        images: uint8, shape (n, channels, height, width).
        labels: int64, shape (n,), in 0…classes−1.
        classes: A name per class.
        index: Position of each image in the set that it was first part of, int64 (n,); in order by default.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    index: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))

    def __post_init__(self):
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.labels)} labels for {len(self.images)} images")
        if not len(self.images):
            raise UserError("an image set without images")
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.classes):
            raise UserError(
                f"labels from {low} to {high}, but there are {len(self.classes)} classes: "
                f"0 to {len(self.classes) - 1} are allowed"
            )
        if not len(self.index):
            object.__setattr__(self, "index", torch.arange(len(self)))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice | Tensor) -> ImageSet:
        """Some of the images, by a slice (which shares memory), positions or a mask."""
        return replace(self, images=self.images[part], labels=self.labels[part], index=self.index[part])

    def first(self, count: int) -> ImageSet:
        """The first images.

        Raises:
            UserError: More are asked for than there are, or none.
        """
        if not 0 < count <= len(self):
            raise UserError(f"{count} images asked for, but there are {len(self)}: choose 1 to {len(self)}")
        return self[:count]

    def labelled(self, labels: Tensor) -> ImageSet:
        """The same images with other labels."""
        return replace(self, labels=labels)

    def of_classes(self, classes: Sequence[int]) -> ImageSet:
        """The images of some classes, which are numbered anew in the order given."""
        number = torch.full((len(self.classes),), -1)
        number[list(classes)] = torch.arange(len(classes))
        kept = self[number[self.labels] >= 0]
        return replace(kept, labels=number[kept.labels], classes=tuple(self.classes[i] for i in classes))


@dataclass(frozen=True)
class ImageSplits:
    """Images to train on and images to test on, of the same classes.

    Attributes:
        train: To train on.
        test: To test on.
        tested: Split of the data set that the positions of ``test`` count in.
    """

    train: ImageSet
    test: ImageSet
    tested: Split


def load_images(name: str, split: Split, root: Path, download: bool = False) -> ImageSet:
    """Load one split of an image set into memory; a second call in the same process costs nothing.

    Grey images become three equal channels. MNIST's 28×28 digits are set into 32×32 with a border of two
    background pixels on every side, so that no pixel is interpolated.

    Args:
        name: Name of a variant.
        split: ``"train"`` or ``"test"``.
        root: Data root.
        download: Fetch missing files.

    Raises:
        ValueError: There is no image set of that name.
        DataMissing: Its files are not at hand.
        DataDamaged: Its files are not the declared ones.
        UserError: It has no such split.
    """
    if name not in _LOADERS:
        raise ValueError(f"no image set {name!r}; there are: {', '.join(_LOADERS)}")
    entry = dataset_entry(name)
    if split not in entry.sizes:
        raise UserError(f"{name} has no {split} split; it has: {', '.join(entry.sizes)}")
    return _load(name, split, root, download)


@functools.lru_cache(maxsize=4)
def _load(name: str, split: Split, root: Path, download: bool) -> ImageSet:
    entry = dataset_entry(name)
    paths = fetch.require(entry, root, download)
    images, labels, classes = _LOADERS[name](entry, paths, split)
    return ImageSet(to_rgb(images), torch.from_numpy(labels.astype(np.int64)), classes)


def load_characters(name: str, root: Path, drawings: int, download: bool = False) -> ImageSplits:
    """Load grey characters to recognise, as they are: one channel, no border, ink high.

    Args:
        name: MNIST (``"mnist"``; ``"mnist-test"``, whose order goes from cleaner to harder writers, so that
            those tested on are of the harder kind), a few-shot set, of which the meta-training classes are
            taken, or ``"gratings"``, whose colours become grey and whose border of two pixels falls away.
        root: Data root.
        drawings: Drawings of each class to train on, in a few-shot set; the others are tested on. Drawings of
            one number are by one hand within an alphabet, so Omniglot is tested on unseen hands.
        download: Fetch missing files.

    Raises:
        ValueError: There is no such data set, or ``drawings`` leaves nothing to train or to test on.
        DataMissing: Its files are not at hand.
        DataDamaged: Its files are not the declared ones.
    """
    if name == "gratings":
        train, test = (_grey_gratings(split, root) for split in get_args(Split))
        return ImageSplits(train, test, "test")
    if name not in ("mnist", "mnist-test"):
        return divide(load_few_shot(name, root, download).train, drawings)
    entry = dataset_entry(name)
    paths = fetch.require(entry, root, download)

    def grey(split: Split) -> ImageSet:
        images, labels, classes = _LOADERS[name](entry, paths, split)
        channels = torch.from_numpy(images.copy())[:, None]
        return ImageSet(channels, torch.from_numpy(labels.astype(np.int64)), classes)

    test = grey("test")
    if name == "mnist":
        return ImageSplits(grey("train"), test, "test")
    return ImageSplits(test[:TRAINED_ON], test[TRAINED_ON:], "test")


def _grey_gratings(split: Split, root: Path) -> ImageSet:
    coloured = load_images("gratings", split, root)
    grey = coloured.images.float().mean(1, keepdim=True).round().to(torch.uint8)
    return replace(coloured, images=grey[..., 2:-2, 2:-2].contiguous())


def divide(pool: ClassPool, drawings: int) -> ImageSplits:
    """Divide every class of a pool into drawings to train on, the first ones, and drawings to test on.

    Raises:
        ValueError: That leaves nothing to train or to test on.
    """
    classes, there = pool.images.shape[:2]
    if not 0 < drawings < there:
        raise ValueError(f"drawings={drawings}: a class has {there} images, to be divided in two parts")
    images = torch.from_numpy(np.ascontiguousarray(pool.images)).flatten(0, 1)[:, None]
    everything = ImageSet(images, torch.arange(classes).repeat_interleave(there), pool.names)
    first = everything.index % there < drawings
    return ImageSplits(everything[first], everything[~first], "train")


def to_rgb(images: np.ndarray, size: int = 32) -> Tensor:
    """uint8 (n, h, w) or (n, h, w, 3) → uint8 tensor (n, 3, h, w); grey repeated, small ones with a border.

    Args:
        images: The images.
        size: Height and width up to which smaller images are padded with zeros, evenly on both sides.
    """
    tensor = torch.from_numpy(np.require(images, requirements=["C", "W"]))
    tensor = tensor.unsqueeze(1).expand(-1, 3, -1, -1) if tensor.dim() == 3 else tensor.permute(0, 3, 1, 2)
    short = [max(size - side, 0) for side in (tensor.shape[-1], tensor.shape[-2])]
    pads = [pad for total in short for pad in (total // 2, total - total // 2)]
    return torch.nn.functional.pad(tensor, pads).contiguous()


def _parquet(entry: DatasetEntry, paths: list[Path], split: Split) -> Decoded:
    position = list(entry.sizes).index(split)
    return decoding.parquet(paths[position])


def _cifar10(_entry: DatasetEntry, paths: list[Path], split: Split) -> Decoded:
    return decoding.cifar10(paths[0], split)


def _svhn(entry: DatasetEntry, paths: list[Path], split: Split) -> Decoded:
    return decoding.svhn(paths[list(entry.sizes).index(split)])


def _mnist(entry: DatasetEntry, paths: list[Path], split: Split) -> Decoded:
    first = 2 * list(entry.sizes).index(split)
    images, labels = (decoding.idx(path) for path in paths[first : first + 2])
    return images, labels, tuple("0123456789")


def _folder(entry: DatasetEntry, paths: list[Path], _split: Split) -> Decoded:
    in_turn = not entry.name.endswith("-sorted")
    return decoding.class_folders(paths[0], entry.sizes["test"], in_turn)


_LOADERS: dict[str, Callable[[DatasetEntry, list[Path], Split], Decoded]] = {
    "cifar10": _cifar10,
    "cifar10-jpeg": _parquet,
    "svhn": _svhn,
    "mnist": _mnist,
    "mnist-test": _parquet,
    "imagenet-val": _folder,
    "imagenet-val-sorted": _folder,
    "gratings": lambda entry, _paths, split: gratings(split, entry.sizes[split]),
    "rings": lambda entry, _paths, split: rings(split, entry.sizes[split]),
}
