"""Two synthetic sets of coloured 32×32 images in ten classes, for tests and for machines without data.

*gratings*: stripes of five orientations in two spacings, in random colours; *rings*: circles of ten spacings.
They share the colours and the noise and differ in the shapes, as two domains do.
"""

import numpy as np

SIZE = 32
CLASSES = 10
_STREAMS = {"train": 0, "test": 1}


def gratings(split: str, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Stripes: class = orientation (five) and spacing (two).

    Args:
        split: ``"train"`` or ``"test"``; they share no image.
        count: How many images; classes take turns, so every ten images in a row have all of them.
        seed: Another seed gives other images.

    Returns:
        uint8 images (count, 32, 32, 3), int64 labels (count,), class names.
    """
    rng = np.random.default_rng([seed, 20220709, _STREAMS[split]])
    labels = np.arange(count) % CLASSES
    angle = (labels % 5) * np.pi / 5 + rng.normal(0, 0.12, count)
    cycles = np.where(labels < 5, 3.0, 6.0) * rng.uniform(0.9, 1.1, count)
    x, y = _grid()
    along = x * np.cos(angle)[:, None, None] + y * np.sin(angle)[:, None, None]
    wave = np.sin(np.pi * cycles[:, None, None] * along + rng.uniform(0, 2 * np.pi, (count, 1, 1)))
    names = tuple(f"{36 * (c % 5)}° {'wide' if c < 5 else 'narrow'}" for c in range(CLASSES))
    return _coloured(wave, rng), labels, names


def rings(split: str, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Concentric circles: class = spacing (ten); arguments and returns as :func:`gratings`."""
    rng = np.random.default_rng([seed, 20220710, _STREAMS[split]])
    labels = np.arange(count) % CLASSES
    x, y = _grid()
    centre = rng.normal(0, 0.25, (2, count, 1, 1))
    radius = np.hypot(x - centre[0], y - centre[1])
    cycles = (1.5 + 0.6 * labels) * rng.uniform(0.96, 1.04, count)
    wave = np.sin(np.pi * cycles[:, None, None] * radius + rng.uniform(0, 2 * np.pi, (count, 1, 1)))
    return _coloured(wave, rng), labels, tuple(f"{1.5 + 0.6 * c:.1f} cycles" for c in range(CLASSES))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    axis = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    return axis[None, None, :], axis[None, :, None]


def _coloured(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Waves in [−1, 1] as pictures: between two random colours, with noise."""
    ends = rng.uniform(40, 215, (2, len(wave), 1, 1, 3))
    share = (wave[..., None] + 1) / 2
    pixels = ends[0] * share + ends[1] * (1 - share) + rng.normal(0, 20, (*wave.shape, 1))
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)
