"""Figures of the supervised control of study 1, each from one run or from one run a data set, by its name.

A run is its units along ``seed``; a measure is named by its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.words import count_word
from ...plots.change import by_layer, ends, lines
from ...plots.dots import Mark, beside
from ...plots.matrix import colour_bar, matrix
from ...plots.style import (
    CONDITIONS,
    FAINT,
    MUTED,
    ON_DARK,
    WIDTH,
    Plate,
    drawing,
    end_labels,
    layer_colours,
    outer_labels,
)
from ...plots.words import direction, interval, mean_over, seeds
from ...similarity.measures import measure as measure_entry
from ..maml.endpoints import PRIMARY, change
from ..maml.states import LAYERS
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

COLOURS = layer_colours(LAYERS)


def over_training(run: xr.Dataset, name: str) -> Plate:
    """Change of every layer since the initial state, over training, by every measure (paper's Figure 2)."""
    measures = [str(measure) for measure in run["measure"].values]
    down = -(-len(measures) // 3)
    with drawing(down, 3, height=2.2 * down, sharex=True, sharey="row", squeeze=False) as (figure, panels):
        means = {}
        for axes, measure in zip(panels.flat, measures, strict=False):
            changes = by_layer(change(run["start_similarity"].sel(measure=measure)))
            means[measure] = lines(axes, changes, "step", COLOURS)
            axes.set_title(measure_entry(measure).title)
            axes.set_xlim(0, run["step"][-1])
        outer_labels(panels, len(measures), "training steps")
        by_row = [measures[3 * row : 3 * row + 3] for row in range(down)]
        for axes, own in zip(panels[:, 0], by_row, strict=True):
            axes.set_ylim(bottom=0)
            axes.set_ylabel(direction(*own))
        figure.tight_layout(w_pad=1.2)
        for row, own in zip(panels, by_row, strict=True):
            end_labels(row[len(own) - 1], ends(means[own[-1]], COLOURS), gap=0.09)
    caption = (
        f"Change of each layer's representation of {int(run['probe_images'])} test images of {name} since "
        f"the initial state, over ordinary supervised training, by {count_word(len(measures))} measures. "
        f"Lines: {mean_over('bands', run)}."
    )
    final = ", ".join(f"{layer} {mean[-1]:.3f}" for layer, mean in means[PRIMARY].items())
    alt = (
        f"{count_word(len(measures)).capitalize()} panels, one a measure, each with lines of change against "
        f"training steps, one a layer, on {name}. At the end, by {measure_entry(PRIMARY).title}: {final}."
    )
    return Plate(figure, f"control-{name}", caption, alt)


def against_nulls(runs: Mapping[str, xr.Dataset], measure: str = PRIMARY) -> Plate:
    """What training changes in each layer, beside random perturbations and a fresh network."""
    width = WIDTH if len(runs) > 1 else WIDTH * 0.6
    with drawing(1, len(runs), height=3.2, width=width, sharey=True, squeeze=False) as (
        figure,
        ((*panels,),),
    ):
        described, lowest = [], 1.0
        for axes, (name, run) in zip(panels, runs.items(), strict=True):
            means = _levels(axes, run, measure)
            lowest = min([lowest, *(value for mean in means for value in mean if value > 0)])
            axes.set_title(name)
            numbers = ", ".join(
                f"{layer} {trained:.3f} ({null:.3f})"
                for layer, trained, null in zip(LAYERS, *means[:2], strict=True)
            )
            described.append(f"{name}, training (equal-norm perturbation): {numbers}.")
        panels[0].set_ylim(lowest / 2, 2)
        panels[0].set_ylabel(f"change, 1 − {measure_entry(measure).symbol}, on a log scale")
        figure.legend(
            *panels[0].get_legend_handles_labels(), frameon=False, ncols=2, loc="lower center",
            bbox_to_anchor=(0.5, 1.0), fontsize=8.5,
        )  # fmt: skip
        figure.tight_layout(w_pad=1.5)
    run = next(iter(runs.values()))
    caption = (
        f"Change of each layer ({measure_entry(measure).title}) from the initial state: by training; by "
        "random perturbations of the initial weights, as long relative to the weights as the update of the "
        "whole network in every layer, or as each layer's own update; and against a fresh network. Small "
        f"marks: training, seen by either half of the probe alone. Marks: mean over {seeds(*runs.values())} "
        f"(perturbations: of the mean over {int(run['draws'])} draws); {interval('bars', *runs.values())}."
    )
    return Plate(figure, "control-nulls", caption, "Change by layer. " + " ".join(described))


def _levels(axes: Axes, run: xr.Dataset, measure: str) -> list[np.ndarray]:
    """Marks with bars for every kind of change, joined over depth; returns their means."""
    halves = change(run["half_similarity"].sel(measure=measure)).transpose("half", "seed", "layer")
    fresh = change(run["fresh_similarity"].sel(measure=measure)).isel(step=0)
    equal, own = (
        endpoints.null_change(run, measure, null).mean("draw") for null in ("equal norm", "own norm")
    )
    marks = [
        Mark("training", endpoints.final_change(run, measure), "o", "black"),
        Mark("random, equal relative norm", equal, "s", CONDITIONS[2]),
        Mark("random, each layer's own norm", own, "s", CONDITIONS[2], "none"),
        Mark("a fresh network", fresh, "X", MUTED),
    ]
    means = beside(axes, marks, markersize=5)
    for shift, mark, mean in zip(np.linspace(-0.2, 0.2, 4), marks, means, strict=True):
        axes.plot(np.arange(len(mean)) + shift, mean, color=mark.colour, linewidth=0.7, alpha=0.6)
    for half in halves.values:
        axes.plot(np.arange(len(LAYERS)) - 0.2, half.mean(0), "_", color="black", markersize=10)
    # Orders of magnitude lie between layers, and between training and chance.
    axes.set_yscale("log", nonpositive="clip")
    return means


def alone(runs: Mapping[str, xr.Dataset], measure: str = PRIMARY) -> Plate:
    """Change of every layer if only one layer's trained parameters are put into the initial network.

    Below, what of a layer's whole change is its own: the diagonal beside the last row.
    """
    moved = [*LAYERS, "all"]
    width = WIDTH if len(runs) > 1 else WIDTH * 0.55
    with drawing(
        2, len(runs), height=5.4, width=width, sharey="row", squeeze=False, layout="constrained",
        height_ratios=(2, 1),
    ) as (figure, (panels, bars)):  # fmt: skip
        described, shares = [], []
        for axes, (name, run) in zip(bars, runs.items(), strict=True):
            own, inherited = own_and_inherited(alone_table(run, measure))
            axes.bar(LAYERS, own, color="black", label="by its own update")
            axes.bar(LAYERS, inherited, bottom=own, color=FAINT, label="inherited")
            shares.append(f"{name}: " + ", ".join(f"{n} {v:.2f}" for n, v in zip(LAYERS, own, strict=True)))
        bars[0].set_ylabel("change")
        bars[0].legend(frameon=False, fontsize=8.5, loc="upper left")
        for axes, (name, run) in zip(panels, runs.items(), strict=True):
            table = alone_table(run, measure)
            image = matrix(axes, table, moved, LAYERS, spelling="{:.3f}".format)
            axes.axhline(len(LAYERS) - 0.5, color=ON_DARK, linewidth=1.5)
            axes.set_title(name)
            logits = ", ".join(f"{m} {value:.2f}" for m, value in zip(moved, table[:, -1], strict=True))
            described.append(f"{name}: {logits}")
        outer_labels(panels[None], len(runs), "representation of", "trained parameters of")
        colour_bar(figure, image, panels[None], direction(measure))
    caption = (
        f"Each layer's own update alone: change of every layer ({measure_entry(measure).title}, mean over "
        f"{seeds(*runs.values())}) in the initial network with the trained parameters of one layer, and of "
        "all (last row). Layers before the one that was moved cannot change. Below: what of the whole change "
        "of a layer its own update makes alone; the rest comes with what it is handed by the layers before."
    )
    alt = (
        f"Matrices of change. At the logits, {'; '.join(described)}. Bars: change by a layer's own update, "
        f"{'; '.join(shares)}."
    )
    return Plate(figure, "control-alone", caption, alt)


def own_and_inherited(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change of each layer by its own update alone, and what the others add to that.

    Args:
        table: As :func:`alone_table` returns it.

    Returns:
        Two of (layer,). The second is 0 where a layer alone changes more than all together change it.
    """
    own = table.diagonal()
    return own, np.maximum(table[-1] - own, 0)


def alone_table(run: xr.Dataset, measure: str) -> np.ndarray:
    """Mean change over seeds by each layer's update alone, and by all of them: (moved + 1, layer)."""
    single = change(run["alone_similarity"].sel(measure=measure)).mean("seed").transpose("moved", "layer")
    together = endpoints.final_change(run, measure).mean("seed")
    return np.vstack([single.values, together.values])
