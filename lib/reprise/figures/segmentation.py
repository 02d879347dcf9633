"""Figures of study 3 about quality: each from runs by the name of their condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..studies.segmentation import endpoints
from .style import (
    CONDITIONS,
    FAINT,
    MUTED,
    WIDTH,
    Plate,
    band,
    book_style,
    end_labels,
    interval_over_seeds,
    level,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

Runs = Mapping[str, "xr.Dataset"]

COLOURS = {
    "none": MUTED,
    "segmentation": CONDITIONS[0],
    "classification": CONDITIONS[1],
    "reconstruction": CONDITIONS[2],
    "contrastive": CONDITIONS[3],
    "contrastive-reconstruction": CONDITIONS[4],
    "imagenet": CONDITIONS[5],
}
"""Colour of each pre-training, everywhere in study 3."""

TITLES = {"none": "no transfer", "contrastive-reconstruction": "contrast + reconstructions"}
_DASHES = {"decoder": (0, (1, 1.5)), "both": (0, (4, 2))}
_QUALITIES = {"miou": "mean IoU", "dice": "mean Dice score", "boundary": "mean boundary IoU"}


def title(name: str) -> str:
    """What a condition is called in figures."""
    pretext, _, parts = name.partition(", ")
    return TITLES.get(pretext, pretext) + (f", {parts}" if parts else "")


def line(name: str) -> dict:
    """Colour and dashes of a condition: the colour of its pre-training, the dashes of what is transferred."""
    pretext, _, parts = name.partition(", ")
    return {"color": COLOURS.get(pretext, MUTED), "linestyle": _DASHES.get(parts, "-")}


def quality(runs: Runs, measure: str = "miou") -> Plate:
    """Quality on the test pictures from every initialisation, a dot a seed.

    Args:
        runs: Condition → units along ``unit``.
        measure: ``"miou"``, ``"dice"`` or ``"boundary"``.
    """
    import matplotlib.pyplot as plt

    names = list(runs)
    values = [runs[name][measure].values.astype(float) for name in names]
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.36 * len(names) + 1.1))
        _rows(axes, [title(name) for name in names], values, [line(name)["color"] for name in names])
        if measure == "miou":
            _baselines(axes, next(iter(runs.values())))
        axes.set_xlabel(f"{_QUALITIES[measure]} on the test pictures (1 = perfect)")
    means = {name: float(one.mean()) for name, one in zip(names, values, strict=True)}
    caption = (
        f"{_QUALITIES[measure].capitalize()} on the test pictures after fine-tuning, by what the network "
        f"started from; the encoder alone is transferred unless said otherwise. Small dots: seeds "
        f"({_counts(runs)}); marks: mean with 95 % t interval over seeds. Dotted: levels without a network."
    )
    said = "; ".join(f"{title(name)} {mean:.3f}" for name, mean in means.items())
    return Plate(
        figure, f"segmentation-{measure}", caption, f"Dots in rows, one row a condition. Means: {said}."
    )


def label_fractions(runs: Mapping[str, Mapping[float, xr.Dataset]]) -> Plate:
    """Quality against the share of the target's labels, a line an encoder.

    Args:
        runs: Pre-training → share of the labels → units along ``unit``.
    """
    import matplotlib.pyplot as plt

    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.82, 3.3))
        ends, said = [], []
        shares = sorted({share for by_share in runs.values() for share in by_share})
        # A little beside each other, or bars would hide each other.
        shifts = np.geomspace(0.94, 1.06, len(runs))
        for shift, (name, by_share) in zip(shifts, runs.items(), strict=True):
            own = sorted(by_share)
            stats = [interval_over_seeds(by_share[share]["miou"].values) for share in own]
            mean, low, high = (np.array(one, float) for one in zip(*stats, strict=True))
            errors = np.nan_to_num([mean - low, high - mean])
            axes.errorbar(
                np.array(own) * shift, mean, errors, marker="o", markersize=4, elinewidth=1, **line(name)
            )
            ends.append((mean[-1], title(name), line(name)["color"]))
            said.append(f"{title(name)} " + ", ".join(f"{m:.3f}" for m in mean))
        axes.set_xscale("log")
        axes.set_xticks(shares, [f"{share:.0%}" for share in shares])
        axes.minorticks_off()
        axes.set_xlabel("share of the target's training pictures")
        axes.set_ylabel("mean IoU (1 = perfect)")
        _levels(axes, next(iter(next(iter(runs.values())).values())))
        figure.tight_layout()
        end_labels(axes, ends)
    every = {f"{name} {share}": run for name, by in runs.items() for share, run in by.items()}
    caption = (
        "Mean IoU on the test pictures against the share of the target's labels, for every encoder. Marks: "
        f"mean over seeds ({_counts(every)}); bars: 95 % t interval over seeds. Dotted: levels without a "
        "network."
    )
    alt = (
        f"Lines of quality against {', '.join(f'{s:.0%}' for s in shares)} of the labels: {'; '.join(said)}."
    )
    return Plate(figure, "segmentation-fractions", caption, alt)


def convergence(runs: Runs, reference: str = "segmentation") -> Plate:
    """Learning curves of fine-tuning, with the level whose reaching is timed.

    Args:
        runs: Condition → units along ``unit``.
        reference: The encoder-only condition that sets the level.
    """
    import matplotlib.pyplot as plt

    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.82, 3.3))
        ends, said = [], []
        for name, run in runs.items():
            style = line(name)
            values = run["curve_miou"].transpose("unit", "curve_step").values
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
        f"Mean IoU on {pictures} test pictures during fine-tuning. Lines: mean over seeds ({_counts(runs)}); "
        "bands: 95 % t interval over seeds. Dotted: nine tenths of what the encoder-only networks reach."
    )
    reached = f" The level is reached, in the median: {'; '.join(said)}." if said else ""
    return Plate(figure, "segmentation-convergence", caption, f"Rising curves, one a condition.{reached}")


def ablation(runs: Runs, whole: str = "all") -> Plate:
    """What each term of the proposal adds: the quality without it minus that of the whole, seed by seed.

    Args:
        runs: Variant → units along ``unit``.
        whole: Name of the variant with all terms.
    """
    import matplotlib.pyplot as plt

    names = [name for name in runs if name != whole]
    values = [100 * endpoints.gain(runs[name], runs[whole]) for name in names]
    with book_style():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.36 * len(names) + 1.0))
        _rows(axes, names, values, [CONDITIONS[4]] * len(names))
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        axes.set_xlabel("points of mean IoU, variant − all terms (below 0: the term helps)")
    caption = (
        "Contrast with several reconstructions, encoder transferred: what changes without each term. Small "
        f"dots: seeds, each paired with its own full variant ({_counts(runs)}); marks: mean with 95 % t "
        "interval."
    )
    said = "; ".join(f"{name} {one.mean():+.1f}" for name, one in zip(names, values, strict=True))
    return Plate(figure, "segmentation-ablation", caption, f"Differences in points of mean IoU: {said}.")


def _rows(axes: Axes, names: Sequence[str], values: Sequence[np.ndarray], colours: Sequence[str]) -> None:
    """A row a condition, from top to bottom: a dot a seed, and the mean with its interval."""
    for row, (one, colour) in enumerate(zip(values, colours, strict=True)):
        y = len(names) - 1 - row
        mean, low, high = (float(x) for x in interval_over_seeds(one))
        axes.plot(one, np.full(len(one), y - 0.18), "o", color=colour, markersize=3, alpha=0.6, linewidth=0)
        errors = np.nan_to_num([[mean - low], [high - mean]])
        axes.errorbar([mean], [y + 0.12], xerr=errors, fmt="o", color=colour, markersize=6, elinewidth=1.4)
    axes.set_yticks(range(len(names)), list(reversed(list(names))))
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def named_levels(run: xr.Dataset) -> list[tuple[float, str]]:
    """Mean IoU without a network, and what it is called."""
    words = {"majority": "commonest class", "threshold": "one threshold", "otsu": "Otsu's threshold"}
    values = run["baseline"].isel(unit=0)
    found = [(float(values.sel(baseline_name=name)), text) for name, text in words.items()]
    return [(height, text) for height, text in found if np.isfinite(height)]


def _baselines(axes: Axes, run: xr.Dataset) -> None:
    for position, text in named_levels(run):
        axes.axvline(position, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate(
            text, (position, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", color=MUTED, fontsize=8, ha="center",
        )  # fmt: skip


def _levels(axes: Axes, run: xr.Dataset) -> None:
    for height, text in named_levels(run):
        level(axes, height, text)


def _counts(runs: Runs) -> str:
    counts = sorted({run.sizes["unit"] for run in runs.values()})
    return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
