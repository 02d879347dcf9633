"""Kernels of stimuli: Gaussian, centred, and as vectors whose inner products are CKA."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import warn_undefined
from .gram import squared_distances

__all__ = ["double_centre", "kernel_vectors", "rbf_kernel", "u_centre", "unit_kernels"]


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
    work = double_centre(work)  # for both kernels: distances lose fewer digits without the common mean
    spread = np.diagonal(work, axis1=-2, axis2=-1).mean(axis=-1)
    flat = spread <= 16 * precision
    warn_undefined("representation", flat, "all stimuli are alike")
    if kernel == "rbf":
        width = bandwidth if isinstance(bandwidth, str) else np.asarray(bandwidth) / np.sqrt(scale)
        work = rbf_kernel(squared_distances(work), width)
    return unit_kernels(work, flat, debiased)


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


def double_centre(kernels: np.ndarray) -> np.ndarray:
    """Kernels (…, n, n) minus row and column means, in place."""
    kernels -= kernels.mean(axis=-1, keepdims=True)
    kernels -= kernels.mean(axis=-2, keepdims=True)
    return kernels


def unit_kernels(kernels: np.ndarray, flat: np.ndarray, debiased: bool) -> np.ndarray:
    """Kernels to vectors of unit length whose inner product is CKA.

    Args:
        kernels: (m, n, n), worked on in place.
        flat: (m,) True where all stimuli are alike: undefined.
        debiased: U-centre instead of centring.

    Returns:
        (m, n²) float64, NaN where undefined.
    """
    trace = np.trace(kernels, axis1=-2, axis2=-1) - kernels.mean(axis=-1).sum(axis=-1)  # once centred
    centred = u_centre(kernels) if debiased else double_centre(kernels)
    vectors = centred.reshape(len(centred), -1)
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    # Equidistant stimuli leave nothing but rounding off the diagonal.
    empty = (norms <= 1e-12 * trace) & ~flat
    warn_undefined("representation", empty, "its kernel has no structure off the diagonal")
    vectors /= np.where(flat | empty | (norms == 0), np.nan, norms)[:, None]
    return vectors


def u_centre(kernels: np.ndarray) -> np.ndarray:
    """What of the off-diagonal of kernels (…, n, n) is no sum of a row and a column effect, in place.

    The inner product of two such matrices over n(n − 3) is the unbiased estimate of HSIC (Song et al. 2012).
    """
    n = kernels.shape[-1]
    index = np.arange(n)
    kernels[..., index, index] = 0.0
    sums = kernels.sum(axis=-1)
    # Row and column effects; half of the grand mean goes with each.
    sums -= sums.sum(axis=-1, keepdims=True) / (2 * (n - 1))
    sums /= n - 2
    kernels -= sums[..., :, None]
    kernels -= sums[..., None, :]
    kernels[..., index, index] = 0.0
    return kernels
