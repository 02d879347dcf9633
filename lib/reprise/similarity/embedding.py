"""Dissimilarities as points: multidimensional scaling, and frames that do not flip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import as_rows, to_numpy
from .condensed import condense, pair_indices, square
from .rdm import rdm_of_rows

__all__ = ["Embedding", "align", "mds", "mds_of_scaled_rows"]


@dataclass(frozen=True)
class Embedding:
    """Points that stand for dissimilarities.

    Attributes:
        points: (n, dimensions), centred.
        stress: Kruskal's stress-1: root of the squared error of the distances over their squares, 0 = exact.
        method: How it was made.
    """

    points: np.ndarray
    stress: float
    method: str


def mds(
    dissimilarity: Any,
    dimensions: int = 2,
    method: str = "classical",
    iterations: int = 500,
    tolerance: float = 1e-9,
) -> Embedding:
    """Multidimensional scaling of given dissimilarities; the same input gives the same points.

    Args:
        dissimilarity: Condensed (pairs,) or square (n, n), symmetric, not negative.
        dimensions: Of the points, below n.
        method: "classical" (Torgerson: exact if the dissimilarities are Euclidean in so many dimensions) or
            "metric" (SMACOF: least squares of the distances, started from the classical solution, so that it
            is deterministic and never worse).
        iterations: Most steps of "metric".
        tolerance: Relative gain in stress below which "metric" stops.

    Returns:
        Points with axes in order of falling variance; signs are fixed by making each axis' largest entry
        positive.

    Raises:
        ValueError: Unknown method, NaN, Inf or negative entries, not symmetric, dimensions outside 1 … n − 1.

    Source: Torgerson (1952); de Leeuw (1977).

    >>> from reprise.similarity import rdm
    >>> corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> placed = mds(rdm(corners, "euclidean"))
    >>> placed.points.shape, bool(placed.stress < 1e-3)
    ((4, 2), True)
    >>> bool(np.allclose(rdm(placed.points, "euclidean"), rdm(corners, "euclidean"), atol=1e-2))
    True
    """
    if method not in ("classical", "metric"):
        raise ValueError(f"unknown method {method!r}; one of classical, metric")
    target = _condensed(dissimilarity)
    matrix = square(target)
    n = len(matrix)
    if not 1 <= dimensions < n:
        raise ValueError(f"dimensions must be in 1 … {n - 1}, not {dimensions}")
    points = _classical(matrix, dimensions)
    if method == "metric":
        points = _smacof(matrix, points, iterations, tolerance)
    points = _principal(points)
    return Embedding(points, _stress(target, _distances(points)), method)


def mds_of_scaled_rows(dissimilarity: Any, dimensions: int = 2, method: str = "metric") -> Embedding:
    """The variant behind the published MDS maps: rows of the dissimilarity matrix taken as features.

    Columns of the matrix are scaled to mean 0 and variance 1, and the rows' Euclidean distances are embedded.
    Near points then are those with similar *profiles* of dissimilarity to all others; distances in the map
    are not the dissimilarities that went in.

    Args:
        dissimilarity: As in `mds`.
        dimensions: As in `mds`.
        method: As in `mds`.

    Returns:
        As `mds`; the stress refers to the distances between scaled rows.

    Raises:
        ValueError: As `mds`.

    Source: the figures of Goerttler & Obermayer (2021), from the description of their analysis.

    >>> rows = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    >>> mds_of_scaled_rows(rows).points.shape
    (5, 2)
    """
    matrix = square(_condensed(dissimilarity))
    scaled = matrix - matrix.mean(axis=0)
    spread = scaled.std(axis=0)
    scaled /= np.where(spread > 0, spread, 1.0)
    result = mds(_distances(scaled), dimensions, method)
    return Embedding(result.points, result.stress, f"{method}, rows of the scaled dissimilarity matrix")


def align(frames: Any, reference: Any = None) -> np.ndarray:
    """Rotate and reflect each frame onto the one before, so that an animation shows change and no flips.

    Args:
        frames: (frames, n, dimensions), the same n points in each.
        reference: (n, dimensions) for the first frame; the first frame itself by default.

    Returns:
        (frames, n, dimensions), each frame centred; distances within a frame are unchanged.

    Raises:
        ValueError: Wrong shapes, NaN or Inf.

    >>> square = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> turned = square @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    >>> first, second = align([square, turned])
    >>> bool(np.allclose(first, second))
    True
    """
    array = to_numpy(frames, "frames").astype(np.float64)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(f"frames must be (frames, n, dimensions), got {array.shape}")
    last = array[0] if reference is None else to_numpy(reference, "reference").astype(np.float64)
    if last.shape != array.shape[1:]:
        raise ValueError(f"reference must have shape {array.shape[1:]}, got {last.shape}")
    if not (np.isfinite(array).all() and np.isfinite(last).all()):
        raise ValueError("frames hold NaN or Inf")
    aligned = np.empty_like(array)
    last = last - last.mean(axis=0)
    for index, frame in enumerate(array):
        centred = frame - frame.mean(axis=0)
        u, _, vt = np.linalg.svd(centred.T @ last)
        last = aligned[index] = centred @ (u @ vt)
    return aligned


def _condensed(dissimilarity: Any) -> np.ndarray:
    array = to_numpy(dissimilarity, "dissimilarity").astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError("dissimilarity holds NaN or Inf")
    if array.ndim == 2:
        array = condense(array)
    if array.ndim != 1:
        raise ValueError(f"dissimilarity must be (pairs,) or (n, n), got {array.shape}")
    if np.any(array < 0):
        raise ValueError("dissimilarity holds negative entries")
    return array


def _classical(matrix: np.ndarray, dimensions: int) -> np.ndarray:
    inner = matrix**2 * -0.5
    inner -= inner.mean(axis=0)
    inner -= inner.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(inner)
    order = np.argsort(values)[::-1][:dimensions]
    # A negative eigenvalue means that no Euclidean axis is left: the point stays at 0 there.
    return vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))


def _smacof(matrix: np.ndarray, points: np.ndarray, iterations: int, tolerance: float) -> np.ndarray:
    n = len(matrix)
    diagonal = np.arange(n)
    last = np.inf
    for _ in range(iterations):
        distances = square(_distances(points))
        stress = np.sum((matrix - distances) ** 2)
        if last - stress <= tolerance * max(stress, 1e-300):
            break
        last = stress
        ratio = np.divide(matrix, distances, out=np.zeros_like(matrix), where=distances > 0)
        transform = -ratio
        transform[diagonal, diagonal] = ratio.sum(axis=1)
        points = transform @ points / n  # Guttman transform: never increases stress
    return points


def _principal(points: np.ndarray) -> np.ndarray:
    points = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    points = points @ axes.T
    largest = np.argmax(np.abs(points) > (1 - 1e-9) * np.abs(points).max(axis=0), axis=0)
    signs = np.sign(points[largest, np.arange(points.shape[1])])
    return points * np.where(signs == 0, 1.0, signs)


def _distances(points: np.ndarray) -> np.ndarray:
    if points.shape[1] <= 16:  # few coordinates: exact differences cost less than they save
        i, j = pair_indices(len(points))
        return np.sqrt(np.sum((points[i] - points[j]) ** 2, axis=1))
    return rdm_of_rows(as_rows(points), "euclidean")


def _stress(target: np.ndarray, distances: np.ndarray) -> float:
    total = np.sum(distances**2)
    return float(np.sqrt(np.sum((target - distances) ** 2) / total)) if total > 0 else 0.0
