"""Study 2: the quantities that claims and comparisons are about, one value a unit (seed)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine.changes import changes_from
from ...engine.statistics import paired
from .states import REFERENCE_WORDS

if TYPE_CHECKING:
    import xarray as xr

PRIMARY = "cka-linear"
"""Primary measure of the study's claims: the paper's."""

DEBIASED = "cka-linear-debiased"
"""Measure that a claim about layers of different sizes must hold for too: unbiased by many features."""

EQUAL = 0.05
"""Similarities that differ by less count as equal: margin of the claims' equivalences and of the audit."""


def body(run: xr.Dataset) -> list[str]:
    """Layers below the logits, in order of depth."""
    return [str(layer) for layer in run["layer"].values if layer != "logits"]


def similarity(
    run: xr.Dataset, reference: str = "start", measure: str = PRIMARY, epoch: int | None = None
) -> xr.DataArray:
    """Similarity of every layer to a reference.

    Args:
        run: Units along ``seed``.
        reference: One of :data:`~reprise.studies.transfer.states.REFERENCES`.
        measure: Id of a measure.
        epoch: An epoch; the last if None.

    Returns:
        (seed, layer).
    """
    chosen = run["similarity"].sel(reference=reference, measure=measure)
    return chosen.isel(epoch=-1) if epoch is None else chosen.sel(epoch=epoch)


def change(run: xr.Dataset, reference: str = "start", measure: str = PRIMARY) -> xr.DataArray:
    """1 − similarity at the end: (seed, layer)."""
    return 1 - similarity(run, reference, measure)


def body_above_head(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Claim T1: least similarity of a body layer to the pre-trained state, minus the logits': (seed,)."""
    kept = similarity(run, "pretrained", measure)
    return kept.sel(layer=body(run)).min("layer") - kept.sel(layer="logits", drop=True)


def log_odds(accuracy: xr.DataArray, images: xr.DataArray | int) -> xr.DataArray:
    """Accuracy in log-odds, half a hit and half a miss added so that 0 and 1 stay finite.

    Args:
        accuracy: Share of hits in [0, 1].
        images: Number of images that it was counted on.
    """
    hits = accuracy.astype(float) * images
    odds = (hits + 0.5) / (images - hits + 0.5)
    return odds.copy(data=np.log(odds.values))


def final_log_odds(run: xr.Dataset) -> xr.DataArray:
    """Test accuracy at the end, in log-odds: (seed,)."""
    return log_odds(run["test_accuracy"].isel(epoch=-1), run["tested"])


def gain(free: xr.Dataset, frozen: xr.Dataset) -> xr.DataArray:
    """Claim T2: test accuracy in log-odds of one run minus that of another, seed by seed: (seed,)."""
    return final_log_odds(free) - final_log_odds(frozen)


def at_equal_loss(
    first: xr.Dataset, second: xr.Dataset, reference: str, measure: str = PRIMARY
) -> tuple[np.ndarray, np.ndarray]:
    """Similarity of the last layer below the logits, where two runs have the same training loss.

    Args:
        first: Units of one run.
        second: Units of another.
        reference: What to compare with.
        measure: Id of a measure.

    Returns:
        Two arrays over the seeds that both have, read at the larger of the two last losses of each seed.
    """
    pair = paired(first, second)
    losses = [run["train_loss"].isel(epoch=-1).values for run in pair]
    goal = np.maximum(*losses)
    layer = body(first)[-1]
    values = [run["similarity"].sel(reference=reference, measure=measure, layer=layer) for run in pair]
    found = [at_loss(run, goal, curves) for run, curves in zip(pair, values, strict=True)]
    return found[0], found[1]


def excess(*pairs: tuple[xr.Dataset, xr.Dataset], measure: str = PRIMARY) -> list[xr.DataArray]:
    """Claim T3: what of the similarity to the pre-trained network only the past explains.

    A fresh network that learns the same labels comes to resemble the pre-trained one too; what a fine-tuned
    one has beyond that was kept, not learned anew.

    Args:
        pairs: Fine-tuned units with those of fresh networks trained on the same labels.
        measure: Id of a measure.

    Returns:
        One array a pair, (seed, layer), over the seeds that all have: similarity of the fine-tuned network to
        the pre-trained one minus that of the fresh one, all of them read where they have the same training
        loss, the largest of their last ones.
    """
    runs = paired(*(run for pair in pairs for run in pair))
    goal = np.max([run["train_loss"].isel(epoch=-1).values for run in runs], axis=0)

    def read(run: xr.Dataset) -> xr.DataArray:
        curves = run["similarity"].sel(reference="pretrained", measure=measure)
        last = curves.isel(epoch=-1).transpose("seed", "layer")
        found = [at_loss(run, goal, curves.sel(layer=layer)) for layer in last["layer"].values]
        return last.copy(data=np.stack(found, 1)).drop_vars("epoch", errors="ignore")

    values = [read(run) for run in runs]
    return [tuned - fresh for tuned, fresh in zip(values[::2], values[1::2], strict=True)]


def at_loss(run: xr.Dataset, loss: np.ndarray, values: xr.DataArray) -> np.ndarray:
    """Some quantity where the training loss first was as low as given, interpolated between probe epochs.

    Args:
        run: Units along ``seed``.
        loss: Training loss to read at, (seed,).
        values: The quantity, (seed, epoch).

    Returns:
        (seed,): the last value where the loss never was that low.
    """
    found = []
    curves = run["train_loss"].transpose("seed", "epoch").values
    for curve, row, goal in zip(curves, values.transpose("seed", "epoch").values, loss, strict=True):
        below = np.flatnonzero(curve <= goal)
        k = int(below[0]) if below.size else len(curve) - 1
        if k == 0 or not below.size:
            found.append(row[k])
            continue
        share = (curve[k - 1] - goal) / (curve[k - 1] - curve[k])
        found.append(row[k - 1] + share * (row[k] - row[k - 1]))
    return np.array(found, float)


def slope_over_images(runs: Sequence[xr.Dataset], measure: str = PRIMARY) -> xr.DataArray:
    """Claim T4: change of every layer since the start, per tenfold number of training images.

    Args:
        runs: Runs on different numbers of images.
        measure: Id of a measure.

    Returns:
        (seed, layer): least-squares slope over the logarithm, over the seeds that all runs have.
    """
    import xarray as xr

    per_run = paired(*(change(run, "start", measure) for run in runs))
    changes = np.stack([values.transpose("seed", "layer").values for values in per_run])
    x = np.log10([float(run["images"].values.flat[0]) for run in runs])
    x = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    layers = per_run[0]["layer"].values
    return xr.DataArray(
        np.tensordot(x, changes, 1),
        dims=("seed", "layer"),
        coords={"seed": per_run[0]["seed"].values, "layer": layers},
    )


def changes(run: xr.Dataset) -> xr.DataArray:
    """Change of every layer over training: see :func:`reprise.engine.changes.changes_from`.

    From each of :data:`~reprise.studies.transfer.states.REFERENCES` that the run was compared with; the nulls
    are fresh networks, as they are and trained on the same labels.
    """
    similarity = run["similarity"]
    there = {r: w for r, w in REFERENCE_WORDS.items() if similarity.sel(reference=r).notnull().any()}
    return changes_from(
        {words: similarity.sel(reference=name) for name, words in there.items()},
        "epoch",
        "epochs",
        there.get("pretrained", REFERENCE_WORDS["start"]),
        [REFERENCE_WORDS[name] for name in ("fresh", "trained fresh")],
    )


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
    return xr.Dataset({name: ("seed", value.values) for name, value in values.items()})
