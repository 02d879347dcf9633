"""Study 1: the quantities that claims and comparisons are about, one value a unit (seed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.changes import changes_from
from .states import FIRST_COUNTED

if TYPE_CHECKING:
    import xarray as xr

PRIMARY = "rsa-correlation"
"""Primary measure of the study's claims."""


def blocks(run: xr.Dataset) -> list[str]:
    """Names of a run's convolutional blocks, in order of depth: all layers but the logits."""
    return [str(layer) for layer in run["layer"].values if layer != "logits"]


def change(similarity: xr.DataArray) -> xr.DataArray:
    """1 − similarity: 0 = nothing changed; at most 2 for correlations."""
    return 1 - similarity


def inner_change(run: xr.Dataset, measure: str = PRIMARY, inner_step: int | None = None) -> xr.DataArray:
    """Change by adaptation, tasks averaged: (seed, layer, checkpoint); as many steps as trained if None."""
    step = int(run["inner_steps"].values.flat[0]) if inner_step is None else inner_step
    return change(run["inner_similarity"].sel(measure=measure, inner_step=step))


def head_minus_blocks(run: xr.Dataset, measure: str = PRIMARY, inner_step: int | None = None) -> xr.DataArray:
    """Claim M1a: change of the logits minus that of each block, at the end of training: (seed, layer)."""
    final = inner_change(run, measure, inner_step).isel(checkpoint=-1)
    return final.sel(layer="logits", drop=True) - final.sel(layer=blocks(run))


def _counted(run: xr.Dataset) -> xr.DataArray:
    """Equally spaced checkpoints after the first tenth of training."""
    spacing = run["checkpoint"].values[-1] // 60
    checkpoint = run["checkpoint"]
    return checkpoint[(checkpoint % spacing == 0) & (checkpoint > FIRST_COUNTED * spacing)]


def layer_changes(run: xr.Dataset, measure: str = PRIMARY) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean change of every layer by adaptation, and by 1/60 of meta-training, after the first tenth of it.

    Returns:
        Two arrays (seed, layer).
    """
    counted = _counted(run)
    inner = inner_change(run, measure).sel(checkpoint=counted).mean("checkpoint")
    outer = change(run["neighbour_similarity"].sel(measure=measure, checkpoint=counted)).mean("checkpoint")
    return inner, outer


def further(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Claim M3a: log (change by adaptation ÷ change by 1/60 of meta-training), blocks averaged: (seed,)."""
    import xarray as xr

    inner, outer = (changes.sel(layer=blocks(run)).mean("layer") for changes in layer_changes(run, measure))
    # ANIL moves no block, and untrained networks may not change at all: infinite, or undefined.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = inner / outer
        return xr.DataArray(np.log(ratio.values), dims=ratio.dims)


def break_even(run: xr.Dataset, measure: str = PRIMARY) -> xr.DataArray:
    """Sixtieths of meta-training that change the blocks as much as adaptation does: (seed,).

    Interpolated between lags; infinite where not even the longest lag changes them as much.
    """
    import xarray as xr

    inner, _ = layer_changes(run, measure)
    target = inner.sel(layer=blocks(run)).mean("layer").values
    lags = change(run["lag_similarity"].sel(measure=measure, layer=blocks(run))).mean("layer")
    curves = lags.transpose("seed", "lag").values
    positions = np.concatenate([[0], run["lag"].values])
    values = []
    for goal, curve in zip(target, curves, strict=True):
        curve = np.concatenate([[0], curve])
        above = np.flatnonzero(curve >= goal)
        if not above.size:
            values.append(np.inf)
            continue
        k = above[0]
        span = curve[k] - curve[k - 1]
        values.append(positions[k - 1] + (goal - curve[k - 1]) / span)
    return xr.DataArray(values, dims="seed")


def effective_layers(changes: xr.DataArray) -> xr.DataArray:
    """Effective number of layers that share a change: the inverse Simpson index of their shares.

    Args:
        changes: Change of each layer, dimension ``layer``; rounding below 0 counts as 0.

    Returns:
        From 1 (one layer has it all) to the number of layers (all have as much).
    """
    kept = changes.clip(min=0)
    shares = kept / kept.sum("layer")
    return 1 / (shares**2).sum("layer")


def broader(run: xr.Dataset, measure: str = PRIMARY, logits: bool = True) -> xr.DataArray:
    """Claim M3b: effective number of layers of adaptation minus that of 1/60 of meta-training: (seed,).

    Args:
        run: Units along ``seed``.
        measure: Id of a measure.
        logits: Count the logits as a layer; else the blocks alone.
    """
    counted = None if logits else blocks(run)
    inner, outer = (
        changes if counted is None else changes.sel(layer=counted) for changes in layer_changes(run, measure)
    )
    return effective_layers(inner) - effective_layers(outer)


def effect(run: xr.Dataset, name: str, measure: str = PRIMARY) -> xr.DataArray:
    """``"accuracy"`` on unseen classes, or what claim ``"M1a"``, ``"M3a"`` or ``"M3b"`` is about: (seed,)."""
    by_name = {
        "accuracy": lambda: run["evaluation_accuracy"].sel(moment="trained").mean("task"),
        "M1a": lambda: head_minus_blocks(run, measure).min("layer"),
        "M3a": lambda: further(run, measure),
        "M3b": lambda: broader(run, measure),
    }
    return by_name[name]()


