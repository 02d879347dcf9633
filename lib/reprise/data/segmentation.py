"""Segmentation data: pictures with a class for every pixel, checked once and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

IGNORE = 255
"""Class id of pixels that nobody labelled: they enter neither a loss nor a metric."""

PRESENT = 0.01
"""Share of a crop's pixels from which on a class counts as present."""


@dataclass(frozen=True)
class SegmentationSet:
    """Pictures, which may differ in size, with their masks.

    Attributes:
        images: Each uint8 (3, height, width).
        masks: Each uint8 (height, width): class ids, or :data:`IGNORE`.
        classes: A name per class id.
        names: A name per picture.
    """

    images: tuple[Tensor, ...]
    masks: tuple[Tensor, ...]
    classes: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self):
        if not self.images:
            raise ValueError("a segmentation set needs at least one picture")
        if len(self.classes) < 2:
            raise ValueError(
                f"a segmentation set needs at least two classes to tell apart, not {list(self.classes)}"
            )
        if not len(self.images) == len(self.masks) == len(self.names):
            raise ValueError(
                f"{len(self.images)} pictures, {len(self.masks)} masks, {len(self.names)} names: "
                "there must be as many of each"
            )
        labelled = False
        for image, mask, name in zip(self.images, self.masks, self.names, strict=True):
            check_pair(image, mask, len(self.classes), name)
            labelled = labelled or bool((mask != IGNORE).any())
        if not labelled:
            raise ValueError("every pixel of every mask is to be ignored: there is nothing to learn from")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """A picture and its mask."""
        return self.images[index], self.masks[index]

    def take(self, indices: Sequence[int]) -> SegmentationSet:
        """The pictures of the given indices, in their order."""
        return SegmentationSet(
            tuple(self.images[i] for i in indices),
            tuple(self.masks[i] for i in indices),
            self.classes,
            tuple(self.names[i] for i in indices),
        )

    def fraction(self, share: float, random: torch.Generator) -> SegmentationSet:
        """A random part of the pictures; with equal chance a smaller part lies within a larger one.

        Args:
            share: In (0, 1]; at least one picture is kept.
            random: Source of chance.

        Raises:
            ValueError: The share is not in (0, 1].
        """
        if not 0 < share <= 1:
            raise ValueError(f"fraction={share}: must be above 0 and at most 1")
        order = torch.randperm(len(self), generator=random).tolist()
        return self.take(sorted(order[: max(1, round(share * len(self)))]))

    def spread(self, count: int) -> SegmentationSet:
        """At most so many pictures, equally spaced in the set's order; the same ones every time."""
        if count >= len(self):
            return self
        return self.take([round((i + 0.5) * len(self) / count - 0.5) for i in range(count)])

    def frequencies(self) -> np.ndarray:
        """Share of each class among the labelled pixels, (classes,) float64, summing to 1."""
        counts = sum(
            torch.bincount(mask.flatten(), minlength=256)[: len(self.classes)] for mask in self.masks
        )
        assert isinstance(counts, Tensor)
        return (counts / counts.sum()).double().numpy()


@dataclass(frozen=True)
class SegmentationSplits:
    """What is learned from, what settings are chosen by, and what is judged by."""

    train: SegmentationSet
    validation: SegmentationSet
    test: SegmentationSet

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.train.classes


