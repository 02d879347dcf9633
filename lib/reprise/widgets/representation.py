"""Representation explorer: any two states that a unit keeps, compared in the page."""

from __future__ import annotations

import anywidget
import numpy as np
import traitlets

from ..plots.palette import matrix_stops
from ..similarity.compare import PAGE_METHODS
from ..similarity.measures import measure_menu
from . import joining
from .states import States

__all__ = ["Representation"]


class Representation(anywidget.AnyWidget):
    """Two states side by side: their RDMs, their similarity with its interval, and the matrix of all states.

    Everything is computed in the page from the Grams that it carries. ``selection`` follows what the reader
    chooses (in JupyterLab it can be read): indices ``a`` and ``b`` of states, ``measure``, ``method``.

    Args:
        states: The states, at most 400.
        a: Index of the first state shown.
        b: Index of the second state shown.
        measure: Id of the measure to begin with.
        pictures: The stimuli, (n, height, width) or (n, height, width, 3) uint8, of the first set; labelled
            tiles stand for them if None.
        title: Heading of the explorer.
        unit: In one line, whose states these are: study, seed, data.

    Raises:
        ValueError: Indices out of range, a measure that does not follow from Grams, or pictures of another
            shape.
    """

    _esm = joining.module("representation")
    _css = joining.style()

    gram = traitlets.Bytes().tag(sync=True)
    mean = traitlets.Bytes().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)
    about = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        states: States,
        a: int = 0,
        b: int = 1,
        measure: str = "rsa-correlation",
        pictures: np.ndarray | None = None,
        title: str = "Compare two states",
        unit: str = "",
    ) -> None:
        for index in (a, b):
            if not 0 <= index < len(states):
                raise ValueError(f"no state {index}; there are 0 to {len(states) - 1}")
        measure_menu([measure])
        packed, shape = pack_pictures(pictures, states.mean.shape[1])
        super().__init__(
            gram=states.gram.tobytes(),
            mean=states.mean.tobytes(),
            pictures=packed,
            about={
                **describe(states),
                "measures": measure_menu(),
                "methods": [{"id": name, "title": text} for name, text in PAGE_METHODS.items()],
                "stops": matrix_stops(),
                "picture": shape,
                "title": title,
                "unit": unit,
            },
            selection={"a": a, "b": b, "measure": measure, "method": "spearman"},
        )


def describe(states: States) -> dict:
    """Everything about states but their numbers, as JSON values."""
    return {
        "columns": [
            {
                "name": column.name,
                "title": column.title,
                "levels": list(column.levels),
                "codes": column.codes.tolist(),
            }
            for column in states.columns
        ],
        "features": states.features.tolist(),
        "sets": states.sets.tolist(),
        "stimuli": [[list(stimulus) for stimulus in group] for group in states.stimuli],
        "n": states.mean.shape[1],
    }


def pack_pictures(pictures: np.ndarray | None, n: int) -> tuple[bytes, list[int] | None]:
    """Pictures as bytes, one after the other, and their height, width and channels; nothing for None.

    Raises:
        ValueError: Not uint8 of shape (n, height, width) or (n, height, width, 3).
    """
    if pictures is None:
        return b"", None
    colour = pictures.ndim == 4 and pictures.shape[-1] == 3
    if pictures.dtype != np.uint8 or not (colour or pictures.ndim == 3) or len(pictures) != n:
        raise ValueError(
            f"pictures must be ({n}, height, width) or ({n}, height, width, 3) uint8, "
            f"got {pictures.shape} {pictures.dtype}"
        )
    return np.ascontiguousarray(pictures).tobytes(), [*pictures.shape[1:3], 3 if colour else 1]
