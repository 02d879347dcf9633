"""Grams that a unit keeps, so that explorers and chapters can compute any similarity of its states later.

A Gram is symmetric and a unit keeps many, so the upper triangle is stored, in single precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..similarity.gram import Grams
from ..similarity.measures import measure, on_pages

if TYPE_CHECKING:
    import xarray as xr


def fold(gram: np.ndarray) -> np.ndarray:
    """Symmetric (…, n, n) → upper triangle with diagonal, row by row (…, n(n+1)/2), float32."""
    rows, columns = np.triu_indices(gram.shape[-1])
    return gram[..., rows, columns].astype(np.float32)


def unfold(triangle: np.ndarray) -> np.ndarray:
    """Upper triangle with diagonal, row by row (…, n(n+1)/2) → symmetric float64 (…, n, n).

    Raises:
        ValueError: The last axis is not n(n+1)/2 long for any n.
    """
    length = triangle.shape[-1]
    n = int((np.sqrt(8 * length + 1) - 1) / 2)
    if n * (n + 1) // 2 != length:
        raise ValueError(f"{length} is not the length of an upper triangle with its diagonal: n(n+1)/2")
    rows, columns = np.triu_indices(n)
    full = np.zeros((*triangle.shape[:-1], n, n))
    full[..., rows, columns] = full[..., columns, rows] = triangle
    return full


def between(
    states: Sequence[Mapping[str, Grams]], others: Sequence[Mapping[str, Grams]], measures: Sequence[str]
) -> np.ndarray:
    """Similarity of all pairs of two sequences of states, layer by layer.

    Args:
        states: Layer → Gram of each state.
        others: The same of what they are compared with.
        measures: Ids of measures.

    Returns:
        (measure, layer, state, other).
    """
    values = []
    for layer in states[0]:
        a, b = (Grams.stack([state[layer] for state in group]) for group in (states, others))
        values.append([measure(name).pairwise(a, b) for name in measures])
    return np.moveaxis(np.array(values), 1, 0)


def kept_states(grams: Sequence[Grams], **labels: np.ndarray) -> xr.Dataset:
    """Grams of some states as a unit keeps them.

    Args:
        grams: One a state, each (n, n), of the same stimuli.
        labels: What tells states apart, one entry a state each: ``layer`` becomes the coordinate
            ``state_layer``.

    Returns:
        Along ``state``: ``gram`` (state, entry) and ``feature_mean`` (state, stimulus), float32; the labels;
        ``state_features``, the number of features.
    """
    import xarray as xr

    return xr.Dataset(
        {
            "gram": (("state", "entry"), np.array([fold(g.gram) for g in grams])),
            "feature_mean": (("state", "stimulus"), np.array([g.mean for g in grams], np.float32)),
        },
        coords={
            **{f"state_{name}": ("state", values) for name, values in labels.items()},
            "state_features": ("state", np.array([g.n_features for g in grams], np.int32)),
        },
    )


def between_states(unit: xr.Dataset, measures: Sequence[str]) -> xr.DataArray:
    """Similarity of all pairs of the states that a unit keeps of each layer.

    Args:
        unit: A unit with its Grams; all layers are kept in the same states, in the same order.
        measures: Ids of measures that follow from Grams.

    Returns:
        (measure, layer, state, other); what tells states apart stands along ``state``, without the prefix
        ``state_``, and the layer in ``layer``.

    Raises:
        ValueError: Layers are kept in different states.
    """
    import xarray as xr

    layers = [name for name in unit["layer"].values.tolist() if name in unit["state_layer"].values]
    labels = [str(n) for n in unit.coords if str(n).startswith("state_")]
    told = [name for name in labels if name not in ("state_layer", "state_features")]
    values, tables = [], []
    for layer in layers:
        own = unit.isel(state=np.flatnonzero(unit["state_layer"].values == layer))
        means = own["feature_mean"].values.astype(np.float64)
        grams = Grams(unfold(own["gram"].values), means, own["state_features"].values)
        values.append([measure(name).pairwise(grams) for name in measures])
        tables.append([own[name].values.tolist() for name in told])
    if any(table != tables[0] for table in tables):
        raise ValueError("layers are kept in different states")
    return xr.DataArray(
        np.array(values).swapaxes(0, 1),
        dims=("measure", "layer", "state", "other"),
        coords={"measure": list(measures), "layer": layers}
        | {
            name.removeprefix("state_"): ("state", table) for name, table in zip(told, tables[0], strict=True)
        },
    )


def with_page_measures(
    run: xr.Dataset,
    unit: xr.Dataset | None,
    similarities: Callable[[xr.Dataset, Sequence[str]], Mapping[str, xr.DataArray]],
) -> xr.Dataset:
    """A run with every measure that pages offer: what units do not hold, as far as Grams are kept.

    Args:
        run: Units along ``seed``.
        unit: One of them with its Grams; None where none keeps any.
        similarities: From a unit and ids of measures to variables of a run as far as they follow from its
            Grams: along ``measure``, and without ``seed``.

    Returns:
        The run with further entries of ``measure``, after its own: NaN but for that unit's seed, where both
        states of a pair are kept.
    """
    held = run["measure"].values.tolist()
    further = [name for name in on_pages() if name not in held]
    if not further:
        return run
    joint = run.reindex(measure=[*held, *further])
    if unit is None or "gram" not in unit:
        return joint
    for name, values in similarities(unit, further).items():
        there = values.astype(np.float32).expand_dims(seed=[int(unit["seed"])])
        own = joint[name].reset_coords(drop=True)
        joint[name] = own.combine_first(there).reindex_like(own).transpose(*joint[name].dims)
    return joint
