"""Characters to recognise: images with their classes, in a part to train on and a part to test on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import load_few_shot
from .registry import dataset_entry

if TYPE_CHECKING:
    from .fewshot import ClassPool


@dataclass(frozen=True)
class Characters:
    """Labelled images, decoded once and kept in memory.

    Attributes:
        images: uint8, shape (n, height, width); ink is high.
        labels: int64, shape (n,): 0 … classes − 1.
        index: Position of each image in the split that it comes from, shape (n,).
        names: A name per class.
        split: Split of the data set that ``index`` counts in.
    """

    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    names: tuple[str, ...]
    split: str

    def __post_init__(self):
        if not len(self.images) == len(self.labels) == len(self.index):
            counts = len(self.images), len(self.labels), len(self.index)
            raise ValueError(f"{counts[0]} images with {counts[1]} labels and {counts[2]} positions")

    def __len__(self) -> int:
        return len(self.images)

    def chosen(self, which: np.ndarray) -> Characters:
        """Some of the images.

        Args:
            which: Positions, or a mask.
        """
        return replace(self, images=self.images[which], labels=self.labels[which], index=self.index[which])

    def of_classes(self, classes: np.ndarray) -> Characters:
        """The images of some classes, which are numbered anew in the order given."""
        number = np.full(len(self.names), -1)
        number[classes] = np.arange(len(classes))
        kept = self.chosen(number[self.labels] >= 0)
        return replace(kept, labels=number[kept.labels], names=tuple(self.names[i] for i in classes))


@dataclass(frozen=True)
class CharacterSplits:
    """Images to train on and images to test on, of the same classes."""

    train: Characters
    test: Characters


def load_characters(name: str, root: Path, drawings: int, download: bool = False) -> CharacterSplits:
    """Load a data set for recognising its characters.

    Args:
        name: MNIST (``"mnist"``, ``"mnist-test"``) or a few-shot set, of which the meta-training classes are
            taken.
        root: Data root.
        drawings: Drawings of each class to train on, in a few-shot set; the others are tested on. Drawings of
            one number are by one hand within an alphabet, so Omniglot is tested on unseen hands.
        download: Fetch missing files.

    Raises:
        ValueError: There is no such data set, or ``drawings`` leaves nothing to train or to test on.
        DataMissing: Its files are not at hand.
        DataDamaged: Its files are not the declared ones.
    """
    from . import fetch, mnist

    loaders: dict[str, Callable[[list[Path]], CharacterSplits]] = {
        "mnist": mnist.load,
        "mnist-test": mnist.load_test_split,
    }
    if name in loaders:
        return loaders[name](fetch.require(dataset_entry(name), root, download))
    return divide(load_few_shot(name, root, download).train, drawings)


def divide(pool: ClassPool, drawings: int) -> CharacterSplits:
    """Divide every class of a pool into drawings to train on and drawings to test on.

    Args:
        pool: Classes with equally many images.
        drawings: How many of each to train on: the first ones.

    Raises:
        ValueError: That leaves nothing to train or to test on.
    """
    classes, there = pool.images.shape[:2]
    if not 0 < drawings < there:
        raise ValueError(f"drawings={drawings}: a class has {there} images, to be divided in two parts")
    labels = np.repeat(np.arange(classes), there)
    images = pool.images.reshape(-1, *pool.images.shape[2:])
    everything = Characters(images, labels, np.arange(len(labels)), pool.names, "train")
    first = everything.index % there < drawings
    return CharacterSplits(everything.chosen(first), everything.chosen(~first))
