"""The case of the rate: one difference, and what of it is the start's and what the learning rate's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import interval_over_seeds, paired
from ...engine.words import number, with_interval
from ...plots.dots import dots, rows
from ...plots.style import CONDITIONS, DOTTED, MUTED, Plate, drawing, gridlines
from ...plots.words import counts
from . import endpoints
from .contrasts import withdrawn
from .rates import trained_at

if TYPE_CHECKING:
    import xarray as xr


def split(
    encoder: xr.Dataset, nothing: xr.Dataset, equal: xr.Dataset, quality: str = "miou"
) -> dict[str, np.ndarray]:
    """A difference between two conditions at different rates, and its two parts, in points, seed by seed.

    Args:
        encoder: Units along ``seed``, the encoder transferred.
        nothing: Nothing transferred, at another rate.
        equal: Nothing transferred, at the encoder's rate.
        quality: ``"miou"``, ``"dice"`` or ``"boundary"``.

    Returns:
        ``"both"``, ``"start"`` and ``"rate"``, each (seeds,) for the seeds that all three have; the first is
        the sum of the others.

    Raises:
        ValueError: The last two runs are not what they should be: the third differs from the first in more
            than its start, or ran at the second's rate.
    """
    if why := withdrawn(encoder, equal):
        raise ValueError(why)
    if trained_at(equal) == trained_at(nothing):
        raise ValueError("both networks without transfer ran at one rate: there is nothing to split")
    encoder, nothing, equal = paired(encoder, nothing, equal)
    pairs = {"both": (encoder, nothing), "start": (encoder, equal), "rate": (equal, nothing)}
    return {name: 100 * endpoints.gain(*pair, quality) for name, pair in pairs.items()}


def spelled(values: np.ndarray) -> str:
    """Mean over seeds with its 95 % interval, in points: ``+3.0 [0.8, 5.3]``."""
    mean, low, high = (float(x) for x in interval_over_seeds(values))
    return f"{'+' if mean > 0 else ''}{with_interval(mean, low, high, 1)}"


def rate_case(encoder: xr.Dataset, nothing: xr.Dataset, equal: xr.Dataset) -> Plate:
    """The difference as it was published, at equal rates, and of the rate alone: a row each, a dot a seed.

    Args:
        encoder: Units along ``seed``, the encoder transferred.
        nothing: Nothing transferred, at another rate.
        equal: Nothing transferred, at the encoder's rate.
    """
    values = split(encoder, nothing, equal)
    own, other = (f"{trained_at(run)[0]:g}" for run in (encoder, nothing))
    titles = {
        "both": f"as judged: encoder at {own}\n− no transfer at {other}",
        "start": f"the start: encoder\n− no transfer, both at {own}",
        "rate": f"the rate: no transfer\nat {own} − at {other}",
    }
    colours = {"both": MUTED, "start": CONDITIONS[0], "rate": CONDITIONS[1]}
    with drawing(height=2.9) as (figure, axes):
        for y, (name, of_seeds) in enumerate(values.items()):
            axes.plot(of_seeds, np.full(of_seeds.size, y - 0.16), "o", color=colours[name], markersize=3.5,
                      alpha=0.7, linewidth=0)  # fmt: skip
            dots(axes, y + 0.12, of_seeds, across=True, color=colours[name], markersize=6.5, elinewidth=1.6)
            axes.annotate(
                spelled(of_seeds), (float(of_seeds.mean()), y + 0.12), xytext=(0, -7),
                textcoords="offset points", color=colours[name], fontsize=8.5, ha="center", va="top",
            )  # fmt: skip
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=DOTTED)
        rows(axes, list(titles.values()))
        axes.spines["left"].set_visible(False)
        gridlines(axes, "x")
        axes.set_xlabel("points of mean IoU")
    caption = (
        "One published difference and its two parts, which add up seed by seed. Small dots: seeds "
        f"({counts(*paired(encoder, nothing, equal))}); marks: mean with 95 % t interval over seeds. Dotted: "
        "no difference."
    )
    described = "; ".join(f"{titles[name].replace(chr(10), ' ')} {spelled(v)}" for name, v in values.items())
    return Plate(
        figure, "segmentation-rate", caption, f"Dots in three rows. In points of mean IoU: {described}."
    )


def candidates(encoder: xr.Dataset, nothing: xr.Dataset) -> list[list[str]]:
    """How the two rates came about: validation mean IoU of each candidate after the short run of one seed.

    Returns:
        A row a condition: its name, the quality at each rate in order, the one that was chosen in bold.
    """
    found = []
    for name, run in (("encoder transferred", encoder), ("no transfer", nothing)):
        unit = run.isel(seed=0)
        scores, chosen = unit["choice_miou"].values.astype(float), trained_at(run)[0]
        known = [float(f"{rate:.6g}") for rate in unit["candidate_rate"].values.ravel().tolist()]
        cells = [number(score) for score in scores.ravel()]
        found.append(
            [name, *(f"**{c}**" if rate == chosen else c for rate, c in zip(known, cells, strict=True))]
        )
    return found
