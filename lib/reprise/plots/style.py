"""One look for every figure: colours with fixed meanings, labels at the ends of lines, intervals over seeds.

Ink is drawn in black and greys and the background left transparent; colours that carry meaning come from
:mod:`reprise.plots.palette`. The book replaces each of them by a CSS variable (``assets/reprise.css``), so
that the same drawing reads well on a dark page.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..engine.statistics import interval_over_seeds
from .palette import CONDITIONS, HEAD, LAYER_RAMP, MATRIX_MAP, layer_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CONDITIONS",
    "FAINT",
    "HEAD",
    "LAYER_RAMP",
    "MATRIX_MAP",
    "MUTED",
    "ON_DARK",
    "ON_LIGHT",
    "WIDTH",
    "Plate",
    "band",
    "book_style",
    "direction",
    "end_labels",
    "layer_colours",
    "level",
    "tick_labels",
]

ON_LIGHT = "#000001"
"""Black for text on a light coloured field, such as a cell of a matrix; the same on light and dark pages."""

ON_DARK = "#fffffe"
"""White for text on a dark coloured field."""

MUTED = "#6e6e6e"
FAINT = "#c8c8c8"
WIDTH = 7.4
"""Width of the text column in inches."""


@dataclass(frozen=True)
class Plate:
    """A figure with what must stand beside it.

    Attributes:
        figure: The drawing.
        name: Id on its page, lower-case with hyphens.
        caption: What it shows, and of what and over what its bands are.
        alt: The figure in words, for readers who do not see it: what is drawn and what it says.
    """

    figure: Figure
    name: str
    caption: str
    alt: str


@contextlib.contextmanager
def book_style() -> Iterator[None]:
    """Matplotlib settings of the book, for the time of the block."""
    import matplotlib

    with matplotlib.rc_context(
        {
            "font.size": 9,
            "font.family": "sans-serif",
            "axes.titlesize": 9.5,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.labelsize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": MUTED,
            "axes.linewidth": 0.8,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": "black",
            "ytick.labelcolor": "black",
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "lines.linewidth": 1.6,
            "svg.fonttype": "none",
        }
    ):
        yield


def band(axes: Axes, x: np.ndarray, values: np.ndarray, colour: str, **line: object) -> np.ndarray:
    """Draw the mean over seeds with its 95 % t interval.

    Args:
        axes: Where.
        x: (points,).
        values: (seeds, points).
        colour: Colour of line and band.
        line: Passed to ``axes.plot``.

    Returns:
        The mean, (points,).
    """
    mean, low, high = interval_over_seeds(values)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, mean, color=colour, **line)  # type: ignore[arg-type]
    return mean


def end_labels(axes: Axes, labels: Sequence[tuple[float, str, str]], gap: float = 0.062) -> None:
    """Write labels right of the axes at the height of their lines, moved apart where they would touch.

    Args:
        axes: Where; its limits must be final.
        labels: (height in data units, text, colour).
        gap: Least distance as a fraction of the axes' height.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [float(np.clip(to_axes.transform((axes.get_xlim()[0], y))[1], 0, 1)) for y, _, _ in labels]
    # Lines that end together keep the order in which they were given.
    order = np.argsort(np.round(heights, 2), kind="stable")
    placed = [heights[i] for i in order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    excess = max(0.0, placed[-1] - 1.02) if placed else 0.0
    for i in range(len(placed) - 1, -1, -1):  # push back down from the top
        limit = 1.02 if i == len(placed) - 1 else placed[i + 1] - gap
        placed[i] = min(placed[i], limit) if excess else placed[i]
    for position, i in zip(placed, order, strict=True):
        _, text, colour = labels[i]
        axes.annotate(
            text, (1.0, position), xycoords="axes fraction", xytext=(5, 0), textcoords="offset points",
            color=colour, va="center", fontsize=8.5, annotation_clip=False,
        )  # fmt: skip


def level(axes: Axes, height: float, text: str) -> None:
    """A dotted horizontal level, such as chance, with its name at the left."""
    axes.axhline(height, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    axes.annotate(
        text, (0.01, height), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points",
        color=MUTED, fontsize=8, va="bottom",
    )  # fmt: skip


def direction(measure_title: str) -> str:
    """Axis label of a change: names the measure and says that 0 is no change."""
    return f"change, 1 − {measure_title} (0 = none)"


def tick_labels(layers: Sequence[str], whole: int = 6) -> list[str]:
    """Names of layers as they fit under an axis.

    Args:
        layers: Names in order, such as ``"encoder1"``.
        whole: Up to how many they are written out. Of more, those that differ in a number alone show the
            number, and the name that they share stands once, below the middle one.
    """
    if len(layers) <= whole:
        return list(layers)
    stems = [name.rstrip("0123456789") for name in layers]
    labels = []
    for i, (name, stem) in enumerate(zip(layers, stems, strict=True)):
        own = [k for k, other in enumerate(stems) if other == stem]
        number = name.removeprefix(stem)
        if len(own) == 1 or not number:
            labels.append(name)
        else:
            labels.append(f"{number}\n{stem}" if i == own[len(own) // 2] else number)
    return labels