def check_pair(image: Tensor, mask: Tensor, classes: int, name: str = "") -> None:
    """Refuse a mask that does not belong to its picture.

    Args:
        image: uint8 (3, height, width).
        mask: uint8 (height, width).
        classes: Number of classes.
        name: What to call the picture in a message.

    Raises:
        ValueError: Wrong type or number of axes, different sizes, or a class id that does not exist.
    """
    where = f"picture {name!r}: " if name else ""
    for what, tensor, axes in (("image", image, 3), ("mask", mask, 2)):
        if tensor.dtype != torch.uint8 or tensor.ndim != axes:
            raise ValueError(
                f"{where}{what} must be uint8 with {axes} axes, not {tensor.dtype} {tuple(tensor.shape)}"
            )
    if image.shape[-2:] != mask.shape:
        raise ValueError(
            f"{where}mask of {mask.shape[0]} × {mask.shape[1]} pixels for an image of {image.shape[-2]} × "
            f"{image.shape[-1]}"
        )
    ids = mask.unique()
    wrong = ids[(ids >= classes) & (ids != IGNORE)]
    if len(wrong):
        raise ValueError(
            f"{where}class id {int(wrong[0])} in the mask; valid are 0 to {classes - 1}, and {IGNORE} for "
            "pixels to ignore"
        )


def presence(masks: Tensor, classes: int, share: float = PRESENT) -> Tensor:
    """Which classes are present in crops: the labels of classification on the pictures of segmentation.

    Args:
        masks: Class ids (n, height, width), :data:`IGNORE` where there is none.
        classes: Number of classes.
        share: Share of a crop's pixels from which on a class counts as present.

    Returns:
        float32 (n, classes) of 0 and 1.
    """
    pixels = masks.flatten(1).long()
    # One bin more for what is to be ignored.
    counts = torch.zeros(len(masks), classes + 1, device=masks.device)
    counts.scatter_add_(1, pixels.clamp(max=classes), torch.ones_like(pixels, dtype=counts.dtype))
    return (counts[:, :classes] >= share * pixels.shape[1]).float()


def stratified(keys: Sequence[object], random: np.random.Generator) -> tuple[list[int], list[int], list[int]]:
    """Split items 7 : 1 : 2 so that every stratum is split alike.

    Args:
        keys: The stratum of each item, anything that ``repr`` tells apart.
        random: Source of chance within strata.

    Returns:
        Indices for training, validation and test, sorted.
    """
    shuffled = random.permutation(len(keys))
    order = sorted(shuffled.tolist(), key=lambda i: repr(keys[i]))
    # Dealt out round after round, so that a stratum of any size is split as evenly as whole items allow.
    deal = (0, 2, 0, 0, 1, 0, 0, 2, 0, 0)
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for position, index in enumerate(order):
        parts[deal[position % len(deal)]].append(index)
    return tuple(sorted(part) for part in parts)  # type: ignore[return-value]


def grouped(
    keys: Sequence[str], shares: tuple[float, float, float], random: np.random.Generator,
    train: Sequence[str] = (),
) -> tuple[list[int], list[int], list[int]]:  # fmt: skip
    """Split items so that no group is cut apart.

    The largest groups are dealt out first, each to the part that is furthest below its share. One that would
    be more than a quarter of validation or of test does not go there, so that no group decides alone.

    Args:
        keys: The group of each item.
        shares: What training, validation and test should hold of all items, above 0, summing to 1.
        random: Source of chance among groups of one size.
        train: Groups that go to training in any case.

    Returns:
        Indices for training, validation and test, sorted.

    Raises:
        ValueError: A group of ``train`` has no item.
    """
    members: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        members.setdefault(key, []).append(i)
    if missing := [key for key in train if key not in members]:
        raise ValueError(f"no item of the group {missing[0]!r}")
    names = sorted(set(members) - set(train))
    order = sorted((names[i] for i in random.permutation(len(names))), key=lambda key: -len(members[key]))
    parts: tuple[list[int], list[int], list[int]] = ([i for key in train for i in members[key]], [], [])
    wanted = [share * len(keys) for share in shares]
    for key in order:
        fits = [True, *(len(members[key]) <= max(1, share / 4) for share in wanted[1:])]
        filled = [
            len(part) / share if fit else np.inf for part, share, fit in zip(parts, wanted, fits, strict=True)
        ]
        parts[int(np.argmin(filled))].extend(members[key])
    return tuple(sorted(part) for part in parts)  # type: ignore[return-value]
