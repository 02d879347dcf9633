"""CKA over batches of stimuli, for what does not fit into memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ._arrays import as_rows
from .cka import check_kernel
from .gram import gram_to_centre
from .kernels import rbf_kernel, u_centre
from .rdm import distance_matrix

__all__ = ["cka_minibatch"]


def cka_minibatch(
    batches: Iterable[tuple[Any, Any]], kernel: str = "linear", bandwidth: float | str = "median"
) -> Any:
    """Debiased CKA from batches of stimuli, each seen once.

    The unbiased HSIC of every batch is averaged before the ratio is taken. Each batch estimates the same
    HSIC, so this approaches `cka(…, debiased=True)` of all stimuli at once as batches get more; it is not
    equal to it, because only pairs within a batch count: it depends on how stimuli are batched (shuffle them)
    and is noisier. It does not approach the biased `cka`. With "median", the bandwidth of the first batch is
    kept for all.

    Args:
        batches: Pairs (x, y), or pairs of sequences of representations ([x₁, …], [y₁, …]), each
            (n, …features) of the batch's stimuli, n at least 4 and free to vary.
        kernel: As in `cka`.
        bandwidth: As in `cka`.

    Returns:
        Float, or (m, k) for sequences; larger = more similar. NaN where a representation does not vary.

    Raises:
        ValueError: As `cka`; no batches; numbers of representations or features that change.

    Source: Nguyen, Raghu & Kornblith (2021); Song et al. (2012).

    >>> rng = np.random.default_rng(0)
    >>> batches = [rng.normal(size=(2, 50, 6)) for _ in range(3)]
    >>> bool(np.isclose(cka_minibatch((x, x) for x, _ in batches), 1))
    True
    """
    check_kernel(kernel, bandwidth)
    cross, own_x, own_y = 0.0, 0.0, 0.0
    widths_x: list[float] = []
    widths_y: list[float] = []
    single, count = True, 0
    for xs, ys in batches:
        single = not isinstance(xs, (list, tuple)) and not isinstance(ys, (list, tuple))
        left = _centred(xs, kernel, bandwidth, widths_x, "x")
        right = _centred(ys, kernel, bandwidth, widths_y, "y")
        if left.shape[1] != right.shape[1] or (count and np.shape(cross) != (len(left), len(right))):
            raise ValueError(f"batch {count}: numbers of stimuli or representations do not match")
        n = round(left.shape[1] ** 0.5)
        scale = n * (n - 3)
        cross = cross + left @ right.T / scale
        own_x = own_x + np.einsum("ij,ij->i", left, left) / scale
        own_y = own_y + np.einsum("ij,ij->i", right, right) / scale
        count += 1
    if not count:
        raise ValueError("no batches")
    norms = np.sqrt(np.multiply.outer(own_x, own_y))
    result = np.clip(cross / np.where(norms > 0, norms, np.nan), -1.0, 1.0)
    return float(result[0, 0]) if single else result


def _centred(items: Any, kernel: str, bandwidth: float | str, widths: list[float], name: str) -> np.ndarray:
    """U-centred kernels of one batch, (representations, n²); fills `widths` at the first one."""
    group = items if isinstance(items, (list, tuple)) else [items]
    kernels = []
    for index, item in enumerate(group):
        rows = as_rows(item, f"{name}[{index}]", minimum=4)
        if kernel == "linear":
            kernels.append(u_centre(gram_to_centre(rows)).reshape(-1))
            continue
        squared = distance_matrix(rows, "sqeuclidean")
        if len(widths) <= index:
            positive = squared[squared > 0]
            median = float(np.sqrt(np.median(positive))) if positive.size else 1.0
            widths.append(median if isinstance(bandwidth, str) else float(bandwidth))
        kernels.append(u_centre(rbf_kernel(squared, widths[index])).reshape(-1))
    if len({k.size for k in kernels}) != 1:
        raise ValueError(f"representations in {name} differ in their number of stimuli")
    return np.stack(kernels)
