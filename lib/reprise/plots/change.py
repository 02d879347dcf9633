"""Change or similarity along training or depth: lines of means over seeds, with bands and names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.statistics import interval_over_seeds
from .style import DOTTED, MUTED, gridlines, tick_labels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

End = tuple[float, str, str]
"""Height, text and colour of a label, as :func:`~reprise.plots.style.end_labels` takes them."""


def by_layer(values: xr.DataArray) -> dict[str, xr.DataArray]:
    """Values of each layer by its name, in order of depth."""
    return {str(name): values.sel(layer=name) for name in values["layer"].values}


def lines(
    axes: Axes,
    curves: Mapping[str, xr.DataArray],
    along: str,
    looks: Mapping[str, str | Mapping[str, Any]],
    **style: Any,
) -> dict[str, np.ndarray]:
    """Draw the mean over seeds of each curve with its 95 % t interval.

    Args:
        axes: Where.
        curves: Name → values along ``seed`` and one more dimension.
        along: That dimension: its numbers, or the places of its names, are the horizontal axis.
        looks: Name → colour, or what ``axes.plot`` takes with ``color`` among it.
        style: Passed to ``axes.plot`` for every line.

    Returns:
        Name → mean, (points,).
    """
    means = {}
    for name, values in curves.items():
        look = looks[name]
        look = {"color": look} if isinstance(look, str) else look
        x = values[along].values
        x = x if x.dtype.kind in "iuf" else np.arange(len(x))
        means[name], low, high = interval_over_seeds(values.transpose("seed", along).values)
        axes.fill_between(x, low, high, color=look["color"], alpha=0.18, linewidth=0)
        axes.plot(x, means[name], **look, **style)
    return means


def ends(means: Mapping[str, np.ndarray], looks: Mapping[str, str]) -> list[End]:
    """The names of lines as labels at their last points."""
    return [(float(mean[-1]), name, looks[name]) for name, mean in means.items()]


def over_depth(
    axes: Axes,
    curves: Mapping[str, xr.DataArray],
    looks: Mapping[str, str | Mapping[str, Any]],
    null: xr.DataArray | None = None,
    unrelated: str = "a fresh network",
    own: Mapping[str, xr.DataArray] | None = None,
    **style: Any,
) -> tuple[dict[str, np.ndarray], list[End]]:
    """Draw curves over the layers, marked at each of them, above or below a dotted null.

    Args:
        axes: Where.
        curves: Name → values along ``seed`` and ``layer``, all of the same layers.
        looks: As in :func:`lines`.
        null: The same of what shares no history, along ``layer``.
        unrelated: What that is.
        own: Nulls of single curves, by their names: the same along ``layer``, dotted in a curve's colour.
        style: Passed to ``axes.plot`` for every curve.

    Returns:
        Name → mean, (layers,); and labels of the curves and of the null.
    """
    means = lines(axes, curves, "layer", looks, **({"marker": "o", "markersize": 3.5} | style))
    colours = {name: look if isinstance(look, str) else look["color"] for name, look in looks.items()}
    labels = ends(means, colours)
    shown = [str(name) for name in next(iter(curves.values()))["layer"].values]
    for name, level in (own or {}).items():
        axes.plot(range(len(shown)), level, color=colours[name], linestyle=DOTTED, linewidth=1.2)
    if null is not None:
        axes.plot(range(len(shown)), null, color=MUTED, linestyle=DOTTED, linewidth=1)
        labels.append((float(null[-1]), f"null: {unrelated}", MUTED))
    axes.set_xticks(range(len(shown)), tick_labels(shown))
    gridlines(axes)
    return means, labels
