"""Representational dissimilarity matrices (RDMs), from features or from Grams."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, as_stack, to_numpy, warn_undefined
from .gram import gram_matrix, squared_distances
from .ranks import midranks

__all__ = ["DISTANCES", "condense", "n_stimuli", "rdm", "rdm_from_gram", "square"]

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
    if distance in ("euclidean", "sqeuclidean"):
        squared = _precise(rows, "columns", squared_distances, _explicit_euclidean)
        return np.sqrt(squared) if distance == "euclidean" else squared
    if distance == "spearman":
        # Half-ranks are exact in single precision up to 2**23 features.
        kind = rows.dtype if rows.d < 2**23 else np.float64
        rows = Rows(midranks(rows.values).astype(kind), rows.name)
    undefined = rows.zero if distance == "cosine" else rows.constant
    reason = "all features are 0" if distance == "cosine" else "all features are equal"
    warn_undefined("stimulus", undefined, reason)
    centre = "none" if distance == "cosine" else "rows"

    def from_gram(gram: np.ndarray) -> np.ndarray:
        return _angular(gram, undefined)

    def explicit(rows: Rows, i: int, others: np.ndarray) -> np.ndarray:
        return _explicit_angular(rows, i, others, centre)

    return _precise(rows, centre, from_gram, explicit)


def _angular(gram: np.ndarray, undefined: np.ndarray) -> np.ndarray:
    """1 − cosine of the vectors behind Grams (…, n, n), NaN for undefined (…, n); works in place."""
    norms = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    inverse = 1.0 / np.where(undefined | (norms == 0), np.nan, norms)
    gram *= inverse[..., :, None]
    gram *= inverse[..., None, :]
    np.subtract(1.0, gram, out=gram)
    return np.clip(gram, 0.0, 2.0, out=gram)  # NaN passes


def _precise(
    rows: Rows,
    centre: str,
    from_gram: Callable[[np.ndarray], np.ndarray],
    explicit: Callable[[Rows, int, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Distances by one Gram, with the pairs that cancellation spoilt taken again."""
    distances, spoilt = _first_pass(rows, centre, from_gram, rows.dtype)
    # A few pairs are cheap to repeat; for many, all pairs in double precision come first.
    if rows.dtype is np.float32 and spoilt.size > 4 * rows.n:
        distances, spoilt = _first_pass(rows, centre, from_gram, np.float64)
    i, j = pair_indices(rows.n)
    first, second = i[spoilt], j[spoilt]
    for row in np.unique(first):
        mine = first == row
        distances[spoilt[mine]] = explicit(rows, int(row), second[mine])
    return distances


def _first_pass(
    rows: Rows, centre: str, from_gram: Callable[[np.ndarray], np.ndarray], kind: type
) -> tuple[np.ndarray, np.ndarray]:
    gram = gram_matrix(rows, centre, kind)
    scale: Any = 1.0
    if from_gram is squared_distances:
        norms = np.diagonal(gram).copy()
        scale = upper(norms[:, None] + norms[None, :])
    distances = upper(from_gram(gram))
    return distances, np.flatnonzero(distances < _CANCELLED[kind] * scale)


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


@lru_cache(maxsize=8)
def _upper_mask(n: int) -> np.ndarray:
    mask = ~np.tri(n, dtype=bool)
    mask.flags.writeable = False
    return mask


@lru_cache(maxsize=8)
def pair_indices(n: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second stimulus of every entry of a condensed RDM, each (n(n−1)/2,)."""
    i, j = np.nonzero(_upper_mask(n))
    i.flags.writeable = j.flags.writeable = False
    return i, j


def upper(matrix: np.ndarray) -> np.ndarray:
    """Row-major upper triangle of (…, n, n), without checks."""
    return matrix[..., _upper_mask(matrix.shape[-1])]


def n_stimuli(length: int) -> int:
    """Number of stimuli of a condensed RDM of that many entries.

    Raises:
        ValueError: Not n(n−1)/2 for an n of at least 3.
    """
    n = int((1 + np.sqrt(1 + 8 * length)) / 2)
    if n < 3 or n * (n - 1) // 2 != length:
        raise ValueError(f"{length} is not the length of a condensed RDM: n(n−1)/2 for at least 3 stimuli")
    return n


def square(v: Any) -> np.ndarray:
    """Condensed RDMs (…, n(n−1)/2) as symmetric matrices (…, n, n) with a zero diagonal.

    Raises:
        ValueError: The last axis is not n(n−1)/2 long for an n of at least 3.
    """
    array = to_numpy(v, "v")
    n = n_stimuli(array.shape[-1] if array.ndim else 0)
    i, j = pair_indices(n)
    kind = array.dtype if array.dtype.kind == "f" else np.float64
    matrix = np.zeros((*array.shape[:-1], n, n), dtype=kind)
    matrix[..., i, j] = array
    matrix[..., j, i] = array
    return matrix


def condense(m: Any) -> np.ndarray:
    """Symmetric matrices (…, n, n) as condensed RDMs (…, n(n−1)/2); the inverse of `square`.

    Raises:
        ValueError: Not square, n < 3, or not symmetric (beyond 1e-6 of the largest entry).
    """
    array = to_numpy(m, "m")
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] < 3:
        raise ValueError(f"m must be (…, n, n) with n of at least 3, got {array.shape}")
    work = array.astype(np.float64, copy=False)
    finite = np.abs(work[np.isfinite(work)])
    tolerance = 1e-6 * (finite.max() if finite.size else 0.0)
    if not np.allclose(work, np.swapaxes(work, -1, -2), rtol=0.0, atol=tolerance, equal_nan=True):
        raise ValueError("m is not symmetric")
    return upper(array)
