"""Comparisons of RDMs in resamples of the stimuli, without building any resampled RDM.

A resample that holds stimulus i cᵢ times holds the pair (i, j) cᵢ·cⱼ times: a comparison in a resample is a
weighted comparison of the RDMs at hand. Pairs of one stimulus with its own copy have distance 0 by
construction, whatever the representation; they are dropped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from ._arrays import UndefinedWarning
from .compare import METHODS
from .condensed import n_stimuli, pair_indices
from .ranks import tied_runs

__all__ = ["WEIGHTED", "weighted_comparisons"]

# Bytes of intermediate products held at once.
_BUDGET = 64 * 2**20


def weighted_comparisons(a: np.ndarray, b: np.ndarray, counts: np.ndarray, method: str) -> np.ndarray:
    """All pairs of RDMs compared in each resample.

    Args:
        a: (m, pairs) float64.
        b: (k, pairs) float64.
        counts: (resamples, n) how often each resample holds each stimulus.
        method: A key of `WEIGHTED`.

    Returns:
        (resamples, m, k); NaN where undefined in that resample, or where an RDM holds NaN.

    Raises:
        ValueError: A method that has no weighted form.
    """
    if method not in WEIGHTED:
        raise ValueError(
            f"method {method!r} cannot be resampled over stimuli; these can: {', '.join(WEIGHTED)}"
        )
    result = np.full((len(counts), len(a), len(b)), np.nan)
    known_a, known_b = (np.flatnonzero(~np.isnan(rdms).any(axis=1)) for rdms in (a, b))
    if known_a.size and known_b.size:
        with np.errstate(invalid="ignore", divide="ignore"):
            values = WEIGHTED[method](a[known_a], b[known_b], counts)
        result[np.ix_(np.arange(len(counts)), known_a, known_b)] = np.clip(values, -1.0, 1.0)
    return result


def _linear(centre: bool) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def moments(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
        n = counts.shape[1]
        i, j = pair_indices(n)
        if centre:  # the digits that the raw moments below would lose
            a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        a, b = (rdms / np.maximum(np.abs(rdms).max(axis=1, keepdims=True), 1e-300) for rdms in (a, b))
        # Moments that all resamples share are rows; one product with the pair weights gives all of them.
        cross = (a[:, None] * b).reshape(-1, a.shape[1])
        features = np.concatenate([cross, a * a, b * b, a, b])
        values = np.empty((len(counts), len(features)))
        totals = np.empty(len(counts))
        step = max(1, _BUDGET // (8 * len(i)))
        for start in range(0, len(counts), step):
            c = counts[start : start + step].astype(np.float64)
            weights = c[:, i] * c[:, j]
            values[start : start + step] = weights @ features.T
            totals[start : start + step] = weights.sum(axis=1)
        m, k = len(a), len(b)
        xy, xx, yy, x, y = np.split(values, np.cumsum([m * k, m, k, m]), axis=1)
        xy = xy.reshape(-1, m, k)
        if centre:
            t = totals[:, None]
            raw_x, raw_y = xx, yy
            xy = xy - x[:, :, None] * y[:, None, :] / t[:, :, None]
            xx, yy = xx - x * x / t, yy - y * y / t
            # What is left of a resample in which all distances are equal is rounding.
            xx = np.where(xx <= 1e-13 * raw_x, np.nan, xx)
            yy = np.where(yy <= 1e-13 * raw_y, np.nan, yy)
        return xy / np.sqrt(xx[:, :, None] * yy[:, None, :])

    return moments


def _ranked(normalise: bool) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def resampled_ranks(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
        n, m = counts.shape[1], len(a)
        rdms = np.concatenate([a, b])
        first, second = pair_indices(n)
        order, places, runs = _sorted_runs(rdms)
        # Twice a mid-rank is the weight below a run of ties plus the weight up to its end. Weights are small
        # integers, so four (or two) resamples share a 64-bit word: no lane can carry over into the next.
        lane = np.uint16 if n * n < 2**16 else np.uint32
        lanes = 8 // np.dtype(lane).itemsize
        # All working arrays are made once: at this size, fetching fresh pages costs more than the arithmetic.
        words = np.empty(rdms.shape, dtype=np.uint64)
        running = np.zeros((len(rdms), len(first) + 1), dtype=np.uint64)
        r, scaled = np.empty(rdms.shape), np.empty(rdms.shape)
        result = np.empty((len(counts), m, len(b)))
        for start in range(0, len(counts), lanes):
            chunk = counts[start : start + lanes]
            c = np.zeros((n, lanes), dtype=lane)
            c[:, : len(chunk)] = chunk.T
            weights = c.take(first, axis=0)
            weights *= c.take(second, axis=0)
            np.take(weights.view(np.uint64)[:, 0], order, out=words, mode="clip")
            np.cumsum(words, axis=1, out=running[:, 1:])
            if runs is None:
                doubled = np.add(running[:, 1:], running[:, :-1], out=scaled.view(np.uint64))
            else:
                doubled = running.reshape(-1).take(runs[0])
                doubled += running.reshape(-1).take(runs[1])
            np.take(doubled.reshape(-1), places, out=words, mode="clip")
            ranks = words.view(lane).reshape(*rdms.shape, lanes)
            for offset in range(len(chunk)):
                w = weights[:, offset].astype(np.float64)
                total = w.sum()
                # Sums of integers, so exact (up to 2**53); the weighted mean of these ranks is the total
                # weight.
                np.copyto(r, np.ascontiguousarray(ranks[:, :, offset]))
                np.multiply(r, w, out=scaled)
                cross = r[:m] @ scaled[m:].T - total**3
                if normalise:
                    own = (r[:, None, :] @ scaled[:, :, None])[:, 0, 0] - total**3
                    cross /= np.sqrt(own[:m, None] * own[m:])
                else:
                    cross *= 3.0 / (total**3 - total)
                result[start + offset] = cross
        return result

    return resampled_ranks


def _sorted_runs(rdms: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """How to go to sorted order and back, and where runs of ties lie.

    Returns:
        The order of each RDM, (rdms, pairs); for each entry its place in flattened sorted RDMs, (rdms,
        pairs); and for each sorted entry the start and end of its run in flattened running sums with a
        leading 0, (rdms, pairs + 1), or None without ties.
    """
    pairs = rdms.shape[1]
    order = np.argsort(rdms, axis=1)
    places, below, upto = np.empty_like(order), np.empty_like(order), np.empty_like(order)
    tied = False
    for row, (rdm, sequence) in enumerate(zip(rdms, order, strict=True)):
        starts, ends = tied_runs(rdm[sequence])
        tied |= len(starts) < pairs
        places[row, sequence] = np.arange(pairs) + row * pairs
        below[row] = np.repeat(starts, ends - starts) + row * (pairs + 1)
        upto[row] = np.repeat(ends, ends - starts) + row * (pairs + 1)
    return order, places, (below, upto) if tied else None


def _expanded(method: str) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def repeated(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
        # Concordance has no such shortcut: pairs are written out as often as they occur.
        i, j = pair_indices(n_stimuli(a.shape[1]))
        results = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedWarning)  # of a resample, not of the data
            for c in counts:
                pairs = np.repeat(np.arange(len(i)), c[i] * c[j])
                results.append(METHODS[method](a[:, pairs], b[:, pairs]))
        return np.stack(results)

    return repeated


#: Methods that can be resampled over stimuli. The whitened ones cannot: they need each pair exactly once.
WEIGHTED: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "pearson": _linear(centre=True),
    "cosine": _linear(centre=False),
    "spearman": _ranked(normalise=True),
    "rho-a": _ranked(normalise=False),
    "kendall-tau-a": _expanded("kendall-tau-a"),
    "kendall-tau-b": _expanded("kendall-tau-b"),
}
