"""RDMs as condensed vectors and as square matrices."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ._arrays import to_numpy

__all__ = ["condense", "n_stimuli", "pair_indices", "square", "upper"]


@lru_cache(maxsize=4)
def pair_indices(n: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second stimulus of every entry of a condensed RDM, each (n(n−1)/2,)."""
    i, j = np.triu_indices(n, 1)
    i.flags.writeable = j.flags.writeable = False
    return i, j


def upper(matrix: np.ndarray) -> np.ndarray:
    """Row-major upper triangle of (…, n, n), without checks."""
    n = matrix.shape[-1]
    result = np.empty((*matrix.shape[:-2], n * (n - 1) // 2), dtype=matrix.dtype)
    stop = 0
    for row in range(n - 1):  # a copy per row: index arrays would be larger than the result
        start, stop = stop, stop + n - 1 - row
        result[..., start:stop] = matrix[..., row, row + 1 :]
    return result


def n_stimuli(length: int) -> int:
    """Number of stimuli of a condensed RDM of that many entries.

    Raises:
        ValueError: Not n(n−1)/2 for an n of at least 3.

    >>> n_stimuli(190)
    20
    """
    n = int((1 + np.sqrt(1 + 8 * length)) / 2)
    if n < 3 or n * (n - 1) // 2 != length:
        raise ValueError(f"{length} is not the length of a condensed RDM: n(n−1)/2 for at least 3 stimuli")
    return n


def square(v: Any) -> np.ndarray:
    """Condensed RDMs (…, n(n−1)/2) as symmetric matrices (…, n, n) with a zero diagonal.

    Raises:
        ValueError: The last axis is not n(n−1)/2 long for an n of at least 3.

    >>> square(np.array([1.0, 2.0, 3.0]))
    array([[0., 1., 2.],
           [1., 0., 3.],
           [2., 3., 0.]])
    """
    array = to_numpy(v, "v")
    n = n_stimuli(array.shape[-1] if array.ndim else 0)
    kind = array.dtype if array.dtype.kind == "f" else np.float64
    matrix = np.zeros((*array.shape[:-1], n, n), dtype=kind)
    stop = 0
    for row in range(n - 1):
        start, stop = stop, stop + n - 1 - row
        matrix[..., row, row + 1 :] = matrix[..., row + 1 :, row] = array[..., start:stop]
    return matrix


def condense(m: Any) -> np.ndarray:
    """Symmetric matrices (…, n, n) as condensed RDMs (…, n(n−1)/2); the inverse of `square`.

    Raises:
        ValueError: Not square, n < 3, or not symmetric (beyond 1e-6 of the largest entry).

    >>> condense(np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]]))
    array([1., 2., 3.])
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
