"""What the commands say and write at their end: plans, comparisons, executed chapters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .requests import only, open_store

if TYPE_CHECKING:
    import xarray as xr

    from ..engine.config import StudyConfig
    from ..engine.runner import Plan
    from ..engine.study import Study
    from ..places import Places


def describe_plan(plan: Plan) -> str:
    """How much there is to compute, and how long that takes."""
    if not plan.missing:
        return f"all {len(plan.present)} units are there"
    text = f"{len(plan.missing)} of {len(plan.present) + len(plan.missing)} units to compute"
    if plan.seconds is None:
        return f"{text}; no finished unit yet to estimate the time from"
    return f"{text}, about {duration(plan.seconds)}"


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def find_chapter(places: Places, study: Study, config: StudyConfig) -> Path:
    """The study's chapter; asked for before hours of training, not after them.

    Raises:
        UserError: There is no chapter here, nothing to execute it with, or it cannot show the condition.
    """
    from importlib.util import find_spec

    from ..places import UserError

    if reason := study.unshown(config):
        raise UserError(f"{reason}; use --no-notebook")
    if places.root is None:
        raise UserError("no checkout of the book here, so there is no chapter to execute; use --no-notebook")
    source = places.root / study.notebook
    if not source.is_file():
        raise UserError(f"no chapter at {source}; use --no-notebook")
    if not (find_spec("papermill") and find_spec("ipykernel")):
        raise UserError(
            "executing the chapter needs papermill and ipykernel (pip install 'reprise[book]'); "
            "without them use --no-notebook"
        )
    return source


def execute_chapter(
    source: Path, places: Places, study: Study, config: StudyConfig, seeds: tuple[int, ...], preset: str
) -> Path:
    """Execute the study's chapter on units that are all in the store by now."""
    from ..book.driver import execute_notebook
    from ..engine.labels import changes
    from ..engine.runner import units

    target = places.local / "notebooks" / f"{study.name}-{preset}-{units(config, seeds)[0].id[:8]}.ipynb"
    parameters = {"preset": preset, "seeds": list(seeds), "compute": "never"}
    parameters |= changes(study, config, preset)
    return execute_notebook(source, target, parameters, accepted=study.config.model_fields)


def local_run(
    study: Study, config: StudyConfig, seeds: tuple[int, ...], places: Places, preset: str
) -> xr.Dataset | None:
    """The local units of a request; None if there are none."""
    from ..engine.runner import gather, stored

    found = stored(config, seeds, open_store(only("local", places)))
    return gather(found, preset) if found else None


def report(
    study: Study,
    config: StudyConfig,
    seeds: tuple[int, ...],
    outcome: xr.Dataset,
    preset: str,
    places: Places,
    again: bool,
) -> None:
    """Print an outcome beside the preset's published units; with ``again``, also unit against unit."""
    from ..engine import comparison, runner

    base = study.configure(preset, {})
    if (
        config == base
        and not again
        and all(open_store(places).find(u) == "published" for u in runner.units(config, seeds))
    ):
        typer.echo("these are the published units")
        return
    store = open_store(only("published", places))
    reference = runner.stored(base, study.preset(preset).seeds, store)
    if not reference:
        typer.echo(f"preset {preset} has no published units to compare with")
        for name, values in study.endpoints(outcome).data_vars.items():
            typer.echo(f"  {name}: {comparison.summarise(values.values)}")
        return
    rows = comparison.compare(study, runner.gather(reference, preset), outcome)
    typer.echo(comparison.table(rows, f"published, {preset}", "this run"))
    if again:
        local = open_store(only("local", places))
        for unit in runner.units(config, seeds):
            first, second = store.load(unit), local.load(unit)
            if first is not None and second is not None:
                gap = comparison.largest_difference(first, second)
                words = "the same numbers" if gap == 0 else f"numbers differ by up to {gap:.2g}"
                if gap == float("inf"):
                    words = "some numbers are missing or undefined in one of the two"
                if gap and any(_made_on(first)[key] != _made_on(second)[key] for key in _made_on(first)):
                    words += " (other device, threads or versions: the same only as statistics are)"
                typer.echo(f"seed {unit.seed}, unit {unit.id}, published and here: {words}")


def _made_on(unit: xr.Dataset) -> dict:
    """What must be the same for a unit to give the same numbers."""
    from ..engine.runner import provenance

    record = provenance(unit)
    return {key: record[key] for key in ("device_name", "threads", "versions")}
