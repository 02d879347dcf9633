"""What the landing page's picture shows, from published units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..claims.ledger import Load
from ..engine.runner import gather, units
from ..engine.study import study as look_up
from ..engine.words import spell_seeds
from ..plots.palette import HEAD
from ..plots.style import CONDITIONS
from .overview_figure import Kept, kept

if TYPE_CHECKING:
    import xarray as xr

    from ..plots import Plate

MEASURE = "rsa-correlation"
"""Measure that all studies keep."""

PRESET = "laptop"

TITLES = {
    "maml": "Adapting to a task after meta-training",
    "transfer": "Fine-tuning on new labels",
    "segmentation": "Fine-tuning for segmentation",
}


def overview(load: Load) -> tuple[Plate | None, list[dict]]:
    """The picture of all studies.

    Args:
        load: How to read a unit.

    Returns:
        The picture (None if no study has units) and the provenance of the units shown.
    """
    makers: Mapping[str, Callable[[Load], tuple[Kept | None, list[xr.Dataset]]]] = {
        "maml": _maml,
        "transfer": _transfer,
        "segmentation": _segmentation,
    }
    parts, records, absent = [], [], []
    for name, make in makers.items():
        part, runs = make(load)
        if part is None:
            absent.append(TITLES[name].lower())
            continue
        parts.append(part)
        records += [record for run in runs for record in run.attrs["records"]]
    return (kept(parts, absent) if parts else None), records


def _runs(load: Load, study: str, conditions: Mapping[str, object]) -> dict[str, xr.Dataset]:
    """Those conditions of which units are there."""
    seeds = look_up(study).preset(PRESET).seeds
    found = {}
    for name, config in conditions.items():
        there = [unit for unit in (load(one) for one in units(config, seeds)) if unit is not None]  # type: ignore[arg-type]
        if there:
            found[name] = gather(there, PRESET)
    return found


def _maml(load: Load) -> tuple[Kept | None, list[xr.Dataset]]:
    from ..studies.maml import endpoints

    name = "MAML"
    runs = _runs(load, "maml", {name: look_up("maml").configure(PRESET, {})})
    if not runs:
        return None, []
    run = runs[name]
    changed = endpoints.inner_change(run, MEASURE).isel(checkpoint=-1).transpose("seed", "layer")
    fresh = run["fresh_similarity"].sel(measure=MEASURE).isel(checkpoint=-1).mean("seed")
    lines = {"adapted to one task": 1 - changed.values}
    return _part("maml", runs, run["layer"].values, lines, fresh.values), list(runs.values())


def _transfer(load: Load) -> tuple[Kept | None, list[xr.Dataset]]:
    from ..studies.transfer import endpoints

    study = look_up("transfer")
    targets = study.family("targets", study.configure(PRESET, {}))
    wanted = {name: targets[name] for name in ("true labels", "random labels", "other domain")}
    runs = _runs(load, "transfer", wanted)
    if not runs:
        return None, []
    lines = {
        name: endpoints.similarity(run, "pretrained", MEASURE).transpose("seed", "layer").values
        for name, run in runs.items()
    }
    first = next(iter(runs.values()))
    fresh = endpoints.similarity(first, "fresh", MEASURE).mean("seed").values
    return _part("transfer", runs, first["layer"].values, lines, fresh), list(runs.values())


def _segmentation(load: Load) -> tuple[Kept | None, list[xr.Dataset]]:
    study = look_up("segmentation")
    modes = study.family("modes", study.configure(PRESET, {}))
    names = {"segmentation": "encoder transferred", "segmentation, both": "both transferred"}
    runs = _runs(load, "segmentation", {words: modes[name] for name, words in names.items()})
    if not runs:
        return None, []
    lines = {
        name: run["similarity"].sel(measure=MEASURE).transpose("seed", "layer").values
        for name, run in runs.items()
    }
    first = next(iter(runs.values()))
    fresh = first["fresh_similarity"].sel(measure=MEASURE).mean("seed").values
    return _part("segmentation", runs, first["layer"].values, lines, fresh), list(runs.values())


def _part(
    study: str,
    runs: Mapping[str, xr.Dataset],
    layers: np.ndarray,
    lines: Mapping[str, np.ndarray],
    null: np.ndarray,
) -> Kept:
    colours = dict(zip(lines, (HEAD, *CONDITIONS) if len(lines) == 1 else CONDITIONS, strict=False))
    seeds = sorted({int(seed) for run in runs.values() for seed in run["seed"].values.ravel()})
    config = look_up(study).configure(PRESET, {}).model_dump()
    about = f"{config['dataset']}, preset {PRESET}, seeds {spell_seeds(seeds)}"
    return Kept(TITLES[study], tuple(map(str, layers)), lines, colours, null, about)
