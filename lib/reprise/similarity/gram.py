"""Inner products of stimuli: the one expensive step that all RDMs and kernels share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, as_stack, to_numpy

__all__ = ["Grams", "gram_matrix", "gram_to_centre", "row_means", "squared_distances"]

# Most features per product. Single-precision products are summed within a block and the blocks' Grams in
# double, so the error stays near that of one block; it also bounds the working copy.
_BLOCK = 12_000

# Rows per step where an n × n intermediate is to be avoided.
_STRIP = 256

# Where squares of features are this far from the ends of float32, so are their sums and products.
_SAFE_NORMS = (1e-25, 1e25)


def row_means(rows: Rows) -> np.ndarray:
    """Mean over features of each stimulus, (n,) float64."""
    return rows.values.mean(axis=1, dtype=np.float64)


def gram_matrix(
    rows: Rows, centre: str = "none", dtype: type | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """Gram matrix of the stimuli.

    Args:
        rows: Representation, (n, features).
        centre: "none"; "rows": each stimulus minus its mean over features; "columns": each feature minus its
            mean over stimuli.
        dtype: Type in which products are taken; by default that of `rows`.
        out: Where to put the result.

    Returns:
        (n, n) float64, symmetric.
    """
    kind = dtype or rows.dtype
    if centre == "columns":

        def centred(block: np.ndarray) -> np.ndarray:
            mean = block.mean(axis=0, keepdims=True, dtype=np.float64)
            return np.subtract(block, mean.astype(kind), dtype=kind)

        return _sum_of_products(rows, centred, out)

    gram = _sum_of_products(rows, lambda block: block.astype(kind, copy=False), out)
    if centre == "rows":
        # Along contiguous rows NumPy sums pairwise, which single precision can afford; else it does not.
        exact = kind if rows.values.flags.c_contiguous else np.float64
        sums = rows.values.sum(axis=1, dtype=exact).astype(np.float64)
        # Means can come off the products as long as they do not dominate them.
        share = sums**2 / rows.d
        if np.all((share <= 0.8 * np.diagonal(gram)) | rows.constant):
            return _subtract_outer(gram, sums, sums / rows.d)
        mean = (sums / rows.d).astype(kind)[:, None]
        sums[:] = 0.0

        def centred(block: np.ndarray) -> np.ndarray:
            result = np.subtract(block, mean, dtype=kind)
            np.add(sums, result.sum(axis=1, dtype=np.float64), out=sums)
            return result

        gram = _sum_of_products(rows, centred, out)
        # What is left of the mean, rounded to the working type, comes off the products too.
        _subtract_outer(gram, sums, sums / rows.d)
    return gram


def gram_to_centre(rows: Rows, out: np.ndarray | None = None, keep: float = 1 / 16) -> np.ndarray:
    """Gram matrix that is about to be centred, (n, n) float64: of uncentred features where that is safe.

    Centring n × n products costs nothing beside centring n × d features, but loses digits if the stimuli's
    common mean dominates; and NaN, Inf and extreme numbers show in the norms. In such cases features are
    checked and centred first.

    Args:
        rows: Representation, (n, features).
        out: Where to put the result.
        keep: Share of the squared norms that centring must leave for the uncentred Gram to do.
    """
    if rows.values.dtype in (np.float32, np.float64):
        with np.errstate(over="ignore", invalid="ignore"):
            gram = _sum_of_products(rows, lambda block: block, out)
            norms = np.diagonal(gram)
            # NaN compares as False.
            if norms.min() > _SAFE_NORMS[0] and norms.max() < _SAFE_NORMS[1]:
                total = norms.sum()
                if total - gram.sum() / rows.n > keep * total:
                    return gram
    return gram_matrix(rows, "columns", out=out)


def _sum_of_products(
    rows: Rows, prepare: Callable[[np.ndarray], np.ndarray], out: np.ndarray | None = None
) -> np.ndarray:
    total = np.empty((rows.n, rows.n)) if out is None else out
    parts = -(-rows.d // _BLOCK)
    edges = [rows.d * part // parts for part in range(parts + 1)]
    for start, stop in pairwise(edges):
        block = prepare(rows.values[:, start:stop])
        if min(block.strides) != block.itemsize:  # strides that BLAS does not take would end in a plain loop
            block = np.ascontiguousarray(block)
        # The same array twice goes to SYRK, half the work of a general product.
        if start == 0 and block.dtype == np.float64:
            np.matmul(block, block.T, out=total)
        elif start == 0:
            total[...] = block @ block.T
        else:
            total += block @ block.T
    return total


def _subtract_outer(gram: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    for start in range(0, len(gram), _STRIP):
        gram[start : start + _STRIP] -= a[start : start + _STRIP, None] * b
    return gram


def squared_distances(gram: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances from Grams (…, n, n) float64, in place; negative rounding is cut to 0."""
    norms = np.diagonal(gram, axis1=-2, axis2=-1).copy()
    gram *= -2.0
    gram += norms[..., :, None]
    gram += norms[..., None, :]
    np.maximum(gram, 0.0, out=gram)
    diagonal = np.arange(gram.shape[-1])
    gram[..., diagonal, diagonal] = 0.0
    return gram


