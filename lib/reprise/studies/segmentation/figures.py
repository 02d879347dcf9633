"""Figures of study 3 about quality: each from runs by the name of their condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...engine.words import number
from ...plots.style import CONDITIONS, FAINT, MUTED, WIDTH, Plate, book_style
from . import endpoints

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
        runs: Condition → units along ``seed``.
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
        f"M{_QUALITIES[measure][1:]} on the test pictures after fine-tuning, by what the network started "
        "from; the encoder alone is transferred unless said otherwise. Small dots: seeds "
        f"({counts(runs)}); marks: mean with 95 % t interval over seeds."
        + " Dotted: levels without a network."
        * (measure == "miou")
    )
    said = "; ".join(f"{title(name)} {mean:.3f}" for name, mean in means.items())
    return Plate(
        figure, f"segmentation-{measure}", caption, f"Dots in rows, one row a condition. Means: {said}."
    )


def targets(sets: Mapping[str, Runs]) -> Plate:
    """The same comparison on several sets of pictures side by side, a panel a set.

    Args:
        sets: Source and target in words → condition → units along ``seed``.
    """
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name for runs in sets.values() for name in runs))
    said = []
    with book_style():
        figure, panels = plt.subplots(
            1, len(sets), figsize=(WIDTH, 0.36 * len(names) + 1.2), sharey=True, squeeze=False
        )
        for axes, (pair, runs) in zip(panels[0], sets.items(), strict=True):
            values = [
                runs[name]["miou"].values.astype(float) if name in runs else np.empty(0) for name in names
            ]
            _rows(axes, [title(name) for name in names], values, [line(name)["color"] for name in names])
            axes.set_title(pair, fontsize=9)
            axes.set_xlabel("mean IoU")
            axes.locator_params(axis="x", nbins=4)
            means = [
                f"{title(name)} {one.mean():.3f}" for name, one in zip(names, values, strict=True) if one.size
            ]
            said.append(f"{pair}: {', '.join(means)}")
        figure.tight_layout(w_pad=1.5)
    every = {f"{pair}, {name}": run for pair, runs in sets.items() for name, run in runs.items()}
    caption = (
        "Mean IoU on the test pictures of each target, on a scale of its own; the encoder alone is "
        f"transferred unless said otherwise. Small dots: seeds ({counts(every)}); marks: mean with 95 % t "
        "interval over seeds."
    )
    alt = f"Panels of dots in rows, one row a condition. Means: {'; '.join(said)}."
    return Plate(figure, "segmentation-targets", caption, alt)


def ablation(runs: Runs, whole: str = "all") -> Plate:
    """What each term of the proposal adds: the quality without it minus that of the whole, seed by seed.

    Args:
        runs: Variant → units along ``seed``.
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
        f"dots: seeds, each paired with its own full variant ({counts(runs)}); marks: mean with 95 % t "
        "interval."
    )
    said = "; ".join(
        f"{name} {number(one.mean(), 1, sign=True)}" for name, one in zip(names, values, strict=True)
    )
    return Plate(figure, "segmentation-ablation", caption, f"Differences in points of mean IoU: {said}.")


def _rows(axes: Axes, names: Sequence[str], values: Sequence[np.ndarray], colours: Sequence[str]) -> None:
    """A row a condition, from top to bottom: a dot a seed, and the mean with its interval."""
    for row, (one, colour) in enumerate(zip(values, colours, strict=True)):
        y = len(names) - 1 - row
        if not one.size:
            continue
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
    values = run["baseline"].isel(seed=0)
    found = [(float(values.sel(baseline_name=name)), text) for name, text in words.items()]
    return [(height, text) for height, text in found if np.isfinite(height)]


def _baselines(axes: Axes, run: xr.Dataset) -> None:
    for position, text in named_levels(run):
        axes.axvline(position, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate(
            text, (position, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", color=MUTED, fontsize=8, ha="center",
        )  # fmt: skip


def counts(runs: Runs) -> str:
    """How many seeds there are of runs: ``n = 5``, or from the fewest to the most."""
    found = sorted({run.sizes["seed"] for run in runs.values()})
    return f"n = {found[0]}" if len(found) == 1 else f"n = {found[0]} to {found[-1]}"
