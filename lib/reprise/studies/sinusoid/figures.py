"""Figures of the sinusoid page, each from what :func:`reprise.studies.sinusoid.look` returns.

Bands are over the tasks of one seed, and describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...plots.change import End, by_layer
from ...plots.style import (
    CONDITIONS,
    MUTED,
    WIDTH,
    Plate,
    drawing,
    end_labels,
    gridlines,
    layer_colours,
    level,
)
from ...plots.words import direction, steps
from ...similarity.measures import measure as measure_entry
from .settings import INITIALISATIONS, LAYERS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

COLOURS: dict[str, str] = dict(zip(INITIALISATIONS, (*CONDITIONS[:2], MUTED), strict=True))
_RAMP = layer_colours((*LAYERS[:-1], "logits")).values()
LAYER_COLOURS: dict[str, str] = dict(zip(LAYERS, _RAMP, strict=True))


def tasks(result: xr.Dataset, shown: int = 3) -> Plate:
    """Some tasks with the points that adaptation gets to see of them."""
    shown = min(shown, result.sizes["task"], len(CONDITIONS))
    ends, described = [], []
    with drawing(width=WIDTH * 0.8, height=2.4) as (figure, axes):
        for i, colour in zip(range(shown), CONDITIONS, strict=False):
            task = result.isel(task=i)
            axes.plot(task["x"], task["truth"], color=colour, linewidth=1)
            axes.plot(task["support_x"], task["support_y"], "o", color=colour, markersize=4)
            ends.append((float(task["truth"][-1]), f"task {i + 1}", colour))
            described.append(f"task {i + 1}, {_task(task)}")
        _input_axis(axes, result)
        axes.set_ylabel("y")
        figure.tight_layout()
        end_labels(axes, ends, gap=0.09)
    caption = (
        f"{shown} new tasks. Lines: the functions, which the network never sees. Points: the "
        f"{result.sizes['shot']} support points of each, which are all that adaptation is given."
    )
    alt = f"Sine curves with points on them: {'; '.join(described)}."
    return Plate(figure, "sinusoid-tasks", caption, alt)


def learning(result: xr.Dataset, window: int = 25) -> Plate:
    """Query loss over meta-training, with and without an inner loop.

    Args:
        result: A run.
        window: Meta-iterations of a running median; as many as there are if fewer.
    """
    window = min(window, result.sizes["meta_iteration"])
    settings, ends = result.attrs["settings"], []
    names = {"meta-learned": f"after {steps(settings['inner_steps'])}", "jointly trained": "no inner loop"}
    with drawing(width=WIDTH * 0.8, height=2.6) as (figure, axes):
        for name, label in names.items():
            losses = result["training_loss"].sel(initialisation=name).values
            x = np.arange(len(losses))
            axes.plot(x, losses, color=COLOURS[name], linewidth=0.4, alpha=0.3)
            smooth = np.median(np.lib.stride_tricks.sliding_window_view(losses, window), axis=-1)
            axes.plot(x[window - 1 :], smooth, color=COLOURS[name])
            ends.append((float(smooth[-1]), f"{name},\n{label}", COLOURS[name]))
        axes.set_yscale("log")
        axes.set_xlim(0, max(1, len(losses) - 1))
        axes.set_xlabel("meta-iterations")
        axes.set_ylabel("squared error, query set")
        _plain_numbers(axes)
        figure.tight_layout()
        end_labels(axes, ends, gap=0.16)
    caption = (
        f"Training. Thin: loss on the query points of the {settings['meta_batch']} tasks of each "
        f"meta-iteration; thick: running median over {window}. Both networks start from the same weights and "
        "meet the same tasks."
    )
    final = "; ".join(f"{label}: {height:.2f}" for height, label, _ in ends).replace("\n", " ")
    return Plate(figure, "sinusoid-learning", caption, f"Loss over meta-training. At the end, {final}.")


def adaptation(result: xr.Dataset, task: int = 0) -> Plate:
    """One task's prediction before adaptation, after the trained number of inner steps, and at the end."""
    moments = list(dict.fromkeys([0, result.attrs["settings"]["inner_steps"], int(result["inner_step"][-1])]))
    chosen, names = result.isel(task=task), INITIALISATIONS[:2]
    look = {moments[0]: {"linestyle": (0, (1, 1.5)), "linewidth": 1.6}, moments[-1]: {"linewidth": 2.2}}
    with drawing(1, 2, height=2.9, sharey=True) as (figure, panels):
        ends = {name: [(float(chosen["truth"][-1]), "truth", MUTED)] for name in names}
        for axes, name in zip(panels, names, strict=True):
            axes.plot(chosen["x"], chosen["truth"], color=MUTED, linewidth=1)
            for step in moments:
                curve = chosen["prediction"].sel(initialisation=name, inner_step=step)
                style = look.get(step, {"linewidth": 1.2, "linestyle": (0, (5, 2))})
                axes.plot(chosen["x"], curve, color=COLOURS[name], **style)
                ends[name].append((float(curve[-1]), f"step {step}" if step else "before", COLOURS[name]))
            axes.plot(chosen["support_x"], chosen["support_y"], "o", color="black", markersize=4, zorder=4)
            axes.set_title(name)
            _input_axis(axes, result)
        panels[0].set_ylabel("y")
        figure.tight_layout(w_pad=5)
        for axes, name in zip(panels, names, strict=True):
            end_labels(axes, ends[name], gap=0.075)
    caption = (
        f"One new task ({_task(chosen)}), adapted to from its {result.sizes['shot']} support points (black). "
        "Dotted: before adaptation; "
        + (f"dashed: after {steps(moments[1])}, as in meta-training; " if len(moments) > 2 else "")
        + f"thick: after {steps(moments[-1])}; grey: the truth."
    )
    described = []
    for name in names:
        errors = chosen["error"].sel(initialisation=name, inner_step=moments).values
        course = ", ".join(f"{e:.2f} after {steps(k)}" for e, k in zip(errors, moments, strict=True))
        described.append(f"Squared error from the {name} network: {course}.")
    alt = f"Predictions of one sine curve. {' '.join(described)}"
    return Plate(figure, "sinusoid-adaptation", caption, alt)


