"""What conditions of study 3 are called and look like: a colour a pre-training, a shape a learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...plots.style import CONDITIONS, MUTED
from .rates import trained_at

if TYPE_CHECKING:
    import xarray as xr

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
_SHAPES = {"o": "circles", "s": "squares", "D": "diamonds", "^": "triangles", "v": "triangles downwards"}


def title(name: str) -> str:
    """What a condition is called in figures."""
    pretext, _, parts = name.partition(", ")
    return TITLES.get(pretext, pretext) + (f", {parts}" if parts else "")


def line(name: str) -> dict:
    """Colour and dashes of a condition: the colour of its pre-training, the dashes of what is transferred."""
    pretext, _, parts = name.partition(", ")
    return {"color": COLOURS.get(pretext, MUTED), "linestyle": _DASHES.get(parts, "-")}


def shapes(runs: Iterable[xr.Dataset]) -> dict[float, str]:
    """A marker for each rate that conditions were trained at; empty where all had one.

    Where replicates choose their own rates, the choice is the same for every condition: empty too.
    """
    runs = list(runs)
    found = sorted({rate for run in runs for rate in trained_at(run)})
    if len(found) < 2 or any("rate_miou" in run for run in runs):
        return {}
    return dict(zip(found, list(_SHAPES) * len(found), strict=False))


def shape(run: xr.Dataset, markers: Mapping[float, str]) -> str:
    """The marker of a run, see :func:`shapes`."""
    return markers.get(trained_at(run)[0], "o")


def shape_words(markers: Mapping[float, str]) -> str:
    """What the markers mean, a sentence for a caption; empty where there is one."""
    if not markers:
        return ""
    spelled = ", ".join(f"{_SHAPES[marker]} {rate:g}" for rate, marker in markers.items())
    return f" Shape: learning rate ({spelled}). Only marks of one shape differ in nothing but their start."


def rate_words(runs: Mapping[str, xr.Dataset]) -> str:
    """Which condition was trained at which rate, a sentence for a caption; empty where all had one."""
    by_rate = {
        rate: [title(name) for name, run in runs.items() if rate in trained_at(run)]
        for rate in shapes(runs.values())
    }
    if not by_rate:
        return ""
    spelled = "; ".join(f"{rate:g} for {' and '.join(names)}" for rate, names in by_rate.items())
    return f" Learning rates differ: {spelled}. Across rates, lines differ in more than their start."
