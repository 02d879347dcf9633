"""Figures of study 1 that put algorithms beside each other: reuse against change, measured by function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds  # fmt: skip
from ...plots.style import (
    CONDITIONS,
    FAINT,
    MATRIX_MAP,
    ON_DARK,
    ON_LIGHT,
    WIDTH,
    Plate,
    book_style,
    direction,
    level,
)
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .figures import interval_words, seed_words, step_words

if TYPE_CHECKING:
    import xarray as xr

TITLES = {"maml": "MAML", "fomaml": "first-order MAML", "anil": "ANIL", "boil": "BOIL"}
"""Algorithms → names for people, in the order in which they are shown."""

COLOURS = {name: CONDITIONS[i] for i, name in enumerate(TITLES)}
MARKERS = {"maml": "o", "fomaml": "s", "anil": "^", "boil": "D"}

KIND_TITLES = {
    "freeze": "does not\nadapt", "only": "nothing else\nadapts", "reset-after": "put back\nafterwards",
    "swap-after": "from another\ntask afterwards", "swap-before": "from another\ntask before",
    "reset-before": "untrained\nfrom the start",
}  # fmt: skip
"""What is done to a part of the network, in words."""


def accuracy_and_change(runs: Mapping[str, xr.Dataset], measure: str = endpoints.PRIMARY) -> Plate:
    """Accuracy on unseen classes, and change of every layer by adaptation, of each algorithm.

    Args:
        runs: Algorithm → units of similarity along ``seed``.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    first = next(iter(runs.values()))
    layers = [str(name) for name in first["layer"].values]
    said = []
    with book_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.1), width_ratios=(1, 2.4))
        for i, (name, run) in enumerate(runs.items()):
            style = {"color": COLOURS[name], "markersize": 5.5, "elinewidth": 1.2}
            accuracy = run["evaluation_accuracy"].sel(moment="trained").mean("task").values
            mean, low, high = interval_over_seeds(accuracy)
            left.errorbar([i], mean, np.nan_to_num([[mean - low], [high - mean]]), fmt=MARKERS[name], **style)
            changes = endpoints.inner_change(run, measure).isel(checkpoint=-1).transpose("seed", "layer")
            middle, below, above = interval_over_seeds(changes.values)
            x = np.arange(len(layers)) + 0.16 * (i - (len(runs) - 1) / 2)
            bars = np.nan_to_num([middle - below, above - middle])
            right.errorbar(x, middle, bars, fmt=MARKERS[name], label=TITLES[name], **style)
            said.append(
                f"{TITLES[name]}: accuracy {mean:.0%}, change of block4 {middle[-2]:z.2f}, of the logits "
                f"{middle[-1]:z.2f}"
            )
        names = [TITLES[name].replace(" ", "\n") for name in runs]
        left.set_xticks(range(len(runs)), names, rotation=40, ha="right")
        left.set_xlim(-0.6, len(runs) - 0.4)
        left.set_ylim(0, 1)
        left.yaxis.set_major_formatter("{x:.0%}")
        left.set_ylabel("query accuracy, unseen classes")
        level(left, 1 / int(first["ways"]), "chance")
        right.set_xticks(np.arange(len(layers)), layers)
        right.set_ylabel(direction(measure_entry(measure).symbol))
        right.grid(axis="y", color=FAINT, linewidth=0.5)
        right.set_axisbelow(True)
        right.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8.5)
        figure.tight_layout(w_pad=2)
    steps = step_words(int(first["inner_steps"]))
    caption = (
        f"Left: accuracy after {steps} on tasks of unseen classes, at the end of meta-training. Right: "
        "change of each layer's representation of the probe by the same adaptation "
        f"({measure_entry(measure).title}). Marks: mean over {seed_words(first)}; "
        f"{interval_words(first, 'bars')}."
    )
    return Plate(figure, "maml-algorithms", caption, f"Marks for each algorithm. {'; '.join(said)}.")


