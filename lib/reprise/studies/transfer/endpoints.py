"""Study 2: the quantities that claims and comparisons are about, one value a unit (seed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

PRIMARY = "cka-linear"
"""Primary measure of the study's claims: the paper's."""

DEBIASED = "cka-linear-debiased"
"""Measure that a claim about layers of different sizes must hold for too: unbiased by many features."""


def body(run: xr.Dataset) -> list[str]:
    """Layers below the logits, in order of depth."""
    return [str(layer) for layer in run["layer"].values if layer != "logits"]


def similarity(
    run: xr.Dataset, reference: str = "start", measure: str = PRIMARY, epoch: int | None = None
) -> xr.DataArray:
    """Similarity of every layer to a reference.

    Args:
        run: Units along ``unit``.
        reference: One of :data:`~reprise.studies.transfer.states.REFERENCES`.
        measure: Id of a measure.
        epoch: An epoch; the last if None.

    Returns:
        (unit, layer).
    """
    chosen = run["similarity"].sel(reference=reference, measure=measure)
    return chosen.isel(epoch=-1) if epoch is None else chosen.sel(epoch=epoch)


def change(run: xr.Dataset, reference: str = "start", measure: str = PRIMARY) -> xr.DataArray:
    """1 − similarity at the end: (unit, layer)."""
    return 1 - similarity(run, reference, measure)


def body_above_head(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Claim T1: least similarity of a body layer to the pre-trained state, minus the logits': (unit,)."""
    kept = similarity(run, "pretrained", measure)
    return kept.sel(layer=body(run)).min("layer") - kept.sel(layer="logits", drop=True)


def log_odds(accuracy: xr.DataArray, images: int) -> xr.DataArray:
    """Accuracy in log-odds, half a hit and half a miss added so that 0 and 1 stay finite.

    Args:
        accuracy: Share of hits in [0, 1].
        images: Number of images that it was counted on.
    """
    hits = accuracy * images
    odds = (hits + 0.5) / (images - hits + 0.5)
    return odds.copy(data=np.log(odds.values))


def final_log_odds(run: xr.Dataset, images: int = 5000) -> xr.DataArray:
    """Test accuracy at the end, in log-odds: (unit,)."""
    return log_odds(run["test_accuracy"].isel(epoch=-1).astype(float), images)


def at_loss(run: xr.Dataset, loss: xr.DataArray, values: xr.DataArray) -> xr.DataArray:
    """Some quantity where the training loss first was as low as given, interpolated between probe epochs.

    Args:
        run: Units along ``unit``.
        loss: Training loss to read at, (unit,).
        values: The quantity, (unit, epoch).

    Returns:
        (unit,): the last value where the loss never was that low.
    """
    import xarray as xr

    found = []
    curves = run["train_loss"].transpose("unit", "epoch").values
    for curve, row, goal in zip(curves, values.transpose("unit", "epoch").values, loss.values, strict=True):
        below = np.flatnonzero(curve <= goal)
        if not below.size:
            found.append(row[-1])
            continue
        k = below[0]
        if k == 0:
            found.append(row[0])
            continue
        share = (curve[k - 1] - goal) / (curve[k - 1] - curve[k])
        found.append(row[k - 1] + share * (row[k] - row[k - 1]))
    return xr.DataArray(np.array(found, float), dims="unit")


def endpoints(run: xr.Dataset) -> xr.Dataset:
    """Quantities by which two runs are compared, one value a unit each."""
    import xarray as xr

    values = {
        "test accuracy": run["test_accuracy"].isel(epoch=-1),
        "training accuracy": run["train_accuracy"].isel(epoch=-1),
    }
    finetuned = bool(run["similarity"].sel(reference="pretrained").notnull().any())
    reference = "pretrained" if finetuned else "start"
    kept = similarity(run, reference)
    words = "the pre-trained state" if finetuned else "the start"
    values |= {f"CKA to {words}, {layer}": kept.sel(layer=layer) for layer in run["layer"].values}
    if finetuned:
        values["T1: least similar body layer minus logits"] = body_above_head(run)
    return xr.Dataset({name: ("unit", value.values) for name, value in values.items()})