def function_accuracy(
    run: xr.Dataset, kind: str, part: str = "", adapted: str = "as trained"
) -> xr.DataArray:
    """Mean query accuracy under an intervention: (seed,), in [0, 1].

    Args:
        run: Units of function along ``seed``.
        kind: See :data:`reprise.studies.maml.interventions.KINDS`; or ``"none"``, ``"full"``.
        part: Layer or ``"body"``; empty for ``"none"`` and ``"full"``.
        adapted: ``"as trained"`` or ``"longer"`` (the analysis's number of inner steps).
    """
    kinds, parts = (run[f"intervention_{what}"].values for what in ("kind", "part"))
    kinds, parts = (values.reshape(-1, run.sizes["intervention"])[0] for values in (kinds, parts))
    (index,) = np.flatnonzero((kinds == kind) & (parts == part))
    return run["function_accuracy"].sel(adapted=adapted).isel(intervention=int(index))


def body_cost(run: xr.Dataset, adapted: str = "as trained") -> xr.DataArray:
    """Claim M1b, version 1: points of accuracy lost by freezing the body in the inner loop: (seed,)."""
    full, frozen = (
        function_accuracy(run, *what, adapted=adapted) for what in (("full",), ("freeze", "body"))
    )
    return 100 * (full - frozen)


def reuse_gain(run: xr.Dataset) -> xr.DataArray:
    """Claim M1b, version 2: points that adaptation adds to nearest prototypes of features: (seed,)."""
    accuracy = 100 * run["prototype_accuracy"]
    before, after = (accuracy.sel(features_from=f"{when} adaptation") for when in ("before", "after"))
    return after - before


def converged_cost(run: xr.Dataset) -> xr.DataArray:
    """Points by which all layers, adapted as trained, exceed the head alone, converged: (seed,)."""
    return 100 * (function_accuracy(run, "full") - run["converged_accuracy"])


def own_change(run: xr.Dataset, measure: str = PRIMARY) -> tuple[xr.DataArray, xr.DataArray]:
    """Change of every layer by its own update alone, and by that of all layers: two arrays (seed, layer).

    Units of function, at the end of meta-training, tasks of unseen classes averaged. The difference is
    inherited: a layer also changes because it is handed something else.
    """
    import xarray as xr

    changes = change(run["null_similarity"].sel(measure=measure))
    names = [str(name) for name in run["layer"].values]
    own = xr.concat([changes.sel(null=f"only {name}", layer=name, drop=True) for name in names], "layer")
    whole = changes.sel(null="adaptation", drop=True)
    return own.assign_coords(layer=names).transpose("seed", "layer"), whole.transpose("seed", "layer")


def changes(run: xr.Dataset) -> xr.DataArray:
    """Change of every layer over meta-training: see :func:`reprise.engine.changes.changes_from`.

    From before adaptation to after each kept number of inner steps, tasks averaged; from the start; from a
    sixtieth of meta-training earlier; and from a fresh network, the null.
    """
    inner, trained = run["inner_similarity"], int(run["inner_steps"].values.flat[0])
    steps = inner["inner_step"].values.tolist()
    after = {step: f"before adaptation ({step} inner step{'s' * (step > 1)})" for step in steps}
    similarities = {words: inner.sel(inner_step=step) for step, words in after.items()} | {
        "the start of meta-training": run["start_similarity"],
        "a sixtieth of meta-training earlier": run["neighbour_similarity"],
        "a fresh network": run["fresh_similarity"],
    }
    return changes_from(similarities, "checkpoint", "meta-iterations", after[trained], ["a fresh network"])


def endpoints(run: xr.Dataset) -> xr.Dataset:
    """Quantities by which two runs are compared, one value a unit each."""
    import xarray as xr

    by_analysis = {"similarity": _of_similarity, "function": _of_function, "within-alphabet": _of_external}
    # Units of before there was a choice do not say.
    analysis = str(run["analysis"].values.flat[0]) if "analysis" in run.coords else "similarity"
    values = by_analysis[analysis](run)
    return xr.Dataset({name: ("seed", value.values) for name, value in values.items()})


def _of_similarity(run: xr.Dataset) -> dict[str, xr.DataArray]:
    accuracy = run["evaluation_accuracy"].mean("task")
    logits = inner_change(run).isel(checkpoint=-1)
    return {
        "accuracy on unseen classes, trained": accuracy.sel(moment="trained"),
        "accuracy on unseen classes, untrained": accuracy.sel(moment="untrained"),
        "change by adaptation, logits": logits.sel(layer="logits"),
        "change by adaptation, mean of blocks": logits.sel(layer=blocks(run)).mean("layer"),
        "M1a: logits minus the block that changes most": head_minus_blocks(run).min("layer"),
        "M3a: log ratio of adaptation to 1/60 of training": further(run),
        "M3b: effective layers, adaptation minus training": broader(run),
        "M3b: effective blocks, adaptation minus training": broader(run, logits=False),
    }


def _of_function(run: xr.Dataset) -> dict[str, xr.DataArray]:
    features = {
        "M1b: points gained by nearest prototypes through adaptation": reuse_gain,
        "points lost by freezing the body, the head converged": converged_cost,
    }
    more = {name: quantity(run) for name, quantity in features.items()} if "prototype_accuracy" in run else {}
    return more | {
        "accuracy without adaptation": function_accuracy(run, "none"),
        "accuracy, all layers adapt": function_accuracy(run, "full"),
        "accuracy, the body frozen": function_accuracy(run, "freeze", "body"),
        "accuracy, the head frozen": function_accuracy(run, "freeze", "logits"),
        "points lost by freezing the body": body_cost(run),
    }


def _of_external(run: xr.Dataset) -> dict[str, xr.DataArray]:
    accuracy = run["external_accuracy"].mean("run")
    return {f"accuracy within an alphabet, {m}": accuracy.sel(moment=m) for m in ("trained", "untrained")}
