"""What a segmentation reaches without a network: levels that a fine-tuned one must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .endpoints import BASELINES

if TYPE_CHECKING:
    from ...data.segmentation import SegmentationSet, SegmentationSplits


def baselines(target: SegmentationSplits, counted: np.ndarray | None = None) -> np.ndarray:
    """Mean IoU of each of :data:`~reprise.studies.segmentation.endpoints.BASELINES` on the test pictures.

    Args:
        target: Data; the one threshold for all pictures is fitted on the training ones.
        counted: Which classes count in means, bool (classes,); all if None. The commonest one does.

    Returns:
        (3,) in [0, 1]; NaN where a baseline does not apply.
    """
    classes = len(target.classes)
    share = target.test.frequencies()
    commonest = int(target.train.frequencies().argmax())
    # Everything is the commonest class: its IoU is its share, and that of every other class present is 0.
    levels = dict.fromkeys(BASELINES, np.nan)
    levels["majority"] = share[commonest] / np.count_nonzero(share if counted is None else share[counted])
    if classes == 2:
        fitted = _best_threshold(_histograms(target.train).sum(0))
        test = _histograms(target.test)
        levels["threshold"] = _miou(_counts(test.sum(0), *fitted))
        levels["otsu"] = _miou(np.sum([_counts(one, *_own_threshold(one)) for one in test], axis=0))
    return np.array([levels[name] for name in BASELINES])


def otsu(histogram: np.ndarray) -> int:
    """Otsu's threshold: the level that leaves the largest variance between its two sides.

    Args:
        histogram: Number of pixels of each level, (levels,).

    Returns:
        The last level of the lower side.
    """
    counts = histogram.astype(float)
    below, mass = counts.cumsum(), (counts * np.arange(len(counts))).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return int(np.argmax(np.where(np.isfinite(between), between, -1.0)))


def _histograms(data: SegmentationSet) -> np.ndarray:
    """Labelled pixels of each picture by class and brightness, (pictures, 2, 256)."""
    found = []
    for image, mask in zip(data.images, data.masks, strict=True):
        grey = image.float().mean(0).round().numpy().astype(int)
        ids = mask.numpy()
        found.append([np.bincount(grey[ids == k], minlength=256) for k in (0, 1)])
    return np.array(found)


def _counts(histograms: np.ndarray, level: int, above: bool) -> np.ndarray:
    """Confusion matrix (true, predicted) if foreground is what is above a level, or what is not."""
    lower, upper = histograms[:, : level + 1].sum(1), histograms[:, level + 1 :].sum(1)
    return np.stack([lower, upper] if above else [upper, lower], axis=1)


def _best_threshold(histograms: np.ndarray) -> tuple[int, bool]:
    choices = [(level, above) for level in range(255) for above in (True, False)]
    return max(choices, key=lambda choice: _miou(_counts(histograms, *choice)))


def _own_threshold(histograms: np.ndarray) -> tuple[int, bool]:
    """Otsu's threshold of one picture, the smaller side as foreground; labels are not looked at."""
    both = histograms.sum(0)
    level = otsu(both)
    return level, bool(both[level + 1 :].sum() <= both[: level + 1].sum())


def _miou(confusion: np.ndarray) -> float:
    hits = np.diag(confusion)
    either = confusion.sum(0) + confusion.sum(1) - hits
    return float(np.mean(hits[either > 0] / either[either > 0]))
