"""Figures of study 2 about accuracy: over epochs, with blocks frozen, and against what has changed.

Each takes runs (units along ``seed``) by the name of their condition.
"""

from __future__ import annotations

import itertools

import numpy as np

from ...plots.change import ends, lines
from ...plots.dots import dots
from ...plots.style import FAINT, WIDTH, Plate, condition_colours, drawing, end_labels, gridlines, level
from ...plots.words import mean_over, same
from . import endpoints
from .figures import Runs
from .states import FROZEN

CHANCE = 0.1
"""Every set that a family fine-tunes on has ten classes."""


def freezing(runs: Runs) -> Plate:
    """Test accuracy after fine-tuning, by what may move, a panel a domain, a colour a number of images.

    Args:
        runs: ``"<domain>, <n> images, <moving>"`` → units along ``seed``.
    """
    parts = [name.split(", ") for name in runs]
    domains, images = (list(dict.fromkeys(part[i] for part in parts)) for i in (0, 1))
    there = dict.fromkeys(part[2] for part in parts)
    modes = [mode for mode in dict.fromkeys((*FROZEN, *there)) if mode in there]
    tones = condition_colours(images)
    described = []
    with drawing(1, len(domains), height=3.3, sharey=True, squeeze=False) as (figure, ((*panels,),)):
        for axes, domain in zip(panels, domains, strict=True):
            for (i, count), (k, mode) in itertools.product(enumerate(images), enumerate(modes)):
                if (run := runs.get(f"{domain}, {count}, {mode}")) is None:
                    continue
                place = k + 0.2 * (i - (len(images) - 1) / 2)
                mean = dots(
                    axes, place, run["test_accuracy"].isel(epoch=-1), color=tones[count], markersize=4.5,
                    label=None if k else count,
                )  # fmt: skip
                described.append(f"{domain}, {count}, {mode} {mean:.0%}")
            axes.set_title(domain)
            axes.set_xticks(range(len(modes)), [FROZEN.get(m, m) for m in modes], rotation=35, ha="right")
            gridlines(axes)
            axes.set_xlim(-1.1, len(modes) - 0.6)  # room for the names of levels
            axes.set_ylim(0, 1)
            level(axes, CHANCE, "chance")
            own = [run for name, run in runs.items() if name.startswith(f"{domain}, ")]
            before = float(np.mean([run["test_accuracy"].isel(epoch=0).mean() for run in own]))
            described.append(f"{domain}, before fine-tuning {before:.0%}")
            if before > 2 * CHANCE:  # else it is at chance
                level(axes, before, "before")
        panels[0].set_ylabel("test accuracy")
        panels[0].yaxis.set_major_formatter("{x:.0%}")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, [f"fine-tuned on {label}" for label in labels], frameon=False, fontsize=8.5,
                      ncols=len(images), loc="upper center")  # fmt: skip
        figure.tight_layout(rect=(0, 0, 1, 0.93))
    caption = (
        "Accuracy on test images after fine-tuning, by what may move, on the source's domain (left) and on "
        f"another one; dotted: before it, and chance. Marks: {mean_over('bars', *runs.values())}."
    )
    return Plate(figure, "transfer-freezing", caption, f"Marks by what may move. {'; '.join(described)}.")


def gain_against_change(runs: Runs, layer: str, measure: str = "cka-linear") -> Plate:
    """What fine-tuning with every layer free gains against how far it takes a layer, a mark a seed.

    Raises:
        ValueError: No such layer.
    """
    if layer not in next(iter(runs.values()))["layer"]:
        raise ValueError(f"no layer {layer!r}")
    tones = condition_colours(list(runs))
    described = []
    with drawing(width=WIDTH * 0.72, height=3.2) as (figure, axes):
        for i, (name, run) in enumerate(runs.items()):
            change = endpoints.change(run, "pretrained", measure).sel(layer=layer)
            gain = 100 * (run["test_accuracy"].isel(epoch=-1) - run["test_accuracy"].isel(epoch=0))
            axes.plot(change, gain, "osD^vP"[i % 6], color=tones[name], markersize=5, alpha=0.8, label=name)
            described.append(
                f"{name}: change {float(change.mean()):.2f}, gain {float(gain.mean()):.0f} points"
            )
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.set_xlim(0, axes.get_xlim()[1])  # the margin at the right stays
        axes.set_xlabel(
            f"change of {layer}: 1 − similarity to the pre-trained state (0 = none)", fontsize=8.5
        )
        axes.set_ylabel("gain in test accuracy, points")
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.tight_layout()
    caption = (
        f"Accuracy gained by fine-tuning against the change of {layer} ({same(measure)}), one mark a seed. "
        "Accuracy is that by the labels which the condition trains on, so shifted labels start near 0."
    )
    return Plate(figure, "transfer-gain", caption, f"Marks by condition. {'; '.join(described)}.")


def learning(runs: Runs, name: str = "transfer-learning") -> Plate:
    """Accuracy and loss on training and on test images over equally many epochs, a colour a condition."""
    tones = condition_colours(list(runs))
    quantities = {
        "train_loss": "loss, training images", "test_loss": "loss, test images",
        "train_accuracy": "accuracy, training", "test_accuracy": "accuracy, test",
    }  # fmt: skip
    with drawing(2, 2, height=4.4, sharex=True, sharey="row") as (figure, grid):
        means = {}
        for axes, (quantity, title) in zip(grid.flat, quantities.items(), strict=True):
            curves = {condition: run[quantity] for condition, run in runs.items()}
            means[quantity] = lines(axes, curves, "epoch", tones)
            axes.set_title(title)
            gridlines(axes)
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
        for axes in grid[1]:
            axes.set_xlabel("epochs")
        grid[1, 0].set_ylim(0, 1)
        grid[1, 0].yaxis.set_major_formatter("{x:.0%}")
        figure.tight_layout(w_pad=1.5)
        for axes, quantity in zip(grid[:, 1], ("test_loss", "test_accuracy"), strict=True):
            end_labels(axes, ends(means[quantity], tones), gap=0.09)
    longest = int(max(run["epoch"].values[-1] for run in runs.values()))
    caption = (
        "Cross-entropy and accuracy at the epochs that were looked at, on up to 5000 training images and on "
        f"test images, by the labels of the condition. Lines: {mean_over('bands', *runs.values())}."
    )
    final = ", ".join(f"{title} {mean[-1]:.0%}" for title, mean in means["test_accuracy"].items())
    alt = f"Four panels over {longest} epochs, a line a condition; test accuracy at the end: {final}."
    return Plate(figure, name, caption, alt)
