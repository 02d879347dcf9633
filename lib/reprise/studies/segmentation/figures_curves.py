"""Figures of study 3 with a line a condition: quality against labels, and over the steps of fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...plots.style import MUTED, WIDTH, Plate, band, book_style, end_labels, level
from . import endpoints
from .figures import Runs, counts, line, named_levels, title

if TYPE_CHECKING:
    import xarray as xr


def label_fractions(runs: Mapping[str, Mapping[float, xr.Dataset]]) -> Plate:
    """Quality against the share of the target's labels, a line an encoder and a dot a seed.

    The axis spans the seeds; of three seeds an interval may reach further, and is cut off there.

    Args:
        runs: Pre-training → share of the labels → units along ``seed``.
    """
    import matplotlib.pyplot as plt

    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.82, 3.3))
        ends, said = [], []
        shares = sorted({share for by_share in runs.values() for share in by_share})
        # A little beside each other, or bars would hide each other.
        shifts = np.geomspace(0.85, 1.18, len(runs))
        seen: list[float] = []
        reach: list[float] = []
        for shift, (name, by_share) in zip(shifts, runs.items(), strict=True):
            own = sorted(by_share)
            values = [by_share[share]["miou"].values for share in own]
            stats = [interval_over_seeds(one) for one in values]
            mean, low, high = (np.array(one, float) for one in zip(*stats, strict=True))
            errors = np.nan_to_num([mean - low, high - mean])
            axes.errorbar(
                np.array(own) * shift, mean, errors, marker="o", markersize=4.5, elinewidth=1, **line(name)
            )
            for share, one in zip(own, values, strict=True):
                axes.plot(
                    np.full(one.size, share * shift * 1.025), one, ".", markersize=3.5, alpha=0.7,
                    color=line(name)["color"],
                )  # fmt: skip
            seen += [float(value) for one in values for value in one]
            reach += [float(end) for end in (*low, *high) if np.isfinite(end)]
            ends.append((mean[-1], title(name), line(name)["color"]))
            said.append(f"{title(name)} " + ", ".join(f"{m:.3f}" for m in mean))
        axes.set_xscale("log")
        axes.set_xticks(shares, [f"{share:.0%}" for share in shares])
        axes.minorticks_off()
        axes.set_xlabel("share of the target's training pictures")
        axes.set_ylabel("mean IoU (1 = perfect)")
        margin = max(0.01, 0.06 * (max(seen) - min(seen)))
        bottom, top = axes.set_ylim(min(seen) - margin, max(seen) + margin)
        levels = named_levels(next(iter(next(iter(runs.values())).values())))
        beyond = [f"{text} {height:.3f}" for height, text in levels if not bottom <= height <= top]
        for height, text in levels:
            if bottom <= height <= top:
                level(axes, height, text)
        figure.tight_layout()
        end_labels(axes, ends)
    every = {f"{name} {share}": run for name, by in runs.items() for share, run in by.items()}
    cut = any(end < bottom or end > top for end in reach)
    caption = (
        "Mean IoU on the test pictures against the share of the target's labels, for every encoder. Marks: "
        f"mean over seeds ({counts(every)}); small dots: seeds; bars: 95 % t interval over seeds"
        f"{', cut off at the edge' * cut}. Dotted: levels without a network"
        f"{', in part beyond the axis: ' * bool(beyond)}{', '.join(beyond)}."
    )
    alt = (
        f"Lines of quality against {', '.join(f'{s:.0%}' for s in shares)} of the labels: {'; '.join(said)}."
    )
    return Plate(figure, "segmentation-fractions", caption, alt)


def convergence(runs: Runs, reference: str = "segmentation") -> Plate:
    """Learning curves of fine-tuning, with the level whose reaching is timed.

    Args:
        runs: Condition → units along ``seed``.
        reference: The encoder-only condition that sets the level.
    """
    import matplotlib.pyplot as plt

    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.82, 3.3))
        ends, said = [], []
        for name, run in runs.items():
            style = line(name)
            values = run["curve_miou"].transpose("seed", "curve_step").values
            mean = band(axes, run["curve_step"].values, values, style.pop("color"), **style)
            ends.append((float(mean[-1]), title(name), line(name)["color"]))
        axes.set_xlim(0, float(next(iter(runs.values()))["curve_step"][-1]))
        axes.set_ylim(bottom=0)
        if reference in runs:
            final = float(runs[reference]["curve_miou"].isel(curve_step=-1).mean())
            height = endpoints.LEVEL * final
            axes.axhline(height, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
            # At the right and below, where curves that have risen do not cross it.
            axes.annotate(
                f"90 % of {title(reference)}, encoder alone", (0.99, height),
                xycoords=("axes fraction", "data"), xytext=(0, -3), textcoords="offset points", color=MUTED,
                fontsize=8, va="top", ha="right",
            )  # fmt: skip
            for name, run in runs.items():
                times, _, never = endpoints.times_to_level(run, runs[reference])
                said.append(
                    f"{title(name)} after {np.median(times):.0f} steps" + (", some never" * bool(never))
                )
        axes.set_xlabel("steps of fine-tuning")
        axes.set_ylabel("mean IoU (1 = perfect)")
        figure.tight_layout()
        end_labels(axes, ends)
    pictures = int(next(iter(runs.values()))["curve_images"])
    caption = (
        f"Mean IoU on {pictures} test pictures during fine-tuning. Lines: mean over seeds ({counts(runs)}); "
        "bands: 95 % t interval over seeds. Dotted: nine tenths of what the encoder-only networks reach."
    )
    reached = f" The level is reached, in the median: {'; '.join(said)}." if said else ""
    return Plate(figure, "segmentation-convergence", caption, f"Rising curves, one a condition.{reached}")
