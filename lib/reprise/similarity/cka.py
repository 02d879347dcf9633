"""Centred kernel alignment (CKA), biased and debiased, from features or from Grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, to_numpy, warn_undefined
from .covariance import all_alike, features_cheaper, in_feature_space
from .gram import gram_to_centre
from .kernels import kernel_vectors, rbf_kernel, unit_kernels
from .rdm import distance_matrix

__all__ = ["KERNELS", "cka", "cka_from_grams", "cka_matrix"]

KERNELS = ("linear", "rbf")


def cka(
    x: Any, y: Any, kernel: str = "linear", debiased: bool = False, bandwidth: float | str = "median"
) -> float:
    """Centred kernel alignment of two representations of the same stimuli.

    Args:
        x: (n, …features).
        y: (n, …features), any number of features.
        kernel: "linear", or "rbf": exp(−d² / 2σ²) of Euclidean distances d.
        debiased: Use the unbiased estimator of HSIC: 0 on average for unrelated representations. The usual
            one rises towards 1 when features outnumber stimuli.
        bandwidth: σ of "rbf", in units of the distances; "median": σ² is the median of the non-zero squared
            distances, for x and y apart, which makes CKA invariant to scale.

    Returns:
        Larger = more similar. [0, 1]; debiased in [−1, 1]. NaN with an `UndefinedWarning` where all stimuli
        of x or y are alike.

    Raises:
        ValueError: Unknown kernel, bad bandwidth, n < 3 (debiased: n < 4), NaN or Inf, no features,
            different numbers of stimuli.

    Source: Kornblith et al. (2019); debiased: Song et al. (2012).

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 20, 200))
    >>> round(cka(x, x), 6)
    1.0
    >>> bool(cka(x, y) > 0.8)  # unrelated, but ten times as many features as stimuli
    True
    >>> bool(abs(cka(x, y, debiased=True)) < 0.2)
    True
    """
    return float(cka_matrix([x], [y], kernel=kernel, debiased=debiased, bandwidth=bandwidth)[0, 0])


def cka_matrix(
    representations: Sequence[Any],
    others: Sequence[Any] | None = None,
    kernel: str = "linear",
    debiased: bool = False,
    bandwidth: float | str = "median",
) -> np.ndarray:
    """CKA of all pairs of representations; each Gram is computed once.

    Where that is less work (many stimuli, few features), linear CKA is taken in feature space and no Gram
    is formed. Otherwise all Grams are held at once: 8 n² bytes a representation.

    Args:
        representations: m representations, each (n, …features).
        others: k representations of the same stimuli; `representations` themselves by default.
        kernel: As in `cka`.
        debiased: As in `cka`.
        bandwidth: As in `cka`.

    Returns:
        (m, k) float64; see `cka`.

    Raises:
        ValueError: As `cka`.

    >>> rng = np.random.default_rng(0)
    >>> layers = [rng.normal(size=(20, d)) for d in (5, 30, 8)]
    >>> cka_matrix(layers, layers[:2]).shape
    (3, 2)
    """
    check_kernel(kernel, bandwidth)
    left = [as_rows(x, f"representation {i}", check=False) for i, x in enumerate(representations)]
    right = left
    if others is not None:
        right = [as_rows(y, f"other representation {j}", check=False) for j, y in enumerate(others)]
    _check_stimuli([rows.n for rows in (*left, *right)], debiased)
    if kernel == "linear" and features_cheaper(left, right):
        return in_feature_space(left, right, debiased)
    vectors = _vectors(left, kernel, debiased, bandwidth)
    columns = vectors if right is left else _vectors(right, kernel, debiased, bandwidth)
    return np.clip(vectors @ columns.T, -1.0 if debiased else 0.0, 1.0)


def cka_from_grams(
    gram_x: Any,
    gram_y: Any,
    kernel: str = "linear",
    debiased: bool = False,
    bandwidth: float | str = "median",
) -> Any:
    """CKA of all pairs from Grams of inner products; RBF too, as distances follow from them.

    Args:
        gram_x: (n, n) or (m, n, n), centred or not.
        gram_y: (n, n) or (k, n, n).
        kernel: As in `cka`.
        debiased: As in `cka`.
        bandwidth: As in `cka`.

    Returns:
        (m, k) float64, as `cka`; a single Gram drops its axis, so two of them give a float.

    Raises:
        ValueError: As `cka`, or wrong shapes.

    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(2, 20, 8))
    >>> bool(np.isclose(cka_from_grams(x @ x.T, y @ y.T), cka(x, y)))
    True
    >>> grams = np.stack([x @ x.T, y @ y.T])
    >>> cka_from_grams(grams, grams).shape
    (2, 2)
    """
    check_kernel(kernel, bandwidth)
    left, right = _grams(gram_x, "gram_x"), _grams(gram_y, "gram_y")
    _check_stimuli([left.shape[-1], right.shape[-1]], debiased)
    vectors = kernel_vectors(left, kernel, debiased, bandwidth)
    columns = vectors if gram_x is gram_y else kernel_vectors(right, kernel, debiased, bandwidth)
    result = np.clip(vectors @ columns.T, -1.0 if debiased else 0.0, 1.0)
    single_x, single_y = np.ndim(gram_x) == 2, np.ndim(gram_y) == 2
    if single_x and single_y:
        return float(result[0, 0])
    return result[0] if single_x else result[:, 0] if single_y else result


def _vectors(items: list[Rows], kernel: str, debiased: bool, bandwidth: float | str) -> np.ndarray:
    n = items[0].n
    kernels = np.empty((len(items), n, n))
    for index, rows in enumerate(items):
        if kernel == "rbf":
            rbf_kernel(distance_matrix(rows, "sqeuclidean", out=kernels[index]), bandwidth)
        else:
            gram_to_centre(rows, out=kernels[index])
    flat = np.array([all_alike(rows) for rows in items])
    warn_undefined("representation", flat, "all stimuli are alike")
    return unit_kernels(kernels, flat, debiased)


def check_kernel(kernel: str, bandwidth: float | str) -> None:
    """Raise ValueError unless the kernel is known and the bandwidth usable."""
    if kernel not in KERNELS:
        raise ValueError(f"unknown kernel {kernel!r}; one of {', '.join(KERNELS)}")
    if isinstance(bandwidth, str):
        if bandwidth != "median":
            raise ValueError(f'bandwidth must be "median" or a number, not {bandwidth!r}')
    elif not (np.isfinite(bandwidth) and bandwidth > 0):
        raise ValueError(f"bandwidth must be positive and finite, not {bandwidth}")


def _check_stimuli(counts: list[int], debiased: bool) -> None:
    if not counts:
        raise ValueError("no representations to compare")
    if len(set(counts)) != 1:
        raise ValueError(f"representations of different numbers of stimuli: {sorted(set(counts))}")
    if debiased and counts[0] < 4:
        raise ValueError(f"debiased CKA needs at least 4 stimuli, not {counts[0]}")


def _grams(gram: Any, name: str) -> np.ndarray:
    array = to_numpy(gram, name)
    if array.ndim not in (2, 3) or array.shape[-1] != array.shape[-2] or array.shape[-1] < 3:
        raise ValueError(f"{name} must be (n, n) or (m, n, n) with n of at least 3, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or Inf")
    return array if array.ndim == 3 else array[None]
