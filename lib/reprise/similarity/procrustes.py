"""The angular Procrustes distance between shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Rows
from .cca import centred_features, is_flat, narrow, pair_of_rows, warn_flat

__all__ = ["procrustes"]


def procrustes(x: Any, y: Any) -> float:
    """Angular Procrustes distance: the angle that is left after the best rotation.

    arccos(‖XᵀY‖⁎ / ‖X‖‖Y‖) of centred representations, ‖·‖⁎ the sum of singular values. A metric between
    shapes.

    Args:
        x: (n, …features).
        y: (n, …features), any number of features (the smaller is padded with zeros).

    Returns:
        Radians in [0, π/2], 0 = the same up to rotation, scale and translation. NaN with an
        `UndefinedWarning` where all stimuli of x or y are alike.

    Raises:
        ValueError: As `cca`.

    Source: Williams et al. (2021).

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(20, 4))
    >>> rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    >>> bool(procrustes(x, 3 * x @ rotation + 1) < 1e-10)
    True
    >>> bool(0 < procrustes(x, rng.normal(size=(20, 4))) < np.pi / 2)
    True
    """
    left, right = pair_of_rows(x, y)
    flat = is_flat(left), is_flat(right)
    if any(flat):
        warn_flat(*flat)
        return float("nan")
    a, b = _shape(left), _shape(right)
    width = max(a.shape[1], b.shape[1])
    a = np.pad(a, ((0, 0), (0, width - a.shape[1])))
    b = np.pad(b, ((0, 0), (0, width - b.shape[1])))
    u, _, vt = np.linalg.svd(b.T @ a)
    # The chord after the best rotation: exact for small angles, where arccos would keep half the digits.
    chord = np.linalg.norm(a - b @ (u @ vt))
    return float(np.clip(2.0 * np.arcsin(min(chord / 2.0, 1.0)), 0.0, np.pi / 2))


def _shape(rows: Rows) -> np.ndarray:
    """Centred, of unit norm, and rotated into at most n features."""
    centred = narrow(centred_features(rows))
    return centred / np.linalg.norm(centred)
