"""What the landing page's picture shows, from published units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..claims.ledger import Load
from ..engine.runner import gather, units
from ..engine.study import Study, studies
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


def overview(load: Load) -> tuple[Plate | None, list[dict]]:
    """The picture of all studies.

    Args:
        load: How to read a unit.

    Returns:
        The picture (None if no study has units) and the provenance of the units shown.
    """
    parts, records, absent = [], [], []
    for study in map(look_up, studies()):
        if not (wanted := study.landing(study.configure(PRESET, {}))):
            continue
        if runs := _runs(load, study, wanted):
            nulls = _runs(load, study, study.landing_nulls(study.configure(PRESET, {})))
            parts.append(_part(study, runs, {name: run for name, run in nulls.items() if name in runs}))
            shown = (*runs.values(), *nulls.values())
            records += [record for run in shown for record in run.attrs["records"]]
        else:
            absent.append(study.learned_again.lower())
    return (kept(parts, absent) if parts else None), records


def _runs(load: Load, study: Study, conditions: Mapping[str, object]) -> dict[str, xr.Dataset]:
    """Those conditions of which units are there."""
    seeds = study.preset(PRESET).seeds
    runs = {}
    for name, config in conditions.items():
        there = [unit for unit in map(load, units(config, seeds)) if unit is not None]  # type: ignore[arg-type]
        if there:
            runs[name] = gather(there, PRESET)
    return runs


def _part(study: Study, runs: Mapping[str, xr.Dataset], nulls: Mapping[str, xr.Dataset]) -> Kept:
    """Similarity to the study's primary reference at the end; nulls of the first run and of single ones."""
    ends = {name: 1 - study.changes(run).sel(measure=MEASURE).isel(at=-1) for name, run in runs.items()}
    first = next(iter(ends.values()))
    lines = {name: end.sel(reference=end.attrs["primary"]) for name, end in ends.items()}
    null = first.sel(reference=first.attrs["nulls"][0]).mean("seed")
    own = {}
    for name, run in nulls.items():
        unrelated = 1 - study.changes(run).sel(measure=MEASURE, reference=first.attrs["primary"]).isel(at=-1)
        own[name] = unrelated.mean("seed")
    colours = dict(zip(lines, (HEAD, *CONDITIONS) if len(lines) == 1 else CONDITIONS, strict=False))
    seeds = sorted({seed for end in ends.values() for seed in end["seed"].values.tolist()})
    config = study.configure(PRESET, {}).model_dump()
    about = f"{config['dataset']}, preset {PRESET}, seeds {spell_seeds(seeds)}"
    return Kept(study.learned_again, lines, colours, null, about, own)
