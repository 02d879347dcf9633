"""Kendall's tau by counting inversions in merges, in O(P log P) for P pairs of stimuli."""

from __future__ import annotations

import numpy as np

from ._arrays import warn_undefined
from .ranks import tied_runs

__all__ = ["kendall"]

# Up to this length of run, comparing all pairs beats merging.
_DIRECT = 32


def kendall(a: np.ndarray, b: np.ndarray, *, variant: str) -> np.ndarray:
    """Kendall's tau of all pairs of rows.

    Args:
        a: (m, length) float64; rows with NaN give NaN and a warning.
        b: (k, length).
        variant: "a" (divided by all pairs of entries) or "b" (corrected for ties; NaN with a warning for a
            constant row).

    Returns:
        (m, k) in [−1, 1].
    """
    ranks_a, ties_a = _dense(a)
    ranks_b, ties_b = (ranks_a, ties_a) if a is b else _dense(b)
    length = a.shape[1]
    total = length * (length - 1) // 2
    for row_ties, unknown in ((ties_a, np.isnan(ties_a)), (ties_b, np.isnan(ties_b)))[: 1 if a is b else 2]:
        warn_undefined("RDM", unknown, "it holds NaN")
        if variant == "b":
            warn_undefined("RDM", row_ties == total, "all entries are equal")
    result = np.full((len(a), len(b)), np.nan)
    for i in np.flatnonzero(~np.isnan(ties_a)):
        for j in np.flatnonzero(~np.isnan(ties_b)):
            if a is b and j < i:
                result[i, j] = result[j, i]
                continue
            # Sorted by a, and by b among equals of a: what is then out of order in b is discordant.
            keys = ranks_a[i] * length + ranks_b[j]
            order = np.argsort(keys)
            both = _tied_pairs(keys[order])
            discordant = _inversions(ranks_b[j][order])
            balance = total - ties_a[i] - ties_b[j] + both - 2 * discordant
            if variant == "a":
                result[i, j] = balance / total
            elif ties_a[i] < total and ties_b[j] < total:
                result[i, j] = balance / np.sqrt((total - ties_a[i]) * (total - ties_b[j]))
    return np.clip(result, -1.0, 1.0)


def _dense(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dense ranks from 0, (m, length) int64, and tied pairs per row, (m,) float64 (NaN for rows with NaN)."""
    ranks = np.zeros(rows.shape, dtype=np.int64)
    ties = np.full(len(rows), np.nan)
    for index, row in enumerate(rows):
        if not np.isnan(row).any():
            order = np.argsort(row)
            ordered = row[order]
            ranks[index, order] = np.concatenate(([0], np.cumsum(ordered[1:] != ordered[:-1])))
            ties[index] = _tied_pairs(ordered)
    return ranks, ties


def _tied_pairs(ordered: np.ndarray) -> float:
    starts, ends = tied_runs(ordered)
    sizes = (ends - starts).astype(np.float64)
    return float(np.sum(sizes * (sizes - 1) / 2))


def _inversions(values: np.ndarray) -> int:
    """Number of pairs i < j with values[i] > values[j]; values are integers from 0."""
    width = _DIRECT
    size = width
    while size < len(values):
        size *= 2
    # Padding with the largest value at the end is never out of order.
    padded = np.full(size, values.max() + 1)
    padded[: len(values)] = values
    blocks = padded.reshape(-1, width)
    count = 0
    for shift in range(1, width):
        count += int(np.count_nonzero(blocks[:, :-shift] > blocks[:, shift:]))
    blocks = np.sort(blocks, axis=1)
    while width < size:
        blocks = blocks.reshape(-1, 2 * width)
        # A stable sort of two sorted runs is a merge. An element of the left run moves back by as many places
        # as there are smaller ones in the right run.
        order = np.argsort(blocks, axis=1, kind="stable")
        places = np.nonzero(order < width)[1]
        count += int(places.sum()) - len(blocks) * (width * (width - 1) // 2)
        blocks = np.take_along_axis(blocks, order, axis=1)
        width *= 2
    return count
