"""Figure of study 2 about learning: accuracy and loss over epochs."""

from __future__ import annotations

import numpy as np

from ...plots.style import FAINT, WIDTH, Plate, band, book_style, end_labels
from .figures_words import Runs, colours, interval, seeds


def learning(runs: Runs, name: str = "transfer-learning") -> Plate:
    """Accuracy and loss on training and on test images over epochs, a colour a condition.

    Args:
        runs: Condition → units along ``seed``, equally many epochs each.
        name: Id of the figure on its page.
    """
    import matplotlib.pyplot as plt

    tones = colours(list(runs))
    quantities = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    titles = ("loss, training images", "loss, test images", "accuracy, training", "accuracy, test")
    with book_style():
        figure, grid = plt.subplots(2, 2, figsize=(WIDTH, 4.4), sharex=True, sharey="row")
        said, ends = [], {name: [] for name in quantities}
        for axes, quantity, title in zip(grid.flat, quantities, titles, strict=True):
            for condition, run in runs.items():
                curves = run[quantity].transpose("seed", "epoch").values
                mean = band(axes, run["epoch"].values, curves, tones[condition])
                ends[quantity].append((float(mean[-1]), condition, tones[condition]))
                if quantity == "test_accuracy":
                    said.append(f"{condition} {mean[-1]:.0%}")
            axes.set_title(title)
            axes.grid(axis="y", color=FAINT, linewidth=0.5)
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
        for axes in grid[1]:
            axes.set_xlabel("epochs")
        grid[1][0].set_ylim(0, 1)
        grid[1][0].yaxis.set_major_formatter("{x:.0%}")
        figure.tight_layout(w_pad=1.5)
        for axes, quantity in zip(grid[:, 1], quantities[1::2], strict=True):
            end_labels(axes, ends[quantity], gap=0.09)
    longest = int(max(np.max(run["epoch"].values) for run in runs.values()))
    caption = (
        "Cross-entropy and accuracy at the epochs that were looked at, on up to 5000 training images and on "
        f"test images, by the labels of the condition. Lines: mean over {seeds(runs)}; "
        f"{interval(runs, 'bands')}."
    )
    alt = (
        f"Four panels over {longest} epochs, a line a condition; test accuracy at the end: {', '.join(said)}."
    )
    return Plate(figure, name, caption, alt)
