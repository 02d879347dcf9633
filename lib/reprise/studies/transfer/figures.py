"""Figures of study 2 by layer and over epochs: conditions, and null and ceiling levels.

Each takes runs (units along ``seed``, of one architecture) by the name of their condition; what they are
compared with, of :data:`~reprise.studies.transfer.states.REFERENCES`; the id of a measure; and, where a page
shows it more than once, the id of the figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine.words import number
from ...plots.change import by_layer as layer_by_layer
from ...plots.change import ends, lines, over_depth
from ...plots.dots import Mark, beside
from ...plots.matrix import colour_bar, matrix, write
from ...plots.style import (
    CONDITIONS,
    DOTTED,
    FAINT,
    MUTED,
    WIDTH,
    Plate,
    condition_colours,
    drawing,
    end_labels,
    layer_colours,
    outer_labels,
)
from ...plots.words import mean_over, same, seeds
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .states import REFERENCE_WORDS

if TYPE_CHECKING:
    import xarray as xr

Runs = Mapping[str, "xr.Dataset"]
COLUMNS = 2


def by_layer(
    runs: Runs,
    reference: str = "start",
    measure: str = "cka-linear",
    name: str = "transfer-layers",
    trained: Runs | None = None,
) -> Plate:
    """Similarity to a reference at the end, by layer, a line a condition; with the null of fresh networks.

    With ``trained``, fresh networks trained on the same labels by the same names, each line has its own null.
    """
    import xarray as xr

    tones = condition_colours(list(runs))
    curves = {title: endpoints.similarity(run, reference, measure) for title, run in runs.items()}
    fresh = [endpoints.similarity(run, "fresh", measure).mean("seed") for run in runs.values()]
    null = xr.concat(fresh, "condition", coords="minimal", compat="override").mean("condition")
    there = {title: run for title, run in (trained or {}).items() if title in runs}
    own = {title: endpoints.similarity(run, reference, measure).mean("seed") for title, run in there.items()}
    with drawing(width=WIDTH * 0.78, height=3.3) as (figure, axes):
        means, labels = over_depth(axes, curves, tones, null, "fresh networks", own)
        axes.set_xlim(-0.1, null.size - 1 + 0.05)
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
        axes.set_ylabel(same(measure))
        figure.tight_layout()
        end_labels(axes, labels)
    caption = (
        f"Similarity of each layer to {REFERENCE_WORDS[reference]} at the end of training. Lines: "
        f"{mean_over('bands', *runs.values())}. Dotted, the null level: similarity to fresh random networks, "
        "mean over the conditions."
    )
    if own:
        caption += " Dotted in a line's colour: fresh networks trained on the same labels."
    described = "; ".join(
        f"{title}: {', '.join(f'{n} {m:.2f}' for n, m in zip(null['layer'].values, mean, strict=True))}"
        for title, mean in means.items()
    )
    return Plate(figure, name, caption, f"A line a condition over layers. {described}.")


def pretrained_or_initial(runs: Runs, measure: str = "cka-linear") -> Plate:
    """After fine-tuning: how similar each layer is to the pre-trained and to the pre-initialised network."""
    looks = {
        "pretrained": {"color": CONDITIONS[0], "linestyle": "-"},
        "pre-initialised": {"color": CONDITIONS[1], "linestyle": "-"},
        "trained fresh": {"color": CONDITIONS[2], "linestyle": (0, (4, 2))},
        "fresh": {"color": MUTED, "linestyle": DOTTED},
    }
    down = -(-len(runs) // COLUMNS)
    described, drawn = [], []
    with drawing(down, COLUMNS, height=2.4 * down + 0.7, sharey=True, sharex=True, squeeze=False) as (
        figure,
        grid,
    ):
        for axes, (condition, run) in zip(grid.flat, runs.items(), strict=False):
            curves = {name: endpoints.similarity(run, name, measure) for name in looks}
            there = {name: values for name, values in curves.items() if np.isfinite(values).all()}
            over_depth(axes, there, looks, markersize=3)
            drawn = drawn or list(there)
            layer = str(run["layer"].values[-2])
            kept, before = (
                float(curves[name].sel(layer=layer).mean()) for name in ("pretrained", "pre-initialised")
            )
            described.append(
                f"{condition}: {layer} {kept:.2f} to the pre-trained and {before:.2f} to the pre-initialised "
                "network"
            )
            axes.set_title(condition)
            axes.set_ylim(0, 1.02)
        outer_labels(grid, len(runs), y=same(measure), fontsize=8.5)
        words = {**REFERENCE_WORDS, "fresh": f"null: {REFERENCE_WORDS['fresh']}"}
        figure.legend(
            grid[0, 0].lines, [words[name] for name in drawn], loc="lower center", ncols=2, frameon=False,
            fontsize=8.5,
        )  # fmt: skip
        figure.tight_layout(rect=(0, 0.13 if down > 1 else 0.2, 1, 1))
    caption = (
        "Similarity of each layer after fine-tuning to the pre-trained network, to what that was before "
        "pre-training, to a fresh network trained on the same labels, and to fresh random networks (null). "
        f"Lines: {mean_over('bands', *runs.values())}."
    )
    alt = f"A panel a target. {'; '.join(described)}."
    return Plate(figure, "transfer-pretrained-or-initial", caption, alt)


def excess(tuned: Runs, fresh: Runs, measures: Sequence[str] = ("cka-linear", endpoints.DEBIASED)) -> Plate:
    """What of each layer's similarity to the pre-trained network only the past explains, a panel a target.

    Args:
        tuned: Target → fine-tuned units.
        fresh: The same targets → fresh networks trained on the same labels; others are passed over.
        measures: Ids of measures, a shape each.
    """
    shown = [name for name in tuned if name in fresh]
    down, described = -(-len(shown) // COLUMNS), []
    height = 2.1 * down + 0.5
    with drawing(down, COLUMNS, height=height, sharey=True, sharex=True, squeeze=False) as (figure, grid):
        for axes, name in zip(grid.flat, shown, strict=False):
            values = [endpoints.excess((tuned[name], fresh[name]), measure=kind)[0] for kind in measures]
            titles = [measure_entry(kind).title for kind in measures]
            marks = map(Mark, titles, values, "osD^", CONDITIONS)
            means = beside(axes, list(marks), 0.12, 4.5)
            axes.axhspan(-endpoints.EQUAL, endpoints.EQUAL, color=FAINT, alpha=0.35, linewidth=0)
            axes.axhline(0, color=MUTED, linewidth=0.8)
            axes.set_title(name)
            numbers = ", ".join(number(float(mean[-2]), 2, sign=True) for mean in means)
            described.append(f"{name}, {values[0]['layer'].values[-2]}: {numbers}")
        outer_labels(grid, len(shown), y="excess similarity", fontsize=8.5)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="upper center", ncols=2, frameon=False)
        figure.tight_layout(rect=(0, 0, 1, 0.93))
    caption = (
        "What only the past explains: similarity of each layer to the pre-trained network after fine-tuning, "
        "minus that of a fresh network trained on the same labels, where both have the same training loss. "
        f"Shaded: ±{endpoints.EQUAL}. Marks: {mean_over('bars', *(tuned[name] for name in shown))}."
    )
    return Plate(figure, "transfer-excess", caption, f"Marks for each layer. {'; '.join(described)}.")


def over_epochs(
    runs: Runs, reference: str = "start", measure: str = "cka-linear", name: str = "transfer-epochs"
) -> Plate:
    """Similarity of every layer to a reference over training, a panel a condition."""
    down = -(-len(runs) // COLUMNS)
    with drawing(down, COLUMNS, height=2.5 * down + 0.3, sharey=True, squeeze=False) as (figure, grid):
        lowest, means = 1.0, {}
        for axes, (condition, run) in zip(grid.flat, runs.items(), strict=False):
            values = run["similarity"].sel(measure=measure)
            curves = layer_by_layer(values.sel(reference=reference))
            colours, last = layer_colours(list(curves)), int(run["epoch"][-1])
            means[condition] = lines(axes, curves, "epoch", colours)
            nulls = layer_by_layer(values.sel(reference="fresh").isel(epoch=-1).mean("seed"))
            for layer, null in nulls.items():
                axes.plot(last, null, "<", color=colours[layer], markersize=4, clip_on=False, zorder=3)
            lowest = min([lowest, *map(float, nulls.values()), *map(np.nanmin, means[condition].values())])
            axes.set_title(condition)
            # The first epochs change most and are looked at one by one.
            axes.set_xscale("symlog", linthresh=5, linscale=1.2)
            ticks = [tick for tick in (0, 1, 5, 25, 50, 150) if tick <= last]
            axes.set_xticks(ticks, map(str, ticks))
            axes.minorticks_off()
            axes.set_xlim(0, last)
        grid[0, 0].set_ylim(min(0.0, lowest - 0.05), 1.02)
        outer_labels(grid, len(runs), "epochs", same(measure), fontsize=8.5)
        figure.tight_layout(w_pad=5.5)
        for axes, curves in zip(grid.flat, means.values(), strict=False):
            end_labels(axes, ends(curves, colours), gap=0.085)
    caption = (
        f"Similarity of each layer to {REFERENCE_WORDS[reference]} over epochs, which are even up to the "
        f"fifth and logarithmic from there. Lines: {mean_over('bands', *runs.values())}. Triangles at the "
        "right: each layer's null, its similarity to fresh random networks at the end."
    )
    described = "; ".join(
        f"{condition}: {', '.join(f'{layer} {mean[-1]:.2f}' for layer, mean in curves.items())}"
        for condition, curves in means.items()
    )
    alt = f"Lines falling from 1, one a layer. At the end, {described}."
    return Plate(figure, name, caption, alt)


def maps(
    runs: Runs, reference: str = "start", measure: str = "cka-linear", name: str = "transfer-maps"
) -> Plate:
    """The same as maps of layer against epoch, which show where and when a network changes."""
    down, described = -(-len(runs) // COLUMNS), []
    height = 0.24 * max(run.sizes["layer"] for run in runs.values()) + 0.75
    with drawing(down, COLUMNS, height=height * down, squeeze=False, layout="constrained") as (figure, grid):
        for axes, (condition, run) in zip(grid.flat, runs.items(), strict=False):
            values = run["similarity"].sel(reference=reference, measure=measure).mean("seed")
            shown, epochs = [str(layer) for layer in run["layer"].values], run["epoch"].values
            image = matrix(axes, values.transpose("layer", "epoch").values, shown, interpolation="nearest")
            wanted = (0, 1, 5, 25) if len(epochs) < 15 else (0, 5, 25, 50, 100, 150)
            marked = [i for i, epoch in enumerate(epochs) if epoch in wanted]
            axes.set_xticks(marked, [str(epochs[i]) for i in marked])
            axes.set_title(condition)
            final = values.isel(epoch=-1)
            for row, value in enumerate(final.values):
                write(axes, image, row, len(epochs) - 1, f"{value:.2f}", ha="right", fontsize=7.5)
            least = final.idxmin("layer").item()
            described.append(f"{condition}: least similar at the end is {least}, {float(final.min()):.2f}")
        outer_labels(grid, len(runs), "epochs that were looked at")
        colour_bar(figure, image, grid, same(measure), location="right", aspect=20)
    caption = (
        f"Layer against epoch: similarity to {REFERENCE_WORDS[reference]}, mean over "
        f"{seeds(*runs.values())}. Columns are the epochs that were looked at: the first five, then every "
        "fifth. Numbers: at the end."
    )
    alt = f"A map of similarity a condition, layers by epochs. {'; '.join(described)}."
    return Plate(figure, name, caption, alt)
