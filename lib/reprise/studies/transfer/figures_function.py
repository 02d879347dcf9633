"""Figures of study 2 about accuracy: with blocks frozen, and against what has changed."""

from __future__ import annotations

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...plots.style import FAINT, WIDTH, Plate, book_style, level
from . import endpoints
from .figures_words import Runs, axis, colours, interval, seeds
from .states import FROZEN

CHANCE = 0.1
"""Every set that a family fine-tunes on has ten classes."""


def freezing(runs: Runs) -> Plate:
    """Test accuracy after fine-tuning, by what may move, a panel a domain, a colour a number of images.

    Args:
        runs: ``"<domain>, <n> images, <moving>"`` → units along ``seed``.
    """
    import matplotlib.pyplot as plt

    parts = [name.split(", ") for name in runs]
    domains, counts = (list(dict.fromkeys(part[i] for part in parts)) for i in (0, 1))
    modes = [mode for mode in FROZEN if any(part[2] == mode for part in parts)]
    tones = colours(counts)
    with book_style():
        figure, panels = plt.subplots(1, len(domains), figsize=(WIDTH, 3.3), sharey=True, squeeze=False)
        said = []
        for axes, domain in zip(panels[0], domains, strict=True):
            for i, count in enumerate(counts):
                for k, mode in enumerate(modes):
                    run = runs.get(f"{domain}, {count}, {mode}")
                    if run is None:
                        continue
                    mean, low, high = interval_over_seeds(run["test_accuracy"].isel(epoch=-1).values)
                    axes.errorbar(
                        k + 0.2 * (i - (len(counts) - 1) / 2), mean,
                        np.nan_to_num([[mean - low], [high - mean]]), fmt="o", color=tones[count],
                        markersize=4.5, elinewidth=1.2, label=count if k == 0 else None,
                    )  # fmt: skip
                    said.append(f"{domain}, {count}, {mode} {float(mean):.0%}")
            axes.set_title(domain)
            axes.set_xticks(range(len(modes)), [FROZEN[m] for m in modes], rotation=35, ha="right")
            axes.grid(axis="y", color=FAINT, linewidth=0.5)
            axes.set_xlim(-1.1, len(modes) - 0.6)  # room for the names of levels
            axes.set_ylim(0, 1)
            level(axes, CHANCE, "chance")
            own = [run for name, run in runs.items() if name.startswith(f"{domain}, ")]
            before = float(np.mean([run["test_accuracy"].isel(epoch=0).mean() for run in own]))
            said.append(f"{domain}, before fine-tuning {before:.0%}")
            if before > 2 * CHANCE:  # else it is at chance
                level(axes, before, "before")
        panels[0][0].set_ylabel("test accuracy")
        panels[0][0].yaxis.set_major_formatter("{x:.0%}")
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, [f"fine-tuned on {label}" for label in labels], frameon=False, fontsize=8.5,
                      ncols=len(counts), loc="upper center")  # fmt: skip
        figure.tight_layout(rect=(0, 0, 1, 0.93))
    caption = (
        "Accuracy on test images after fine-tuning, by what may move, on the source's domain (left) and on "
        f"another one; dotted: before it, and chance. Marks: mean over {seeds(runs)}; "
        f"{interval(runs, 'bars')}."
    )
    return Plate(figure, "transfer-freezing", caption, f"Marks by what may move. {'; '.join(said)}.")


def gain_against_change(runs: Runs, layer: str, measure: str = "cka-linear") -> Plate:
    """What fine-tuning gains against how far it takes a layer, a mark a seed.

    Args:
        runs: Condition → units along ``seed`` of fine-tunings with every layer free.
        layer: Name of a layer.
        measure: Id of a measure.

    Raises:
        ValueError: No such layer.
    """
    import matplotlib.pyplot as plt

    names = list(runs)
    if layer not in next(iter(runs.values()))["layer"]:
        raise ValueError(f"no layer {layer!r}")
    tones = colours(names)
    markers = "osD^vP"
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.72, 3.2))
        said = []
        for i, name in enumerate(names):
            run = runs[name]
            x = endpoints.change(run, "pretrained", measure).sel(layer=layer)
            y = run["test_accuracy"].isel(epoch=-1) - run["test_accuracy"].isel(epoch=0)
            axes.plot(x, 100 * y, markers[i % 6], color=tones[name], markersize=5, alpha=0.8, label=name)
            said.append(f"{name}: change {float(x.mean()):.2f}, gain {100 * float(y.mean()):.0f} points")
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.set_xlim(0, axes.get_xlim()[1])  # the margin at the right stays
        axes.set_xlabel(
            f"change of {layer}: 1 − similarity to the pre-trained state (0 = none)", fontsize=8.5
        )
        axes.set_ylabel("gain in test accuracy, points")
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.tight_layout()
    caption = (
        f"Accuracy gained by fine-tuning against the change of {layer} ({axis(measure)}), one mark a seed. "
        "Accuracy is that by the labels which the condition trains on, so shifted labels start near 0."
    )
    return Plate(figure, "transfer-gain", caption, f"Marks by condition. {'; '.join(said)}.")
