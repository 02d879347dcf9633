"""Two runs of a study side by side, endpoint by endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .statistics import interval_over_seeds
from .words import with_interval

if TYPE_CHECKING:
    import xarray as xr

    from .study import Study


@dataclass(frozen=True)
class Summary:
    """Mean over units with its 95 % t interval (NaN with fewer than two units).

    Attributes:
        mean: Mean.
        low: Lower end.
        high: Upper end.
        n: Number of units.
    """

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.spell()} (n = {self.n})"

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0

    def spell(self, digits: int = 3, sign: bool = False) -> str:
        """Mean with its interval, if there is one: ``0.412 [0.380, 0.444]``."""
        return with_interval(self.mean, self.low, self.high, digits, sign)

    def spell_difference(self, digits: int = 3) -> str:
        """With its sign; in bold, as Markdown, if the interval leaves 0 out."""
        text = self.spell(digits, sign=True)
        return f"**{text}**" if self.excludes_zero else text


@dataclass(frozen=True)
class Row:
    """One endpoint in two runs.

    Attributes:
        endpoint: Its name.
        first: Summary of the first run.
        second: Summary of the second run.
        difference: Second minus first, with the 95 % interval of Welch's t (NaN with fewer than two units in
            either run).
    """

    endpoint: str
    first: Summary
    second: Summary
    difference: Summary

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves 0 out."""
        return self.difference.excludes_zero


def summarise(values: Sequence[float] | np.ndarray) -> Summary:
    """Mean and 95 % t interval of one value a unit."""
    values = np.asarray(values, np.float64).ravel()
    mean, low, high = (float(number) for number in interval_over_seeds(values))
    return Summary(mean, low, high, len(values))


def compare(study: Study, first: xr.Dataset, second: xr.Dataset) -> list[Row]:
    """Compare two runs by the study's endpoints.

    Args:
        study: The study.
        first: Units of one run along ``seed``, as a rule the published one.
        second: Units of another run.

    Returns:
        One row an endpoint. Runs are treated as independent, also where seeds coincide: settings may differ.
    """
    from scipy import stats

    rows = []
    a, b = study.endpoints(first), study.endpoints(second)
    for name in a.data_vars:
        x, y = a[name].values.astype(float), b[name].values.astype(float)
        low = high = np.nan
        # Equal values in both runs have no spread to test by; their difference is then just 0.
        if min(len(x), len(y)) > 1 and np.ptp(x) + np.ptp(y) > 0:
            interval = stats.ttest_ind(y, x, equal_var=False).confidence_interval(0.95)
            low, high = float(interval.low), float(interval.high)
        difference = Summary(float(y.mean() - x.mean()), low, high, min(len(x), len(y)))
        rows.append(Row(str(name), summarise(x), summarise(y), difference))
    return rows


def table(rows: Sequence[Row], first: str, second: str) -> str:
    """The rows as aligned text for a terminal.

    Args:
        rows: What :func:`compare` returned.
        first: Heading of the first run.
        second: Heading of the second run.
    """
    cells = [("", first, second, "difference")]
    for row in rows:
        difference = row.difference.spell(sign=True) + ("  ← differs" if row.differs else "")
        cells.append((row.endpoint, str(row.first), str(row.second), difference))
    widths = [max(len(line[i]) for line in cells) for i in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def largest_difference(first: xr.Dataset, second: xr.Dataset) -> float:
    """Largest absolute difference between two measurements of one and the same unit.

    Returns:
        0 if all numbers are the same; infinite where one measurement has a number and the other has none.
    """
    if set(first.data_vars) != set(second.data_vars):
        return np.inf
    gaps = [0.0]
    for name, values in first.data_vars.items():
        a, b = values.values, second[name].values
        if a.dtype.kind != "f":
            continue
        if a.shape != b.shape or (np.isnan(a) != np.isnan(b)).any():
            return np.inf
        gaps.append(float(np.nanmax(np.abs(a.astype(float) - b.astype(float)), initial=0.0)))
    return max(gaps)
