"""Representational dissimilarity matrices (RDMs), from features or from Grams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, as_stack, to_numpy, warn_undefined
from .condensed import upper
from .gram import gram_matrix, gram_to_centre, squared_distances
from .ranks import midranks

__all__ = ["DISTANCES", "distance_matrix", "rdm", "rdm_from_gram", "rdm_of_rows"]

DISTANCES = ("correlation", "euclidean", "sqeuclidean", "cosine", "spearman")

# Below this share of the squared norms a distance taken from a Gram has lost too many digits to cancellation
# and is taken again from the features: the errors then stay under 5e-6 (single) and 1e-10 (double) of the
# norms.
_CANCELLED = {np.float32: 1e-3, np.float64: 1e-8}


def rdm(x: Any, distance: str = "correlation", *, stacked: bool = False) -> np.ndarray:
    """Dissimilarity of every pair of stimuli.

    Args:
        x: (n, …features), array or tensor of any real type; with `stacked` (m, n, …features).
        distance: "correlation" (1 − Pearson r over features, 0 to 2), "cosine" (1 − cosine, 0 to 2),
            "spearman" (1 − rank correlation with mid-ranks, 0 to 2), "euclidean" or "sqeuclidean"
            (unit of the features, or its square; not divided by the number of features).
        stacked: Whether the leading axis runs over representations of the same stimuli.

    Returns:
        (n(n−1)/2,) float64: row-major upper triangle, larger = less similar; (m, n(n−1)/2) for a stack.
        NaN for pairs with a stimulus for which the distance is undefined: constant features (correlation,
        spearman) or only zeros (cosine); an `UndefinedWarning` names the rows.

    Raises:
        ValueError: Unknown distance, n < 3, no features, NaN or Inf.

    Source: Kriegeskorte, Mur & Bandettini (2008).

    >>> x = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    >>> rdm(x, "euclidean").round(3)
    array([5.   , 1.   , 4.243])
    >>> rdm(np.zeros((2, 20, 3, 8, 8)) + np.arange(8.0), "euclidean", stacked=True).shape
    (2, 190)
    """
    if distance not in DISTANCES:
        raise ValueError(f"unknown distance {distance!r}; one of {', '.join(DISTANCES)}")
    if stacked:
        return np.stack(
            [rdm_of_rows(as_rows(item, f"x[{i}]"), distance) for i, item in enumerate(as_stack(x))]
        )
    return rdm_of_rows(as_rows(x), distance)


def rdm_of_rows(rows: Rows, distance: str) -> np.ndarray:
    """RDM of a checked representation, (pairs,); see `rdm`."""
    return upper(distance_matrix(rows, distance))


def distance_matrix(rows: Rows, distance: str, out: np.ndarray | None = None) -> np.ndarray:
    """RDM of a checked representation as a symmetric (n, n) matrix; see `rdm`. `out` is working memory."""
    if distance in ("euclidean", "sqeuclidean"):

        def euclidean(kind: type) -> tuple[np.ndarray, np.ndarray]:
            gram = (
                gram_to_centre(rows, out, 0.5)
                if kind is rows.dtype
                else gram_matrix(rows, "columns", kind, out)
            )
            norms = np.diagonal(gram).copy()
            return squared_distances(gram), norms

        squared = _precise(rows, euclidean, _explicit_euclidean)
        return np.sqrt(squared, out=squared) if distance == "euclidean" else squared
    if distance == "spearman":
        # Half-ranks are exact in single precision up to 2**23 features.
        kind = rows.dtype if rows.d < 2**23 else np.float64
        rows = Rows(midranks(rows.values).astype(kind), rows.name)
    undefined = rows.zero if distance == "cosine" else rows.constant
    reason = "all features are 0" if distance == "cosine" else "all features are equal"
    warn_undefined("stimulus", undefined, reason)
    centre = "none" if distance == "cosine" else "rows"

    def angular(kind: type) -> tuple[np.ndarray, np.ndarray]:
        return _angular(gram_matrix(rows, centre, kind, out), undefined), np.full(rows.n, 0.5)

    def explicit(rows: Rows, i: int, others: np.ndarray) -> np.ndarray:
        return _explicit_angular(rows, i, others, centre)

    return _precise(rows, angular, explicit)


def _angular(gram: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    """1 − cosine of the vectors behind Grams (…, n, n), NaN for undefined (…, n); works in place."""
    norms = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    inverse = 1.0 / np.where(undefined | (norms == 0), np.nan, norms)
    gram *= -inverse[..., :, None]
    gram *= inverse[..., None, :]
    gram += 1.0
    np.clip(gram, 0.0, 2.0, out=gram)  # NaN passes
    diagonal = np.arange(gram.shape[-1])
    gram[..., diagonal, diagonal] = 0.0
    return gram


def _precise(
    rows: Rows,
    by_gram: Callable[[type], tuple[np.ndarray, np.ndarray]],
    explicit: Callable[[Rows, int, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Distances by one Gram, with the pairs that cancellation spoilt taken again.

    Args:
        rows: The representation.
        by_gram: Working type to distances (n, n) and their scale (n,), the sum of which belongs to a pair.
        explicit: (rows, stimulus, other stimuli) to their distances.
    """
    distances, scale = by_gram(rows.dtype)
    first, second = _below(distances, scale * _CANCELLED[rows.dtype])
    # A few pairs are cheap to repeat; for many, all pairs in double precision come first.
    if rows.dtype is np.float32 and first.size > 4 * rows.n:
        del distances
        distances, scale = by_gram(np.float64)
        first, second = _below(distances, scale * _CANCELLED[np.float64])
    for row in np.unique(first):
        others = second[first == row]
        distances[row, others] = distances[others, row] = explicit(rows, int(row), others)
    return distances


