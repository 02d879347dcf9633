"""Commands on many conditions at once, and the lines that say how each of them stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .reports import describe_plan
from .requests import open_store

if TYPE_CHECKING:
    from ..engine.config import StudyConfig
    from ..engine.runner import Compute
    from ..engine.study import Study
    from ..places import Places

Family = Annotated[
    list[str] | None,
    typer.Option(
        "--family",
        "-f",
        metavar="NAME",
        help="All conditions of a family instead of the one, or of all; see: reprise describe STUDY.",
    ),
]


def run_families(
    study: Study,
    wanted: dict[str, StudyConfig],
    seeds: tuple[int, ...],
    places: Places,
    compute: Compute,
    device: str | None,
    download: bool,
    jobs: int,
) -> None:
    """Compute what is missing of many conditions, all of it in one queue.

    Raises:
        UnitsMissing: Units are missing and computing was not allowed.
    """
    from ..engine import runner

    store = open_store(places)
    missing = []
    for name, config in wanted.items():
        typer.echo(f"{name:56} {status_line(study, config, seeds, places)}")
        missing += [unit for unit in runner.units(config, seeds) if not store.find(unit)]
    missing = list(dict.fromkeys(missing))  # families share conditions
    if missing and compute == "never":
        raise runner.UnitsMissing(f"{len(missing)} units of {study.name} are not in the store")
    if missing:
        runner.compute_units(study, missing, places, device, download, jobs=jobs)
    typer.echo(f"{len(wanted)} conditions, {len(missing)} units computed; all are there")


def status_line(study: Study, config: StudyConfig, seeds: tuple[int, ...], places: Places) -> str:
    """How many units of a condition are published, local and missing, and the time to go."""
    from ..engine import runner

    store = open_store(places)
    plan = runner.plan(study, config, seeds, store)
    layers = [store.find(unit) for unit in plan.present]
    return f"{layers.count('published')} published, {layers.count('local')} local; {describe_plan(plan)}"


def publish_units(
    study: Study, config: StudyConfig, seeds: tuple[int, ...], preset: str, places: Places
) -> None:
    """Copy the local units of a condition to the published ones.

    Raises:
        UserError: Some are in neither layer; the message names the command that makes them.
    """
    from ..engine import labels as spelling
    from ..engine import runner
    from ..engine.words import spell_seeds
    from ..places import UserError

    store, units = open_store(places), runner.units(config, seeds)
    absent = [unit.seed for unit in units if not store.find(unit)]
    if absent:
        raise UserError(
            f"nothing to publish for seeds {spell_seeds(absent)}; "
            f"make them with: {spelling.command(study, config, absent, preset)}"
        )
    for unit in units:
        done = store.publish(unit)
        typer.echo(
            f"seed {unit.seed}  {unit.id}  {'published' if done else 'was published already, left as it is'}"
        )
