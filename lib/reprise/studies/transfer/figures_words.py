"""What the captions of study 2 share: seeds, intervals, axis labels, colours of conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...plots.style import CONDITIONS
from ...similarity.measures import measure as measure_entry

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from matplotlib.axes import Axes

Runs = Mapping[str, "xr.Dataset"]


def seeds(runs: Runs) -> str:
    """Number of seeds, ``5 seeds``, or ``3 to 5 seeds`` where conditions differ."""
    counts = sorted({run.sizes["seed"] for run in runs.values()})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{number} seed" + ("" if counts == [1] else "s")


def interval(runs: Runs, marks: str) -> str:
    """What bands or bars are."""
    if all(run.sizes["seed"] == 1 for run in runs.values()):
        return f"no {marks}: they take two seeds"
    return f"{marks}: 95 % t interval over seeds"


def axis(measure: str) -> str:
    """Axis label of a similarity: names the measure and says what 1 is."""
    return f"{measure_entry(measure).title} (1 = same)"


def layers(runs: Runs) -> list[str]:
    """Layers in order of depth."""
    return [str(name) for name in next(iter(runs.values()))["layer"].values]


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour a condition, in the order of the book's conditions; yellow, too light for lines, left out."""
    palette = CONDITIONS[:5]
    return {name: palette[i % len(palette)] for i, name in enumerate(names)}


def lowest_panels(grid: np.ndarray, count: int) -> list[Axes]:
    """Hide the panels of a grid after the first ``count``; the lowest of each column, for the axis label."""
    for axes in grid.flat[count:]:
        axes.set_axis_off()
    return list(grid.flat[max(0, count - grid.shape[1]) : count])