def _below(distances: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs i < j whose distance is below floor[i] + floor[j]; strip by strip, to save memory."""
    near = []
    for start in range(0, len(floor), 256):
        strip = distances[start : start + 256, start:]
        i, j = np.nonzero(strip < floor[start : start + 256, None] + floor[start:])
        near.append(np.stack([i, j])[:, i < j] + start)
    first, second = np.concatenate(near, axis=1)
    return first, second


def _chunks(others: np.ndarray, n: int) -> list[np.ndarray]:
    # Double-precision copies of a quarter of the rows at a time keep to the memory of one float32 copy.
    return np.array_split(others, max(1, -(-4 * len(others) // n)))


def _explicit_euclidean(rows: Rows, i: int, others: np.ndarray) -> np.ndarray:
    mine = rows.values[i].astype(np.float64)
    parts = [rows.values[part].astype(np.float64) - mine for part in _chunks(others, rows.n)]
    return np.concatenate([np.einsum("jf,jf->j", part, part) for part in parts])


def _explicit_angular(rows: Rows, i: int, others: np.ndarray, centre: str) -> np.ndarray:
    def unit(index: np.ndarray) -> np.ndarray:
        vectors = rows.values[index].astype(np.float64)
        if centre == "rows":
            vectors -= vectors.mean(axis=1, keepdims=True)
        return vectors / np.sqrt(np.einsum("jf,jf->j", vectors, vectors))[:, None]

    mine = unit(np.array([i]))
    parts = (unit(part) - mine for part in _chunks(others, rows.n))
    return np.concatenate([0.5 * np.einsum("jf,jf->j", part, part) for part in parts])


def rdm_from_gram(
    gram: Any, distance: str = "correlation", means: Any = None, n_features: int | np.ndarray | None = None
) -> np.ndarray:
    """RDMs from stimulus Grams, without the features.

    Args:
        gram: (…, n, n) inner products of the stimuli; any leading axes.
        distance: As in `rdm`, except "spearman", which does not follow from a Gram.
        means: (…, n) mean over features of each stimulus; needed for "correlation".
        n_features: Number of features; needed for "correlation". An array runs over the leading axes.

    Returns:
        (…, n(n−1)/2) float64, as `rdm` of the features gives, up to rounding: a distance much below the
        norms loses digits by cancellation, which only the features could restore. NaN as in `rdm`.

    Raises:
        ValueError: Unknown distance, wrong shapes, NaN or Inf, a missing argument.

    >>> x = np.random.default_rng(0).normal(size=(20, 50))
    >>> bool(np.allclose(rdm_from_gram(x @ x.T, "correlation", x.mean(1), 50), rdm(x, "correlation")))
    True
    """
    array = to_numpy(gram, "gram")
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] < 3:
        raise ValueError(f"gram must be (…, n, n) with n of at least 3, got {array.shape}")
    precision = np.finfo(array.dtype).eps if array.dtype.kind == "f" else np.finfo(np.float64).eps
    work = array.astype(np.float64)
    if not np.isfinite(work).all():
        raise ValueError("gram holds NaN or Inf")
    norms = np.diagonal(work, axis1=-2, axis2=-1).copy()
    if distance in ("euclidean", "sqeuclidean"):
        squared = upper(squared_distances(work))
        # Below what the Gram can tell apart, stimuli count as equal: ties then stay ties.
        squared[squared <= 4 * precision * upper(norms[..., :, None] + norms[..., None, :])] = 0.0
        return np.sqrt(squared) if distance == "euclidean" else squared
    if distance == "cosine":
        undefined = norms <= 0
        reason = "all features are 0"
    elif distance == "correlation":
        if means is None or n_features is None:
            raise ValueError("correlation from a Gram needs means and n_features")
        mean = to_numpy(means, "means").astype(np.float64)
        if mean.shape != work.shape[:-1]:
            raise ValueError(f"means must have shape {work.shape[:-1]}, got {mean.shape}")
        count = np.asarray(n_features, dtype=np.float64)
        work -= count[..., None, None] * mean[..., :, None] * mean[..., None, :]
        # What is left of a constant row is the rounding of the Gram as it was stored.
        undefined = np.diagonal(work, axis1=-2, axis2=-1) <= 16 * precision * norms
        reason = "all features are equal (to the precision of the Gram)"
    else:
        valid = ", ".join(d for d in DISTANCES if d != "spearman")
        raise ValueError(f"distance {distance!r} does not follow from a Gram; one of {valid}")
    warn_undefined("stimulus", undefined.reshape(-1, undefined.shape[-1]).any(axis=0), reason)
    left = np.where(undefined, np.nan, np.diagonal(work, axis1=-2, axis2=-1))
    floor = 2 * precision * norms / left
    result = upper(_angular(work, undefined))
    result[result <= upper(floor[..., :, None] + floor[..., None, :])] = 0.0
    return result
