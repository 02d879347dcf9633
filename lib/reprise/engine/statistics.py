"""Seeds are the replicates: runs paired by seed, and intervals over seeds, on which all verdicts rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

T = TypeVar("T", "xr.Dataset", "xr.DataArray")


def paired(*runs: T) -> tuple[T, ...]:
    """The seeds that several runs share, in order of the first run.

    Args:
        runs: Units of conditions, or quantities of them, along ``seed``.

    Raises:
        ValueError: They have no seed in common.
    """
    import xarray as xr

    others = {str(name) for run in runs for name in run.dims} - {"seed"}
    aligned = xr.align(*runs, join="inner", exclude=others)
    if not aligned[0].sizes["seed"]:
        raise ValueError("the runs have no seed in common")
    return aligned


def interval_over_seeds(
    values: Sequence[float] | np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and two-sided t interval over the first axis.

    Args:
        values: (seeds, …).
        level: Level of the interval, in (0, 1).

    Returns:
        Mean, lower and upper end, each of the remaining shape. Ends are NaN for a single seed and where a
        value is not finite; where all seeds agree the interval is the point itself.
    """
    from scipy import stats

    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    with np.errstate(invalid="ignore"):  # of infinite values, which have no spread
        mean, same = values.mean(0), (values == values[0]).all(0) & np.isfinite(values[0])
        if n < 2:
            return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
        half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(0, ddof=1) / np.sqrt(n)
    mean, half = np.where(same, values[0], mean), np.where(same, 0.0, half)
    return mean, mean - half, mean + half
