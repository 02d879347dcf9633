"""Comparing RDMs: every RDM is prepared once, and all pairs are one matrix product."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ._arrays import to_numpy, warn_undefined
from .condensed import n_stimuli, square
from .kendall import kendall
from .ranks import midranks, unit_midranks

__all__ = ["METHODS", "PAGE_METHODS", "PREPARED", "compare", "unit_rows", "whitened"]


def unit_rows(vectors: np.ndarray, what: str, *, centre: bool) -> np.ndarray:
    """Rows divided by their norms, so that products of rows are cosines (or, centred, correlations).

    Args:
        vectors: (m, length) float64. Rows with NaN stay NaN.
        what: What a row is, for the warning where it has no direction.
        centre: Subtract each row's mean first.

    Returns:
        (m, length), NaN where undefined.
    """
    unknown = np.isnan(vectors).any(axis=1)
    warn_undefined(what, unknown, "it holds NaN")
    low, high = vectors.min(axis=1), vectors.max(axis=1)
    magnitude = np.maximum(np.abs(low), np.abs(high))
    if centre:
        flat = high - low <= 8 * np.finfo(np.float64).eps * magnitude
        vectors = vectors - vectors.mean(axis=1, keepdims=True)
    else:
        flat = magnitude == 0
    warn_undefined(what, flat & ~unknown, "all entries are equal" if centre else "all entries are 0")
    magnitude[flat | unknown | (magnitude == 0)] = np.nan
    vectors = vectors / magnitude[:, None]  # squares of what follows cannot overflow
    vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return vectors


def _pearson(vectors: np.ndarray) -> np.ndarray:
    return unit_rows(vectors, "RDM", centre=True)


def _cosine(vectors: np.ndarray) -> np.ndarray:
    return unit_rows(vectors, "RDM", centre=False)


def _ranked(vectors: np.ndarray) -> np.ndarray:
    ranks = np.full(vectors.shape, np.nan)
    known = ~np.isnan(vectors).any(axis=1)
    ranks[known] = midranks(vectors[known])
    return ranks


def _spearman(vectors: np.ndarray) -> np.ndarray:
    ranks, unknown = unit_midranks(vectors)
    warn_undefined("RDM", unknown, "it holds NaN")
    warn_undefined("RDM", np.isnan(ranks[:, 0]) & ~unknown, "all entries are equal")
    return ranks


def _rho_a(vectors: np.ndarray) -> np.ndarray:
    # Divided by what untied ranks would have, not by their own norm: the mean of Spearman's rho over all ways
    # to break the ties.
    ranks = _ranked(vectors)
    warn_undefined("RDM", np.isnan(ranks).any(axis=1), "it holds NaN")
    length = ranks.shape[1]
    return (ranks - (length + 1) / 2.0) * np.sqrt(12.0 / (float(length) ** 3 - length))


def whitened(vectors: np.ndarray) -> np.ndarray:
    """RDMs (m, pairs) as (m, n²) vectors with inner product dᵀ V⁻¹ e, V the covariance of RDM entries."""
    # If stimuli have independent noise of equal variance, the entries of an RDM of squared distances covary
    # as V = (C Cᵀ)∘(C Cᵀ), C the pairwise contrasts. Entries are d = <c cᵀ, G> for a centred symmetric G, and
    # V is that map times its transpose, so dᵀ V⁻¹ e = <G_d, G_e>: centring each RDM whitens it, with no
    # matrix to invert.
    matrices = square(vectors) * -0.5
    matrices -= matrices.mean(axis=-1, keepdims=True)
    matrices -= matrices.mean(axis=-2, keepdims=True)
    return matrices.reshape(len(vectors), -1)


def _whitened_cosine(vectors: np.ndarray) -> np.ndarray:
    return unit_rows(whitened(vectors), "RDM", centre=False)


def _whitened_pearson(vectors: np.ndarray) -> np.ndarray:
    flat = vectors.max(axis=1) - vectors.min(axis=1) <= 8 * np.finfo(np.float64).eps * np.abs(vectors).max(
        axis=1
    )
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    centred[flat] = 0.0
    return unit_rows(whitened(centred), "RDM", centre=False)


def _product(prepare: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        left = prepare(a)
        right = left if a is b else prepare(b)
        return np.clip(left @ right.T, -1.0, 1.0)

    return pairs


#: Methods that are products of prepared RDMs: (m, pairs) to (m, length).
PREPARED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pearson": _pearson,
    "spearman": _spearman,
    "rho-a": _rho_a,
    "cosine": _cosine,
    "whitened-cosine": _whitened_cosine,
    "whitened-pearson": _whitened_pearson,
}

#: All methods: (m, pairs) and (k, pairs) to (m, k).
METHODS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "pearson": _product(_pearson),
    "spearman": _product(_spearman),
    "kendall-tau-a": partial(kendall, variant="a"),
    "kendall-tau-b": partial(kendall, variant="b"),
    "rho-a": _product(_rho_a),
    "cosine": _product(_cosine),
    "whitened-cosine": _product(_whitened_cosine),
    "whitened-pearson": _product(_whitened_pearson),
}


PAGE_METHODS = {
    "spearman": "Spearman ρ",
    "pearson": "Pearson r",
    "kendall-tau-a": "Kendall τ-a",
    "kendall-tau-b": "Kendall τ-b",
    "cosine": "cosine",
}
"""Ways to compare two RDMs that pages offer, by id, with their names for people."""


def compare(a: Any, b: Any = None, method: str = "spearman") -> Any:
    """Similarity of RDMs, for all pairs of two stacks.

    Args:
        a: Condensed RDMs (m, pairs), or one (pairs,).
        b: Condensed RDMs (k, pairs), or one (pairs,); `a` itself by default.
        method: "pearson"; "spearman" (mid-ranks); "kendall-tau-a" and "rho-a" (ties count as disagreement,
            so they reach 1 only without ties: right for models that predict ties); "kendall-tau-b" (corrected
            for ties); "cosine"; "whitened-cosine" and "whitened-pearson" (entries decorrelated as for squared
            Euclidean RDMs of stimuli with independent noise; Pearson subtracts each RDM's mean first).

    Returns:
        (m, k) float64 in [−1, 1], larger = more similar; an argument that is one RDM drops its axis, so two
        of them give a float. NaN where an RDM holds NaN, or has no direction (all entries equal; for cosines,
        0); an `UndefinedWarning` names its row.

    Raises:
        ValueError: Unknown method, Inf, RDMs of different or impossible length.

    Source: Nili et al. (2014) for tau-a; Schütt et al. (2023) for rho-a; Diedrichsen et al. (2020) for
    whitening.

    >>> a = np.array([1.0, 2.0, 3.0])  # of three stimuli
    >>> round(compare(a, a**2), 6)
    1.0
    >>> round(compare(a, np.array([1.0, 3.0, 2.0])), 6)
    0.5
    >>> compare(np.stack([a, -a]), np.stack([a, a, a]), "pearson").shape
    (2, 3)
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; one of {', '.join(METHODS)}")
    left = _stack(a, "a")
    right = left if b is None or b is a else _stack(b, "b")
    if left.shape[1] != right.shape[1]:
        counts = n_stimuli(left.shape[1]), n_stimuli(right.shape[1])
        raise ValueError(f"RDMs of different numbers of stimuli: {counts[0]} in a, {counts[1]} in b")
    result = METHODS[method](left, right)
    single_a = np.ndim(a) == 1
    single_b = single_a if b is None else np.ndim(b) == 1
    if single_a and single_b:
        return float(result[0, 0])
    return result[0] if single_a else result[:, 0] if single_b else result


def _stack(rdms: Any, name: str) -> np.ndarray:
    array = to_numpy(rdms, name)
    if array.ndim not in (1, 2) or array.shape[0] == 0:
        raise ValueError(
            f"{name} must be one condensed RDM (pairs,) or a stack (m, pairs), got {array.shape}"
        )
    vectors = np.atleast_2d(array).astype(np.float64, copy=False)
    n_stimuli(vectors.shape[1])
    if not np.isfinite(vectors.sum()):  # cheap, and right unless the sum overflows: then look closely
        infinite = np.flatnonzero(np.isinf(vectors).any(axis=1))
        if infinite.size:
            raise ValueError(f"{name} holds Inf in RDM row {infinite[0]}")
    return vectors
