"""One set of words for captions and axes: how many seeds, what bands are, what a measure says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..similarity.measures import measure as measure_entry

if TYPE_CHECKING:
    import xarray as xr


def _seed_range(runs: Sequence[xr.Dataset]) -> str:
    sizes = sorted({run.sizes["seed"] for run in runs})
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def seeds(*runs: xr.Dataset) -> str:
    """Number of seeds of runs: ``5 seeds``, or ``3 to 5 seeds`` where they differ."""
    spelled = _seed_range(runs)
    return f"{spelled} seed" + "s" * (spelled != "1")


def counts(*runs: xr.Dataset) -> str:
    """The same in short: ``n = 5``, or ``n = 3 to 5``."""
    return f"n = {_seed_range(runs)}"


def interval(marks: str, *runs: xr.Dataset) -> str:
    """What ``"bands"`` or ``"bars"`` of runs are, for a caption."""
    if all(run.sizes["seed"] == 1 for run in runs):
        return f"no {marks}: they take two seeds"
    return f"{marks}: 95 % t interval over seeds"


def mean_over(marks: str, *runs: xr.Dataset) -> str:
    """What is drawn: ``mean over 5 seeds``, and what its ``"bands"`` or ``"bars"`` are."""
    return f"mean over {seeds(*runs)}; {interval(marks, *runs)}"


def steps(count: int) -> str:
    """A number of inner steps in words: ``1 inner step``."""
    return f"{count} inner step" + "s" * (count != 1)


def direction(*measures: str) -> str:
    """Axis label of a change: names the measures' symbols and says that 0 is no change."""
    symbols = dict.fromkeys(measure_entry(measure).symbol for measure in measures)
    return f"change, 1 − {' or '.join(symbols)} (0 = none)"


def same(measure: str) -> str:
    """Axis label of a similarity: names the measure and says that 1 is the same."""
    return f"{measure_entry(measure).title} (1 = same)"
