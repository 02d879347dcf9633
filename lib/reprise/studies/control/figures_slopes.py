"""Figure of claim M2: how steeply change rises with depth, by learning and by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...plots.dots import dots
from ...plots.style import CONDITIONS, MUTED, Plate, drawing, gridlines
from ...plots.words import interval, seeds
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .nulls import MATCHED

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

LEGEND: dict[str, dict[str, Any]] = {
    "training": {"fmt": "o", "color": "black"},
    "random moves that change as much": {"fmt": "s", "color": CONDITIONS[2]},
    "adaptation in MAML": {"fmt": "D", "color": CONDITIONS[0]},
}
"""What is drawn, in words → its mark."""


def slopes(
    tasks: Mapping[str, xr.Dataset],
    adaptation: xr.Dataset | None = None,
    measures: Sequence[str] = MATCHED,
    beside: str = "characters",
) -> Plate:
    """Slope of log change over depth on every task, by training and by matched random moves of the weights.

    Args:
        tasks: Runs of the control by the name of what they learned.
        adaptation: A run of study 1, to stand beside the task on the same data; None if there is none.
        measures: Ids of measures by which moves were matched, a panel each.
        beside: That task.
    """
    with drawing(1, len(measures), height=3.1, sharey=True, squeeze=False) as (figure, ((*panels,),)):
        told, unmatched = [], {}
        for axes, measure in zip(panels, measures, strict=True):
            means = _panel(axes, tasks, adaptation, measure, beside)
            axes.set_title(measure_entry(measure).title)
            spelled = "; ".join(
                f"{name} {', '.join(f'{what} {value:.2f}' for what, value in own.items() if value == value)}"
                for name, own in means.items()
            )
            told.append(f"{measure_entry(measure).title}: {spelled}.")
            unmatched |= {
                name: None for name, own in means.items() if np.isnan(own["random moves that change as much"])
            }
        panels[0].set_ylabel("slope of ln(change), a layer")
        handles = {h.get_label(): h for axes in panels for h in axes.containers}
        shown = [handles[name] for name in LEGEND if name in handles]
        figure.legend(
            shown, [h.get_label() for h in shown], frameon=False, ncols=3, loc="lower center",
            bbox_to_anchor=(0.5, 0.98), fontsize=8.5,
        )  # fmt: skip
        figure.tight_layout(w_pad=1.5)
    runs = [*tasks.values(), *([] if adaptation is None else [adaptation])]
    none = f" On {' and '.join(unmatched)}, some seeds have no random move that changes as much." * bool(
        unmatched
    )
    caption = (
        "How steeply change rises with depth: least-squares slope of the logarithm of each layer's change "
        "over five layers (0: all change alike; ln 2 = 0.69: each twice as much as the one before). Random "
        "moves: every layer by the same relative length, chosen so that the mean change equals training's by "
        f"the panel's measure.{none} Marks: mean over {seeds(*runs)}; {interval('bars', *runs)}."
    )
    return Plate(figure, "control-slopes", caption, "Slopes by task. " + " ".join(told))


def _panel(
    axes: Axes, tasks: Mapping[str, xr.Dataset], adaptation: xr.Dataset | None, measure: str, beside: str
) -> dict[str, dict[str, float]]:
    """Draw one measure; means by task and by what changed the network."""
    means: dict[str, dict[str, float]] = {}
    for at, (name, run) in enumerate(tasks.items()):
        values = {
            "training": endpoints.control_slope(run, measure),
            "random moves that change as much": endpoints.matched_slope(run, measure),
        }
        if adaptation is not None and name == beside:
            values["adaptation in MAML"] = endpoints.adaptation_slope(adaptation, measure)
        means[name] = {
            what: float(dots(axes, at + shift, own, markersize=5.5, label=what, **LEGEND[what]))
            for shift, (what, own) in zip((-0.15, 0.0, 0.15), values.items(), strict=False)
        }
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xticks(range(len(tasks)), [name.replace(" ", "\n") for name in tasks])
    axes.set_xlim(-0.5, len(tasks) - 0.5)
    gridlines(axes)
    return means