def error(result: xr.Dataset) -> Plate:
    """Squared error over inner steps, from each initialisation."""
    zero = float((result["truth"] ** 2).mean("x").median("task"))
    with drawing(width=WIDTH * 0.8, height=3.0) as (figure, axes):
        errors = {name: result["error"].sel(initialisation=name) for name in INITIALISATIONS}
        ends = _over_tasks(axes, errors, COLOURS)
        axes.set_yscale("log")
        _plain_numbers(axes)
        _step_axis(axes, result)
        axes.set_ylabel("squared error")
        level(axes, zero, "always answering 0")
        figure.tight_layout()
        end_labels(axes, ends, gap=0.075)
    caption = (
        "Error over inner steps, averaged over the range of inputs. Lines: median over "
        f"{result.sizes['task']} new tasks; bands: middle half of the tasks. Dotted: the error of a network "
        "that answers 0 to everything."
    )
    final = "; ".join(f"{name}: {height:.2f}" for height, name, _ in ends)
    return Plate(figure, "sinusoid-error", caption, f"Error against inner steps. At the end, {final}.")


def representation(result: xr.Dataset, measure: str = "cka-linear") -> Plate:
    """Change of each layer by adaptation, from each initialisation.

    Args:
        result: A run.
        measure: Id of a measure that the result holds.

    Raises:
        ValueError: It does not hold that measure; the message lists those that it does.
    """
    if measure not in result["measure"]:
        raise ValueError(f"no measure {measure!r}; there are: {', '.join(result['measure'].values)}")
    fresh = 1 - result["fresh_similarity"].sel(measure=measure)
    described = []
    with drawing(1, len(INITIALISATIONS), height=2.9, sharey=True) as (figure, panels):
        for axes, name in zip(panels, INITIALISATIONS, strict=True):
            changes = 1 - result["similarity"].sel(measure=measure, initialisation=name)
            ends = _over_tasks(axes, by_layer(changes), LAYER_COLOURS)
            # The null stands at the left, where no line is yet: adaptation starts at no change.
            for layer, null in by_layer(fresh.sel(initialisation=name)).items():
                axes.plot(0, null, "x", color=LAYER_COLOURS[layer], markersize=5, clip_on=False)
            described.append(f"{name}: " + ", ".join(f"{layer} {height:.3f}" for height, layer, _ in ends))
            axes.set_title(name)
            _step_axis(axes, result)
        # A layer that does not change lies on the axis; a little room keeps its line visible.
        panels[0].set_ylim(-0.02, 1)
        panels[0].set_ylabel(direction(measure))
        figure.tight_layout(w_pad=1.5)
        end_labels(panels[-1], ends)
    caption = (
        f"Change of each layer's representation of {result.sizes['x']} evenly spaced inputs by adaptation "
        f"({measure_entry(measure).title}), from three initialisations. Lines: median over "
        f"{result.sizes['task']} new tasks; bands: middle half of the tasks. Crosses: null, the difference "
        "to another random network."
    )
    alt = f"Change after {steps(int(result['inner_step'][-1]))}. {'; '.join(described)}."
    return Plate(figure, "sinusoid-representation", caption, alt)


def _over_tasks(axes: Axes, curves: Mapping[str, xr.DataArray], colours: Mapping[str, str]) -> list[End]:
    """Draw medians and middle halves over tasks along the inner steps; returns the lines' labels."""
    ends = []
    for name, values in curves.items():
        low, middle, high = np.quantile(values.transpose("inner_step", "task"), (0.25, 0.5, 0.75), axis=1)
        axes.fill_between(range(len(middle)), low, high, color=colours[name], alpha=0.18, linewidth=0)
        axes.plot(range(len(middle)), middle, color=colours[name])
        ends.append((float(middle[-1]), name, colours[name]))
    return ends


def _task(task: xr.Dataset) -> str:
    return f"amplitude {float(task['amplitude']):.1f} and phase {float(task['phase']):.1f}"


def _input_axis(axes: Axes, result: xr.Dataset) -> None:
    axes.set_xlim(float(result["x"][0]), float(result["x"][-1]))
    axes.set_xlabel("x")


def _step_axis(axes: Axes, result: xr.Dataset) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(0, int(result["inner_step"][-1]))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("inner steps")
    gridlines(axes)


def _plain_numbers(axes: Axes) -> None:
    """Ticks of a logarithmic axis as decimal numbers, also where it spans less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
