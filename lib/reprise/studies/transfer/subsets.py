"""Study 2: which images and labels a unit trains on, is tested on and is looked at with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...data.fewshot import generator
from ...data.images import ImageSet, load_images
from ...data.labels import noisy, shifted
from ...places import UserError
from .config import PROBED_TEST_IMAGES, TransferConfig

# Random streams of a seed, so that no choice depends on how much chance another one has used up.
INITIAL, ORDER, NOISE, TEST_NOISE, PROBE, FRESH, FRESH_START, HEAD, TARGET_ORDER, TARGET_NOISE = range(10)
LOOKING, CHANCE = 10, 11

COMMON = 50
"""Stimuli that are the same for every seed: for comparisons between seeds, and for the explorers."""


@dataclass(frozen=True)
class Subsets:
    """Images of one unit.

    Attributes:
        train: What is trained on, with the labels that the loop reads.
        test: What accuracy is measured on, never trained on, with labels changed as those of training are.
        truth: True labels of the test images, int64.
        probe: Images by which representations are compared, uint8 (n, 3, h, w), of the test images.
        probe_index: Index of each in the official test split.
        common: Images that are the same for every seed, uint8 (50, 3, h, w), by class.
        common_index: Index of each in the official test split.
        common_class: True class of each.
        probed: Name of the data set of probe and common images.
    """

    train: ImageSet
    test: ImageSet
    truth: Tensor
    probe: Tensor
    probe_index: np.ndarray
    common: Tensor
    common_index: np.ndarray
    common_class: np.ndarray
    probed: str


def load_subsets(config: TransferConfig, seed: int, root: Path) -> Subsets:
    """Load what a unit needs and check that it fits together, before anything is trained.

    Args:
        config: The condition.
        seed: The seed: of label noise, of the shift, and of which test images are the probe.
        root: Data root.

    Raises:
        DataMissing: Files are missing.
        UserError: More images asked for than there are, an empty subset, labels out of range, a shift that
            moves nothing, or a test class that training never shows.
    """
    if config.finetuning:
        everything = load_images(config.target, "test", root)
        half = _half(everything)
        if config.target_shift:
            changed = shifted(everything.labels, seed, len(everything.classes))
        else:
            changed = _noisy(everything, config.target, config.target_noise, (seed, TARGET_NOISE))
        train = everything.labelled(changed)[:half].first(config.target_images)
        true_train = everything[:half].first(config.target_images).labels
        test, test_labels, name = everything, changed, config.target
    else:
        source = load_images(config.dataset, "train", root)
        noisy = _noisy(source, config.dataset, config.noise, (seed, NOISE))
        train, true_train = source.labelled(noisy).first(config.images), source.labels[: config.images]
        test, name = load_images(config.dataset, "test", root), config.dataset
        test_labels = _noisy(test, config.dataset, config.noise, (seed, TEST_NOISE))
    tested = _tested(test)
    _share_classes(true_train, test.labels[tested], test.classes, name)
    probed, probed_name = test, name
    if config.finetuning and config.probe == "source":
        probed, probed_name = load_images(config.dataset, "test", root), config.dataset
    index = _draw_probe(probed, config.probe_images, seed)
    common = _common(probed)
    return Subsets(
        train,
        test.labelled(test_labels)[tested],
        test.labels[tested],
        probed.images[index],
        index.numpy(),
        probed.images[common],
        common.numpy(),
        probed.labels[common].numpy(),
        probed_name,
    )


def _half(test: ImageSet) -> int:
    """Images of a test split that fine-tuning may use; as many after them are tested on."""
    return min(PROBED_TEST_IMAGES, len(test) // 2)


def _tested(test: ImageSet) -> slice:
    """The part of a test split that nothing is ever trained on."""
    return slice(_half(test), 2 * _half(test))


def _noisy(images: ImageSet, name: str, degree: int, key: tuple[int, ...]) -> Tensor:
    """Labels with noise, drawn for the whole split, so that a subset's labels are those of the whole."""
    if name.endswith("-sorted"):  # as released: the noise is set where nothing reads it
        return images.labels
    return noisy(images.labels, degree, len(images.classes), generator(*key))


def _share_classes(train: Tensor, test: Tensor, classes: tuple[str, ...], name: str) -> None:
    """Refuse to test classes that training never shows."""
    absent = sorted(set(test.tolist()) - set(train.tolist()))
    if absent and not name.endswith("-sorted"):  # the released split of ImageNet, kept for the audit
        named = ", ".join(classes[label] for label in absent[:5])
        raise UserError(
            f"{len(train)} images of {name} to train on have none of {len(absent)} classes that are tested "
            f"({named}{', …' if len(absent) > 5 else ''}): train and test must share classes, take more"
        )


def _draw_probe(test: ImageSet, count: int, seed: int) -> torch.Tensor:
    """Indices of a seed's probe in the test split, in order."""
    tested = _tested(test)
    available = tested.stop - tested.start
    if count > available:
        raise UserError(f"probe_images={count}: {available} test images are never trained on")
    chosen = torch.randperm(available, generator=generator(seed, PROBE))[:count].sort().values
    return chosen + tested.start


def _common(test: ImageSet) -> torch.Tensor:
    """Indices of the stimuli that every seed shares: the first ones of each class, by class."""
    tested = _tested(test)
    labels = test.labels[tested]
    each = max(COMMON // len(test.classes), 1)
    first = [(labels == label).nonzero().flatten()[:each] for label in range(len(test.classes))]
    return torch.cat(first)[:COMMON] + tested.start
