"""Figures of study 1, each from the units of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds
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
from .states import LAYERS

if TYPE_CHECKING:
    import xarray as xr

COLOURS = layer_colours(LAYERS)


def levels(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """What changes each layer how much: adaptation beside training, and beside an unrelated network.

    Args:
        run: Units along ``seed``.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    trained = int(run["inner_steps"])
    last = int(run["inner_step"][-1])
    start = endpoints.change(run["start_similarity"].sel(measure=measure)).isel(checkpoint=-1)
    fresh = endpoints.change(run["fresh_similarity"].sel(measure=measure)).isel(checkpoint=-1)
    _, outer = endpoints.layer_changes(run, measure)
    rows = [
        (f"adapting to one task, {step_words(trained)}", _final(run, measure, trained), "o", "black", "full"),
        (f"adapting to one task, {step_words(last)}", _final(run, measure, last), "o", "black", "none"),
        ("1/60 of meta-training", outer, "s", CONDITIONS[0], "full"),
        ("all of meta-training", start, "D", CONDITIONS[0], "none"),
        ("null: a fresh network", fresh, "X", MUTED, "full"),
    ]
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
        shifts = np.linspace(-0.26, 0.26, len(rows))
        for shift, (name, values, marker, colour, fill) in zip(shifts, rows, strict=True):
            mean, low, high = interval_over_seeds(values.transpose("seed", "layer").values)
            x = np.arange(len(LAYERS)) + shift
            axes.errorbar(
                x, mean, np.nan_to_num([mean - low, high - mean]), fmt=marker, color=colour, fillstyle=fill,
                markersize=5.5, elinewidth=1.2, label=name,
            )  # fmt: skip
        axes.set_xticks(np.arange(len(LAYERS)), LAYERS)
        axes.set_ylabel(direction(measure_entry(measure).symbol))
        # Changes lie in 0 … 2; intervals of very few seeds would stretch the axis beyond that.
        axes.set_ylim(max(axes.get_ylim()[0], -0.1), min(axes.get_ylim()[1], 2))
        axes.grid(axis="y", color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8.5)
    final = _final(run, measure, trained).mean("seed")
    caption = (
        f"Change of each layer's representation of the probe ({measure_entry(measure).title}) by adaptation "
        "at the end of meta-training, by a sixtieth of meta-training (mean after its first tenth), by all of "
        f"it, and against a fresh network. Marks: mean over {seed_words(run)}; {interval_words(run, 'bars')}."
    )
    alt = (
        "Five marks for each of five layers. "
        + " ".join(
            f"{layer}: adaptation changes it by {float(final.sel(layer=layer)):.2f}." for layer in LAYERS
        )
        + f" A sixtieth of meta-training changes the layers by {float(outer.min()):.2f}"
        + f" to {float(outer.max()):.2f}."
    )
    return Plate(figure, "maml-levels", caption, alt)


