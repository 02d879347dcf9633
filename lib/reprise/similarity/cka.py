"""Centred kernel alignment (CKA), biased and debiased, from features or from Grams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._arrays import Rows, as_rows, to_numpy, warn_undefined
from .gram import gram_matrix, squared_distances
from .rdm import rdm, square

__all__ = ["KERNELS", "cka", "cka_from_grams", "cka_matrix", "kernel_vectors", "rbf_kernel"]

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
        Larger = more similar. [0, 1]; debiased in [−1, 1]. NaN with an `UndefinedWarning` where all stimuli of
        x or y are alike.

    Raises:
        ValueError: Unknown kernel, bad bandwidth, n < 3 (debiased: n < 4), NaN or Inf, no features,
            different numbers of stimuli.

    Source: Kornblith et al. (2019); debiased: Song et al. (2012).
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
    """
    _check_kernel(kernel, bandwidth)
    left = [as_rows(x, f"representation {i}") for i, x in enumerate(representations)]
    right = (
        left if others is None else [as_rows(y, f"other representation {j}") for j, y in enumerate(others)]
    )
    _check_stimuli([rows.n for rows in (*left, *right)], debiased)
    if kernel == "linear" and _features_cheaper(left, right):
        return _in_feature_space(left, right, debiased)
    vectors = _vectors(left, kernel, debiased, bandwidth)
    return np.clip(
        vectors @ (vectors if right is left else _vectors(right, kernel, debiased, bandwidth)).T, -1.0, 1.0
    )


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
    """
    _check_kernel(kernel, bandwidth)
    left, right = _grams(gram_x, "gram_x"), _grams(gram_y, "gram_y")
    _check_stimuli([left.shape[-1], right.shape[-1]], debiased)
    vectors = kernel_vectors(left, kernel, debiased, bandwidth)
    same = gram_x is gram_y
    result = np.clip(
        vectors @ (vectors if same else kernel_vectors(right, kernel, debiased, bandwidth)).T, -1.0, 1.0
    )
    single_x, single_y = np.ndim(gram_x) == 2, np.ndim(gram_y) == 2
    if single_x and single_y:
        return float(result[0, 0])
    return result[0] if single_x else result[:, 0] if single_y else result


def kernel_vectors(
    grams: np.ndarray, kernel: str = "linear", debiased: bool = False, bandwidth: float | str = "median"
) -> np.ndarray:
    """Centred kernels as vectors of unit length: the CKA of two of them is their inner product.

    Args:
        grams: (m, n, n) inner products of stimuli.
        kernel: As in `cka`.
        debiased: As in `cka`.
        bandwidth: As in `cka`.

    Returns:
        (m, n²) float64; NaN, with a warning, where all stimuli are alike.
    """
    work = np.array(grams, dtype=np.float64)
    precision = np.finfo(grams.dtype).eps if grams.dtype.kind == "f" else np.finfo(np.float64).eps
    scale = np.abs(np.diagonal(work, axis1=-2, axis2=-1)).max(axis=-1)
    work /= np.where(scale > 0, scale, 1.0)[:, None, None]
    work = _double_centre(work)  # for both kernels: distances lose fewer digits without the common mean
    spread = np.diagonal(work, axis1=-2, axis2=-1).mean(axis=-1)
    flat = spread <= 16 * precision
    warn_undefined("representation", flat, "all stimuli are alike", stacklevel=4)
    if kernel == "rbf":
        width = bandwidth if isinstance(bandwidth, str) else np.asarray(bandwidth) / np.sqrt(scale)
        work = _double_centre(rbf_kernel(squared_distances(work), width))
    return _unit_kernels(work, flat, debiased)


def rbf_kernel(squared: np.ndarray, bandwidth: Any = "median") -> np.ndarray:
    """Gaussian kernel of squared distances.

    Args:
        squared: (…, n, n) squared Euclidean distances; used as working memory.
        bandwidth: σ (a number, or one per leading index), or "median" of the non-zero squared distances.

    Returns:
        (…, n, n) in (0, 1]; all ones where all distances are 0.
    """
    lead = squared.shape[:-2]
    if isinstance(bandwidth, str):
        flat = squared.reshape(-1, squared.shape[-1] ** 2)
        medians = [np.median(row[row > 0]) if np.any(row > 0) else 1.0 for row in flat]
        variance = np.asarray(medians).reshape(lead)
    else:
        variance = np.broadcast_to(np.asarray(bandwidth, dtype=np.float64) ** 2, lead)
    squared /= -2.0 * variance[..., None, None]
    return np.exp(squared, out=squared)


def _double_centre(kernels: np.ndarray) -> np.ndarray:
    kernels -= kernels.mean(axis=-1, keepdims=True)
    kernels -= kernels.mean(axis=-2, keepdims=True)
    return kernels


def _unit_kernels(centred: np.ndarray, flat: np.ndarray, debiased: bool) -> np.ndarray:
    """Doubly centred kernels (m, n, n), worked on in place, to unit vectors (m, n²)."""
    if debiased:
        # U-centring: the part of the off-diagonal that is no sum of a row and a column effect. The unbiased
        # HSIC is the inner product of two such matrices over n(n−3), which cancels in the ratio.
        n = centred.shape[-1]
        index = np.arange(n)
        centred[..., index, index] = 0.0
        sums = centred.sum(axis=-1)
        centred -= (sums[..., :, None] + sums[..., None, :]) / (n - 2)
        centred += (sums.sum(axis=-1) / ((n - 1) * (n - 2)))[..., None, None]
        centred[..., index, index] = 0.0
    vectors = centred.reshape(len(centred), -1)
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    vectors /= np.where(flat | (norms == 0), np.nan, norms)[:, None]
    return vectors


def _vectors(items: list[Rows], kernel: str, debiased: bool, bandwidth: float | str) -> np.ndarray:
    n = items[0].n
    kernels = np.empty((len(items), n, n))
    for index, rows in enumerate(items):
        if kernel == "rbf":
            kernels[index] = rbf_kernel(square(rdm(rows.values, "sqeuclidean")), bandwidth)
            _double_centre(kernels[index])
        else:
            kernels[index] = gram_matrix(rows, "columns")
    flat = np.array([_all_alike(rows) for rows in items])
    warn_undefined("representation", flat, "all stimuli are alike", stacklevel=4)
    return _unit_kernels(kernels, flat, debiased)


def _all_alike(rows: Rows) -> bool:
    first = rows.values[0]
    return all(
        bool(np.array_equal(first, other)) for other in rows.values[1:]
    )  # stops at the first difference


def _features_cheaper(left: list[Rows], right: list[Rows]) -> bool:
    n = left[0].n
    widths_l, widths_r = np.array([r.d for r in left], float), np.array([r.d for r in right], float)
    own = np.sum(widths_l**2) + (np.sum(widths_r**2) if right is not left else 0.0)
    features = n * (np.sum(widths_l) * np.sum(widths_r) + own)
    grams = n**2 * (
        np.sum(widths_l) + (np.sum(widths_r) if right is not left else 0.0) + len(left) * len(right)
    )
    return bool(max(widths_l.max(), widths_r.max()) <= n and features < grams)


def _in_feature_space(left: list[Rows], right: list[Rows], debiased: bool) -> np.ndarray:
    """Linear CKA from cross-covariances: tr(K L) = ‖XᵀY‖² for centred X and Y."""
    columns = [_Columns(rows) for rows in left]
    others = columns if right is left else [_Columns(rows) for rows in right]
    warn_undefined(
        "representation", np.array([c.flat for c in columns]), "all stimuli are alike", stacklevel=4
    )
    if right is not left:
        warn_undefined("other representation", np.array([c.flat for c in others]), "all stimuli are alike", 4)
    own = [np.sqrt(c.hsic(c, debiased)) for c in columns]
    own_others = own if right is left else [np.sqrt(c.hsic(c, debiased)) for c in others]
    result = np.empty((len(columns), len(others)))
    for i, a in enumerate(columns):
        for j, b in enumerate(others):
            mirrored = right is left and j < i
            undefined = a.flat or b.flat
            value = np.nan if undefined else a.hsic(b, debiased) / (own[i] * own_others[j])
            result[i, j] = result[j, i] if mirrored else value
    return np.clip(result, -1.0, 1.0)


class _Columns:
    """A representation with few features: centred once, multiplied over blocks of stimuli."""

    def __init__(self, rows: Rows) -> None:
        self.flat = _all_alike(rows)
        self.centred = (rows.values - rows.values.mean(axis=0, dtype=np.float64)).astype(rows.dtype)
        self.norms = np.einsum("ij,ij->i", self.centred, self.centred, dtype=np.float64)

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


def _check_kernel(kernel: str, bandwidth: float | str) -> None:
    if kernel not in KERNELS:
        raise ValueError(f"unknown kernel {kernel!r}; one of {', '.join(KERNELS)}")
    if isinstance(bandwidth, str):
        if bandwidth != "median":
            raise ValueError(f'bandwidth must be "median" or a number, not {bandwidth!r}')
    elif not (np.isfinite(bandwidth) and bandwidth > 0):
        raise ValueError(f"bandwidth must be positive and finite, not {bandwidth}")


def _check_stimuli(counts: list[int], debiased: bool) -> None:
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
