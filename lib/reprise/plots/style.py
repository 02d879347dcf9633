"""One look for every figure: colours with fixed meanings, labels at the ends of lines, levels, legends.

Ink is drawn in black and greys and the background left transparent; colours that carry meaning come from
:mod:`reprise.plots.palette`. The book replaces each of them by a CSS variable (``assets/reprise.css``), so
that the same drawing reads well on a dark page.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .palette import CONDITIONS, HEAD, LAYER_RAMP, MATRIX_MAP, layer_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CONDITIONS",
    "DOTTED",
    "FAINT",
    "HEAD",
    "LAYER_RAMP",
    "MATRIX_MAP",
    "MUTED",
    "ON_DARK",
    "ON_LIGHT",
    "WIDTH",
    "Plate",
    "book_style",
    "condition_colours",
    "drawing",
    "end_labels",
    "gridlines",
    "layer_colours",
    "legend_above",
    "level",
    "outer_labels",
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

DOTTED = (0, (1, 2))
"""Dashes of levels and nulls."""


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


@contextlib.contextmanager
def drawing(
    rows: int = 1, columns: int = 1, *, height: float, width: float = WIDTH, **settings: Any
) -> Iterator[tuple[Figure, Any]]:
    """A new figure in the book's style, for the time of the block.

    Args:
        rows: Rows of panels.
        columns: Columns of panels.
        height: Height in inches.
        width: Width in inches.
        settings: Passed to ``matplotlib.pyplot.subplots``.

    Yields:
        The figure and its panels: axes, or an array of them, as ``subplots`` returns.
    """
    import matplotlib.pyplot as plt

    with book_style():
        yield plt.subplots(rows, columns, figsize=(width, height), **settings)


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
    axes.axhline(height, color=MUTED, linewidth=1, linestyle=DOTTED)
    axes.annotate(
        text, (0.01, height), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points",
        color=MUTED, fontsize=8, va="bottom",
    )  # fmt: skip


def gridlines(axes: Axes, axis: str = "y") -> None:
    """Faint lines across the values of an axis, behind what is drawn."""
    axes.grid(axis=axis, color=FAINT, linewidth=0.5)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def legend_above(axes: Axes, columns: int = 2, **settings: Any) -> None:
    """The legend over the panel, where it hides nothing."""
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "fontsize": 8.5}
    axes.legend(frameon=False, ncols=columns, **(place | settings))


def outer_labels(grid: np.ndarray, count: int, x: str = "", y: str = "", **settings: Any) -> None:
    """Name the axes of a grid once a column and once a row, and hide the panels that are not used.

    Args:
        grid: (rows, columns) of axes.
        count: How many are used.
        x: Label below the lowest used panel of each column.
        y: Label left of each row.
        settings: Passed to ``set_ylabel``.
    """
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    for axes in grid.flat[max(0, count - grid.shape[1]) : count]:
        axes.set_xlabel(x)
        axes.xaxis.set_tick_params(labelbottom=True)  # also where a panel below shares the axis
    for axes in grid[:, 0]:
        axes.set_ylabel(y, **settings)


def condition_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour a condition, in the order of the book's; yellow, too light for lines, is left out."""
    return {name: CONDITIONS[i % 5] for i, name in enumerate(names)}


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
