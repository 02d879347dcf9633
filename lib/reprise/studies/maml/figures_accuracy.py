"""Figure 4 of study 1: accuracy over meta-training, of single tasks and of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...plots.style import CONDITIONS, FAINT, MUTED, WIDTH, Plate, band, book_style, end_labels, level
from .figures import interval_words, seed_words, step_words

if TYPE_CHECKING:
    import xarray as xr

SINGLE_TASKS = 4
"""Tasks shown alone, as in the paper's Figure 4."""


def accuracy(run: xr.Dataset) -> Plate:
    """Query accuracy over meta-training: with and without adaptation, and of four single tasks.

    Args:
        run: Units of similarity along ``seed``.
    """
    import matplotlib.pyplot as plt

    trained, last = int(run["inner_steps"]), int(run["accuracy_step"][-1])
    x = run["checkpoint"].values
    values = run["accuracy"].mean("analysed")
    untrained = run["evaluation_accuracy"].sel(moment="untrained").mean("task").values
    steps = list(dict.fromkeys([0, trained, last]))
    with book_style():
        figure, (axes, single) = plt.subplots(1, 2, figsize=(WIDTH, 3.1), sharey=True, width_ratios=(1.5, 1))
        ends = []
        for step, colour in zip(steps, (MUTED, CONDITIONS[0], CONDITIONS[2]), strict=False):
            curve = values.sel(accuracy_step=step).transpose("seed", "checkpoint").values
            mean = band(axes, x, curve, colour)
            ends.append((mean[-1], f"unseen, {step_words(step)}", colour))
        if bool(run["validation_accuracy"].notnull().all()):
            mean = band(axes, x, run["validation_accuracy"].values, CONDITIONS[3])
            ends.append((mean[-1], f"validation, {step_words(trained)}", CONDITIONS[3]))
        axes.set_title("many tasks")
        for panel in (axes, single):
            panel.set_xlim(0, x[-1])
            panel.set_xlabel("meta-iterations")
        axes.set_ylim(0, 1)
        level(axes, 1 / int(run["ways"]), "chance")
        level(axes, float(untrained.mean()), f"untrained network, {step_words(trained)}")
        axes.set_ylabel("query accuracy")
        axes.yaxis.set_major_formatter("{x:.0%}")
        one = run["accuracy"].isel(seed=0).sel(accuracy_step=trained).transpose("analysed", "checkpoint")
        shown = one.values[:SINGLE_TASKS]
        for task, curve in enumerate(shown):
            single.plot(x, curve, color=CONDITIONS[task], linewidth=1)
        single.plot(x, one.values.mean(0), color="black", linewidth=1.6)
        single.set_title(f"single tasks, seed {int(run['seed'][0])}")
        single.axhline(1 / int(run["ways"]), color=FAINT, linewidth=1)
        figure.tight_layout(w_pad=11)
        end_labels(axes, ends)
        labels = [(curve[-1], f"task {task + 1}", CONDITIONS[task]) for task, curve in enumerate(shown)]
        end_labels(single, [*labels, (float(one.values.mean(0)[-1]), "mean", "black")])
    caption = (
        f"Accuracy on {int(run['ways'])}-way {int(run['shots'])}-shot tasks of unseen classes over "
        f"meta-training. Left: before and after adaptation; lines: mean over {seed_words(run)}, "
        f"{interval_words(run, 'bands')}; dotted: chance, and the untrained network after the same "
        f"adaptation. Right: {len(shown)} single tasks and the mean of all {run.sizes['analysed']} analysed "
        f"tasks of one seed, after {step_words(trained)}; a task has "
        f"{int(run['ways']) * int(run['analysis_queries'])} query images."
    )
    said = "; ".join(f"{name}: {height:.0%}" for height, name, _ in ends)
    spread = np.ptp(shown[:, -1])
    alt = f"Accuracy against meta-iterations. At the end, {said}. Single tasks differ by up to {spread:.0%}."
    return Plate(figure, "maml-accuracy", caption, alt)
