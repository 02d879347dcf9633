"""Dynamics explorer: change per layer over training, with a cursor that moves an RDM and its map."""

from __future__ import annotations

from collections.abc import Sequence

import anywidget
import numpy as np
import traitlets

from ..plots.palette import CONDITIONS, layer_colours, matrix_stops
from . import joining
from .curves import Curves
from .menus import measure_menu
from .representation import describe, pack_pictures
from .states import States

__all__ = ["Dynamics"]


class Dynamics(anywidget.AnyWidget):
    """Change of every layer over training with its band over seeds, and the state at the cursor.

    Args:
        curves: What is drawn.
        states: States before adaptation or during training, for the RDM and the map; none if None.
        at: Position in training of each of these states, in the units of ``curves.x``.
        reference: Index of the reference to begin with.
        pictures: As for the representation explorer.
        title: Heading of the explorer.
        unit: In one line, what it shows: study, data, seeds.

    Raises:
        ValueError: States without a column ``layer`` or without a position each; no such reference.
    """

    _esm = joining.module("dynamics")
    _css = joining.style()

    change = traitlets.Bytes().tag(sync=True)
    levels = traitlets.Bytes().tag(sync=True)
    gram = traitlets.Bytes().tag(sync=True)
    mean = traitlets.Bytes().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)
    about = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        curves: Curves,
        states: States | None = None,
        at: Sequence[float] | np.ndarray | None = None,
        reference: int = 0,
        pictures: np.ndarray | None = None,
        title: str = "Change over training",
        unit: str = "",
    ) -> None:
        if not 0 <= reference < len(curves.references):
            raise ValueError(f"no reference {reference}; there are 0 to {len(curves.references) - 1}")
        colours = layer_colours(curves.layers)
        packed, shape = pack_pictures(
            None if states is None else pictures, 0 if states is None else states.mean.shape[1]
        )
        super().__init__(
            change=curves.change.tobytes(),
            levels=b"".join(level.values.tobytes() for level in curves.levels),
            gram=b"" if states is None else states.gram.tobytes(),
            mean=b"" if states is None else states.mean.tobytes(),
            pictures=packed,
            about={
                "references": list(curves.references),
                "reference": reference,
                "measures": measure_menu(list(curves.measures)),
                "seeds": list(curves.seeds),
                "layers": [{"name": name, "colour": colours[name]} for name in curves.layers],
                "x": curves.x.tolist(),
                "x_title": curves.x_title,
                "levels": [{"title": level.title, "kind": level.kind} for level in curves.levels],
                "quantiles": t_quantiles(len(curves.seeds)),
                "states": None
                if states is None
                else describe(states) | {"frames": _frames(curves, states, at)},
                "classes": list(CONDITIONS[:5]),
                "stops": matrix_stops(),
                "picture": shape,
                "title": title,
                "unit": unit,
            },
        )


def t_quantiles(seeds: int) -> list[float]:
    """Factor of the standard error of a 95 % t interval, for 2, 3, … seeds."""
    from scipy import stats

    return [float(stats.t.ppf(0.975, n - 1)) for n in range(2, seeds + 1)]


def _frames(
    curves: Curves, states: States, at: Sequence[float] | np.ndarray | None
) -> list[list[list[float]]]:
    """For each layer its states in order: [position, index]."""
    column = next((column for column in states.columns if column.name == "layer"), None)
    if column is None or at is None or len(at) != len(states):
        raise ValueError("states need a column layer, and a position each")
    frames = []
    for layer in curves.layers:
        code = column.levels.index(layer) if layer in column.levels else -1
        chosen = [i for i in range(len(states)) if column.codes[i] == code]
        frames.append(sorted([float(at[i]), i] for i in chosen))
    return frames