@dataclass(frozen=True)
class Grams:
    """What the RDMs and CKA of a representation, or of a stack of them, follow from.

    Attributes:
        gram: (…, n, n) inner products of the stimuli's feature vectors (not centred).
        mean: (…, n) mean over features of each stimulus.
        n_features: Number of features: one for all, or an array over the leading axes.

    >>> rng = np.random.default_rng(0)
    >>> layer = Grams.of(rng.normal(size=(20, 3, 8, 8)))
    >>> layer.gram.shape, layer.mean.shape, layer.n_features
    ((20, 20), (20,), 192)
    >>> Grams.stack([layer, Grams.of(rng.normal(size=(20, 5)))]).gram.shape
    (2, 20, 20)
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
    def of(cls, x: Any, *, stacked: bool = False, single: bool = False) -> Grams:
        """Grams of a representation.

        Args:
            x: (n, …features), or (m, n, …features) with `stacked`.
            stacked: Whether the leading axis runs over representations.
            single: Take products of features in (half or) single precision in single precision, which is
                faster, and sum blocks of them in double; else all is in double precision.

        Raises:
            ValueError: As `rdm`.
        """
        if stacked:
            return cls.stack([cls.of(item, single=single) for item in as_stack(x)])
        rows = as_rows(x)
        return cls(gram_matrix(rows, dtype=None if single else np.float64), row_means(rows), rows.d)

    @classmethod
    def stack(cls, grams: list[Grams]) -> Grams:
        """Put Grams of the same stimuli on a new leading axis; numbers of features may differ.

        Raises:
            ValueError: Nothing to stack, or different numbers of stimuli.
        """
        if not grams or len({each.gram.shape for each in grams}) != 1:
            raise ValueError(
                f"Grams to stack must share one shape, got {[each.gram.shape for each in grams]}"
            )
        counts = np.array([each.n_features for each in grams])
        features = int(counts.flat[0]) if np.all(counts == counts.flat[0]) else counts
        return cls(np.stack([each.gram for each in grams]), np.stack([each.mean for each in grams]), features)

    @property
    def n(self) -> int:
        """Number of stimuli."""
        return self.gram.shape[-1]

    def only(self, stimuli: Any) -> Grams:
        """The same of some stimuli.

        Args:
            stimuli: Their indices, at least 3; None for all of them.
        """
        if stimuli is None:
            return self
        return Grams(self.gram[..., stimuli, :][..., stimuli], self.mean[..., stimuli], self.n_features)

    def flat(self) -> Grams:
        """The same with exactly one leading axis, (m, n, n): a single Gram becomes a stack of one."""
        lead = self.gram.shape[:-2]
        counts = self.n_features
        if not np.isscalar(counts):
            counts = np.broadcast_to(np.asarray(counts), lead).reshape(-1)
        return Grams(self.gram.reshape(-1, self.n, self.n), self.mean.reshape(-1, self.n), counts)  # type: ignore[arg-type]
