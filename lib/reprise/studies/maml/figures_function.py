"""Figures of study 1 that put conditions beside each other: algorithms, settings and switches, interventions.

Conditions are runs by their name; a run is its units along ``seed``, and a measure is named by its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...plots.change import by_layer, ends, lines
from ...plots.dots import Mark, beside, dots, rows
from ...plots.matrix import matrix
from ...plots.style import (
    CONDITIONS,
    DOTTED,
    FAINT,
    MUTED,
    Plate,
    drawing,
    end_labels,
    layer_colours,
    legend_above,
    level,
    outer_labels,
)
from ...plots.words import direction, interval, mean_over, seeds, steps
from ...similarity.measures import measure as measure_entry
from . import endpoints

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

EFFECTS = {
    "accuracy": ("accuracy,\nunseen classes", None),
    "M1a": ("M1a: logits −\nthe block that\nchanges most", 0.0),
    "M3a": ("M3a: log of\nadaptation ÷\n1/60 of training", 0.0),
    "M3b": ("M3b, with logits:\nadaptation −\n1/60 of training", 0.0),
}
"""Columns of the figure of switches: quantity → title, and the bound of its claim."""


def accuracy_and_change(runs: Mapping[str, xr.Dataset], measure: str = endpoints.PRIMARY) -> Plate:
    """Accuracy on unseen classes, and change of every layer by adaptation, of each algorithm."""
    first = next(iter(runs.values()))
    final = {n: endpoints.inner_change(run, measure).isel(checkpoint=-1) for n, run in runs.items()}
    marks = [Mark(TITLES[name], final[name], MARKERS[name], COLOURS[name]) for name in runs]
    with drawing(1, 2, height=3.1, width_ratios=(1, 2.4)) as (figure, (left, right)):
        accuracies = [
            dots(
                left,
                i,
                endpoints.effect(runs[name], "accuracy"),
                fmt=MARKERS[name],
                color=COLOURS[name],
                markersize=5.5,
            )
            for i, name in enumerate(runs)
        ]
        names = [TITLES[name].replace(" ", "\n") for name in runs]
        left.set_xticks(range(len(runs)), names, rotation=40, ha="right")
        left.set_xlim(-0.6, len(runs) - 0.4)
        left.set_ylim(0, 1)
        left.yaxis.set_major_formatter("{x:.0%}")
        left.set_ylabel("query accuracy, unseen classes")
        level(left, 1 / int(first["ways"]), "chance")
        changes = beside(right, marks, spread=0.08 * (len(runs) - 1))
        right.set_ylabel(direction(measure))
        legend_above(right)
        figure.tight_layout(w_pad=2)
    caption = (
        f"Left: accuracy after {steps(int(first['inner_steps']))} on tasks of unseen classes, at the end of "
        "meta-training. Right: change of each layer's representation of the probe by the same adaptation "
        f"({measure_entry(measure).title}). Marks: {mean_over('bars', *runs.values())}."
    )
    by_algorithm = "; ".join(
        f"{TITLES[name]}: accuracy {accuracy:.0%}, change of block4 {change[-2]:z.2f}, of the logits "
        f"{change[-1]:z.2f}"
        for name, accuracy, change in zip(runs, accuracies, changes, strict=True)
    )
    return Plate(figure, "maml-algorithms", caption, f"Marks for each algorithm. {by_algorithm}.")


def function(runs: Mapping[str, xr.Dataset]) -> Plate:
    """Accuracy with each part frozen, alone, put back or exchanged, for each algorithm."""
    first = next(iter(runs.values()))
    parts = [*map(str, first["layer"].values), "body"]
    columns, described = min(2, len(runs)), []
    down = -(-len(runs) // columns)
    with drawing(down, columns, height=3.5 * down, squeeze=False, layout="constrained", sharey=True) as (
        figure,
        panels,
    ):
        for axes, (name, run) in zip(panels.flat, runs.items(), strict=False):
            table = {
                part: [float(endpoints.function_accuracy(run, kind, part).mean()) for kind in KIND_TITLES]
                for part in parts
            }
            full, none = (float(endpoints.function_accuracy(run, kind).mean()) for kind in ("full", "none"))
            matrix(axes, np.array(list(table.values())), parts, spelling=lambda value: f"{100 * value:.0f}")
            axes.set_xticks(
                range(len(KIND_TITLES)), list(KIND_TITLES.values()), rotation=55, ha="right", fontsize=7.5
            )
            axes.set_title(f"{TITLES[name]}: {full:.0%} (no adaptation {none:.0%})")
            frozen = table["body"][list(KIND_TITLES).index("freeze")]
            described.append(f"{TITLES[name]}: {full:.0%} in full, {frozen:.0%} with the body frozen")
        outer_labels(panels, len(runs))
    caption = (
        "Query accuracy on unseen classes, in percent, if one part of the network (row) is treated otherwise "
        "than the rest (column): it does not adapt; it alone adapts; after adaptation it is put back to what "
        "it was before, or taken from the network adapted to another task; before adaptation it is taken "
        "from such a network, or put back to what it was before meta-training. Titles: nothing treated "
        f"otherwise. Mean over {seeds(*runs.values())} of {int(first['evaluation_tasks'])} tasks."
    )
    alt = f"A table of accuracies an algorithm. {'; '.join(described)}."
    return Plate(figure, "maml-function", caption, alt)


def sweeps(conditions: Mapping[str, Mapping[float, xr.Dataset]], measure: str = endpoints.PRIMARY) -> Plate:
    """Change by adaptation, and accuracy, against one setting at a time: its title → its values → runs."""
    described, labels = [], []
    with drawing(2, len(conditions), height=4.6, sharey="row", squeeze=False, height_ratios=(1.5, 1)) as (
        figure,
        panels,
    ):
        for (above, below), (title, runs) in zip(panels.T, conditions.items(), strict=True):
            values = sorted(runs)
            changed = {value: endpoints.inner_change(runs[value], measure) for value in values}
            finals = {value: by_layer(changes.isel(checkpoint=-1)) for value, changes in changed.items()}
            colours = layer_colours(list(finals[values[-1]]))
            changes = {
                layer: _stacked({value: final[layer] for value, final in finals.items() if layer in final})
                for layer in colours
            }
            means = lines(above, changes, "value", colours, marker="o", markersize=3.5)
            accuracies = _stacked({value: endpoints.effect(runs[value], "accuracy") for value in values})
            mean = lines(below, {"": accuracies}, "value", {"": CONDITIONS[0]}, marker="o", markersize=4)[""]
            room = 0.06 * np.ptp(values)
            for axes in (above, below):
                axes.set_xticks(values, [f"{value:g}" for value in values])
                axes.set_xlim(values[0] - room, values[-1] + room)
            above.set_title(title)
            below.set_xlabel(title)
            below.yaxis.set_major_formatter("{x:.0%}")
            labels = ends(means, colours)
            described.append(
                f"{title} {values[0]:g} to {values[-1]:g}: accuracy {mean[0]:.0%} to {mean[-1]:.0%}, "
                f"change of the logits {means['logits'][0]:.2f} to {means['logits'][-1]:.2f}"
            )
        panels[0, 0].set_ylabel(direction(measure))
        panels[0, 0].set_ylim(bottom=0)
        panels[1, 0].set_ylabel("query accuracy")
        panels[1, 0].set_ylim(0, 1)
        figure.tight_layout(w_pad=1.2)
        end_labels(panels[0, -1], labels)
    every = [run for runs in conditions.values() for run in runs.values()]
    caption = (
        "One setting at a time. Top: change of each layer by adaptation at the trained number of inner "
        f"steps ({measure_entry(measure).title}), at the end of meta-training. Bottom: accuracy on unseen "
        f"classes. Mean over {seeds(*every)}; {interval('bands', *every)}. A network of another depth "
        "has other layers: lines join layers of the same number."
    )
    return Plate(figure, "maml-sweeps", caption, f"Small multiples. {'; '.join(described)}.")


def switches(runs: Mapping[str, xr.Dataset], measure: str = endpoints.PRIMARY) -> Plate:
    """What each switch changes: accuracy and the effects of the claims, the base first."""
    names, means = list(runs), {}
    with drawing(1, len(EFFECTS), height=0.36 * len(names) + 1.25, sharey=True) as (figure, panels):
        for axes, (key, (title, bound)) in zip(panels, EFFECTS.items(), strict=True):
            means[key] = [
                dots(
                    axes, row, endpoints.effect(run, key, measure), across=True, markersize=5,
                    color=CONDITIONS[0] if row else "black",
                )
                for row, run in enumerate(runs.values())
            ]  # fmt: skip
            axes.axvline(means[key][0], color=FAINT, linewidth=0.8, zorder=0)
            if bound is not None:
                axes.axvline(bound, color=MUTED, linewidth=1, linestyle=DOTTED)
            else:
                axes.xaxis.set_major_formatter("{x:.0%}")
            axes.set_title(title, fontsize=8, fontweight="normal")
            rows(axes, names)
        figure.tight_layout(w_pad=0.8)
    caption = (
        "What each switch changes, against the base (black, grey line): accuracy on unseen classes, and the "
        f"quantities that claims are about ({measure_entry(measure).title}); a claim asks for right of "
        "the dotted line, M3b over the blocks alone, too. Mean over "
        f"{seeds(*runs.values())}; {interval('bars', *runs.values())}. Fewer than five seeds decide no claim."
    )
    described = "; ".join(
        f"{name}: accuracy {m:.0%}" for name, m in zip(names, means["accuracy"], strict=True)
    )
    return Plate(figure, "maml-switches", caption, f"Marks with bars. {described}.")


def _stacked(by_value: Mapping[float, xr.DataArray]) -> xr.DataArray:
    """One quantity of every seed, along the values of a setting."""
    import xarray as xr

    values = np.stack([quantity.values for quantity in by_value.values()])
    return xr.DataArray(values, {"value": np.array(list(by_value), float)}, ("value", "seed"))
