"""Linear CKA in feature space, for many stimuli and few features."""

from __future__ import annotations

import numpy as np

from ._arrays import Rows, warn_undefined

__all__ = ["all_alike", "features_cheaper", "in_feature_space"]


def all_alike(rows: Rows) -> bool:
    """Whether all stimuli have the same features."""
    first = rows.values[0]
    return all(bool(np.array_equal(first, other)) for other in rows.values[1:])  # mostly one comparison


def features_cheaper(left: list[Rows], right: list[Rows]) -> bool:
    """Whether all pairs take less work, and no more memory, by features than by Grams."""
    n = left[0].n
    widths_l, widths_r = np.array([r.d for r in left], float), np.array([r.d for r in right], float)
    own = np.sum(widths_l**2) + (np.sum(widths_r**2) if right is not left else 0.0)
    features = n * (np.sum(widths_l) * np.sum(widths_r) + own)
    grams = n**2 * (
        np.sum(widths_l) + (np.sum(widths_r) if right is not left else 0.0) + len(left) * len(right)
    )
    return bool(max(widths_l.max(), widths_r.max()) <= n and features < grams)


def in_feature_space(left: list[Rows], right: list[Rows], debiased: bool) -> np.ndarray:
    """Linear CKA from cross-covariances: tr(K L) = ‖XᵀY‖² for centred X and Y."""
    columns = [_Columns(rows) for rows in left]
    others = columns if right is left else [_Columns(rows) for rows in right]
    warn_undefined("representation", np.array([c.flat for c in columns]), "all stimuli are alike")
    if right is not left:
        warn_undefined("other representation", np.array([c.flat for c in others]), "all stimuli are alike")
    own = [c.norm(debiased) for c in columns]
    own_others = own if right is left else [c.norm(debiased) for c in others]
    result = np.empty((len(columns), len(others)))
    for i, a in enumerate(columns):
        for j, b in enumerate(others):
            mirrored = right is left and j < i
            result[i, j] = result[j, i] if mirrored else a.hsic(b, debiased) / (own[i] * own_others[j])
    return np.clip(result, -1.0 if debiased else 0.0, 1.0)


class _Columns:
    """A representation with few features: centred once, multiplied over blocks of stimuli."""

    def __init__(self, rows: Rows) -> None:
        self.flat = all_alike(rows)
        mean = rows.values.mean(axis=0, dtype=np.float64)
        self.centred = np.subtract(rows.values, mean.astype(rows.dtype), dtype=rows.dtype)
        self.norms = np.einsum("ij,ij->i", self.centred, self.centred, dtype=np.float64)

    def norm(self, debiased: bool) -> float:
        """Root of the inner product with itself, NaN where nothing but rounding is left of it."""
        value = self.hsic(self, debiased)
        return np.nan if self.flat or value <= (1e-12 * self.norms.sum()) ** 2 else float(np.sqrt(value))

    def hsic(self, other: _Columns, debiased: bool) -> float:
        """Inner product of the two centred kernels; debiased: of the two U-centred ones."""
        n, block = len(self.centred), 4096
        cross = np.zeros((self.centred.shape[1], other.centred.shape[1]))
        for start in range(0, n, block):
            cross += self.centred[start : start + block].T @ other.centred[start : start + block]
        value = float(np.einsum("ij,ij->", cross, cross))
        if debiased:
            # The same as U-centring, written out for kernels whose rows sum to 0.
            value -= float(self.norms @ other.norms) * n / (n - 2)
            value += float(self.norms.sum() * other.norms.sum()) / ((n - 1) * (n - 2))
        return value
