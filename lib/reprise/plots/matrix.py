"""A matrix of values as colours, with numbers that can be read on every one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import MATRIX_MAP, ON_DARK, ON_LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


def matrix(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    *,
    spelling: Callable[[float], str] | None = None,
    written: np.ndarray | None = None,
    limit: float = 1.0,
    **settings: Any,
) -> AxesImage:
    """Draw a matrix, on request with its numbers.

    Limits are fixed, so that matrices of different layers, seeds and pages can be compared.

    Args:
        axes: Where.
        values: (rows, columns).
        rows: Their names; none if empty.
        columns: Likewise.
        spelling: Writes a number, such as ``"{:.2f}".format``; no numbers if None.
        written: Where they are, boolean (rows, columns); everywhere if None.
        limit: Value at the upper end of the map; the lower end is 0.
        settings: Passed to ``axes.imshow``.
    """
    settings = {"aspect": "auto", "interpolation": "none"} | settings
    image = axes.imshow(values, cmap=MATRIX_MAP, vmin=0, vmax=limit, **settings)
    if rows:
        axes.set_yticks(range(len(rows)), list(rows))
    if columns:
        axes.set_xticks(range(len(columns)), list(columns))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if spelling:
        for row, column in np.argwhere(np.ones(values.shape, bool) if written is None else written):
            text = spelling(float(values[row, column]))
            write(axes, image, row, column, text, ha="center", fontsize=8.5)
    return image


def write(axes: Axes, image: AxesImage, row: int, column: int, text: str, **settings: Any) -> None:
    """Write into a cell, in the ink that stands out from its own colour, wherever the map is dark."""
    values = np.ma.getdata(image.get_array())  # type: ignore[arg-type]
    red, green, blue, _ = image.cmap(image.norm(values[row, column]))  # type: ignore[misc]
    ink = ON_LIGHT if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else ON_DARK
    axes.text(column, row, text, va="center", color=ink, **settings)


def colour_bar(figure: Figure, image: AxesImage, panels: np.ndarray, label: str, **settings: Any) -> None:
    """The scale of matrices, below them unless asked for elsewhere."""
    place = {"location": "bottom", "shrink": 0.7, "aspect": 40} | settings
    bar = figure.colorbar(image, ax=panels.ravel().tolist(), **place)
    bar.set_label(label)
    bar.outline.set_visible(False)  # type: ignore[operator]
