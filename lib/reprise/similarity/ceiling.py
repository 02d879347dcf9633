"""What chance gives and what noise allows: the Mantel test and the noise ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import to_numpy
from .compare import METHODS, PREPARED, compare, whitened
from .condensed import n_stimuli, pair_indices, square
from .inference import Estimate
from .ranks import midranks

__all__ = ["NoiseCeiling", "mantel", "noise_ceiling"]


def mantel(
    a: Any,
    b: Any,
    method: str = "spearman",
    permutations: int = 9999,
    alternative: str = "greater",
    confidence: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> Estimate:
    """Test whether two RDMs are related, by permuting the stimuli of one.

    Args:
        a: Condensed RDM, (pairs,).
        b: Condensed RDM of the same stimuli, (pairs,).
        method: As in `compare`.
        permutations: How many.
        alternative: "greater", "less" or "two-sided" (distance from the mean of the null).
        confidence: Coverage of the null interval, (0, 1).
        rng: Seed, or a generator.

    Returns:
        The comparison as `estimate`; `interval` holds the central share of the *null*; `p_value` counts the
        observed order among the permuted ones, so it is at least 1 / (permutations + 1).

    Raises:
        ValueError: As `compare`; stacks; unknown alternative.

    Source: Mantel (1967); Nili et al. (2014).

    >>> rng = np.random.default_rng(0)
    >>> from reprise.similarity import rdm
    >>> x = rng.normal(size=(12, 6))
    >>> related = mantel(rdm(x), rdm(x + 0.3 * rng.normal(size=(12, 6))), permutations=99)
    >>> round(related.p_value, 2)  # no permutation does as well: 1 / (99 + 1)
    0.01
    """
    if alternative not in ("greater", "less", "two-sided"):
        raise ValueError(f"unknown alternative {alternative!r}; one of greater, less, two-sided")
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError("mantel takes one condensed RDM a side")
    if permutations < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"need permutations of at least 1 and confidence in (0, 1), got {permutations}, {confidence}"
        )
    observed = compare(a, b, method)
    x, y = (to_numpy(v).astype(np.float64) for v in (a, b))
    n = n_stimuli(x.size)
    generator = np.random.default_rng(rng)
    orders = generator.permuted(np.tile(np.arange(n), (permutations, 1)), axis=1)
    null = np.full(permutations, np.nan)
    if not np.isnan(observed):
        null = _permuted(x, y, orders, method)
    # Equal values must count as equal, whatever order their terms were added in.
    slack = 1e-12
    centre = null.mean()
    exceeding = {
        "greater": null >= observed - slack,
        "less": null <= observed + slack,
        "two-sided": np.abs(null - centre) >= abs(observed - centre) - slack,
    }[alternative]
    p = float("nan") if np.isnan(observed) else (int(exceeding.sum()) + 1) / (permutations + 1)
    low, high = np.quantile(null, ((1 - confidence) / 2, (1 + confidence) / 2))
    what = f"{method}, Mantel permutation test ({alternative}); interval of the null"
    return Estimate(observed, (float(low), float(high)), {"stimuli": n}, what, null, confidence, p)


def _permuted(x: np.ndarray, y: np.ndarray, orders: np.ndarray, method: str) -> np.ndarray:
    n = orders.shape[1]
    if method not in PREPARED:  # concordance: compared anew, though still sorted once a permutation
        i, j = pair_indices(n)
        matrix = square(y)
        return np.array(
            [METHODS[method](x[None], matrix[order[i], order[j]][None])[0, 0] for order in orders]
        )
    left, right = (PREPARED[method](v[None])[0] for v in (x, y))
    # Permuting stimuli permutes what was prepared: nothing is ranked or centred again.
    if left.size == n * n:
        table, i, j = right.reshape(n, n), *np.divmod(np.arange(n * n), n)
    else:
        table, (i, j) = square(right), pair_indices(n)
    step = max(1, 2**23 // len(i))
    parts = [orders[start : start + step] for start in range(0, len(orders), step)]
    return np.concatenate([table[part[:, i], part[:, j]] @ left for part in parts])


@dataclass(frozen=True)
class NoiseCeiling:
    """Bounds between which the best possible model's mean similarity to the RDMs lies.

    Attributes:
        lower: Mean similarity of each RDM to the average of the others: what a model can reach that
            generalises.
        upper: Mean similarity of each RDM to the average of all, itself included: no model exceeds it
            (approximately, for rank-based methods).
        n: Number of RDMs (seeds, subjects).
        method: As in `compare`.
    """

    lower: float
    upper: float
    n: int
    method: str


def noise_ceiling(rdms: Any, method: str = "spearman") -> NoiseCeiling:
    """How similar any model could be to a set of RDMs, given how they differ among themselves.

    Args:
        rdms: (n, pairs) condensed RDMs of the same stimuli, one a seed or subject.
        method: As in `compare`. RDMs are put on its scale before averaging: ranks for rank-based methods,
            z-scores for Pearson, unit norm (plain or whitened) for cosines.

    Returns:
        Bounds in [−1, 1]; NaN with a warning if an RDM is undefined.

    Raises:
        ValueError: As `compare`; fewer than 2 RDMs.

    Source: Nili et al. (2014).

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=45)
    >>> ceiling = noise_ceiling(truth + 0.5 * rng.normal(size=(6, 45)))  # six subjects, ten stimuli
    >>> bool(0.8 < ceiling.lower < ceiling.upper < 1)
    True
    """
    array = to_numpy(rdms, "rdms").astype(np.float64)
    if array.ndim != 2 or len(array) < 2:
        raise ValueError(f"rdms must be (n, pairs) with n of at least 2, got {array.shape}")
    n = len(array)
    scaled = _on_scale(array, method)
    total = scaled.sum(axis=0)
    upper = compare(array, total / n, method)
    lower = [compare(array[s], (total - scaled[s]) / (n - 1), method) for s in range(n)]
    return NoiseCeiling(float(np.mean(lower)), float(np.mean(upper)), n, method)


def _on_scale(rdms: np.ndarray, method: str) -> np.ndarray:
    if method in ("spearman", "rho-a", "kendall-tau-a", "kendall-tau-b"):
        known = ~np.isnan(rdms).any(axis=1)
        ranks = np.full(rdms.shape, np.nan)
        ranks[known] = midranks(rdms[known])
        return ranks
    if method in ("pearson", "whitened-pearson"):
        rdms = rdms - rdms.mean(axis=1, keepdims=True)
    vectors = whitened(rdms) if method.startswith("whitened") else rdms
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return rdms / np.where(norms > 0, norms, np.nan)[:, None]
