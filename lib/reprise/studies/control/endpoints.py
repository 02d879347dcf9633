"""The supervised control: what its claim and comparisons are about, one value a unit (seed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.changes import changes_from
from ...similarity.ranks import midranks
from ..maml.endpoints import PRIMARY, change, inner_change
from ..maml.states import LAYERS

if TYPE_CHECKING:
    import xarray as xr

BLOCKS = list(LAYERS[:-1])
NULL = "equal norm"
"""The null of claim M2, version 1: a random perturbation of equal relative norm in every layer."""


def final_change(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Change of every layer from the initial state to the trained one: (seed, layer)."""
    return change(run["start_similarity"].sel(measure=measure)).isel(step=-1)


def null_change(run: xr.Dataset, measure: str = PRIMARY, null: str = NULL) -> xr.DataArray:
    """Change of every layer by random perturbations of one kind: (seed, draw, layer)."""
    changes = change(run["null_similarity"].sel(measure=measure, null=null))
    return changes.transpose(..., "draw", "layer")


def depth_correlation(changes: xr.DataArray) -> xr.DataArray:
    """Spearman's rank correlation of depth and change, over the layers.

    Args:
        changes: Change of each layer, dimension ``layer`` in order of depth.

    Returns:
        −1 … 1, NaN where all layers change alike; the other dimensions.
    """
    import xarray as xr

    values = changes.transpose(..., "layer")
    ranks = midranks(values.values.reshape(-1, values.sizes["layer"]).astype(np.float64))
    ranks -= ranks.mean(1, keepdims=True)
    depth = np.arange(ranks.shape[1]) - (ranks.shape[1] - 1) / 2
    length = np.sqrt((ranks**2).sum(1) * (depth**2).sum())
    with np.errstate(invalid="ignore"):
        correlation = np.where(length > 0, ranks @ depth / length, np.nan)
    # Equal orders must give equal numbers: an interval of differences would find meaning in their rounding.
    return xr.DataArray(correlation.round(12).reshape(values.shape[:-1]), dims=values.dims[:-1])


def control_correlation(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Claim M2, version 1: rank correlation of depth and change by training: (seed,)."""
    return depth_correlation(final_change(run, measure))


def null_correlation(run: xr.Dataset, measure: str = PRIMARY, null: str = NULL) -> xr.DataArray:
    """Rank correlation of depth and change by random perturbations, each draw by itself: (seed, draw)."""
    return depth_correlation(null_change(run, measure, null))


def beyond_null(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Claim M2, version 1: rank correlation by training minus that by a seed's first random move: (seed,).

    One training is held against one perturbation: if they were of one kind, the two could change places, so
    differences would be as often above 0 as below. A mean over draws lies below the ceiling of 1 at which
    a single training sits much of the time, and then finds a difference in a third of cases where none is.
    """
    return control_correlation(run, measure) - null_correlation(run, measure).isel(draw=0)


def depth_slope(changes: xr.DataArray) -> xr.DataArray:
    """Least-squares slope of log change over the layers: claim M2, version 2.

    Args:
        changes: Change of each layer, dimension ``layer`` in order of depth.

    Returns:
        Of the natural logarithm, a layer: 0 where all layers change alike, log 2 where each changes twice as
        much as the one before. NaN where a layer did not change. The other dimensions.
    """
    import xarray as xr

    values = changes.transpose(..., "layer")
    depth = np.arange(values.sizes["layer"]) - (values.sizes["layer"] - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(values.values > 0, np.log(values.values.astype(np.float64)), np.nan)
    return xr.DataArray(logs @ depth / (depth @ depth), dims=values.dims[:-1])


def control_slope(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Slope of log change over depth by training: (seed,)."""
    return depth_slope(final_change(run, measure))


def matched_change(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Change of every layer by random perturbations that change as much as training: (seed, draw, layer).

    Raises:
        KeyError: The units have no such perturbations, or none matched by that measure.
    """
    changes = change(run["matched_similarity"].sel(matched_measure=measure))
    return changes.transpose("seed", "draw", "layer")


def matched_slope(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Slope of log change over depth by such perturbations, mean over draws: (seed,)."""
    return depth_slope(matched_change(run, measure)).mean("draw", skipna=False)


def adaptation_slope(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Slope of log change over depth by MAML's adaptation, of a run of study 1: (seed,).

    Between before adaptation and after the trained number of inner steps, tasks averaged, at the end of
    meta-training.
    """
    return depth_slope(inner_change(run, measure).isel(checkpoint=-1, drop=True))


def changes(run: xr.Dataset) -> xr.DataArray:
    """Change of every layer over training: see :func:`reprise.engine.changes.changes_from`.

    From the initial network; and, the nulls, from the initial network to one perturbed at random, mean over
    draws, and from a fresh network.
    """
    random = {
        f"the initial network, perturbed at random ({kind})": kind for kind in run["null"].values.tolist()
    }
    similarities = {"the initial network": run["start_similarity"]} | {
        words: run["null_similarity"].sel(null=kind).mean("draw") for words, kind in random.items()
    }
    similarities |= {"a fresh network": run["fresh_similarity"]} if "fresh_similarity" in run else {}
    return changes_from(similarities, "step", "steps", "the initial network", [*random, "a fresh network"])


def endpoints(run: xr.Dataset) -> xr.Dataset:
    """Quantities by which two runs are compared, one value a unit each."""
    import xarray as xr

    trained, random = final_change(run), null_change(run).mean("draw")
    draws = null_correlation(run)
    values = {
        "accuracy on test images, trained": run["accuracy"].isel(step=-1),
        "accuracy on test images, untrained": run["accuracy"].isel(step=0),
        "change by training, logits": trained.sel(layer="logits"),
        "change by training, mean of blocks": trained.sel(layer=BLOCKS).mean("layer"),
        "change by random perturbation, logits": random.sel(layer="logits"),
        "change by random perturbation, mean of blocks": random.sel(layer=BLOCKS).mean("layer"),
        "relative norm of the update": run["network_update_norm"].isel(step=-1),
        "M2, version 1: rank correlation of depth and change, training": control_correlation(run),
        "M2a: slope of log change over depth, training": control_slope(run),
        "rank correlation of depth and change, mean over random perturbations": draws.mean("draw"),
        "M2: training minus one random perturbation": beyond_null(run),
    }
    if "matched_similarity" in run:
        values["M2b: slope, training minus matched perturbations"] = control_slope(run) - matched_slope(run)
    return xr.Dataset({name: ("seed", value.values) for name, value in values.items()})
