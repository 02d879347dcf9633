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


def t_interval(values: Sequence[float] | np.ndarray, level: float) -> tuple[float, float, np.ndarray]:
    """Two-sided t interval of the mean of one value a seed.

    Args:
        values: One value a seed.
        level: Level of the interval, in (0, 1).

    Returns:
        Lower and upper end (NaN with fewer than two values or one that is not finite), and the values as a
        flat float64 array.
    """
    from scipy import stats

    values = np.asarray(values, dtype=np.float64).ravel()
    if len(values) < 2 or not np.isfinite(values).all():
        return np.nan, np.nan, values
    if np.ptp(values) == 0:  # SciPy gives NaN for no spread; the interval is then the point itself
        return float(values[0]), float(values[0]), values
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(level)
    return float(interval.low), float(interval.high), values


def interval_over_seeds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95 % t interval over the first axis.

    Args:
        values: (seeds, …).

    Returns:
        Mean, lower and upper end, each of the remaining shape; ends are NaN for a single seed.
    """
    from scipy import stats

    values = np.asarray(values, dtype=np.float64)
    n, mean = len(values), values.mean(0)
    if n < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = stats.t.ppf(0.975, n - 1) * values.std(0, ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half
