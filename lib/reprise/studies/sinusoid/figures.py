"""Figures of the sinusoid page, each from what :func:`reprise.studies.sinusoid.look` returns.

Bands are over the tasks of one seed, and describe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plots.style import (
    CONDITIONS,
    FAINT,
    MUTED,
    WIDTH,
    Plate,
    book_style,
    direction,
    end_labels,
    layer_colours,
    level,
)
from ...similarity.measures import measure as measure_entry
from .settings import INITIALISATIONS, LAYERS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

COLOURS = dict(zip(INITIALISATIONS, (*CONDITIONS[:2], MUTED), strict=True))
LAYER_COLOURS = dict(zip(LAYERS, layer_colours((*LAYERS[:-1], "logits")).values(), strict=True))


def tasks(result: xr.Dataset, shown: int = 3) -> Plate:
    """Some tasks with the points that adaptation gets to see of them."""
    import matplotlib.pyplot as plt

    shown = min(shown, result.sizes["task"], len(CONDITIONS))
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.8, 2.4))
        ends, said = [], []
        for task, colour in zip(range(shown), CONDITIONS, strict=False):
            one = result.isel(task=task)
            axes.plot(one["x"], one["truth"], color=colour, linewidth=1)
            axes.plot(one["support_x"], one["support_y"], "o", color=colour, markersize=4)
            ends.append((float(one["truth"][-1]), f"task {task + 1}", colour))
            said.append(f"task {task + 1}, {_task(one)}")
        _input_axis(axes, result)
        axes.set_ylabel("y")
        figure.tight_layout()
        end_labels(axes, ends, gap=0.09)
    caption = (
        f"{shown} new tasks. Lines: the functions, which the network never sees. Points: the "
        f"{result.sizes['shot']} support points of each, which are all that adaptation is given."
    )
    return Plate(figure, "sinusoid-tasks", caption, f"Sine curves with points on them: {'; '.join(said)}.")


def learning(result: xr.Dataset, window: int = 25) -> Plate:
    """Query loss over meta-training, with and without an inner loop.

    Args:
        result: A run.
        window: Meta-iterations of a running median; as many as there are if fewer.
    """
    import matplotlib.pyplot as plt

    window = min(window, result.sizes["meta_iteration"])
    steps = result.attrs["settings"]["inner_steps"]
    names = {"meta-learned": f"after {_steps(steps)}", "jointly trained": "no inner loop"}
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.8, 2.6))
        ends = []
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
    batch = result.attrs["settings"]["meta_batch"]
    caption = (
        f"Training. Thin: loss on the query points of the {batch} tasks of each meta-iteration; thick: "
        f"running median over {window}. Both networks start from the same weights and meet the same tasks."
    )
    said = "; ".join(f"{label}: {height:.2f}" for height, label, _ in ends).replace("\n", " ")
    return Plate(figure, "sinusoid-learning", caption, f"Loss over meta-training. At the end, {said}.")


def adaptation(result: xr.Dataset, task: int = 0) -> Plate:
    """One task's prediction before adaptation, after the trained number of inner steps, and at the end."""
    import matplotlib.pyplot as plt

    steps = list(dict.fromkeys([0, result.attrs["settings"]["inner_steps"], int(result["inner_step"][-1])]))
    one = result.isel(task=task)
    names = INITIALISATIONS[:2]
    look = {steps[0]: {"linestyle": (0, (1, 1.5)), "linewidth": 1.6}, steps[-1]: {"linewidth": 2.2}}
    with book_style():
        figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharey=True)
        ends = {name: [(float(one["truth"][-1]), "truth", MUTED)] for name in names}
        for axes, name in zip(panels, names, strict=True):
            axes.plot(one["x"], one["truth"], color=MUTED, linewidth=1)
            for step in steps:
                curve = one["prediction"].sel(initialisation=name, inner_step=step)
                style = look.get(step, {"linewidth": 1.2, "linestyle": (0, (5, 2))})
                axes.plot(one["x"], curve, color=COLOURS[name], **style)
                ends[name].append((float(curve[-1]), f"step {step}" if step else "before", COLOURS[name]))
            axes.plot(one["support_x"], one["support_y"], "o", color="black", markersize=4, zorder=4)
            axes.set_title(name)
            _input_axis(axes, result)
        panels[0].set_ylabel("y")
        figure.tight_layout(w_pad=5)
        for axes, name in zip(panels, names, strict=True):
            end_labels(axes, ends[name], gap=0.075)
    caption = (
        f"One new task ({_task(one)}), adapted to from its {result.sizes['shot']} support points (black). "
        "Dotted: before adaptation; "
        + (f"dashed: after {_steps(steps[1])}, as in meta-training; " if len(steps) > 2 else "")
        + f"thick: after {_steps(steps[-1])}; grey: the truth."
    )
    said = []
    for name in names:
        errors = one["error"].sel(initialisation=name, inner_step=steps).values
        course = ", ".join(f"{e:.2f} after {_steps(k)}" for e, k in zip(errors, steps, strict=True))
        said.append(f"Squared error from the {name} network: {course}.")
    return Plate(figure, "sinusoid-adaptation", caption, f"Predictions of one sine curve. {' '.join(said)}")


