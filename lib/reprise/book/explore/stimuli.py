"""The stimuli of explorers as small pictures, from the data at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...places import UserError

if TYPE_CHECKING:
    import xarray as xr

    from ..chapter import Chapter

THUMBNAIL = 32
"""Largest side of a stimulus in a page, in pixels."""


def pictures(chapter: Chapter, unit: xr.Dataset) -> np.ndarray | None:
    """The stimuli of a few-shot unit, from the data at hand.

    Args:
        chapter: The chapter, which knows where data lie.
        unit: A unit with its stimuli's classes and drawings.

    Returns:
        (n, height, width) uint8, or None where the data are not there: the explorer then draws tiles.
    """
    from ...data import load_few_shot

    try:
        splits = load_few_shot(str(unit["dataset"].values), chapter.places.data)
    except UserError:
        return None
    pool = getattr(splits, str(unit["stimulus_split"].values)).images
    images = np.asarray(pool[unit["stimulus_class"].values, unit["stimulus_drawing"].values])
    if images.dtype != np.uint8:
        images = np.round(255 * np.clip(images, 0, 1)).astype(np.uint8)
    return images.squeeze(1) if images.ndim == 4 and images.shape[1] == 1 else images.squeeze()


def image_pictures(chapter: Chapter, unit: xr.Dataset) -> np.ndarray | None:
    """The stimuli of a unit of study 2: images of a test split.

    Args:
        chapter: The chapter, which knows where data lie.
        unit: A unit with its stimuli's data set and indices.

    Returns:
        (n, height, width, 3) uint8, or None where the data are not there.
    """
    from ...data.images import load_images

    try:
        images = load_images(
            str(unit["stimulus_dataset"].values), unit["stimulus_split"].item(), chapter.places.data
        ).images
    except UserError:
        return None
    chosen = images[np.asarray(unit["stimulus_index"].values, np.int64)]
    return small(chosen.permute(0, 2, 3, 1).numpy())


def crop_pictures(chapter: Chapter, unit: xr.Dataset) -> np.ndarray | None:
    """The stimuli of a unit of study 3, the middle of test pictures, made small.

    Args:
        chapter: The chapter, which knows where data lie.
        unit: A unit with its stimuli's indices.

    Returns:
        (n, side, side, 3) uint8, or None where the data are not there.
    """
    from ...data import load_segmentation
    from ...studies.segmentation.measure import centre

    try:
        test = load_segmentation(str(unit["dataset"].values), chapter.places.data).test
    except UserError:
        return None
    indices = unit["stimulus_index"].values.astype(int)
    crops = [centre(test.images[i], int(unit["crop"])).permute(1, 2, 0).numpy() for i in indices]
    return small(np.stack(crops))


def small(images: np.ndarray) -> np.ndarray:
    """Means over blocks of pixels, so that no side is longer than :data:`THUMBNAIL`.

    Args:
        images: uint8 (n, height, width, channels).
    """
    block = -(-max(images.shape[1:3]) // THUMBNAIL)
    if block == 1:
        return images
    n, height, width, channels = images.shape
    rows, columns = height // block, width // block
    cut = images[:, : rows * block, : columns * block].reshape(n, rows, block, columns, block, channels)
    return np.round(cut.mean((2, 4))).astype(np.uint8)