def function(runs: Mapping[str, xr.Dataset]) -> Plate:
    """Accuracy with each part frozen, alone, put back or exchanged, for each algorithm.

    Args:
        runs: Algorithm → units of function along ``seed``.
    """
    import matplotlib.pyplot as plt

    first = next(iter(runs.values()))
    parts = [str(part) for part in first["layer"].values] + ["body"]
    columns = min(2, len(runs))
    rows = -(-len(runs) // columns)
    said = []
    with book_style():
        figure, panels = plt.subplots(
            rows, columns, figsize=(WIDTH, 3.5 * rows), squeeze=False, layout="constrained", sharey=True
        )
        for axes, (name, run) in zip(panels.flat, runs.items(), strict=False):
            values = np.array(
                [
                    [float(endpoints.function_accuracy(run, kind, part).mean()) for kind in KIND_TITLES]
                    for part in parts
                ]
            )
            full, none = (float(endpoints.function_accuracy(run, kind).mean()) for kind in ("full", "none"))
            image = axes.imshow(values, cmap=MATRIX_MAP, vmin=0, vmax=1, aspect="auto")
            for (i, j), value in np.ndenumerate(values):
                # The map runs from dark to light or back: the ink follows the field's own luminance.
                red, green, blue, _ = image.cmap(image.norm(value))
                ink = ON_LIGHT if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else ON_DARK
                axes.text(j, i, f"{100 * value:.0f}", ha="center", va="center", color=ink, fontsize=8.5)
            axes.set_xticks(range(len(KIND_TITLES)), list(KIND_TITLES.values()), rotation=55, ha="right")
            axes.tick_params(axis="x", labelsize=7.5, length=0)
            axes.set_yticks(range(len(parts)), parts)
            axes.tick_params(axis="y", length=0)
            axes.set_title(f"{TITLES[name]}: {full:.0%} (no adaptation {none:.0%})")
            for spine in axes.spines.values():
                spine.set_visible(False)
            frozen = values[parts.index("body"), list(KIND_TITLES).index("freeze")]
            said.append(f"{TITLES[name]}: {full:.0%} in full, {frozen:.0%} with the body frozen")
        for axes in list(panels.flat)[len(runs) :]:
            axes.set_visible(False)
    caption = (
        "Query accuracy on unseen classes, in percent, if one part of the network (row) is treated otherwise "
        "than the rest (column): it does not adapt; it alone adapts; after adaptation it is put back to what "
        "it was before, or taken from the network adapted to another task; before adaptation it is taken "
        "from such a network, or put back to what it was before meta-training. Titles: nothing treated "
        f"otherwise. Mean over {seed_words(first)} of {int(first['evaluation_tasks'])} tasks."
    )
    return Plate(figure, "maml-function", caption, f"A table of accuracies an algorithm. {'; '.join(said)}.")


def nulls(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """Change by adaptation beside random perturbations, and what each layer's own update changes.

    Args:
        run: Units of function along ``seed``.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    layers = [str(name) for name in run["layer"].values]
    change = endpoints.change(run["null_similarity"].sel(measure=measure))
    rows = {
        "adaptation": ("adaptation", "o", "black", "full"),
        "perturbation, own": ("random, each layer as far as it adapts", "s", CONDITIONS[0], "full"),
        "perturbation, equal": ("random, every layer equally far", "D", CONDITIONS[0], "none"),
    }
    with book_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.3), width_ratios=(1.35, 1))
        for shift, (name, (title, marker, colour, fill)) in zip((-0.2, 0, 0.2), rows.items(), strict=True):
            values = change.sel(null=name).transpose("seed", "layer").values
            mean, low, high = interval_over_seeds(values)
            left.errorbar(
                np.arange(len(layers)) + shift, mean, np.nan_to_num([mean - low, high - mean]), fmt=marker,
                color=colour, fillstyle=fill, markersize=5.5, elinewidth=1.2, label=title,
            )  # fmt: skip
        left.set_xticks(np.arange(len(layers)), layers)
        left.set_ylabel(direction(measure_entry(measure).symbol))
        left.grid(axis="y", color=FAINT, linewidth=0.5)
        left.set_axisbelow(True)
        left.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8)
        alone = np.array([change.sel(null=f"only {name}").mean("seed").values for name in layers])
        limit = float(np.nanmax(alone)) or 1.0
        image = right.imshow(alone, cmap=MATRIX_MAP, vmin=0, vmax=limit, aspect="auto")
        for (i, j), value in np.ndenumerate(alone):
            if j < i:  # what comes before the moved layer cannot change
                continue
            red, green, blue, _ = image.cmap(image.norm(value))
            ink = ON_LIGHT if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else ON_DARK
            right.text(j, i, f"{value:z.2f}", ha="center", va="center", color=ink, fontsize=8)
        right.set_xticks(range(len(layers)), layers, rotation=30)
        right.set_yticks(range(len(layers)), layers)
        right.tick_params(length=0)
        right.set_xlabel("change seen in")
        right.set_ylabel("update of this layer alone")
        for spine in right.spines.values():
            spine.set_visible(False)
        figure.tight_layout(w_pad=2)
    updates = run["relative_update"].mean("seed")
    caption = (
        f"Left: change of the probe's representation ({measure_entry(measure).title}) by adaptation, and by "
        "random moves of the weights: as far, relative to its own length, as adaptation moved each layer, or "
        "equally far in every layer. Right: what changes where if only one layer's update is put in. "
        f"Mean over {seed_words(run)} and {int(run['analysis_tasks'])} tasks; {interval_words(run, 'bars')}. "
        "Relative length of the updates: "
        + ", ".join(f"{name} {float(updates.sel(weights=name)):.3f}" for name in layers)
        + "."
    )
    adapted, own = (change.sel(null=name).mean("seed") for name in ("adaptation", "perturbation, own"))
    alt = "Marks for each layer. " + " ".join(
        f"{name}: adaptation {float(adapted.sel(layer=name)):z.2f}, random moves as long "
        f"{float(own.sel(layer=name)):z.2f}."
        for name in layers
    )
    return Plate(figure, "maml-nulls", caption, alt)