def error(result: xr.Dataset) -> Plate:
    """Squared error over inner steps, from each initialisation."""
    import matplotlib.pyplot as plt

    zero = float((result["truth"] ** 2).mean("x").median("task"))
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.8, 3.0))
        ends = []
        for name in INITIALISATIONS:
            values = result["error"].sel(initialisation=name).values
            ends.append((_over_tasks(axes, values, COLOURS[name]), name, COLOURS[name]))
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
    said = "; ".join(f"{name}: {height:.2f}" for height, name, _ in ends)
    return Plate(figure, "sinusoid-error", caption, f"Error against inner steps. At the end, {said}.")


def representation(result: xr.Dataset, measure: str = "cka-linear") -> Plate:
    """Change of each layer by adaptation, from each initialisation.

    Args:
        result: A run.
        measure: Id of a measure that the result holds.

    Raises:
        ValueError: It does not hold that measure; the message lists those that it does.
    """
    import matplotlib.pyplot as plt

    if measure not in result["measure"]:
        raise ValueError(f"no measure {measure!r}; there are: {', '.join(result['measure'].values)}")
    changes = 1 - result["similarity"].sel(measure=measure)
    fresh = 1 - result["fresh_similarity"].sel(measure=measure)
    last = int(result["inner_step"][-1])
    with book_style():
        figure, panels = plt.subplots(1, len(INITIALISATIONS), figsize=(WIDTH, 2.9), sharey=True)
        said = []
        for axes, name in zip(panels, INITIALISATIONS, strict=True):
            ends = []
            for layer in LAYERS:
                values = changes.sel(initialisation=name, layer=layer).values
                ends.append((_over_tasks(axes, values, LAYER_COLOURS[layer]), layer, LAYER_COLOURS[layer]))
                # The null stands at the left, where no line is yet: adaptation starts at no change.
                null = float(fresh.sel(initialisation=name, layer=layer))
                axes.plot(0, null, "x", color=LAYER_COLOURS[layer], markersize=5, clip_on=False)
            said.append(f"{name}: " + ", ".join(f"{layer} {height:.3f}" for height, layer, _ in ends))
            axes.set_title(name)
            _step_axis(axes, result)
        # A layer that does not change lies on the axis; a little room keeps its line visible.
        panels[0].set_ylim(-0.02, 1)
        panels[0].set_ylabel(direction(measure_entry(measure).symbol))
        figure.tight_layout(w_pad=1.5)
        end_labels(panels[-1], ends)
    caption = (
        f"Change of each layer's representation of {result.sizes['x']} evenly spaced inputs by adaptation "
        f"({measure_entry(measure).title}), from three initialisations. Lines: median over "
        f"{result.sizes['task']} new tasks; bands: middle half of the tasks. Crosses: null, the difference "
        "to another random network."
    )
    return Plate(
        figure, "sinusoid-representation", caption, f"Change after {_steps(last)}. {'; '.join(said)}."
    )


def _over_tasks(axes: Axes, values: np.ndarray, colour: str) -> float:
    """Draw median and middle half over tasks of (steps, tasks); returns the last median."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=1)
    x = range(len(values))
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, middle, color=colour)
    return float(middle[-1])


def _task(one: xr.Dataset) -> str:
    return f"amplitude {float(one['amplitude']):.1f} and phase {float(one['phase']):.1f}"


def _input_axis(axes: Axes, result: xr.Dataset) -> None:
    axes.set_xlim(float(result["x"][0]), float(result["x"][-1]))
    axes.set_xlabel("x")


def _step_axis(axes: Axes, result: xr.Dataset) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(0, int(result["inner_step"][-1]))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("inner steps")
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def _plain_numbers(axes: Axes) -> None:
    """Ticks of a logarithmic axis as decimal numbers, also where it spans less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _steps(count: int) -> str:
    return f"{count} inner step" + ("" if count == 1 else "s")
