"""Inner products of stimuli: the one expensive step that all RDMs and kernels share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, as_stack, to_numpy

__all__ = ["Grams", "gram_matrix", "gram_to_centre", "row_means", "squared_distances"]

# Most features per product. Single-precision products are summed within a block and the blocks' Grams in
# double, so the error stays near that of one block; it also bounds the working copy.
_BLOCK = 12_000

# Where squares of features are this far from the ends of float32, so are their sums and products.
_SAFE_NORMS = (1e-25, 1e25)


def row_means(rows: Rows) -> np.ndarray:
    """Mean over features of each stimulus, (n,) float64."""
    return rows.values.mean(axis=1, dtype=np.float64)


def gram_matrix(rows: Rows, centre: str = "none", dtype: type | None = None) -> np.ndarray:
    """Gram matrix of the stimuli.

    Args:
        rows: Representation, (n, features).
        centre: "none"; "rows": each stimulus minus its mean over features; "columns": each feature minus its
            mean over stimuli.
        dtype: Type in which products are taken; by default that of `rows`.

    Returns:
        (n, n) float64, symmetric.
    """
    kind = dtype or rows.dtype
    if centre == "none":
        return _sum_of_products(rows, lambda block: block.astype(kind, copy=False))
    if centre == "columns":

        def centred(block: np.ndarray) -> np.ndarray:
            mean = block.mean(axis=0, keepdims=True, dtype=np.float64)
            return np.subtract(block, mean.astype(kind), dtype=kind)

        return _sum_of_products(rows, centred)

    mean = rows.values.mean(axis=1, keepdims=True, dtype=kind)
    left_over = np.zeros(rows.n)

    def centred(block: np.ndarray) -> np.ndarray:
        result = np.subtract(block, mean, dtype=kind)
        np.add(left_over, result.sum(axis=1), out=left_over)
        return result

    gram = _sum_of_products(rows, centred)
    # The mean was rounded to the working type; what that left in each row comes off the products, not the
    # rows.
    gram -= np.outer(left_over, left_over / rows.d)
    return gram


def gram_to_centre(rows: Rows) -> np.ndarray:
    """Gram matrix that is about to be centred, (n, n) float64: of uncentred features where that is safe.

    Centring n × n products costs nothing beside centring n × d features, but loses digits if the stimuli's
    common mean dominates; and NaN, Inf and extreme numbers show in the norms. In such cases features are
    checked and centred first.
    """
    values = rows.values
    if values.dtype in (np.float32, np.float64):
        with np.errstate(over="ignore", invalid="ignore"):
            gram = _sum_of_products(rows, lambda block: block)
            norms = np.diagonal(gram)
            # NaN compares as False.
            if norms.min() > _SAFE_NORMS[0] and norms.max() < _SAFE_NORMS[1]:
                total = norms.sum()
                if total - gram.sum() / rows.n > total / 16:
                    return gram
    return gram_matrix(rows, "columns")


def _sum_of_products(rows: Rows, prepare: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    parts = -(-rows.d // _BLOCK)
    total: np.ndarray | None = None
    for columns in np.array_split(np.arange(rows.d), parts):
        block = prepare(rows.values[:, columns[0] : columns[-1] + 1])
        # The same array twice goes to SYRK, half the work of a general product.
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
