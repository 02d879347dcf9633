"""Figures of study 3 about quality, each from runs (units along ``seed``) by the name of their condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds
from ...engine.words import number
from ...plots.change import lines
from ...plots.dots import dots, rows
from ...plots.style import CONDITIONS, DOTTED, MUTED, WIDTH, Plate, drawing, end_labels, gridlines, level
from ...plots.words import counts
from . import endpoints
from .contrasts import withdrawn
from .looks import COLOURS, line, rate_words, shape, shape_words, shapes, title

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS", "ablation", "convergence", "label_fractions", "line", "named_ends", "named_levels", "quality",
    "targets", "title",
]  # fmt: skip

Runs = Mapping[str, "xr.Dataset"]

_QUALITIES = {"miou": "mean IoU", "dice": "mean Dice score", "boundary": "mean boundary IoU"}


def quality(runs: Runs, measure: str = "miou") -> Plate:
    """Quality on the test pictures (``"miou"``, ``"dice"`` or ``"boundary"``), a dot a seed."""
    values = {name: run[measure].values.astype(float) for name, run in runs.items()}
    markers = shapes(runs.values())
    with drawing(height=0.36 * len(runs) + 1.1) as (figure, axes):
        means = _rows(axes, list(runs), values, {name: shape(run, markers) for name, run in runs.items()})
        if measure == "miou":
            _baselines(axes, next(iter(runs.values())))
        axes.set_xlabel(f"{_QUALITIES[measure]} on the test pictures (1 = perfect)")
    caption = (
        f"M{_QUALITIES[measure][1:]} on the test pictures after fine-tuning, by what the network started "
        "from; the encoder alone is transferred unless said otherwise. Small dots: seeds "
        f"({counts(*runs.values())}); marks: mean with 95 % t interval over seeds.{shape_words(markers)}"
        + (" Dotted: levels without a network." if measure == "miou" else "")
    )
    alt = f"Dots in rows, one row a condition. Means: {_listed(means, '; ')}."
    return Plate(figure, f"segmentation-{measure}", caption, alt)


def targets(sets: Mapping[str, Runs]) -> Plate:
    """The same comparison on several sets of pictures, named by source and target: a panel a set."""
    names = list(dict.fromkeys(name for runs in sets.values() for name in runs))
    described = []
    markers = shapes(run for runs in sets.values() for run in runs.values())
    with drawing(1, len(sets), height=0.36 * len(names) + 1.2, sharey=True, squeeze=False) as (
        figure,
        ((*panels,),),
    ):
        for axes, (pair, runs) in zip(panels, sets.items(), strict=True):
            values = {name: run["miou"].values.astype(float) for name, run in runs.items()}
            means = _rows(axes, names, values, {name: shape(run, markers) for name, run in runs.items()})
            axes.set_title(pair, fontsize=9)
            axes.set_xlabel("mean IoU")
            axes.locator_params(axis="x", nbins=4)
            described.append(f"{pair}: {_listed(means, ', ')}")
        figure.tight_layout(w_pad=1.5)
    every = [run for runs in sets.values() for run in runs.values()]
    caption = (
        "Mean IoU on the test pictures of each target, on a scale of its own; the encoder alone is "
        f"transferred unless said otherwise. Small dots: seeds ({counts(*every)}); marks: mean with 95 % t "
        f"interval over seeds.{shape_words(markers)}"
    )
    alt = f"Panels of dots in rows, one row a condition. Means: {'; '.join(described)}."
    return Plate(figure, "segmentation-targets", caption, alt)


def ablation(runs: Runs, whole: str = "all") -> Plate:
    """What each term of the proposal adds: quality without it minus that of the whole variant, by seed.

    A variant that ran at another rate than the whole has a row and no number: what it differs by is not the
    term alone.
    """
    others = {name: run for name, run in runs.items() if name != whole}
    apart = [name for name, run in others.items() if withdrawn(run, runs[whole])]
    titles = {name: f"{title(name)} (withdrawn)" if name in apart else title(name) for name in others}
    values = {
        titles[name]: 100 * endpoints.gain(run, runs[whole])
        for name, run in others.items()
        if name not in apart
    }
    with drawing(height=0.36 * len(others) + 1.0) as (figure, axes):
        means = _rows(axes, list(titles.values()), values, colour=CONDITIONS[4])
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=DOTTED)
        axes.set_xlabel("points of mean IoU, variant − all terms (below 0: the term helps)")
    gone = (
        " Withdrawn, because they ran at another learning rate than the whole: "
        f"{', '.join(title(name) for name in apart)}."
    )
    caption = (
        "Contrast with several reconstructions, encoder transferred: what changes without each term. Small "
        f"dots: seeds, each paired with its own full variant ({counts(*runs.values())}); marks: mean with "
        f"95 % t interval.{gone * bool(apart)}"
    )
    described = "; ".join(f"{name} {number(mean, 1, sign=True)}" for name, mean in means.items())
    alt = f"Differences in points of mean IoU: {described or 'none that may be drawn'}.{gone * bool(apart)}"
    return Plate(figure, "segmentation-ablation", caption, alt)


def label_fractions(runs: Mapping[str, Mapping[float, xr.Dataset]]) -> Plate:
    """Quality against the share of the target's labels, a line an encoder and a dot a seed.

    The axis spans the seeds; of three seeds an interval may reach further, and is cut off there.

    Args:
        runs: Pre-training → share of the labels → units along ``seed``.
    """
    every = [run for by_share in runs.values() for run in by_share.values()]
    shares = sorted({share for by_share in runs.values() for share in by_share})
    means, described, reach, markers = {}, [], [], shapes(every)
    with drawing(width=WIDTH * 0.82, height=3.3) as (figure, axes):
        # A little beside each other, or bars would hide each other.
        shifts = np.geomspace(0.85, 1.18, len(runs))
        for shift, (name, by_share) in zip(shifts, runs.items(), strict=True):
            own, look = sorted(by_share), line(name)
            values = [by_share[share]["miou"].values for share in own]
            mean, low, high = np.array([interval_over_seeds(of_seeds) for of_seeds in values], float).T
            axes.errorbar(
                np.array(own) * shift, mean, np.nan_to_num([mean - low, high - mean]), elinewidth=1, **look
            )
            for share, of_seeds, height in zip(own, values, mean, strict=True):
                marker = shape(by_share[share], markers)
                axes.plot(share * shift, height, marker, markersize=4.5, color=look["color"])
                place = np.full(of_seeds.size, share * shift * 1.025)
                axes.plot(place, of_seeds, ".", markersize=3.5, alpha=0.7, color=look["color"])
            reach += [*low, *high]
            means[name] = mean
            described.append(f"{title(name)} " + ", ".join(f"{height:.3f}" for height in mean))
        axes.set_xscale("log")
        axes.set_xticks(shares, [f"{share:.0%}" for share in shares])
        axes.minorticks_off()
        axes.set_xlabel("share of the target's training pictures")
        axes.set_ylabel("mean IoU (1 = perfect)")
        seen = np.concatenate([run["miou"].values for run in every]).astype(float)
        margin = max(0.01, 0.06 * np.ptp(seen))
        bottom, top = axes.set_ylim(seen.min() - margin, seen.max() + margin)
        levels = named_levels(every[0])
        beyond = [f"{text} {height:.3f}" for height, text in levels if not bottom <= height <= top]
        for height, text in levels:
            if bottom <= height <= top:
                level(axes, height, text)
        figure.tight_layout()
        end_labels(axes, named_ends(means))
    cut = any(end < bottom or end > top for end in reach)  # NaN of a single seed is neither
    caption = (
        "Mean IoU on the test pictures against the share of the target's labels, for every encoder. Marks: "
        f"mean over seeds ({counts(*every)}); small dots: seeds; bars: 95 % t interval over seeds"
        f"{', cut off at the edge' * cut}.{shape_words(markers)} Dotted: levels without a network"
        f"{', in part beyond the axis: ' * bool(beyond)}{', '.join(beyond)}."
    )
    spelled = ", ".join(f"{share:.0%}" for share in shares)
    alt = f"Lines of quality against {spelled} of the labels: {'; '.join(described)}."
    return Plate(figure, "segmentation-fractions", caption, alt)


def convergence(runs: Runs, reference: str = "segmentation") -> Plate:
    """Learning curves of fine-tuning, with the level that is timed: the encoder-only condition sets it."""
    first, described = next(iter(runs.values())), []
    curves = {name: run["curve_miou"] for name, run in runs.items()}
    with drawing(width=WIDTH * 0.82, height=3.3) as (figure, axes):
        means = lines(axes, curves, "curve_step", {name: line(name) for name in runs})
        axes.set_xlim(0, float(first["curve_step"][-1]))
        axes.set_ylim(bottom=0)
        if reference in runs:
            height = endpoints.LEVEL * float(runs[reference]["curve_miou"].isel(curve_step=-1).mean())
            axes.axhline(height, color=MUTED, linewidth=1, linestyle=DOTTED)
            # At the right and below, where curves that have risen do not cross it.
            axes.annotate(
                f"90 % of {title(reference)}, encoder alone", (0.99, height),
                xycoords=("axes fraction", "data"), xytext=(0, -3), textcoords="offset points", color=MUTED,
                fontsize=8, va="top", ha="right",
            )  # fmt: skip
            for name, run in runs.items():
                if withdrawn(run, runs[reference]):
                    continue
                times, _, never = endpoints.times_to_level(run, runs[reference])
                described.append(
                    f"{title(name)} after {np.median(times):.0f} steps" + ", some never" * bool(never)
                )
        axes.set_xlabel("steps of fine-tuning")
        axes.set_ylabel("mean IoU (1 = perfect)")
        figure.tight_layout()
        end_labels(axes, named_ends(means))
    caption = (
        f"Mean IoU on {int(first['curve_images'])} test pictures during fine-tuning. Lines: mean over seeds "
        f"({counts(*runs.values())}); bands: 95 % t interval over seeds. Dotted: nine tenths of what the "
        f"encoder-only networks reach.{rate_words(runs)}"
    )
    reached = f" The level is reached, in the median: {'; '.join(described)}." if described else ""
    return Plate(figure, "segmentation-convergence", caption, f"Rising curves, one a condition.{reached}")


def _rows(
    axes: Axes,
    names: Sequence[str],
    values: Mapping[str, np.ndarray],
    markers: Mapping[str, str] | None = None,
    colour: str | None = None,
) -> dict[str, float]:
    """A row a name, from top to bottom: a dot a seed, and the mean with its interval; returns the means."""
    means = {}
    for y, name in enumerate(reversed(names)):
        if name in values:
            own, tone = values[name], colour or line(name)["color"]
            fmt = (markers or {}).get(name, "o")
            axes.plot(own, np.full(own.size, y - 0.18), fmt, color=tone, markersize=3, alpha=0.6, linewidth=0)
            dots(axes, y + 0.12, own, across=True, fmt=fmt, color=tone, markersize=6, elinewidth=1.4)
            means[name] = float(own.mean())
    rows(axes, [title(name) for name in reversed(names)], upwards=True)
    axes.spines["left"].set_visible(False)
    gridlines(axes, "x")
    return {name: means[name] for name in names if name in means}


def _listed(means: Mapping[str, float], between: str) -> str:
    return between.join(f"{title(name)} {mean:.3f}" for name, mean in means.items())


def named_ends(means: Mapping[str, np.ndarray]) -> list[tuple[float, str, str]]:
    """Titles of conditions at the ends of their lines, for :func:`~reprise.plots.style.end_labels`."""
    return [(float(mean[-1]), title(name), line(name)["color"]) for name, mean in means.items()]


def named_levels(run: xr.Dataset) -> list[tuple[float, str]]:
    """Mean IoU without a network, and what it is called."""
    words = {"majority": "commonest class", "threshold": "one threshold", "otsu": "Otsu's threshold"}
    values = run["baseline"].isel(seed=0)
    levels = [(float(values.sel(baseline_name=name)), text) for name, text in words.items()]
    return [(height, text) for height, text in levels if np.isfinite(height)]


def _baselines(axes: Axes, run: xr.Dataset) -> None:
    for position, text in named_levels(run):
        axes.axvline(position, color=MUTED, linewidth=1, linestyle=DOTTED)
        axes.annotate(
            text, (position, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", color=MUTED, fontsize=8, ha="center",
        )  # fmt: skip
