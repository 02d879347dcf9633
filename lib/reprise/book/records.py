"""Provenance lines of figures that show several runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..engine.provenance import summary
from ..engine.words import spell_seeds

if TYPE_CHECKING:
    import xarray as xr

    from .chapter import Chapter


def joint_provenance(chapters: Sequence[Chapter]) -> str:
    """One line for a figure of several runs: as :meth:`Chapter.provenance`, conditions counted."""
    records = [record for chapter in chapters for record in chapter.run.attrs["records"]]
    seeds = {spell_seeds(chapter.seeds) for chapter in chapters}
    data = {str(chapter.config.model_dump().get("dataset", "")) for chapter in chapters}
    presets = {chapter.preset for chapter in chapters}
    return _line(records, len(chapters), seeds, data, presets)


def family_provenance(runs: Mapping[str, xr.Dataset]) -> str:
    """One line for a figure of the runs of a family, as :meth:`Chapter.family` gives them."""
    records = [record for run in runs.values() for record in run.attrs["records"]]
    seeds = {spell_seeds(sorted(run["seed"].values.ravel().tolist())) for run in runs.values()}
    data = {str(json.loads(run.attrs["config"])["dataset"]) for run in runs.values()}
    presets = {str(run.attrs["preset"]) for run in runs.values()}
    return _line(records, len(runs), seeds, data, presets)


def of_seed(runs: Mapping[str, xr.Dataset], seed: int) -> dict[str, xr.Dataset]:
    """Of each run the unit with a seed, and its record; runs without one are left out."""
    found = {}
    for name, run in runs.items():
        seeds = run["seed"].values.ravel().tolist()
        if seed in seeds:
            at = seeds.index(seed)
            found[name] = run.isel(seed=[at]).assign_attrs(records=[run.attrs["records"][at]])
    return found


def _line(records: list[dict], count: int, seeds: set[str], data: set[str], presets: set[str]) -> str:
    named = {"seeds": seeds, "data": data, "preset": presets}
    fields = {name: ", ".join(sorted(values)) for name, values in named.items()}
    return summary(records, {"of": f"{count} condition{'s' * (count > 1)}", **fields})


def cost(runs: Sequence[xr.Dataset]) -> str:
    """What a unit of some runs took, as a sentence."""
    records = [record for run in runs for record in run.attrs["records"]]
    seconds = [record["seconds"] for record in records]
    took, unit, digits = (seconds, "seconds", 0)
    if max(seconds) > 120:
        took, unit, digits = [value / 60 for value in seconds], "minutes", 1
    return (
        f"A unit of this page took {min(took):.{digits}f} to {max(took):.{digits}f} {unit} on "
        f"{records[0]['device_name']}."
    )


def units_shown(
    chapter: Chapter,
    seed: int | None = None,
    beside: Chapter | Sequence[Chapter] | None = None,
    runs: Mapping[str, xr.Dataset] | None = None,
) -> list[str]:
    """Ids of the units that a figure shows; arguments as :meth:`Chapter.show` takes them."""
    if runs:
        shown = [record for run in runs.values() for record in run.attrs["records"]]
    else:
        own = chapter.run.attrs["records"]
        shown = own if seed is None else [own[chapter.seeds.index(seed)]]
        others = [] if beside is None else beside if isinstance(beside, Sequence) else [beside]
        shown = [*shown, *(record for other in others for record in other.run.attrs["records"])]
    return list(dict.fromkeys(str(record["unit"]) for record in shown if "unit" in record))
