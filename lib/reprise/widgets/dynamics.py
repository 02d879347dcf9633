"""Dynamics explorer: change per layer over training, with a cursor that moves an RDM and its map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import anywidget
import numpy as np
import traitlets

from ..plots.palette import CONDITIONS, layer_colours, matrix_stops
from ..similarity.measures import measure_menu, on_pages
from . import joining
from .representation import describe, pack_pictures
from .states import States

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Dynamics"]


class Dynamics(anywidget.AnyWidget):
    """Change of every layer over training with its band over seeds, and the state at the cursor.

    Args:
        changes: What is drawn, as :func:`reprise.engine.changes.changes_from` makes it; measures that pages
            do not compute are left out.
        ceilings: Level in words → change that noise alone allows, along ``seed``, ``measure`` and ``layer``;
            the null levels are the last change from each null reference.
        states: States before adaptation or during training, for the RDM and the map; none if None.
        at: Position in training of each of these states, as ``changes`` counts them.
        reference: The reference to begin with; the primary one if None.
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
        changes: xr.DataArray,
        ceilings: Mapping[str, xr.DataArray] | None = None,
        states: States | None = None,
        at: Sequence[float] | np.ndarray | None = None,
        reference: str | None = None,
        pictures: np.ndarray | None = None,
        title: str = "Change over training",
        unit: str = "",
    ) -> None:
        measures = [name for name in changes["measure"].values.tolist() if name in on_pages()]
        changes = changes.sel(measure=measures)
        references, layers = (changes[name].values.tolist() for name in ("reference", "layer"))
        reference = changes.attrs["primary"] if reference is None else reference
        if reference not in references:
            raise ValueError(f"no reference {reference!r}; there are: {', '.join(references)}")
        levels = {name: ("null", changes.sel(reference=name).isel(at=-1)) for name in changes.attrs["nulls"]}
        levels |= {
            name: ("ceiling", values.sel(measure=measures)) for name, values in (ceilings or {}).items()
        }
        colours = layer_colours(layers)
        packed, shape = pack_pictures(
            None if states is None else pictures, 0 if states is None else states.mean.shape[1]
        )
        super().__init__(
            change=_packed(changes, "reference", *_LEVEL, "at"),
            levels=b"".join(_packed(values, *_LEVEL) for _, values in levels.values()),
            gram=b"" if states is None else states.gram.tobytes(),
            mean=b"" if states is None else states.mean.tobytes(),
            pictures=packed,
            about={
                "references": references,
                "reference": references.index(reference),
                "measures": measure_menu(measures),
                "seeds": changes["seed"].values.tolist(),
                "layers": [{"name": name, "colour": colours[name]} for name in layers],
                "x": changes["at"].values.astype(float).tolist(),
                "x_title": changes.attrs["counts"],
                "levels": [{"title": name, "kind": kind} for name, (kind, _) in levels.items()],
                "quantiles": t_quantiles(changes.sizes["seed"]),
                "states": None
                if states is None
                else describe(states) | {"frames": _frames(layers, states, at)},
                "classes": list(CONDITIONS[:5]),
                "stops": matrix_stops(),
                "picture": shape,
                "title": title,
                "unit": unit,
            },
        )


_LEVEL = ("measure", "seed", "layer")
"""Order in which the page reads the numbers of a level."""


def _packed(values: xr.DataArray, *dims: str) -> bytes:
    return values.transpose(*dims).values.astype("<f4").tobytes()


def t_quantiles(seeds: int) -> list[float]:
    """Factor of the standard error of a 95 % t interval, for 2, 3, … seeds."""
    from scipy import stats

    return [float(stats.t.ppf(0.975, n - 1)) for n in range(2, seeds + 1)]


def _frames(
    layers: Sequence[str], states: States, at: Sequence[float] | np.ndarray | None
) -> list[list[list[float]]]:
    """For each layer its states in order: [position, index]."""
    column = next((column for column in states.columns if column.name == "layer"), None)
    if column is None or at is None or len(at) != len(states):
        raise ValueError("states need a column layer, and a position each")
    frames = []
    for layer in layers:
        code = column.levels.index(layer) if layer in column.levels else -1
        chosen = [i for i in range(len(states)) if column.codes[i] == code]
        frames.append(sorted([float(at[i]), i] for i in chosen))
    return frames
