"""Canonical correlations: CCA, SVCCA, PWCCA."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, warn_undefined

__all__ = ["canonical_correlations", "cca", "pwcca", "pwcca_unwhitened", "svcca"]


def cca(x: Any, y: Any) -> float:
    """Mean canonical correlation.

    With rank(x) + rank(y) above n − 1 some correlations are 1 whatever the data are, and with as many
    features as stimuli all of them: use it where stimuli far outnumber features, or see `svcca`.

    Args:
        x: (n, …features).
        y: (n, …features), any number of features.

    Returns:
        Mean over the smaller of the two ranks, [0, 1], larger = more similar. Unchanged by any invertible
        affine map of either. NaN with an `UndefinedWarning` where all stimuli of x or y are alike.

    Raises:
        ValueError: n < 3, NaN or Inf, no features, different numbers of stimuli.

    Source: Raghu et al. (2017).

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(40, 5))
    >>> round(cca(x, x @ rng.normal(size=(5, 5))), 6)  # any invertible map
    1.0
    >>> bool(cca(x, rng.normal(size=(40, 5))) < 0.5)
    True
    """
    rho = canonical_correlations(x, y)
    return float(rho.mean()) if rho.size else float("nan")


def canonical_correlations(x: Any, y: Any) -> np.ndarray:
    """All canonical correlations, in falling order.

    Args:
        x: (n, …features).
        y: (n, …features).

    Returns:
        (min(rank x, rank y),) in [0, 1]; empty, with an `UndefinedWarning`, where all stimuli are alike.

    Raises:
        ValueError: As `cca`.

    >>> x = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> y = x @ np.array([[1.0], [0.0]])  # its first direction alone
    >>> canonical_correlations(x, y).round(6)
    array([1.])
    """
    left, right = _bases(x, y)
    return _correlations(left.basis, right.basis)


def svcca(x: Any, y: Any, variance: float = 0.99) -> float:
    """Mean canonical correlation of the leading principal components.

    Args:
        x: (n, …features).
        y: (n, …features).
        variance: Share of the variance that the kept components explain, (0, 1], for x and y apart.

    Returns:
        [0, 1], larger = more similar; NaN as `cca`. Unchanged by rotation, scale and translation, but not by
        other linear maps, which change the components.

    Raises:
        ValueError: As `cca`, or a share outside (0, 1].

    Source: Raghu et al. (2017).

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(40, 5)) * np.array([10, 10, 10, 1e-3, 1e-3])
    >>> noisy = x + np.array([0, 0, 0, 1, 1]) * rng.normal(size=(40, 5)) * 1e-2
    >>> round(svcca(x, noisy), 3), bool(cca(x, noisy) < 0.9)  # the small directions do not count
    (1.0, True)
    """
    if not 0.0 < variance <= 1.0:
        raise ValueError(f"variance must be in (0, 1], not {variance}")
    left, right = _bases(x, y)
    rho = _correlations(left.leading(variance), right.leading(variance))
    return float(rho.mean()) if rho.size else float("nan")


def pwcca(x: Any, y: Any) -> float:
    """Projection-weighted canonical correlation, by its formula.

    Σ αᵢ ρᵢ / Σ αᵢ with αᵢ = Σⱼ |⟨hᵢ, xⱼ⟩|: hᵢ is the i-th canonical variate of x (unit length over stimuli),
    xⱼ the centred response of feature j. Always weighted by x, so not symmetric; a rotation of x changes the
    sums of absolute values.

    Args:
        x: (n, …features), the representation that weights.
        y: (n, …features).

    Returns:
        [0, 1], larger = more similar; NaN as `cca`.

    Raises:
        ValueError: As `cca`.

    Source: Morcos, Raghu & Bengio (2018).

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 5))
    >>> bool(abs(pwcca(x, y) - pwcca(y, x)) > 1e-3)  # the weights are those of x
    True
    """
    left, right = _bases(x, y)
    return _weighted(left, right)


def _weighted(left: _Basis, right: _Basis) -> float:
    if left.flat or right.flat:
        return float("nan")
    directions, rho, _ = np.linalg.svd(left.basis.T @ right.basis, full_matrices=False)
    variates = left.basis @ directions
    weights = np.abs(variates.T @ left.centred).sum(axis=1)
    return float(np.clip(weights @ rho / weights.sum(), 0.0, 1.0))


def pwcca_unwhitened(x: Any, y: Any) -> float:
    """Projection-weighted canonical correlation as the widely copied code computes it, for comparison only.

    It differs from `pwcca` in this: the canonical directions are applied to x without the whitening that they
    were found with, and then made orthonormal by QR, so that the weights belong to other directions than the
    correlations; and the representation with fewer features weights (x on a tie). That code also adds the
    features' means back to directions whose signs are arbitrary; its value is defined for centred
    representations only, so both are centred here.

    Args:
        x: (n, …features).
        y: (n, …features).

    Returns:
        [0, 1], larger = more similar; NaN as `cca`.

    Raises:
        ValueError: As `cca`, or the representation with fewer features has not full column rank.

    Source: the code published with Raghu et al. (2017) and Morcos et al. (2018), from the description here.

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 3)) * np.array([5, 1, 0.1]), rng.normal(size=(40, 5))
    >>> bool(abs(pwcca_unwhitened(x, y) - pwcca(x, y)) > 1e-3)  # the weights differ
    True
    """
    left, right = _bases(x, y)
    if left.flat or right.flat:
        return float("nan")
    if right.centred.shape[1] < left.centred.shape[1]:
        left, right = right, left
    features = left.centred.shape[1]
    if left.basis.shape[1] < features or right.basis.shape[1] < features:
        raise ValueError(
            "pwcca_unwhitened needs full column rank: more stimuli than features, none redundant"
        )
    directions, rho, _ = np.linalg.svd(left.basis.T @ right.basis, full_matrices=False)
    orthonormal, _ = np.linalg.qr(left.basis * left.singular @ directions)
    weights = np.abs(orthonormal.T @ left.centred).sum(axis=1)
    return float(np.clip(weights @ rho / weights.sum(), 0.0, 1.0))


def narrow(x: np.ndarray) -> np.ndarray:
    """The same stimuli rotated into at most as many features as there are stimuli, (n, min(n, d))."""
    return x if x.shape[1] <= len(x) else np.asarray(np.linalg.qr(x.T, mode="r")).T


class _Basis:
    """Principal directions of a centred representation, over stimuli."""

    def __init__(self, rows: Rows) -> None:
        self.flat = is_flat(rows)
        self.centred = centred_features(rows)
        vectors, self.singular, _ = np.linalg.svd(narrow(self.centred), full_matrices=False)
        # Centring takes one dimension away, whatever rounding says; the rest as numpy.linalg.matrix_rank.
        eps = np.finfo(rows.dtype).eps
        threshold = self.singular[0] * max(self.centred.shape) * eps
        rank = 0 if self.flat else min(int(np.sum(self.singular > threshold)), rows.n - 1)
        self.basis, self.singular = vectors[:, :rank], self.singular[:rank]

    def leading(self, variance: float) -> np.ndarray:
        """Fewest leading directions that explain this share of the variance, (n, kept)."""
        if self.flat:
            return self.basis
        share = np.cumsum(self.singular**2) / np.sum(self.singular**2)
        return self.basis[:, : int(np.searchsorted(share, variance - 1e-12)) + 1]


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.shape[1] == 0 or b.shape[1] == 0:
        return np.empty(0)
    return np.clip(np.linalg.svd(a.T @ b, compute_uv=False), 0.0, 1.0)


def centred_features(rows: Rows) -> np.ndarray:
    """Features (stimuli, features) in double precision, each with mean 0 over the stimuli."""
    values = rows.values.astype(np.float64)
    values -= values.mean(axis=0)
    return values


def is_flat(rows: Rows) -> bool:
    """Whether all stimuli are alike, so that nothing can correlate."""
    return bool(np.all(rows.values == rows.values[0]))


def pair_of_rows(x: Any, y: Any) -> tuple[Rows, Rows]:
    """Two representations as rows, one a stimulus.

    Raises:
        ValueError: They hold different numbers of stimuli.
    """
    left, right = as_rows(x, "x"), as_rows(y, "y")
    if left.n != right.n:
        raise ValueError(f"x and y hold different numbers of stimuli: {left.n} and {right.n}")
    return left, right


def _bases(x: Any, y: Any) -> tuple[_Basis, _Basis]:
    left, right = (_Basis(rows) for rows in pair_of_rows(x, y))
    warn_flat(left.flat, right.flat)
    return left, right


def warn_flat(x_flat: bool, y_flat: bool) -> None:
    """Warn of each of two representations whose stimuli are all alike: what follows from it is undefined."""
    for name, flat in (("x", x_flat), ("y", y_flat)):
        if flat:
            warn_undefined(f"representation {name}", np.array([True]), "all stimuli are alike")
