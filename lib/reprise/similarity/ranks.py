"""Mid-ranks, once per row."""

from __future__ import annotations

import numpy as np

__all__ = ["midranks", "tied_runs"]


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, tied values sharing the mean of their ranks.

    Args:
        values: (m, length) or (length,), free of NaN.

    Returns:
        The same shape, float64.
    """
    if values.ndim == 1:
        return midranks(values[None])[0]
    ranks = np.empty(values.shape)
    plain = np.arange(1.0, values.shape[1] + 1)
    for row, out in zip(values, ranks, strict=True):  # row by row: the sort stays in the cache
        order = np.argsort(row)
        starts, ends = tied_runs(row[order])
        if len(starts) == len(row):
            out[order] = plain
        else:
            out[order] = np.repeat((starts + ends + 1) / 2.0, ends - starts)
    return ranks


def tied_runs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index and one past the last index of every run of equal values in a sorted (length,) array."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.concatenate(([0], changes)), np.concatenate((changes, [len(ordered)]))
