"""Figures of study 1, each from the units of one run along ``seed``, by one measure (its id)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...plots.change import by_layer, ends, lines
from ...plots.dots import Mark, beside
from ...plots.matrix import matrix
from ...plots.style import (
    CONDITIONS,
    FAINT,
    MUTED,
    Plate,
    drawing,
    end_labels,
    layer_colours,
    legend_above,
    level,
)
from ...plots.words import direction, interval, mean_over, seeds, steps
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .states import LAYERS

if TYPE_CHECKING:
    import xarray as xr

COLOURS = layer_colours(LAYERS)

SINGLE_TASKS = 4
"""Tasks whose accuracy is shown alone, as in the paper's Figure 4."""


def levels(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """What changes each layer how much: adaptation beside training, and beside an unrelated network."""
    trained, last = int(run["inner_steps"]), int(run["inner_step"][-1])
    start, fresh = (
        endpoints.change(run[name].sel(measure=measure)).isel(checkpoint=-1)
        for name in ("start_similarity", "fresh_similarity")
    )
    final, longest = (
        endpoints.inner_change(run, measure, step).isel(checkpoint=-1) for step in (trained, last)
    )
    _, outer = endpoints.layer_changes(run, measure)
    marks = [
        Mark(f"adapting to one task, {steps(trained)}", final, "o", "black"),
        Mark(f"adapting to one task, {steps(last)}", longest, "o", "black", "none"),
        Mark("1/60 of meta-training", outer, "s", CONDITIONS[0]),
        Mark("all of meta-training", start, "D", CONDITIONS[0], "none"),
        Mark("null: a fresh network", fresh, "X", MUTED),
    ]
    with drawing(height=3.0) as (figure, axes):
        adapted, *_ = beside(axes, marks, spread=0.26)
        axes.set_ylabel(direction(measure))
        # Changes lie in 0 … 2; intervals of very few seeds would stretch the axis beyond that.
        axes.set_ylim(max(axes.get_ylim()[0], -0.1), min(axes.get_ylim()[1], 2))
        legend_above(axes)
    caption = (
        f"Change of each layer's representation of the probe ({measure_entry(measure).title}) by adaptation "
        "at the end of meta-training, by a sixtieth of meta-training (mean after its first tenth), by all of "
        f"it, and against a fresh network. Marks: {mean_over('bars', run)}."
    )
    by_name = zip(final["layer"].values, adapted, strict=True)
    alt = (
        "Five marks for each of five layers. "
        + " ".join(f"{layer}: adaptation changes it by {value:.2f}." for layer, value in by_name)
        + f" A sixtieth of meta-training changes the layers by {float(outer.min()):.2f}"
        + f" to {float(outer.max()):.2f}."
    )
    return Plate(figure, "maml-levels", caption, alt)


def base_analysis(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """Change of every layer by adaptation, at each checkpoint of meta-training (the paper's Figure 1)."""
    trained, last = int(run["inner_steps"]), int(run["inner_step"][-1])
    shown = list(dict.fromkeys([trained, last]))
    with drawing(1, len(shown), height=3.0, sharey=True, squeeze=False) as (figure, ((*panels,),)):
        means = {}
        for axes, step in zip(panels, shown, strict=True):
            changes = by_layer(endpoints.inner_change(run, measure, step))
            means[step] = lines(axes, changes, "checkpoint", COLOURS)
            axes.set_title(f"after {steps(step)}" + ", as trained" * (step == trained))
            axes.set_xlabel("meta-iterations")
            axes.set_xlim(0, run["checkpoint"][-1])
        panels[0].set_ylim(bottom=0)
        panels[0].set_ylabel(direction(measure))
        figure.tight_layout(w_pad=6.5)
        for axes, step in zip(panels, shown, strict=True):
            end_labels(axes, ends(means[step], COLOURS))
    caption = (
        "Base analysis: change of each layer's representation of the constant probe between inner step 0 and "
        f"{' and '.join(map(steps, shown))}, at each checkpoint. Lines: mean over {seeds(run)} of the mean "
        f"over {int(run['analysis_tasks'])} tasks; {interval('bands', run)}."
    )
    final = ", ".join(f"{layer} {mean[-1]:.2f}" for layer, mean in means[trained].items())
    alt = (
        f"Lines of change against meta-iterations, one a layer. After {steps(trained)}, at the end: {final}."
    )
    return Plate(figure, "maml-base", caption, alt)


def neighbour_analysis(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """Change of the meta-initialisation between checkpoints, and where it equals that by adaptation."""
    spacing, blocks = int(run["checkpoint"][-1]) // 60, endpoints.blocks(run)
    equal = run.sel(checkpoint=run["checkpoint"] % spacing == 0).isel(checkpoint=slice(1, None))
    changes = endpoints.change(equal["neighbour_similarity"].sel(measure=measure))
    lags = endpoints.change(run["lag_similarity"].sel(measure=measure, layer=blocks)).mean("layer")
    inner, outer = endpoints.layer_changes(run, measure)
    target, low, high = map(float, interval_over_seeds(inner.sel(layer=blocks).mean("layer").values))
    with drawing(1, 2, height=3.0) as (figure, (left, right)):
        lines(left, by_layer(changes), "checkpoint", COLOURS)
        left.set_title(f"neighbours, {spacing} meta-iterations apart")
        left.set_xlabel("meta-iterations")
        left.set_ylabel(direction(measure))
        left.set_xlim(0, equal["checkpoint"][-1])
        # The first steps away from chance would hide everything that follows.
        counted = changes.sel(checkpoint=changes["checkpoint"] > 6 * spacing)
        left.set_ylim(0, float(counted.max()) * 1.1)
        colours = {"meta-training": CONDITIONS[0]}
        means = lines(right, {"meta-training": lags}, "lag", colours)
        right.axhspan(low, high, color=CONDITIONS[1], alpha=0.25, linewidth=0)
        right.axhline(target, color=CONDITIONS[1])
        right.set_title("conv blocks, mean")
        right.set_xlabel("sixtieths of meta-training between checkpoints")
        right.set_xlim(0, run.sizes["lag"])
        right.set_ylim(bottom=0)
        figure.tight_layout(w_pad=5.5)
        late = by_layer(changes.isel(checkpoint=slice(-8, None)).median(("seed", "checkpoint")))
        end_labels(left, [(float(value), layer, COLOURS[layer]) for layer, value in late.items()])
        end_labels(right, [*ends(means, colours), (target, "adaptation", "black")], gap=0.09)
    even = np.median(endpoints.break_even(run, measure).values)
    caption = (
        "Neighbour analysis. Left: change of the meta-initialisation between checkpoints a sixtieth of "
        "meta-training apart (the axis is cut above the first steps). Right: change of the convolutional "
        "blocks between checkpoints further and further apart, after the first tenth of training, against "
        f"their change by adaptation as trained. Lines: {mean_over('bands', run)}."
    )
    verdict = f"at {even:.1f} sixtieths" if np.isfinite(even) else "at no spacing that was looked at"
    alt = (
        "Left: change between neighbouring checkpoints, on average "
        f"{float(outer.sel(layer=blocks).mean()):.3f} in the blocks and "
        f"{float(outer.sel(layer='logits').mean()):.3f} at the logits. "
        f"Right: change of the blocks grows with the spacing and equals that by adaptation {verdict}."
    )
    return Plate(figure, "maml-neighbours", caption, alt)


def accuracy(run: xr.Dataset) -> Plate:
    """Query accuracy over meta-training: with and without adaptation, and of four single tasks."""
    trained, last = int(run["inner_steps"]), int(run["accuracy_step"][-1])
    chance = 1 / int(run["ways"])
    untrained = float(run["evaluation_accuracy"].sel(moment="untrained").mean("task").mean())
    many = run["accuracy"].mean("analysed")
    curves = {
        f"unseen, {steps(step) if step else 'no adaptation'}": many.sel(accuracy_step=step)
        for step in dict.fromkeys([0, trained, last])
    }
    colours: dict[str, str] = dict(zip(curves, (MUTED, CONDITIONS[0], CONDITIONS[2]), strict=False))
    if bool(run["validation_accuracy"].notnull().all()):
        curves[f"validation, {steps(trained)}"] = run["validation_accuracy"]
        colours[f"validation, {steps(trained)}"] = CONDITIONS[3]
    tasks = run["accuracy"].isel(seed=0).sel(accuracy_step=trained).transpose("analysed", "checkpoint").values
    shown = [
        *((f"task {task + 1}", curve, CONDITIONS[task]) for task, curve in enumerate(tasks[:SINGLE_TASKS])),
        ("mean", tasks.mean(0), "black"),
    ]
    with drawing(1, 2, height=3.1, sharey=True, width_ratios=(1.5, 1)) as (figure, (axes, single)):
        labels = ends(lines(axes, curves, "checkpoint", colours), colours)
        axes.set_title("many tasks")
        for panel in (axes, single):
            panel.set_xlim(0, run["checkpoint"][-1])
            panel.set_xlabel("meta-iterations")
        axes.set_ylim(0, 1)
        level(axes, chance, "chance")
        level(axes, untrained, f"untrained network, {steps(trained)}")
        axes.set_ylabel("query accuracy")
        axes.yaxis.set_major_formatter("{x:.0%}")
        for name, curve, colour in shown:
            single.plot(run["checkpoint"], curve, color=colour, linewidth=1.6 if name == "mean" else 1)
        single.set_title(f"single tasks, seed {int(run['seed'][0])}")
        single.axhline(chance, color=FAINT, linewidth=1)
        figure.tight_layout(w_pad=11)
        end_labels(axes, labels)
        end_labels(single, [(float(curve[-1]), name, colour) for name, curve, colour in shown])
    caption = (
        f"Accuracy on {int(run['ways'])}-way {int(run['shots'])}-shot tasks of unseen classes over "
        f"meta-training. Left: before and after adaptation; lines: mean over {seeds(run)}, "
        f"{interval('bands', run)}; dotted: chance, and the untrained network after the same "
        f"adaptation. Right: {len(shown) - 1} single tasks and the mean of all {run.sizes['analysed']} "
        f"analysed tasks of one seed, after {steps(trained)}; a task has "
        f"{int(run['ways']) * int(run['analysis_queries'])} query images."
    )
    final = "; ".join(f"{name}: {height:.0%}" for height, name, _ in labels)
    spread = np.ptp(tasks[:SINGLE_TASKS, -1])
    alt = f"Accuracy against meta-iterations. At the end, {final}. Single tasks differ by up to {spread:.0%}."
    return Plate(figure, "maml-accuracy", caption, alt)


def nulls(run: xr.Dataset, measure: str = endpoints.PRIMARY) -> Plate:
    """Change by adaptation beside random perturbations, and what each layer's own update changes."""
    change = endpoints.change(run["null_similarity"].sel(measure=measure))
    layers = [str(name) for name in run["layer"].values]
    own, equal = (change.sel(null=f"perturbation, {how}") for how in ("own", "equal"))
    marks = [
        Mark("adaptation", change.sel(null="adaptation"), "o", "black"),
        Mark("random, each layer as far as it adapts", own, "s", CONDITIONS[0]),
        Mark(
            "random, every layer equally far",
            equal,
            "D",
            CONDITIONS[0],
            "none",
        ),
    ]
    with drawing(1, 2, height=3.3, width_ratios=(1.35, 1)) as (figure, (left, right)):
        adapted, random, _ = beside(left, marks)
        left.set_ylabel(direction(measure))
        legend_above(left, columns=1, fontsize=8)
        alone = np.array([change.sel(null=f"only {name}").mean("seed").values for name in layers])
        limit = float(np.nanmax(alone)) or 1.0
        after = np.triu(np.ones(alone.shape, bool))  # what comes before the moved layer cannot change
        matrix(right, alone, layers, layers, spelling="{:z.2f}".format, written=after, limit=limit)
        right.tick_params(axis="x", rotation=30)
        right.set_xlabel("change seen in")
        right.set_ylabel("update of this layer alone")
        figure.tight_layout(w_pad=2)
    updates = by_layer(run["relative_update"].mean("seed").rename(weights="layer"))
    caption = (
        f"Left: change of the probe's representation ({measure_entry(measure).title}) by adaptation, and by "
        "random moves of the weights: as far, relative to its own length, as adaptation moved each layer, or "
        "equally far in every layer. Right: what changes where if only one layer's update is put in. "
        f"Mean over {seeds(run)} and {int(run['analysis_tasks'])} tasks; {interval('bars', run)}. "
        f"Relative length of the updates: {', '.join(f'{n} {float(updates[n]):.3f}' for n in layers)}."
    )
    alt = "Marks for each layer. " + " ".join(
        f"{name}: adaptation {a:z.2f}, random moves as long {b:z.2f}."
        for name, a, b in zip(layers, adapted, random, strict=True)
    )
    return Plate(figure, "maml-nulls", caption, alt)
