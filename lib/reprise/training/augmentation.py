"""Crops of pictures with their masks, changed at random: torchvision v2, with chance as an argument."""

from __future__ import annotations

import functools
from collections.abc import Sequence
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

    def batch(self, pairs: Sequence[tuple[Tensor, Tensor]], random: torch.Generator) -> tuple[Tensor, Tensor]:
        """What calls one by one give, up to rounding, for a batch at once and where the pictures are.

        Args:
            pairs: Pictures, uint8 (3, h, w) of any sizes, with their masks, uint8 (h, w), on one device.
            random: Source of chance, on the CPU; drawn from as by calls one by one.

        Returns:
            uint8 (n, 3, size, size) and (n, size, size), on that device; masks are exactly the same.
        """
        n, device = len(pairs), pairs[0][0].device
        largest = max(2, round(self.size / self.zoom[0]))
        windows = torch.zeros(n, 3, largest, largest, device=device)
        marks = torch.full((n, largest, largest), IGNORE, dtype=torch.uint8, device=device)
        sides, flips, quarters, factors = [], [], [], []
        for i, (image, mask) in enumerate(pairs):
            height, width = mask.shape
            side = max(2, round(self.size / _uniform(random, *self.zoom)))
            top = _integer(random, max(height, side) - side + 1)
            left = _integer(random, max(width, side) - side + 1)
            part = slice(top, top + side), slice(left, left + side)
            rows, columns = min(side, height), min(side, width)
            windows[i, :, :rows, :columns] = image[:, *part]
            marks[i, :rows, :columns] = mask[part]
            sides.append(side)
            flips.append(self.flips and _uniform(random) < 0.5)
            quarters.append(_integer(random, 4) if self.turns else 0)
            factors.append(
                [_uniform(random, 1 - self.jitter, 1 + self.jitter) for _ in range(3 * bool(self.jitter))]
            )
        weights = torch.stack([_resizing(side, self.size, largest)[0] for side in sides]).to(device)
        nearest = torch.stack([_resizing(side, self.size, largest)[1] for side in sides]).to(device)
        mirrored = torch.tensor(flips).to(device)[:, None]
        across = torch.where(mirrored[..., None], weights.flip(1), weights)
        images = weights[:, None] @ (windows @ across.mT[:, None])
        images = (images + 0.5).floor_().clamp_(0, 255)
        columns = torch.where(mirrored, nearest.flip(1), nearest)
        masks = marks[torch.arange(n, device=device)[:, None, None], nearest[:, :, None], columns[:, None]]
        for quarter in {*quarters} - {0}:
            chosen = torch.tensor([i for i, k in enumerate(quarters) if k == quarter], device=device)
            images[chosen] = torch.rot90(images[chosen], quarter, (2, 3))
            masks[chosen] = torch.rot90(masks[chosen], quarter, (1, 2))
        if self.jitter:
            images = _recoloured(images, torch.tensor(factors).to(device))
        return images.to(torch.uint8), masks


def draw(
    data: SegmentationSet,
    batch: int,
    step: int,
    augmentation: Augmentation,
    key: tuple[int, ...],
    at_once: bool = False,
) -> tuple[Tensor, Tensor]:
    """The batch of a step: pass after pass through the pictures, each pass in a new order.

    Args:
        data: Pictures; if they are fewer than a batch, each gives several crops.
        batch: Number of crops.
        step: Number of the step, from 0.
        augmentation: How crops are taken.
        key: Integers that name the random stream.
        at_once: Change all crops together, see :meth:`Augmentation.batch`.

    Returns:
        Crops uint8 (batch, 3, size, size) and masks uint8 (batch, size, size).
    """
    pairs = []
    random = generator(*key, 1, step)
    orders: dict[int, list[int]] = {}
    for position in range(step * batch, (step + 1) * batch):
        number, place = divmod(position, len(data))
        if number not in orders:
            orders[number] = torch.randperm(len(data), generator=generator(*key, 0, number)).tolist()
        pairs.append(data[orders[number][place]])
    if at_once:
        return augmentation.batch(pairs, random)
    images, masks = zip(*(augmentation(image, mask, random) for image, mask in pairs), strict=True)
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


def _recoloured(images: Tensor, factors: Tensor) -> Tensor:
    """As :func:`jittered` for float images of whole numbers (n, 3, h, w) and factors (n, 3)."""
    brightness, contrast, saturation = factors[:, :, None, None, None].unbind(1)
    images = (images * brightness).clamp_(0, 255).floor_()
    mean = _grey(images).mean((1, 2, 3), keepdim=True)
    images = (images * contrast + mean * (1 - contrast)).clamp_(0, 255).floor_()
    return (images * saturation + _grey(images) * (1 - saturation)).clamp_(0, 255).floor_()


def _grey(images: Tensor) -> Tensor:
    red, green, blue = images.unbind(1)
    return (red * 0.2989 + green * 0.587 + blue * 0.114).floor_()[:, None]


@functools.lru_cache(maxsize=256)
def _resizing(side: int, size: int, largest: int) -> tuple[Tensor, Tensor]:
    """How lines of so many pixels are resized: by a triangle as wide as a new pixel, or to the nearest.

    Returns:
        Weights (size, largest), whose rows sum to 1, and indices (size,).
    """
    scale = side / size
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) * scale
    pixels = torch.arange(largest, dtype=torch.float64) + 0.5
    weights = (1 - (pixels - centres[:, None]).abs() / max(scale, 1.0)).clamp_min(0)
    weights[:, side:] = 0
    nearest = (torch.arange(size, dtype=torch.float32) * torch.tensor(side / size)).floor().long()
    return (weights / weights.sum(1, keepdim=True)).float(), nearest.clamp_max(side - 1)


def _uniform(random: torch.Generator, low: float = 0.0, high: float = 1.0) -> float:
    return low + (high - low) * float(torch.rand((), generator=random))


def _integer(random: torch.Generator, count: int) -> int:
    return int(torch.randint(count, (), generator=random))
