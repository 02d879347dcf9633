"""Holm's correction for families of comparisons, as intervals (Holm 1979)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .verdict import MINIMUM_SEEDS, Part, Status, above, t_interval

LEVEL = 0.95


def above_holm(values: Mapping[str, Any], bound: float = 0.0, unit: str = "") -> list[Part]:
    """Is each mean over seeds above a bound, with the chance of any error kept at 5 %?

    The comparison with the smallest p value is made at level 1 − 0.05 / m, the next at 1 − 0.05 / (m − 1),
    and so on; after the first that decides nothing, none does.

    Args:
        values: What is compared → one value a seed.
        bound: The bound.
        unit: Unit of the values.

    Returns:
        One part a comparison, in the order given; each interval is at the level that its comparison was made
        at. Values that are not finite or from fewer than five seeds are *undecided*, and count in m.
    """
    from scipy import stats

    arrays = {name: np.asarray(value, np.float64).ravel() for name, value in values.items()}
    p_values = {}
    for name, array in arrays.items():
        usable = len(array) >= 2 and np.isfinite(array).all()
        if usable and np.ptp(array) == 0:
            p_values[name] = float(array[0] == bound)
        else:
            test: Any = stats.ttest_1samp(array, bound) if usable else None
            p_values[name] = float(test.pvalue) if usable else 1.0
    parts: dict[str, Part] = {}
    stopped = False
    for rank, name in enumerate(sorted(arrays, key=lambda name: p_values[name])):
        level = 1 - (1 - LEVEL) / (len(arrays) - rank)
        low, high, array = t_interval(arrays[name], level)
        decided: Status = "supported" if low > bound else "contradicted" if high < bound else "undecided"
        enough = len(array) >= MINIMUM_SEEDS and bool(np.isfinite(array).all())
        stopped = stopped or not enough or decided == "undecided"
        plain = above(name, array, bound, unit)
        parts[name] = replace(
            plain, low=low, high=high, level=level, status="undecided" if stopped else decided
        )
    return [parts[name] for name in arrays]
