"""Second-order pictures: how similar states of a network are to each other, as a matrix and as a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...plots.matrix import colour_bar, matrix
from ...plots.style import CONDITIONS, FAINT, MUTED, ON_DARK, Plate, drawing
from ...similarity.embedding import mds, mds_of_scaled_rows
from ...similarity.measures import measure as measure_entry
from .endpoints import PRIMARY
from .states import MATRIX_SIXTIETHS, state_grams

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

_MODES = {"dissimilarities": "the dissimilarities", "rows": "the rows of their scaled matrix"}


def second_order(
    unit: xr.Dataset,
    layers: Sequence[str] | None = None,
    measure: str = PRIMARY,
    mode: Literal["dissimilarities", "rows"] = "dissimilarities",
) -> Plate:
    """Dissimilarity among inner steps × tasks × checkpoints, with its MDS map (the paper's Figures 3 and 5).

    Args:
        unit: One unit that keeps Grams.
        layers: A row each; all if None.
        measure: Id of a measure.
        mode: The map is made from the dissimilarities themselves, or from the rows of their scaled matrix
            taken as features, as the released code has it.
    """
    layers = layers or [str(name) for name in unit["layer"].values]
    spacing = int(unit["checkpoint"][-1]) // 60
    described = []
    with drawing(len(layers), 2, height=3.6 * len(layers) + 0.4, squeeze=False, layout="constrained") as (
        figure,
        panels,
    ):
        for row, layer in zip(panels, layers, strict=True):
            states, values = dissimilarity(unit, layer, measure)
            image = _draw_matrix(row[0], states, values, layer, spacing)
            _draw_map(row[1], states, values, layer, mode)
            described.append(f"{layer}: dissimilarities up to {np.nanmax(values):.2f}")
        colour_bar(
            figure, image, panels[:, 0], "dissimilarity, 1 − similarity (0 = same geometry)", shrink=0.9,
            fraction=0.1 / len(layers), pad=0.01,
        )  # fmt: skip
    steps, tasks = sorted(set(states["state_step"].values.tolist())), int(states["state_task"].max()) + 1
    caption = (
        f"Seed {int(unit['seed'])}. Left: dissimilarity ({measure_entry(measure).title}) of the probe's "
        f"representation among {len(MATRIX_SIXTIETHS)} checkpoints × {tasks} tasks × inner steps "
        f"{', '.join(map(str, steps))}; within a checkpoint the first row is the meta-initialisation, then "
        f"task by task. Right: the same as a map (metric MDS of {_MODES[mode]}). Squares: "
        "meta-initialisations, numbered in order of training and joined by the grey line; coloured lines: "
        "the inner steps of each task, ending in its symbol."
    )
    name = "maml-second-order" if mode == "dissimilarities" else f"maml-second-order-{mode}"
    return Plate(figure, name, caption, f"Matrices and maps of states. {'; '.join(described)}.")


def dissimilarity(unit: xr.Dataset, layer: str, measure: str) -> tuple[xr.Dataset, np.ndarray]:
    """States of the second-order matrix and their dissimilarities.

    Args:
        unit: One unit that keeps Grams.
        layer: Name of a layer.
        measure: Id of a similarity that follows from Grams.

    Returns:
        The states, ordered by checkpoint, task and inner step, and 1 − similarity of all pairs (m, m), with
        rounding below 0 cut.
    """
    grams, states = state_grams(unit, layer)
    wanted = np.flatnonzero(np.isin(states["state_sixtieth"].values, MATRIX_SIXTIETHS))
    keys = [states[name].values[wanted] for name in ("state_step", "state_task", "state_sixtieth")]
    order = wanted[np.lexsort(keys)]
    values = 1 - measure_entry(measure).pairwise(grams)[np.ix_(order, order)]
    values = np.maximum((values + values.T) / 2, 0)
    np.fill_diagonal(values, 0)
    return states.isel(state=order), values


def _draw_matrix(axes: Axes, states: xr.Dataset, values: np.ndarray, layer: str, spacing: int) -> AxesImage:
    image = matrix(axes, values, aspect="equal")
    checkpoints = states["state_sixtieth"].values
    starts = np.flatnonzero(np.r_[True, np.diff(checkpoints) > 0])
    ends = np.r_[starts[1:], len(checkpoints)]
    for edge in starts[1:]:
        axes.axhline(edge - 0.5, color=ON_DARK, linewidth=0.8)
        axes.axvline(edge - 0.5, color=ON_DARK, linewidth=0.8)
    middles, names = (starts + ends - 1) / 2, [str(checkpoints[i] * spacing) for i in starts]
    axes.set_xticks(middles, names)
    axes.set_yticks(middles, names)
    axes.set_title(layer)
    axes.set_xlabel("meta-iteration")
    axes.set_ylabel("meta-iteration")
    return image


def _draw_map(axes: Axes, states: xr.Dataset, values: np.ndarray, layer: str, mode: str) -> None:
    embedding = (mds_of_scaled_rows if mode == "rows" else mds)(values, method="metric")
    points = embedding.points
    step, task = states["state_step"].values, states["state_task"].values
    sixtieth = states["state_sixtieth"].values
    base = np.flatnonzero(step == 0)
    axes.plot(*points[base].T, color=FAINT, linewidth=1.2, zorder=1)
    markers = "ov^D"
    for start in base:
        for k in range(int(task.max()) + 1):
            path = np.flatnonzero((sixtieth == sixtieth[start]) & (task == k))
            track = points[np.r_[start, path[np.argsort(step[path])]]]
            colour = CONDITIONS[k]
            axes.plot(*track.T, color=colour, linewidth=1, zorder=2)
            axes.plot(*track[-1], markers[k], color=colour, markersize=5, zorder=3)
    axes.plot(*points[base].T, "s", color="black", markersize=6, zorder=4)
    for number, start in enumerate(base):
        axes.annotate(
            str(number), points[start], xytext=(5, 4), textcoords="offset points", fontsize=8, zorder=5
        )  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(layer)
    stress = f"stress {embedding.stress:.2f}"
    axes.annotate(stress, (1, 0), xycoords="axes fraction", ha="right", fontsize=8, color=MUTED)
