"""Inner products of stimuli: the one expensive step that all RDMs and kernels share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, as_stack, to_numpy

__all__ = ["Grams", "gram_matrix", "row_means", "squared_distances"]

# Features per product. Single-precision products are summed within a block and the blocks' Grams in double,
# so the error stays near that of one block; it also bounds the working copy.
_BLOCK = 4096


def row_means(rows: Rows) -> np.ndarray:
    """Mean over features of each stimulus, (n,) float64."""
    return rows.values.mean(axis=1, dtype=np.float64)


def _subtract(block: np.ndarray, mean: np.ndarray) -> None:
    # In two steps, so that in single precision the mean's rounding error does not stay behind as an offset.
    coarse = mean.astype(block.dtype)
    block -= coarse
    if block.dtype != np.float64:
        block -= (mean - coarse).astype(block.dtype)


def gram_matrix(rows: Rows, centre: str = "none", dtype: type | None = None) -> np.ndarray:
    """Gram matrix of the stimuli.

    Args:
        rows: Checked representation, (n, features).
        centre: "none"; "rows": each stimulus minus its mean over features; "columns": each feature minus
            its mean over stimuli.
        dtype: Type in which products are taken; by default that of `rows`.

    Returns:
        (n, n) float64, symmetric.
    """
    total: np.ndarray | None = None
    kind = dtype or rows.dtype
    means = row_means(rows)[:, None] if centre == "rows" else None
    for start in range(0, rows.d, _BLOCK):
        # A contiguous copy of the block: `block @ block.T` then goes to SYRK, half the work of a general
        # product.
        block = np.array(rows.values[:, start : start + _BLOCK], dtype=kind, order="C")
        if means is not None:
            _subtract(block, means)
        elif centre == "columns":
            _subtract(block, block.mean(axis=0, keepdims=True, dtype=np.float64))
        product = block @ block.T
        if total is None:
            total = product.astype(np.float64, copy=False)
        else:
            total += product
    assert total is not None  # at least one feature: checked by as_rows
    return total


def squared_distances(gram: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances from Grams, (…, n, n); rounding below 0 is cut, the diagonal is 0."""
    gram = np.asarray(gram, dtype=np.float64)
    norms = np.diagonal(gram, axis1=-2, axis2=-1)
    distances = gram * -2.0
    distances += norms[..., :, None]
    distances += norms[..., None, :]
    np.maximum(distances, 0.0, out=distances)
    diagonal = np.arange(gram.shape[-1])
    distances[..., diagonal, diagonal] = 0.0
    return distances


@dataclass(frozen=True)
class Grams:
    """What the RDMs and CKA of a representation, or of a stack of them, follow from.

    Attributes:
        gram: (…, n, n) inner products of the stimuli's feature vectors (not centred).
        mean: (…, n) mean over features of each stimulus.
        n_features: Number of features: one for all, or an array over the leading axes.
    """

    gram: np.ndarray
    mean: np.ndarray
    n_features: int | np.ndarray

    def __post_init__(self) -> None:
        gram, mean = to_numpy(self.gram, "gram"), to_numpy(self.mean, "mean")
        if gram.ndim < 2 or gram.shape[-1] != gram.shape[-2] or gram.shape[-1] < 3:
            raise ValueError(f"gram must be (…, n, n) with n of at least 3, got {gram.shape}")
        if mean.shape != gram.shape[:-1]:
            raise ValueError(
                f"mean must have shape {gram.shape[:-1]} to go with gram {gram.shape}, got {mean.shape}"
            )
        if np.any(np.asarray(self.n_features) < 1):
            raise ValueError("n_features must be at least 1")
        object.__setattr__(self, "gram", gram)
        object.__setattr__(self, "mean", mean)

    @classmethod
    def of(cls, x: Any, *, stacked: bool = False) -> Grams:
        """Grams of a representation, in double precision.

        Args:
            x: (n, …features), or (m, n, …features) with `stacked`.
            stacked: Whether the leading axis runs over representations.

        Raises:
            ValueError: As `rdm`.
        """
        if stacked:
            return cls.stack([cls.of(item) for item in as_stack(x)])
        rows = as_rows(x)
        return cls(gram_matrix(rows, dtype=np.float64), row_means(rows), rows.d)

    @classmethod
    def stack(cls, grams: list[Grams]) -> Grams:
        """Put Grams of the same stimuli on a new leading axis; numbers of features may differ.

        Raises:
            ValueError: Nothing to stack, or different numbers of stimuli.
        """
        if not grams or len({one.gram.shape for one in grams}) != 1:
            raise ValueError(f"Grams to stack must share one shape, got {[one.gram.shape for one in grams]}")
        counts = np.array([one.n_features for one in grams])
        features = int(counts.flat[0]) if np.all(counts == counts.flat[0]) else counts
        return cls(np.stack([g.gram for g in grams]), np.stack([g.mean for g in grams]), features)

    @property
    def n(self) -> int:
        """Number of stimuli."""
        return self.gram.shape[-1]

    def flat(self) -> Grams:
        """The same with exactly one leading axis, (m, n, n): a single Gram becomes a stack of one."""
        lead = self.gram.shape[:-2]
        counts = self.n_features
        if not np.isscalar(counts):
            counts = np.broadcast_to(np.asarray(counts), lead).reshape(-1)
        return Grams(self.gram.reshape(-1, self.n, self.n), self.mean.reshape(-1, self.n), counts)  # type: ignore[arg-type]
