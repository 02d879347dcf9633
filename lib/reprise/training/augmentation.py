"""Crops of pictures with their masks, changed at random: torchvision v2, with chance as an argument."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from ..data.fewshot import generator
from ..data.segmentation import IGNORE, SegmentationSet
from ..models.unet import MEAN, SPREAD


def normalise(images: Tensor) -> Tensor:
    """uint8 images, or float ones in [0, 1], (n, 3, h, w) → float32, ImageNet's mean and spread taken out.

    >>> normalise(torch.full((2, 3, 8, 8), 255, dtype=torch.uint8))[0, :, 0, 0]
    tensor([2.2489, 2.4286, 2.6400])
    """
    images = images.float() / 255 if images.dtype == torch.uint8 else images
    mean, spread = (images.new_tensor(values)[:, None, None] for values in (MEAN, SPREAD))
    return (images - mean) / spread


@dataclass(frozen=True)
class Augmentation:
    """How a crop is taken and changed.

    Attributes:
        size: Height and width of crops in pixels.
        zoom: Smallest and largest factor by which a picture is enlarged before it is cut.
        flips: Mirror left and right in half of the cases.
        turns: Turn by a random multiple of 90° (pictures without an up and down).
        jitter: Largest relative change of brightness, contrast and saturation.

    >>> image, mask = torch.zeros(3, 60, 80, dtype=torch.uint8), torch.ones(60, 80, dtype=torch.uint8)
    >>> crop, classes = Augmentation(size=32)(image, mask, generator(0))
    >>> crop.shape, classes.shape
    (torch.Size([3, 32, 32]), torch.Size([32, 32]))
    """

    size: int
    zoom: tuple[float, float] = (0.8, 1.25)
    flips: bool = True
    turns: bool = False
    jitter: float = 0.3

    def __call__(self, image: Tensor, mask: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cut and change a picture together with its mask.

        Args:
            image: uint8 (3, h, w) of any size; what lies beyond its edge is black and ignored.
            mask: uint8 (h, w).
            random: Source of chance.

        Returns:
            uint8 (3, size, size) and (size, size).
        """
        height, width = mask.shape
        zoom = _uniform(random, *self.zoom)
        side = max(2, round(self.size / zoom))
        picture, classes = tv_tensors.Image(image), tv_tensors.Mask(mask)
        down, right = max(0, side - height), max(0, side - width)
        if down or right:
            picture = F.pad(picture, [0, 0, right, down], fill=0)
            classes = F.pad(classes, [0, 0, right, down], fill=IGNORE)
        top = _integer(random, max(height, side) - side + 1)
        left = _integer(random, max(width, side) - side + 1)
        box = (top, left, side, side, [self.size, self.size])
        picture, classes = (F.resized_crop(x, *box, antialias=True) for x in (picture, classes))
        if self.flips and _uniform(random) < 0.5:
            picture, classes = F.horizontal_flip(picture), F.horizontal_flip(classes)
        if self.turns:
            quarter = _integer(random, 4)
            picture, classes = torch.rot90(picture, quarter, (1, 2)), torch.rot90(classes, quarter, (0, 1))
        picture = jittered(picture.as_subclass(Tensor), self.jitter, random)
        return picture, classes.as_subclass(Tensor)


def draw(
    data: SegmentationSet, batch: int, step: int, augmentation: Augmentation, key: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """The batch of a step: pass after pass through the pictures, each pass in a new order.

    Args:
        data: Pictures; if they are fewer than a batch, each gives several crops.
        batch: Number of crops.
        step: Number of the step, from 0.
        augmentation: How crops are taken.
        key: Integers that name the random stream.

    Returns:
        Crops uint8 (batch, 3, size, size) and masks uint8 (batch, size, size).
    """
    images, masks = [], []
    random = generator(*key, 1, step)
    orders: dict[int, list[int]] = {}
    for position in range(step * batch, (step + 1) * batch):
        number, place = divmod(position, len(data))
        if number not in orders:
            orders[number] = torch.randperm(len(data), generator=generator(*key, 0, number)).tolist()
        image, mask = augmentation(*data[orders[number][place]], random)
        images.append(image)
        masks.append(mask)
    return torch.stack(images), torch.stack(masks)


def view(image: Tensor, random: torch.Generator) -> Tensor:
    """One of SimCLR's views: part of the picture, mirrored, recoloured and blurred at random.

    Args:
        image: uint8 (3, size, size).
        random: Source of chance.

    Returns:
        uint8, same shape.

    Source: Chen et al. 2020, with parts of at least a third of a picture, as crops are small here.
    """
    size = image.shape[-1]
    area, ratio = _uniform(random, 1 / 3, 1.0), _uniform(random, 3 / 4, 4 / 3)
    height = min(size, max(2, round(size * (area / ratio) ** 0.5)))
    width = min(size, max(2, round(size * (area * ratio) ** 0.5)))
    top, left = _integer(random, size - height + 1), _integer(random, size - width + 1)
    picture = F.resized_crop(image, top, left, height, width, [size, size], InterpolationMode.BILINEAR, True)
    if _uniform(random) < 0.5:
        picture = F.horizontal_flip(picture)
    if _uniform(random) < 0.8:
        picture = jittered(picture, 0.4, random)
        picture = F.adjust_hue(picture, _uniform(random, -0.1, 0.1))
    if _uniform(random) < 0.2:
        picture = F.rgb_to_grayscale(picture, num_output_channels=3)
    if _uniform(random) < 0.5:
        picture = F.gaussian_blur(picture, [5, 5], [_uniform(random, 0.1, 1.5)])
    return picture


def jittered(image: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Brightness, contrast and saturation changed by at most a factor of 1 ± strength, uint8 (3, h, w)."""
    if strength:
        for change in (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation):
            image = change(image, _uniform(random, 1 - strength, 1 + strength))
    return image


def _uniform(random: torch.Generator, low: float = 0.0, high: float = 1.0) -> float:
    return low + (high - low) * float(torch.rand((), generator=random))


def _integer(random: torch.Generator, count: int) -> int:
    return int(torch.randint(count, (), generator=random))
