"""Figures of study 2 by layer, at the end of training: conditions, and null and ceiling levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...plots.style import CONDITIONS, FAINT, MUTED, WIDTH, Plate, band, book_style, end_labels
from . import endpoints
from .figures_words import Runs, axis, colours, interval, layers, lowest_panels, seeds
from .states import REFERENCE_WORDS, between_seeds

if TYPE_CHECKING:
    import xarray as xr


def by_layer(
    runs: Runs, reference: str = "start", measure: str = "cka-linear", name: str = "transfer-layers"
) -> Plate:
    """Similarity to a reference at the end, by layer, a line a condition; with the null of fresh networks.

    Args:
        runs: Condition → units along ``seed``, all of one architecture.
        reference: What is compared with.
        measure: Id of a measure.
        name: Id of the figure on its page.
    """
    import matplotlib.pyplot as plt

    shown, tones = layers(runs), colours(list(runs))
    x = np.arange(len(shown))
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.78, 3.3))
        ends, said = [], []
        for condition, run in runs.items():
            values = endpoints.similarity(run, reference, measure).transpose("seed", "layer").values
            mean = band(axes, x, values, tones[condition], marker="o", markersize=3.5)
            ends.append((float(mean[-1]), condition, tones[condition]))
            said.append(
                f"{condition}: " + ", ".join(f"{n} {m:.2f}" for n, m in zip(shown, mean, strict=True))
            )
        null = np.mean(
            [endpoints.similarity(run, "fresh", measure).mean("seed").values for run in runs.values()], axis=0
        )
        axes.plot(x, null, color=MUTED, linestyle=(0, (1, 2)), linewidth=1)
        ends.append((float(null[-1]), "null: fresh networks", MUTED))
        axes.set_xticks(x, shown)
        axes.set_xlim(-0.1, len(shown) - 1 + 0.05)
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
        axes.set_ylabel(axis(measure))
        axes.grid(axis="y", color=FAINT, linewidth=0.5)
        figure.tight_layout()
        end_labels(axes, ends)
    caption = (
        f"Similarity of each layer to {REFERENCE_WORDS[reference]} at the end of training. Lines: mean over "
        f"{seeds(runs)}; {interval(runs, 'bands')}. Dotted, the null level: similarity to fresh random "
        "networks, mean over the conditions."
    )
    return Plate(figure, name, caption, f"A line a condition over layers. {'; '.join(said)}.")


def pretrained_or_initial(runs: Runs, measure: str = "cka-linear") -> Plate:
    """After fine-tuning: how similar each layer is to the pre-trained and to the pre-initialised network.

    Args:
        runs: Target → units along ``seed`` of fine-tunings.
        measure: Id of a measure.
    """
    import matplotlib.pyplot as plt

    shown = layers(runs)
    x = np.arange(len(shown))
    lines = {
        "pretrained": (CONDITIONS[0], "-"),
        "pre-initialised": (CONDITIONS[1], "-"),
        "trained fresh": (CONDITIONS[2], (0, (4, 2))),
        "fresh": (MUTED, (0, (1, 2))),
    }
    columns = 2
    rows = -(-len(runs) // columns)
    with book_style():
        figure, grid = plt.subplots(
            rows, columns, figsize=(WIDTH, 2.4 * rows + 0.7), sharey=True, sharex=True, squeeze=False
        )
        said = []
        for axes, (condition, run) in zip(grid.flat, runs.items(), strict=False):
            for reference, (colour, style) in lines.items():
                values = endpoints.similarity(run, reference, measure).transpose("seed", "layer").values
                if np.isfinite(values).all():
                    band(axes, x, values, colour, linestyle=style, marker="o", markersize=3, label=reference)
            both = [
                endpoints.similarity(run, r, measure).mean("seed") for r in ("pretrained", "pre-initialised")
            ]
            kept, before = (values.isel(layer=-2) for values in both)
            said.append(
                f"{condition}: {shown[-2]} {float(kept):.2f} to the pre-trained and {float(before):.2f} to "
                "the pre-initialised network"
            )
            axes.set_title(condition)
            axes.set_xticks(x, shown)
            axes.set_ylim(0, 1.02)
        lowest_panels(grid, len(runs))
        for axes in grid[:, 0]:
            axes.set_ylabel(axis(measure), fontsize=8.5)
        handles, labels = grid[0][0].get_legend_handles_labels()
        words = {**REFERENCE_WORDS, "fresh": f"null: {REFERENCE_WORDS['fresh']}"}
        figure.legend(
            handles,
            [words[name] for name in labels],
            loc="lower center",
            ncols=2,
            frameon=False,
            fontsize=8.5,
        )
        figure.tight_layout(rect=(0, 0.13 if rows > 1 else 0.2, 1, 1))
    caption = (
        "Similarity of each layer after fine-tuning to the pre-trained network, to what that was before "
        "pre-training, to a fresh network trained on the same labels, and to fresh random networks (null). "
        f"Lines: mean over {seeds(runs)}; {interval(runs, 'bands')}."
    )
    return Plate(figure, "transfer-pretrained-or-initial", caption, f"A panel a target. {'; '.join(said)}.")


def levels(run: xr.Dataset, reference: str = "start", measure: str = "cka-linear-debiased") -> Plate:
    """Similarity to a reference between its null and its ceiling, by layer.

    Args:
        run: Units of one condition along ``seed``.
        reference: What is compared with.
        measure: Id of a measure; a debiased one, as some levels come from fewer stimuli than others.
    """
    import matplotlib.pyplot as plt

    runs = {"": run}
    shown = layers(runs)
    halves = run["half_similarity"].sel(reference=reference, measure=measure)
    rows = [
        (f"to {REFERENCE_WORDS[reference]}", endpoints.similarity(run, reference, measure), "o", "black"),
        ("the same, first half of the probe", halves.isel(half=0), "<", CONDITIONS[0]),
        ("the same, second half of the probe", halves.isel(half=1), ">", CONDITIONS[0]),
        ("null: to fresh networks", endpoints.similarity(run, "fresh", measure), "X", MUTED),
    ]
    between = between_seeds(run, measure).mean("seed").values if run.sizes["seed"] > 1 else None
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
        shifts = np.linspace(-0.28, 0.28, len(rows) + 1)
        for shift, (label, values, marker, colour) in zip(shifts, rows, strict=False):
            mean, low, high = interval_over_seeds(values.transpose("seed", "layer").values)
            axes.errorbar(
                np.arange(len(shown)) + shift, mean, np.nan_to_num([mean - low, high - mean]), fmt=marker,
                color=colour, markersize=5, elinewidth=1.2, label=label,
            )  # fmt: skip
        if between is not None:
            axes.errorbar(
                np.arange(len(shown)) + shifts[-1], between, fmt="D", color=CONDITIONS[2], markersize=5,
                label="between trained networks of two seeds",
            )  # fmt: skip
        axes.set_xticks(np.arange(len(shown)), shown)
        axes.set_ylabel(axis(measure))
        axes.grid(axis="y", color=FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8.5)
    main, null = (rows[i][1].mean("seed") for i in (0, 3))
    caption = (
        f"Similarity to {REFERENCE_WORDS[reference]} at the end, on the whole probe and on each half of it, "
        "against fresh networks, and between the trained networks of different seeds (mean over pairs, on "
        f"the 50 stimuli that seeds share). Marks: mean over {seeds(runs)}; {interval(runs, 'bars')}."
    )
    said = "; ".join(
        f"{n}: {float(main.sel(layer=n)):.2f}, null {float(null.sel(layer=n)):.2f}"
        + ("" if between is None else f", between seeds {between[i]:.2f}")
        for i, n in enumerate(shown)
    )
    return Plate(figure, "transfer-levels", caption, f"Marks for each layer. {said}.")
