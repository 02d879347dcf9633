"""Study 3: the test pictures of which every unit keeps the predicted classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .config import SegmentationConfig

if TYPE_CHECKING:
    import xarray as xr


def held_out(config: SegmentationConfig, run: xr.Dataset, root: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """The pictures that a run's ``shown_classes`` are of, cut as these are.

    Args:
        config: The condition.
        run: Units along ``seed``.
        root: Data root.

    Returns:
        uint8 pictures (shown, crop, crop, 3) and classes (shown, crop, crop); None where the set is missing
        or its pictures may not be shown.
    """
    from ...data import dataset_entry
    from ...data.fetch import DataMissing
    from .measure import centre
    from .pretrain import load

    if not dataset_entry(config.dataset).shown:
        return None
    try:
        test = load(config.dataset, root).test
    except DataMissing:
        return None
    indices = np.atleast_1d(run["shown_index"].values).astype(int)
    images = [centre(test.images[i], config.crop).permute(1, 2, 0).numpy() for i in indices]
    return np.stack(images), np.stack([centre(test.masks[i], config.crop).numpy() for i in indices])
