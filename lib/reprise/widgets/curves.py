"""From a run to what the dynamics explorer needs: change over training, and the levels it is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Curves", "Level", "curves_of"]


@dataclass(frozen=True)
class Level:
    """A height that a change is held against, one per layer.

    Attributes:
        title: What it is, such as "a fresh network".
        kind: "null" for what no shared history gives, "ceiling" for what noise alone allows.
        values: (measure, seed, layer) float32.
    """

    title: str
    kind: str
    values: np.ndarray


@dataclass(frozen=True)
class Curves:
    """Change of every layer over training.

    Attributes:
        references: What the state is compared with, a title each.
        measures: Ids of measures.
        seeds: Seeds.
        layers: Names in order of depth.
        x: Positions in training, ascending.
        x_title: What they count.
        change: (reference, measure, seed, layer, position) float32, 1 − similarity; NaN where there is none.
        levels: Levels to draw.
    """

    references: tuple[str, ...]
    measures: tuple[str, ...]
    seeds: tuple[int, ...]
    layers: tuple[str, ...]
    x: np.ndarray
    x_title: str
    change: np.ndarray
    levels: tuple[Level, ...]


def curves_of(
    references: Mapping[str, xr.DataArray],
    seeds: xr.DataArray,
    levels: Mapping[str, tuple[str, xr.DataArray]] | None = None,
    x: str = "checkpoint",
    x_title: str = "training",
) -> Curves:
    """Gather changes.

    Args:
        references: Title → change (1 − similarity) with the dimensions unit, measure, layer and ``x``.
        seeds: Seed of every unit.
        levels: Title → ("null" or "ceiling", change with the dimensions unit, measure and layer).
        x: Dimension of positions in training.
        x_title: What positions count, such as "meta-iterations".

    Raises:
        ValueError: No references, or a level of another kind.
    """
    if not references:
        raise ValueError("no references to draw")
    first = next(iter(references.values()))
    dims = ("measure", "seed", "layer")
    change = [array.transpose(*dims, x).values for array in references.values()]
    found = []
    for title, (kind, values) in (levels or {}).items():
        if kind not in ("null", "ceiling"):
            raise ValueError(f"level {title!r} is a {kind!r}; choose null or ceiling")
        found.append(Level(title, kind, values.transpose(*dims).values.astype("<f4")))
    return Curves(
        tuple(references),
        tuple(map(str, first["measure"].values)),
        tuple(int(seed) for seed in np.atleast_1d(seeds.values)),
        tuple(map(str, first["layer"].values)),
        first[x].values.astype(float),
        x_title,
        np.stack(change).astype("<f4"),
        tuple(found),
    )
