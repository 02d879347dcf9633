"""Figures of the supervised control of study 1, each from the units of one run or of one run a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...engine.words import count_word
from ...plots.style import (
    CONDITIONS,
    FAINT,
    MATRIX_MAP,
    MUTED,
    ON_DARK,
    ON_LIGHT,
    WIDTH,
    Plate,
    band,
    book_style,
    direction,
    end_labels,
    layer_colours,
)
from ...similarity.measures import measure as measure_entry
from ..maml.endpoints import PRIMARY, change
from ..maml.states import LAYERS
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

COLOURS = layer_colours(LAYERS)
_DARK = 0.55
"""Change above which a cell of the matrix is so light that it takes black text."""


def over_training(run: xr.Dataset, name: str) -> Plate:
    """Change of every layer since the initial state, over training, by every measure (the paper's Figure 2).

    Args:
        run: Units along ``seed``.
        name: Name of its data set.
    """
    import matplotlib.pyplot as plt

    x = run["step"].values
    measures = [str(measure) for measure in run["measure"].values]
    rows = -(-len(measures) // 3)
    with book_style():
        figure, panels = plt.subplots(
            rows, 3, figsize=(WIDTH, 2.2 * rows), sharex=True, sharey="row", squeeze=False
        )
        ends = {}
        for axes, measure in zip(panels.flat, measures, strict=False):
            changes = change(run["start_similarity"].sel(measure=measure))
            for layer in LAYERS:
                values = changes.sel(layer=layer).transpose("seed", "step").values
                ends[measure, layer] = band(axes, x, values, COLOURS[layer])[-1]
            axes.set_title(measure_entry(measure).title)
            axes.set_xlim(0, x[-1])
        for axes in panels.flat[len(measures) :]:
            axes.set_axis_off()
        for axes in panels.flat[max(0, len(measures) - 3) : len(measures)]:
            axes.set_xlabel("training steps")
            axes.xaxis.set_tick_params(labelbottom=True)
        for row, axes in enumerate(panels[:, 0]):
            own = measures[3 * row : 3 * row + 3]
            axes.set_ylim(bottom=0)
            signs = dict.fromkeys(measure_entry(measure).symbol for measure in own)
            axes.set_ylabel(direction(" or ".join(signs)))
        figure.tight_layout(w_pad=1.2)
        for row in range(rows):
            own = measures[3 * row : 3 * row + 3]
            labels = [(ends[own[-1], layer], layer, COLOURS[layer]) for layer in LAYERS]
            end_labels(panels[row, len(own) - 1], labels, gap=0.09)
    caption = (
        f"Change of each layer's representation of {int(run['probe_images'])} test images of {name} since "
        f"the initial state, over ordinary supervised training, by {count_word(len(measures))} measures. "
        f"Lines: mean over {_seeds(run)}; {_interval(run, 'bands')}."
    )
    said = ", ".join(f"{layer} {ends[PRIMARY, layer]:.3f}" for layer in LAYERS)
    alt = (
        f"{count_word(len(measures)).capitalize()} panels, one a measure, each with lines of change against "
        f"training steps, one a layer, on {name}. At the end, by {measure_entry(PRIMARY).title}: {said}."
    )
    return Plate(figure, f"control-{name}", caption, alt)


def against_nulls(runs: Mapping[str, xr.Dataset], measure: str = PRIMARY) -> Plate:
    """What training changes in each layer, beside random perturbations and a fresh network.

    Args:
        runs: Units along ``seed`` by the name of their data set.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    with book_style():
        width = WIDTH if len(runs) > 1 else WIDTH * 0.6
        figure, panels = plt.subplots(1, len(runs), figsize=(width, 3.2), sharey=True, squeeze=False)
        said, lowest = [], []
        for axes, (name, run) in zip(panels[0], runs.items(), strict=True):
            lowest.append(_levels(axes, run, measure))
            axes.set_title(name)
            trained = endpoints.final_change(run, measure).mean("seed")
            null = endpoints.null_change(run, measure).mean(("seed", "draw"))
            numbers = ", ".join(
                f"{layer} {float(trained.sel(layer=layer)):.3f} ({float(null.sel(layer=layer)):.3f})"
                for layer in LAYERS
            )
            said.append(f"{name}, training (equal-norm perturbation): {numbers}.")
        panels[0, 0].set_ylim(min(lowest) / 2, 2)
        panels[0, 0].set_ylabel(f"change, 1 − {measure_entry(measure).symbol}, on a log scale")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0),
            fontsize=8.5,
        )  # fmt: skip
        figure.tight_layout(w_pad=1.5)
    run = next(iter(runs.values()))
    caption = (
        f"Change of each layer ({measure_entry(measure).title}) from the initial state: by training; by "
        "random perturbations of the initial weights, as long relative to the weights as the update of the "
        "whole network in every layer, or as each layer's own update; and against a fresh network. Small "
        "marks: "
        f"training, seen by either half of the probe alone. Marks: mean over {_seeds(run)} "
        f"(perturbations: of the mean over {int(run['draws'])} draws); {_interval(run, 'bars')}."
    )
    return Plate(figure, "control-nulls", caption, "Change by layer. " + " ".join(said))


