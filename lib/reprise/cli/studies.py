"""Commands about studies: run, status, compare, publish, describe."""

from __future__ import annotations

from typing import Annotated

import typer

from .families import Family, publish_units, run_families, status_line
from .reports import describe_plan, execute_chapter, find_chapter, local_run, report
from .requests import conditions, join, only, open_store, read_compute, read_request

app = typer.Typer()

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study, such as maml.")]
More = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Further settings, as --set.")
]
PresetName = Annotated[
    str, typer.Option("--preset", "-p", help="Preset to start from; see: reprise describe STUDY.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="Replace a setting.")
]
Seeds = Annotated[
    str | None, typer.Option(help="Seeds: 0..4 (both ends), 0,3,7 or 2; the preset's if left out.")
]


@app.command()
def run(
    study: StudyName,
    more: More = None,
    preset: PresetName = "laptop",
    settings: Settings = None,
    seeds: Seeds = None,
    compute: Annotated[
        str, typer.Option(help="missing: train what is not in the store; never: fail instead.")
    ] = "missing",
    notebook: Annotated[
        bool, typer.Option("--notebook/--no-notebook", help="Execute the chapter afterwards.")
    ] = True,
    device: Annotated[
        str | None, typer.Option(help="Torch device; the GPU if there is one, else the CPU.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch missing data sets first.")] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Pass over published units: train them here too and compare; no notebook."
        ),
    ] = False,
    family: Family = None,
    jobs: Annotated[
        int, typer.Option(help="Units at once, each in a process of its own with one thread; for a CPU.")
    ] = 1,
) -> None:
    """Train what is missing, execute the chapter, and say how the outcome compares with the published one."""
    from ..engine import runner
    from ..engine.words import spell_seeds

    allowed = read_compute(compute)
    places, chosen, config, numbers = read_request(study, preset, join(settings, more), seeds)
    if family:
        source = only("local", places) if again else places
        run_families(
            chosen, conditions(chosen, config, family), numbers, source, allowed, device, download, jobs
        )
        return
    # With --again the chapter would show the published units.
    chapter = find_chapter(places, chosen, config) if notebook and not again else None
    # With --again published units are not looked for.
    source = only("local", places) if again else places
    plan = runner.plan(chosen, config, numbers, open_store(source))
    typer.echo(f"{study} · {preset} · seeds {spell_seeds(numbers)}: {describe_plan(plan)}")
    outcome = runner.run(chosen, config, numbers, source, allowed, preset, device, download, jobs=jobs)
    if chapter:
        executed = execute_chapter(chapter, places, chosen, config, numbers, preset)
        typer.echo(f"executed notebook: {executed}")
    report(chosen, config, numbers, outcome, preset, places, again)


@app.command()
def status(
    study: Annotated[
        str | None, typer.Argument(metavar="[STUDY]", help="One study; all if left out.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", "-p", help="One preset; all if left out.")] = None,
    settings: Settings = None,
    seeds: Seeds = None,
    family: Family = None,
) -> None:
    """Units that are there, that are missing, and the time still to go."""
    from ..engine.study import studies
    from ..engine.study import study as look_up
    from ..engine.words import spell_seeds

    for name in [study] if study else studies():
        presets = [preset] if preset else list(look_up(name).presets)
        for each in presets:
            places, chosen, config, numbers = read_request(name, each, settings, seeds)
            for title, one in conditions(chosen, config, family).items():
                line = status_line(chosen, one, numbers, places)
                words = f"{name:14}{title:48}" if title else f"{name:14}{each:18}"
                typer.echo(f"{words}seeds {spell_seeds(numbers):8}{line}")


@app.command()
def compare(
    study: StudyName,
    more: More = None,
    preset: PresetName = "laptop",
    settings: Settings = None,
    seeds: Seeds = None,
) -> None:
    """Local units against the published ones of the preset, endpoint by endpoint, with intervals."""
    from ..places import UserError

    places, chosen, config, numbers = read_request(study, preset, join(settings, more), seeds)
    local = local_run(chosen, config, numbers, places, preset)
    if local is None:
        raise UserError(
            f"no local units of {study} with these settings in {places.local}; make some with: reprise run"
        )
    report(chosen, config, numbers, local, preset, places, again=True)


@app.command()
def publish(
    study: StudyName,
    more: More = None,
    preset: PresetName = "laptop",
    settings: Settings = None,
    seeds: Seeds = None,
    family: Family = None,
) -> None:
    """Copy finished local units to results/. What is published already is never overwritten."""
    places, chosen, config, numbers = read_request(study, preset, join(settings, more), seeds)
    for one in conditions(chosen, config, family).values():
        publish_units(chosen, one, numbers, preset, places)


@app.command()
def describe(study: StudyName) -> None:
    """Presets and settings of a study, with units, ranges and defaults."""
    from ..engine.config import choices
    from ..engine.labels import expectation
    from ..engine.study import study as look_up

    chosen = look_up(study)
    typer.echo(f"{chosen.title}\n\nPresets")
    for name, entry in chosen.presets.items():
        typer.echo(f"  {name:18}{entry.about}")
        for line in expectation(chosen, name):
            typer.echo(f"  {'':18}  {line}")
    if chosen.families:
        typer.echo("\nFamilies of conditions (run --family)")
        for name, make in chosen.families.items():
            typer.echo(f"  {name:16}{(make.__doc__ or '').strip()}")
    typer.echo("\nSettings (default)")
    for name, field in chosen.config.model_fields.items():
        extra = field.json_schema_extra
        unit = extra["unit"] if isinstance(extra, dict) else ""
        listed = choices(field.annotation)
        kind = " | ".join(listed) if listed else getattr(field.annotation, "__name__", str(field.annotation))
        limits = [
            f"{sign} {getattr(limit, key)}"
            for limit in field.metadata
            for key, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
            if hasattr(limit, key)
        ]
        facts = ", ".join(part for part in (kind, str(unit), *limits) if part)
        typer.echo(f"  {name} = {field.default}\n      {field.description} [{facts}]")