def base_analysis(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """Change of every layer by adaptation, at each checkpoint of meta-training (the paper's Figure 1)."""
    import matplotlib.pyplot as plt

    trained, last = int(run["inner_steps"]), int(run["inner_step"][-1])
    steps = list(dict.fromkeys([trained, last]))
    x = run["checkpoint"].values
    with book_style():
        figure, panels = plt.subplots(1, len(steps), figsize=(WIDTH, 3.0), sharey=True, squeeze=False)
        ends = {}
        for axes, step in zip(panels[0], steps, strict=True):
            changes = endpoints.inner_change(run, measure, step).transpose("seed", "layer", "checkpoint")
            for layer in LAYERS:
                mean = band(axes, x, changes.sel(layer=layer).values, COLOURS[layer])
                ends[step, layer] = mean[-1]
            axes.set_title(f"after {step_words(step)}" + (", as trained" if step == trained else ""))
            axes.set_xlabel("meta-iterations")
            axes.set_xlim(0, x[-1])
        panels[0][0].set_ylim(bottom=0)
        panels[0][0].set_ylabel(direction(measure_entry(measure).symbol))
        figure.tight_layout(w_pad=6.5)
        for axes, step in zip(panels[0], steps, strict=True):
            end_labels(axes, [(ends[step, layer], layer, COLOURS[layer]) for layer in LAYERS])
    caption = (
        "Base analysis: change of each layer's representation of the constant probe between inner step 0 and "
        f"{' and '.join(step_words(step) for step in steps)}, at each checkpoint. Lines: mean over "
        f"{seed_words(run)} of the mean over {int(run['analysis_tasks'])} tasks; "
        f"{interval_words(run, 'bands')}."
    )
    said = ", ".join(f"{layer} {ends[trained, layer]:.2f}" for layer in LAYERS)
    alt = (
        f"Lines of change against meta-iterations, one a layer. After {step_words(trained)}, at the end: "
        f"{said}."
    )
    return Plate(figure, "maml-base", caption, alt)


def neighbour_analysis(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """Change of the meta-initialisation between checkpoints, and where it equals that by adaptation."""
    import matplotlib.pyplot as plt

    spacing = int(run["checkpoint"][-1]) // 60
    equal = run.sel(checkpoint=run["checkpoint"] % spacing == 0).isel(checkpoint=slice(1, None))
    x = equal["checkpoint"].values
    changes = endpoints.change(equal["neighbour_similarity"].sel(measure=measure))
    lags = endpoints.change(run["lag_similarity"].sel(measure=measure, layer=endpoints.blocks(run))).mean(
        "layer"
    )
    inner, outer = endpoints.layer_changes(run, measure)
    target = inner.sel(layer=endpoints.blocks(run)).mean("layer").values
    with book_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
        ends = []
        for layer in LAYERS:
            values = changes.sel(layer=layer).transpose("seed", "checkpoint").values
            band(left, x, values, COLOURS[layer])
            ends.append((float(np.median(values[:, -8:])), layer, COLOURS[layer]))
        left.set_title(f"neighbours, {spacing} meta-iterations apart")
        left.set_xlabel("meta-iterations")
        left.set_ylabel(direction(measure_entry(measure).symbol))
        left.set_xlim(0, x[-1])
        # The first steps away from chance would hide everything that follows.
        counted = changes.sel(checkpoint=changes["checkpoint"] > 6 * spacing)
        left.set_ylim(0, float(counted.max()) * 1.1)
        mean = band(right, run["lag"].values, lags.transpose("seed", "lag").values, CONDITIONS[0])
        low_high = interval_over_seeds(target[:, None])
        right.axhspan(
            float(low_high[1][0]), float(low_high[2][0]), color=CONDITIONS[1], alpha=0.25, linewidth=0
        )
        right.axhline(float(low_high[0][0]), color=CONDITIONS[1])
        right.set_title("conv blocks, mean")
        right.set_xlabel("sixtieths of meta-training between checkpoints")
        right.set_xlim(0, run.sizes["lag"])
        right.set_ylim(bottom=0)
        figure.tight_layout(w_pad=5.5)
        end_labels(left, ends)
        end_labels(
            right,
            [(mean[-1], "meta-training", CONDITIONS[0]), (float(low_high[0][0]), "adaptation", "black")],
            gap=0.09,
        )
    even = np.median(endpoints.break_even(run, measure).values)
    caption = (
        "Neighbour analysis. Left: change of the meta-initialisation between checkpoints a sixtieth of "
        "meta-training apart (the axis is cut above the first steps). Right: change of the convolutional "
        "blocks between checkpoints further and further apart, after the first tenth of training, against "
        f"their change by adaptation as trained. Lines: mean over {seed_words(run)}; "
        f"{interval_words(run, 'bands')}."
    )
    verdict = f"at {even:.1f} sixtieths" if np.isfinite(even) else "at no spacing that was looked at"
    alt = (
        "Left: change between neighbouring checkpoints, on average "
        f"{float(outer.sel(layer=endpoints.blocks(run)).mean()):.3f} in the blocks and "
        f"{float(outer.sel(layer='logits').mean()):.3f} at the logits. "
        f"Right: change of the blocks grows with the spacing and equals that by adaptation {verdict}."
    )
    return Plate(figure, "maml-neighbours", caption, alt)


def _final(run: xr.Dataset, measure: str, step: int) -> xr.DataArray:
    return endpoints.inner_change(run, measure, step).isel(checkpoint=-1)


def step_words(count: int) -> str:
    """A number of inner steps in words."""
    return "no adaptation" if count == 0 else f"{count} inner step" + ("s" if count > 1 else "")


def seed_words(run: xr.Dataset) -> str:
    """Number of seeds of a run in words."""
    return f"{run.sizes['seed']} seed" + ("s" if run.sizes["seed"] > 1 else "")


def interval_words(run: xr.Dataset, marks: str) -> str:
    """What bars or bands are, for a caption."""
    return (
        f"{marks}: 95 % t interval over seeds"
        if run.sizes["seed"] > 1
        else f"no {marks}: they take two seeds"
    )