def _levels(axes: Axes, run: xr.Dataset, measure: str) -> float:
    """Marks with bars for every kind of change, joined over depth; returns the lowest mark above 0."""
    halves = change(run["half_similarity"].sel(measure=measure)).transpose("half", "seed", "layer")
    fresh = change(run["fresh_similarity"].sel(measure=measure)).isel(step=0)
    rows = [
        ("training", endpoints.final_change(run, measure), "o", "black", "full"),
        ("random, equal relative norm", _mean_draw(run, measure, "equal norm"), "s", CONDITIONS[2], "full"),
        ("random, each layer's own norm", _mean_draw(run, measure, "own norm"), "s", CONDITIONS[2], "none"),
        ("a fresh network", fresh, "X", MUTED, "full"),
    ]
    at, lowest = np.arange(len(LAYERS)), 1.0
    for shift, (label, values, marker, colour, fill) in zip(np.linspace(-0.2, 0.2, 4), rows, strict=True):
        mean, low, high = interval_over_seeds(values.transpose("seed", "layer").values)
        lowest = min([lowest, *mean[mean > 0]])
        axes.plot(at + shift, mean, color=colour, linewidth=0.7, alpha=0.6)
        axes.errorbar(
            at + shift, mean, np.nan_to_num([mean - low, high - mean]), fmt=marker, color=colour,
            fillstyle=fill, markersize=5, elinewidth=1.2, label=label,
        )  # fmt: skip
    for half in halves.values:
        axes.plot(at - 0.2, half.mean(0), "_", color="black", markersize=10)
    axes.set_xticks(at, LAYERS)
    # Orders of magnitude lie between layers, and between training and chance.
    axes.set_yscale("log", nonpositive="clip")
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    return lowest


def alone(runs: Mapping[str, xr.Dataset], measure: str = PRIMARY) -> Plate:
    """Change of every layer if only one layer's trained parameters are put into the initial network.

    Args:
        runs: Units along ``seed`` by the name of their data set.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    rows = [*LAYERS, "all"]
    with book_style():
        width = WIDTH if len(runs) > 1 else WIDTH * 0.55
        figure, panels = plt.subplots(
            1, len(runs), figsize=(width, 3.7), sharey=True, squeeze=False, layout="constrained"
        )
        said = []
        for axes, (name, run) in zip(panels[0], runs.items(), strict=True):
            table = alone_table(run, measure)
            image = axes.imshow(table, cmap=MATRIX_MAP, vmin=0, vmax=1, interpolation="none", aspect="auto")
            for i, j in np.ndindex(table.shape):
                ink = ON_LIGHT if table[i, j] > _DARK else ON_DARK
                axes.text(j, i, f"{table[i, j]:.3f}", ha="center", va="center", fontsize=8.5, color=ink)
            axes.axhline(len(LAYERS) - 0.5, color=ON_DARK, linewidth=1.5)
            axes.set_xticks(np.arange(len(LAYERS)), LAYERS)
            axes.set_yticks(np.arange(len(rows)), rows)
            axes.tick_params(length=0)
            axes.set_xlabel("representation of")
            axes.set_title(name)
            for spine in axes.spines.values():
                spine.set_visible(False)
            said.append(
                f"{name}: " + ", ".join(f"{m} {v:.2f}" for m, v in zip(rows, table[:, -1], strict=True))
            )
        panels[0, 0].set_ylabel("trained parameters of")
        bar = figure.colorbar(image, ax=panels[0].tolist(), location="bottom", shrink=0.7, aspect=40)
        bar.set_label(direction(measure_entry(measure).symbol))
        bar.outline.set_visible(False)  # type: ignore[operator]
    run = next(iter(runs.values()))
    caption = (
        f"Each layer's own update alone: change of every layer ({measure_entry(measure).title}, mean over "
        f"{_seeds(run)}) in the initial network with the trained parameters of one layer, and of all (last "
        "row). Layers before the one that was moved cannot change."
    )
    return Plate(figure, "control-alone", caption, f"Matrices of change. At the logits, {'; '.join(said)}.")


def alone_table(run: xr.Dataset, measure: str) -> np.ndarray:
    """Mean change over seeds by each layer's update alone, and by all of them: (moved + 1, layer)."""
    single = change(run["alone_similarity"].sel(measure=measure)).mean("seed").transpose("moved", "layer")
    together = endpoints.final_change(run, measure).mean("seed")
    return np.vstack([single.values, together.values])


def _mean_draw(run: xr.Dataset, measure: str, null: str) -> xr.DataArray:
    return endpoints.null_change(run, measure, null).mean("draw")


def _seeds(run: xr.Dataset) -> str:
    return f"{run.sizes['seed']} seed" + ("s" if run.sizes["seed"] > 1 else "")


def _interval(run: xr.Dataset, marks: str) -> str:
    return (
        f"{marks}: 95 % t interval over seeds"
        if run.sizes["seed"] > 1
        else f"no {marks}: they take two seeds"
    )
