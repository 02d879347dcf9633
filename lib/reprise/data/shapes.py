"""Shapes: scenes that our own code draws, with the class of every pixel.

Source and target set share the manner of drawing and have no kind of object in common. An object's colour and
texture say nothing of its kind, so only its outline does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch

from .segmentation import SegmentationSet, SegmentationSplits

SIDE = 128
"""Height and width of a scene in pixels."""

Outline = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _polygon(x: np.ndarray, y: np.ndarray, corners: int, reach: float) -> np.ndarray:
    turns = 2 * np.pi * np.arange(corners) / corners
    return np.max([x * np.cos(t) + y * np.sin(t) for t in turns], axis=0) < reach


# Each says which points of the plane lie inside an object of about radius 1.
_SOURCE: dict[str, Outline] = {
    "disc": lambda x, y: x**2 + y**2 < 0.8,
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) < 0.78,
    "triangle": lambda x, y: _polygon(x, y, 3, 0.55),
    "cross": lambda x, y: (np.minimum(np.abs(x), np.abs(y)) < 0.32) & (np.maximum(np.abs(x), np.abs(y)) < 1),
    "ring": lambda x, y: (x**2 + y**2 < 1) & (x**2 + y**2 > 0.3),
}
_TARGET: dict[str, Outline] = {
    "star": lambda x, y: np.hypot(x, y) < 0.68 + 0.34 * np.cos(5 * np.arctan2(y, x)),
    "crescent": lambda x, y: (x**2 + y**2 < 1) & ((x - 0.5) ** 2 + y**2 > 0.55),
    "bar": lambda x, y: (np.abs(x) < 1.1) & (np.abs(y) < 0.33),
    "hexagon": lambda x, y: _polygon(x, y, 6, 0.8),
    "half": lambda x, y: (x**2 + y**2 < 1) & (y > -0.1),
}
SIZES = {"source": (320, 40, 40), "target": (240, 40, 80)}
"""Scenes for training, validation and test."""


@functools.cache
def shapes(part: str = "target", seed: int = 0) -> SegmentationSplits:
    """Draw a set; it is kept in memory, so do not change it.

    Args:
        part: ``"source"`` or ``"target"``: five kinds of objects each, none in both.
        seed: Another seed gives other scenes.

    Returns:
        Scenes of 128 × 128 pixels with six classes: background and five kinds of objects.

    Raises:
        ValueError: There is no such part.
    """
    if part not in SIZES:
        raise ValueError(f"no part {part!r} of shapes; there are: {', '.join(SIZES)}")
    outlines = {"source": _SOURCE, "target": _TARGET}[part]
    sets = []
    for split, count in enumerate(SIZES[part]):
        rng = np.random.default_rng([seed, sorted(SIZES).index(part), split, 20220728])
        scenes = [_scene(list(outlines.values()), rng) for _ in range(count)]
        sets.append(
            SegmentationSet(
                tuple(torch.from_numpy(image) for image, _ in scenes),
                tuple(torch.from_numpy(mask) for _, mask in scenes),
                ("background", *outlines),
                tuple(f"scene{i:03d}" for i in range(count)),
            )
        )
    return SegmentationSplits(*sets)


def _scene(outlines: list[Outline], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A scene: uint8 (3, side, side), and its mask, uint8 (side, side); later objects hide earlier ones."""
    image, mask = _surface(rng), np.zeros((SIDE, SIDE), np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    for _ in range(rng.integers(4, 9)):
        kind = int(rng.integers(len(outlines)))
        radius, angle = rng.uniform(9, 22), rng.uniform(0, 2 * np.pi)
        centre_x, centre_y = rng.uniform(0, SIDE, 2)
        u, v = (x - centre_x) / radius, (y - centre_y) / radius
        stretch = rng.uniform(0.85, 1.15)
        inside = outlines[kind](
            (u * np.cos(angle) + v * np.sin(angle)) * stretch, v * np.cos(angle) - u * np.sin(angle)
        )
        image = np.where(inside, _surface(rng), image)
        mask[inside] = kind + 1
    light = 1 + rng.uniform(-0.25, 0.25) * (x / SIDE - 0.5) + rng.uniform(-0.25, 0.25) * (y / SIDE - 0.5)
    noisy = image * light + rng.normal(0, 6, image.shape)
    return np.clip(noisy, 0, 255).round().astype(np.uint8), mask


def _surface(rng: np.random.Generator) -> np.ndarray:
    """Colour with a soft texture of a random grain, float (3, side, side), about 0 … 255."""
    colour = rng.uniform(30, 225, (3, 1, 1))
    cells = int(rng.choice([4, 8, 16, 32]))
    coarse = torch.from_numpy(rng.normal(0, 1, (1, 1, cells, cells)))
    grain = torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return colour + rng.uniform(5, 30) * grain[0].numpy()
