"""Dots with intervals: means over seeds by layer, by condition, or in rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..engine.statistics import interval_over_seeds
from .style import gridlines

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


class Mark(NamedTuple):
    """What :func:`beside` shows at every layer.

    Attributes:
        label: Its name in the legend.
        values: Along ``seed`` and ``layer``.
        marker: Shape.
        colour: Colour.
        fill: ``"full"`` or ``"none"``.
    """

    label: str
    values: xr.DataArray
    marker: str
    colour: str
    fill: str = "full"


def dots(
    axes: Axes, at: Any, values: xr.DataArray | np.ndarray, *, across: bool = False, **style: Any
) -> np.ndarray:
    """Draw means over seeds with their 95 % t intervals as bars.

    Args:
        axes: Where.
        at: Place of each dot on the other axis, one or (dots,).
        values: (seeds,) or (seeds, dots), or the same along ``seed``.
        across: Values run along the horizontal axis.
        style: Passed to ``axes.errorbar``.

    Returns:
        The means, () or (dots,).
    """
    values = values if isinstance(values, np.ndarray) else values.transpose("seed", ...).values
    mean, low, high = interval_over_seeds(values)
    bars = np.nan_to_num([mean - low, high - mean]).reshape(2, -1)
    x, y = (mean, at) if across else (at, mean)
    look: dict[str, Any] = {"fmt": "o", "elinewidth": 1.2, "xerr" if across else "yerr": bars} | style
    axes.errorbar(np.atleast_1d(x), np.atleast_1d(y), **look)
    return mean


def beside(
    axes: Axes, marks: Sequence[Mark], spread: float = 0.2, markersize: float = 5.5
) -> list[np.ndarray]:
    """Draw several dots with bars at every layer, beside each other.

    Args:
        axes: Where.
        marks: From left to right, all of the same layers.
        spread: How far the outer ones stand from the middle; layers are 1 apart.
        markersize: Their size in points.

    Returns:
        The means of each mark, (layers,).
    """
    shown = [str(name) for name in marks[0].values["layer"].values]
    means = [
        dots(
            axes, np.arange(len(shown)) + shift, mark.values, fmt=mark.marker, color=mark.colour,
            fillstyle=mark.fill, label=mark.label, markersize=markersize,
        )
        for shift, mark in zip(np.linspace(-spread, spread, len(marks)), marks, strict=True)
    ]  # fmt: skip
    axes.set_xticks(range(len(shown)), shown)
    gridlines(axes)
    return means


def rows(axes: Axes, names: Sequence[str], upwards: bool = False) -> None:
    """Name horizontal rows of dots at the left; the first is on top, at 0, or at the bottom."""
    axes.set_yticks(range(len(names)), list(names))
    ends = (-0.5, len(names) - 0.5)
    axes.set_ylim(*(ends if upwards else ends[::-1]))
    axes.tick_params(axis="y", length=0)
