"""Figures of study 2 over epochs: curves by layer, and maps of layer against epoch."""

from __future__ import annotations

import numpy as np

from ...plots.style import (
    FAINT,
    MATRIX_MAP,
    ON_DARK,
    ON_LIGHT,
    WIDTH,
    Plate,
    band,
    book_style,
    end_labels,
    layer_colours,
)
from .figures_words import Runs, axis, interval, layers, lowest_panels, seeds
from .states import REFERENCE_WORDS

COLUMNS = 2


def over_epochs(
    runs: Runs, reference: str = "start", measure: str = "cka-linear", name: str = "transfer-epochs"
) -> Plate:
    """Similarity of every layer to a reference over training, a panel a condition.

    Args:
        runs: Condition → units along ``seed``.
        reference: What is compared with.
        measure: Id of a measure.
        name: Id of the figure on its page.
    """
    import matplotlib.pyplot as plt

    names, shown = list(runs), layers(runs)
    colours = layer_colours(shown)
    rows = -(-len(names) // COLUMNS)
    with book_style():
        figure, grid = plt.subplots(
            rows, COLUMNS, figsize=(WIDTH, 2.5 * rows + 0.3), sharey=True, squeeze=False
        )
        lowest, ends, said = 1.0, {}, []
        for axes, condition in zip(grid.flat, names, strict=False):
            run = runs[condition]
            values = run["similarity"].sel(reference=reference, measure=measure)
            for layer in shown:
                curve = values.sel(layer=layer).transpose("seed", "epoch").values
                mean = band(axes, run["epoch"].values, curve, colours[layer])
                ends[condition, layer] = mean[-1]
                null = float(
                    run["similarity"].sel(reference="fresh", measure=measure, layer=layer)[:, -1].mean()
                )
                axes.plot(
                    int(run["epoch"][-1]),
                    null,
                    "<",
                    color=colours[layer],
                    markersize=4,
                    clip_on=False,
                    zorder=3,
                )
                lowest = min(lowest, float(np.nanmin(mean)), null)
            axes.set_title(condition)
            # The first epochs change most and are looked at one by one.
            axes.set_xscale("symlog", linthresh=5, linscale=1.2)
            last = int(run["epoch"][-1])
            ticks = [tick for tick in (0, 1, 5, 25, 50, 150) if tick <= last]
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
            axes.minorticks_off()
            axes.set_xlim(0, last)
            said.append(f"{condition}: " + ", ".join(f"{n} {ends[condition, n]:.2f}" for n in shown))
        grid[0][0].set_ylim(min(0.0, lowest - 0.05), 1.02)
        for axes in grid[:, 0]:
            axes.set_ylabel(axis(measure), fontsize=8.5)
        for axes in lowest_panels(grid, len(names)):
            axes.set_xlabel("epochs")
        figure.tight_layout(w_pad=5.5)
        for axes, condition in zip(grid.flat, names, strict=False):
            end_labels(axes, [(ends[condition, n], n, colours[n]) for n in shown], gap=0.085)
    caption = (
        f"Similarity of each layer to {REFERENCE_WORDS[reference]} over epochs, which are even up to the "
        f"fifth and logarithmic from there. Lines: mean over {seeds(runs)}; {interval(runs, 'bands')}. "
        "Triangles at the right: each layer's null, its similarity to fresh random networks at the end."
    )
    return Plate(figure, name, caption, f"Lines falling from 1, one a layer. At the end, {'; '.join(said)}.")


def maps(
    runs: Runs, reference: str = "start", measure: str = "cka-linear", name: str = "transfer-maps"
) -> Plate:
    """The same as maps of layer against epoch, which show where and when a network changes.

    Args:
        runs: Condition → units along ``seed``.
        reference: What is compared with.
        measure: Id of a measure.
        name: Id of the figure on its page.
    """
    import matplotlib.pyplot as plt

    names, shown = list(runs), layers(runs)
    rows = -(-len(names) // COLUMNS)
    with book_style():
        figure, grid = plt.subplots(
            rows,
            COLUMNS,
            figsize=(WIDTH, (0.24 * len(shown) + 0.75) * rows),
            squeeze=False,
            layout="constrained",
        )
        image = None
        for axes, condition in zip(grid.flat, names, strict=False):
            run = runs[condition]
            values = run["similarity"].sel(reference=reference, measure=measure).mean("seed")
            matrix = values.transpose("layer", "epoch").values
            image = axes.imshow(
                matrix, cmap=MATRIX_MAP, vmin=0, vmax=1, aspect="auto", interpolation="nearest"
            )
            epochs = run["epoch"].values
            wanted = (0, 1, 5, 25) if len(epochs) < 15 else (0, 5, 25, 50, 100, 150)
            marked = [i for i, epoch in enumerate(epochs) if epoch in wanted]
            axes.set_xticks(marked, [str(epochs[i]) for i in marked])
            axes.set_yticks(range(len(shown)), shown)
            axes.set_title(condition)
            for row, value in enumerate(matrix[:, -1]):
                axes.annotate(
                    f"{value:.2f}", (len(epochs) - 1, row), ha="right", va="center", fontsize=7.5,
                    color=ON_LIGHT if value > 0.55 else ON_DARK,
                )  # fmt: skip
        for axes in lowest_panels(grid, len(names)):
            axes.set_xlabel("epochs that were looked at")
        if image is not None:
            bar = figure.colorbar(image, ax=grid.ravel().tolist(), shrink=0.7, label=axis(measure))
            bar.outline.set_edgecolor(FAINT)  # type: ignore[operator]
    caption = (
        f"Layer against epoch: similarity to {REFERENCE_WORDS[reference]}, mean over {seeds(runs)}. Columns "
        "are the epochs that were looked at: the first five, then every fifth. Numbers: at the end."
    )
    lowest = [
        (str(values.idxmin("layer").item()), float(values.min()), condition)
        for condition, run in runs.items()
        for values in [
            run["similarity"].sel(reference=reference, measure=measure).isel(epoch=-1).mean("seed")
        ]
    ]
    said = "; ".join(
        f"{condition}: least similar at the end is {layer}, {low:.2f}" for layer, low, condition in lowest
    )
    return Plate(figure, name, caption, f"A map of similarity a condition, layers by epochs. {said}.")
