"""Mid-ranks, once per row."""

from __future__ import annotations

import numpy as np

__all__ = ["midranks", "tied_runs", "unit_midranks"]


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


def unit_midranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mid-ranks of each row, centred and of unit length: products of rows are Spearman correlations.

    Args:
        values: (m, length) float64.

    Returns:
        (m, length), NaN for rows that hold NaN or are all tied; and (m,) True for those that hold NaN.
    """
    length = values.shape[1]
    ranks = np.empty(values.shape)
    unknown = np.zeros(len(values), dtype=bool)
    cube = float(length) ** 3 - length
    plain = (np.arange(length) - (length - 1) / 2.0) / np.sqrt(cube / 12.0)
    for index, (row, out) in enumerate(zip(values, ranks, strict=True)):  # row by row: it stays in the cache
        order = np.argsort(row)
        ordered = row[order]
        if np.isnan(ordered[-1]):  # NaN sorts last
            unknown[index] = True
            out[:] = np.nan
            continue
        starts, ends = tied_runs(ordered)
        if len(starts) == length:
            out[order] = plain
            continue
        sizes = (ends - starts).astype(np.float64)
        norm = np.sqrt((cube - np.sum(sizes**3 - sizes)) / 12.0) if len(starts) > 1 else np.nan
        out[order] = np.repeat(((starts + ends) / 2.0 - length / 2.0) / norm, ends - starts)
    return ranks, unknown


def tied_runs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index and one past the last index of every run of equal values in a sorted (length,) array."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.concatenate(([0], changes)), np.concatenate((changes, [len(ordered)]))
