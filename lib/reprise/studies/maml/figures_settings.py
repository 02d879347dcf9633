"""Figures of study 1 about settings: sweeps of the task and the network, and switches that code left open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds  # fmt: skip
from ...plots.style import (
    CONDITIONS,
    FAINT,
    MUTED,
    WIDTH,
    Plate,
    band,
    book_style,
    direction,
    end_labels,
    layer_colours,
)
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .figures import interval_words, seed_words

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

EFFECTS = {
    "accuracy": ("accuracy,\nunseen classes", None),
    "M1a": ("M1a: logits −\nthe block that\nchanges most", 0.0),
    "M3a": ("M3a: log of\nadaptation ÷\n1/60 of training", 0.0),
    "M3b": ("M3b: layers,\nadaptation −\n1/60 of training", 0.0),
}
"""Columns of the figure of switches: quantity → title, and the bound of its claim."""


def effect(run: xr.Dataset, name: str, measure: str = endpoints.PRIMARY) -> np.ndarray:
    """One of :data:`EFFECTS`, a value a seed, (seeds,).

    Args:
        run: Units of similarity along ``seed``.
        name: Which.
        measure: Id of a measure; accuracy does not depend on it.
    """
    if name == "accuracy":
        return run["evaluation_accuracy"].sel(moment="trained").mean("task").values
    values = {
        "M1a": lambda: endpoints.head_minus_blocks(run, measure).min("layer"),
        "M3a": lambda: endpoints.further(run, measure),
        "M3b": lambda: endpoints.broader(run, measure),
    }
    return values[name]().values


def sweeps(conditions: Mapping[str, Mapping[float, xr.Dataset]], measure: str = endpoints.PRIMARY) -> Plate:
    """Change by adaptation, and accuracy, against one setting at a time.

    Args:
        conditions: Title of the setting → its values → units of similarity along ``seed``.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    said = []
    with book_style():
        figure, panels = plt.subplots(
            2, len(conditions), figsize=(WIDTH, 4.6), sharey="row", squeeze=False, height_ratios=(1.5, 1)
        )
        for column, (title, runs) in zip(panels.T, conditions.items(), strict=True):
            values = sorted(runs)
            x = np.array(values, dtype=float)
            layers = [str(name) for name in runs[values[-1]]["layer"].values]
            ends = _changes(column[0], x, [runs[value] for value in values], layers, measure)
            accuracy = np.stack([effect(runs[value], "accuracy") for value in values], axis=1)
            mean = band(column[1], x, accuracy, CONDITIONS[0], marker="o", markersize=4)
            for axes in column:
                axes.set_xticks(x, [f"{value:g}" for value in values])
                axes.set_xlim(x[0] - 0.06 * np.ptp(x), x[-1] + 0.06 * np.ptp(x))
            column[0].set_title(title)
            column[1].set_xlabel(title)
            column[1].yaxis.set_major_formatter("{x:.0%}")
            said.append(
                f"{title} {values[0]:g} to {values[-1]:g}: accuracy {mean[0]:.0%} to {mean[-1]:.0%}, "
                f"change of the logits {ends[0]:.2f} to {ends[1]:.2f}"
            )
        panels[0, 0].set_ylabel(direction(measure_entry(measure).symbol))
        panels[0, 0].set_ylim(bottom=0)
        panels[1, 0].set_ylabel("query accuracy")
        panels[1, 0].set_ylim(0, 1)
        figure.tight_layout(w_pad=1.2)
        colours = layer_colours(layers)
        changes = endpoints.inner_change(runs[values[-1]], measure).isel(checkpoint=-1).mean("seed")
        end_labels(panels[0, -1], [(float(changes.sel(layer=n)), n, colours[n]) for n in layers])
    some = next(iter(next(iter(conditions.values())).values()))
    caption = (
        "One setting at a time. Top: change of each layer by adaptation at the trained number of inner "
        f"steps ({measure_entry(measure).title}), at the end of meta-training. Bottom: accuracy on unseen "
        f"classes. Mean over {seed_words(some)}; {interval_words(some, 'bands')}. A network of another depth "
        "has other layers: lines join layers of the same number."
    )
    return Plate(figure, "maml-sweeps", caption, f"Small multiples. {'; '.join(said)}.")


def _changes(
    axes: Axes, x: np.ndarray, runs: list[xr.Dataset], layers: list[str], measure: str
) -> tuple[float, float]:
    """Lines of the layers' changes; returns the logits' first and last mean."""
    colours = layer_colours(layers)
    finals = [endpoints.inner_change(run, measure).isel(checkpoint=-1) for run in runs]
    for layer in layers:
        there = [i for i, final in enumerate(finals) if layer in final["layer"].values]
        values = np.stack([finals[i].sel(layer=layer).values for i in there], axis=1)
        band(axes, x[there], values, colours[layer], marker="o", markersize=3.5)
    first, last = (float(finals[i].sel(layer="logits").mean()) for i in (0, -1))
    return first, last


def switches(runs: Mapping[str, xr.Dataset], measure: str = endpoints.PRIMARY) -> Plate:
    """What each switch changes: accuracy and the effects of the claims, the base first.

    Args:
        runs: What is switched, in words → units of similarity along ``seed``; the first is the base.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    names = list(runs)
    said = []
    with book_style():
        figure, panels = plt.subplots(
            1, len(EFFECTS), figsize=(WIDTH, 0.36 * len(names) + 1.25), sharey=True, squeeze=False
        )
        for axes, (key, (title, bound)) in zip(panels[0], EFFECTS.items(), strict=True):
            for row, name in enumerate(names):
                mean, low, high = interval_over_seeds(effect(runs[name], key, measure))
                colour = "black" if row == 0 else CONDITIONS[0]
                bar = np.nan_to_num([[mean - low], [high - mean]])
                axes.errorbar([mean], [row], xerr=bar, fmt="o", color=colour, markersize=5, elinewidth=1.2)
                if row == 0:
                    axes.axvline(mean, color=FAINT, linewidth=0.8, zorder=0)
                if key == "accuracy":
                    said.append(f"{name}: accuracy {mean:.0%}")
            if bound is not None:
                axes.axvline(bound, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
            else:
                axes.xaxis.set_major_formatter("{x:.0%}")
            axes.set_title(title, fontsize=8, fontweight="normal")
            axes.tick_params(axis="y", length=0)
        panels[0, 0].set_yticks(range(len(names)), names)
        panels[0, 0].set_ylim(len(names) - 0.5, -0.5)
        figure.tight_layout(w_pad=0.8)
    some = runs[names[0]]
    caption = (
        "What each switch changes, against the base (black, grey line): accuracy on unseen classes, and the "
        f"quantities that claims are about ({measure_entry(measure).title}); a claim holds right of the "
        f"dotted line. Mean over {seed_words(some)}; {interval_words(some, 'bars')}. Fewer than five seeds "
        "decide no claim."
    )
    return Plate(figure, "maml-switches", caption, f"Marks with bars. {'; '.join(said)}.")
