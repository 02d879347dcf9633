"""Study 3: its results as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...engine.comparison import summarise
from ...engine.words import markdown_table, number
from . import endpoints, rates
from .contrasts import withdrawn

if TYPE_CHECKING:
    import xarray as xr


def results(runs: Mapping[str, xr.Dataset], reference: str = "segmentation") -> str:
    """A row a condition: quality with 95 % t intervals over seeds, loss, learning rates, steps to S3's level.

    Args:
        runs: Condition → units along ``seed``.
        reference: The encoder-only condition that sets the level; without it, and where rates differ from
            its own, steps are left out.
    """
    head = [
        "started from",
        "n",
        "mean IoU",
        "mean Dice",
        "boundary IoU",
        "training loss",
        "rate",
        "steps to level",
    ]
    rows = []
    for name, run in runs.items():
        qualities = [summarise(run[key].values).spell() for key in ("miou", "dice", "boundary")]
        steps = "–"
        if reference in runs and not withdrawn(run, runs[reference]):
            times, _, never = endpoints.times_to_level(run, runs[reference])
            steps = f"{np.median(times):.0f}" + (f" ({never} never)" if never else "")
        loss = summarise(run["training_loss"].isel(curve_step=-1).values).spell()
        rate = rates.spelled(run)
        rows.append([name, run.sizes["seed"], *qualities, loss, rate, steps])
    return markdown_table(head, rows)


def parts(runs: Mapping[str, xr.Dataset]) -> str:
    """What each transferred part adds: a row a pair of conditions, differences in points of quality.

    Args:
        runs: Condition → units along ``seed``; each is held against the first, the last against every one.

    Returns:
        Means over pairs of one seed with 95 % t intervals, in bold where these leave out 0; no number where
        the two differ in more than their start, see :func:`.contrasts.withdrawn`.
    """
    first, *_, last = names = list(runs)
    pairs = [(name, first) for name in names[1:]] + [(last, name) for name in names[1:-1]]
    rows = []
    for name, other in pairs:
        if why := _withdrawn(runs[name], runs[other]):
            rows.append([f"{name} − {other}", "", why, "", ""])
            continue
        gaps = {
            key: 100 * endpoints.gain(runs[name], runs[other], key) for key in ("miou", "dice", "boundary")
        }
        cells = [summarise(gap).spell_difference(1) for gap in gaps.values()]
        rows.append([f"{name} − {other}", gaps["miou"].size, *cells])
    return markdown_table(["difference, points", "n", "mean IoU", "mean Dice", "boundary IoU"], rows)


def over_nothing(sets: Mapping[str, Mapping[str, xr.Dataset]], nothing: str = "none") -> str:
    """What each start is worth on several sets of pictures: a column a set, a row a start.

    Args:
        sets: Source and target in words → condition → units along ``seed``.
        nothing: The condition that every other is held against; a set without it is left out.

    Returns:
        The trivial level, the points of mean IoU by which the best start is above it, and the quality without
        transfer; then differences to the latter in points: means over pairs of one seed with 95 % t
        intervals, in bold where these leave out 0; a dash for what was not run, no number where the two
        differ in more than their start, see :func:`.contrasts.withdrawn`.
    """
    sets = {pair: runs for pair, runs in sets.items() if nothing in runs}
    bare = [runs[nothing] for runs in sets.values()]
    leads = [
        100 * max(float(endpoints.above_trivial(run).mean()) for run in runs.values())
        for runs in sets.values()
    ]
    rows = [
        ["trivial level", *(number(float(endpoints.trivial_level(run).mean())) for run in bare)],
        ["best start − trivial level", *(number(lead, 1, sign=True) for lead in leads)],
        [nothing, *(summarise(run["miou"].values).spell() for run in bare)],
    ]
    for name in dict.fromkeys(name for runs in sets.values() for name in runs if name != nothing):
        cells = []
        for runs in sets.values():
            if name not in runs:
                cells.append("–")
                continue
            if why := _withdrawn(runs[name], runs[nothing]):
                cells.append(why)
                continue
            gaps = summarise(100 * endpoints.gain(runs[name], runs[nothing]))
            cells.append(f"{gaps.spell_difference(1)}, n = {gaps.n}")
        rows.append([f"{name} − {nothing}", *cells])
    return markdown_table(["", *sets], rows)


def _withdrawn(run: xr.Dataset, other: xr.Dataset) -> str:
    """What stands in place of a number that is withdrawn: the rates, or what else differs; else empty."""
    if not (why := withdrawn(run, other)):
        return ""
    differ = rates.unequal(run, other)
    if differ == ["rate"] or "rates" in differ:
        return f"*withdrawn*: rates {rates.spelled(run)} and {rates.spelled(other)}"
    return f"*withdrawn*: {why}"


CONTRASTS = {
    "encoder − nothing (S1)": ("segmentation", "none"),
    "both − encoder (S2, S3)": ("segmentation, both", "segmentation"),
    "decoder − nothing (S2)": ("segmentation, decoder", "none"),
    "segmentation − classification (S4)": ("segmentation", "classification"),
    "reconstruction − classification (S4)": ("reconstruction", "classification"),
    "proposal − nothing (S6a)": ("contrastive-reconstruction", "none"),
    "proposal − contrast alone (S6b)": ("contrastive-reconstruction", "contrastive"),
}
"""Comparisons that version 1 judged, in words → the two conditions."""


def compared(sets: Mapping[str, Mapping[str, xr.Dataset]]) -> tuple[str, int, int]:
    """At which rates the conditions of each comparison ran: a row a comparison, a column a set of pictures.

    Args:
        sets: Source and target in words → condition → units along ``seed``.

    Returns:
        The table, with a dash for what was not run; how many comparisons are withdrawn; and how many there
        are.
    """
    rows, gone, there = [], 0, 0
    for words, pair in CONTRASTS.items():
        cells = []
        for runs in sets.values():
            if not set(pair) <= set(runs):
                cells.append("–")
                continue
            run, other = (runs[name] for name in pair)
            why = _withdrawn(run, other)
            cells.append(why or f"both {rates.trained_at(run)[0]:g}")
            gone, there = gone + bool(why), there + 1
        rows.append([words, *cells])
    return markdown_table(["comparison", *sets], rows), gone, there


def classes(runs: Mapping[str, xr.Dataset]) -> str:
    """A row a condition: IoU of every class, mean over seeds; a dash where a class does not occur."""
    first = next(iter(runs.values()))
    names = [str(name) for name in first["class_name"].values]
    rows = []
    for name, run in runs.items():
        means = run["class_iou"].mean("seed").values
        cells = [f"{value:.2f}" if np.isfinite(value) else "–" for value in means]
        rows.append([name, *cells])
    return markdown_table(["started from", *names], rows)


def changes(runs: Mapping[str, xr.Dataset]) -> str:
    """A row a condition: change of encoder and decoder, and that minus its null, with 95 % t intervals.

    Args:
        runs: Condition → units along ``seed``.

    Returns:
        Differences to the null are in bold where the interval leaves out 0.
    """
    rows = []
    for name, run in runs.items():
        cells = []
        for part in ("encoder", "decoder"):
            changed, null = (endpoints.part_change(run, part, against=key) for key in ("start", "fresh"))
            cells += [
                summarise(changed.values).spell(2),
                summarise((changed - null).values).spell_difference(2),
            ]
        rows.append([name, run.sizes["seed"], *cells])
    return markdown_table(
        ["started from", "n", "encoder", "encoder − null", "decoder", "decoder − null"], rows
    )
