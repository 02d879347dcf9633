"""Ways to corrupt an image so that restoring it takes some understanding of what it shows.

Each takes clean images, float (n, 3, h, w) in [0, 1], and a source of chance, and returns new ones of the
same shape and range; the clean ones stay as they are and are what is to be restored.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

MASKED_SHARE = 0.5
"""Share of patches that masking hides."""

GRID = 8
"""Patches along a side that masking chooses from."""

SHUFFLE_GRID = 4
"""Patches along a side that shuffling moves."""


def mask_patches(images: Tensor, random: torch.Generator) -> Tensor:
    """Half of the patches of an 8 × 8 grid are painted over with the image's mean colour."""
    n, _, height, width = images.shape
    order = torch.rand(n, GRID * GRID, generator=random).argsort(1)
    hidden = (order < round(MASKED_SHARE * GRID * GRID)).view(n, 1, GRID, GRID).float().to(images.device)
    hidden = torch.nn.functional.interpolate(hidden, size=(height, width), mode="nearest") > 0.5
    return torch.where(hidden, images.mean((2, 3), keepdim=True), images)


def noise_or_blur(images: Tensor, random: torch.Generator) -> Tensor:
    """Each image gets, at random, either Gaussian noise of spread 0.1 to 0.3 or a blur of 1 to 2 pixels."""
    corrupted = []
    for image in images:
        kind, strength = torch.rand(2, generator=random).tolist()
        if kind < 0.5:
            noise = torch.randn(image.shape, generator=random).to(image)
            corrupted.append((image + (0.1 + 0.2 * strength) * noise).clamp(0, 1))
        else:
            corrupted.append(F.gaussian_blur(image, [9, 9], [1.0 + strength]))
    return torch.stack(corrupted)


def remove_colour(images: Tensor, random: torch.Generator) -> Tensor:
    """Only the brightness is left, in all three channels; nothing is left to chance."""
    return F.rgb_to_grayscale(images, num_output_channels=3)


def shuffle_patches(images: Tensor, random: torch.Generator) -> Tensor:
    """The patches of a 4 × 4 grid change places.

    Raises:
        ValueError: Height or width is no multiple of 4.
    """
    n, channels, height, width = images.shape
    if height % SHUFFLE_GRID or width % SHUFFLE_GRID:
        raise ValueError(
            f"images of {height} × {width} pixels cannot be cut into {SHUFFLE_GRID} × {SHUFFLE_GRID}"
        )
    h, w, cells = height // SHUFFLE_GRID, width // SHUFFLE_GRID, SHUFFLE_GRID**2
    patches = images.view(n, channels, SHUFFLE_GRID, h, SHUFFLE_GRID, w).permute(0, 2, 4, 1, 3, 5)
    order = torch.rand(n, cells, generator=random).argsort(1)
    # A shift by one where chance would have left every patch in its place.
    unmoved = (order == torch.arange(cells)).all(1)
    order[unmoved] = order[unmoved].roll(1, dims=1)
    order = order.to(images.device)
    moved = patches.flatten(1, 2)[torch.arange(n, device=images.device)[:, None], order]
    return (
        moved.view(n, SHUFFLE_GRID, SHUFFLE_GRID, channels, h, w)
        .permute(0, 3, 1, 4, 2, 5)
        .reshape(images.shape)
    )


CORRUPTIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "mask": mask_patches,
    "noise": noise_or_blur,
    "colour": remove_colour,
    "shuffle": shuffle_patches,
}
"""Corruptions by name, in the order in which decoders are given them."""
