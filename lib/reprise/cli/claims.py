"""The command that judges the claims: the book's ledger in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .requests import find_places, join, read_settings

if TYPE_CHECKING:
    from ..claims.ledger import Entry, Judged

app = typer.Typer()


@app.command(name="claims")
def judge_claims(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Further settings, as --set.")
    ] = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="A claim, such as M1, with its parts.")
    ] = None,
    runs: Annotated[
        str, typer.Option(help="published: units that come with the book; local: those made on this machine.")
    ] = "published",
    preset: Annotated[
        str | None,
        typer.Option("--preset", "-p", help="One preset; all in which a claim is judged if left out."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="Replace a setting; names --id too."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds: 0..4 (both ends), 0,3,7 or 2; the preset's if left out.")
    ] = None,
) -> None:
    """Verdicts on the papers' claims; with --runs local, which of them moved against the published ones."""
    from ..claims.cases import find_claims
    from ..claims.ledger import judge_claim, ledger, moved, open_layer, tally
    from ..claims.verdict import ORDER, spell_tally
    from ..engine.words import parse_seeds
    from ..places import UserError

    places = find_places()
    load = open_layer(places, runs)
    overrides = read_settings(join(settings, more))
    if (overrides or preset) and len({claim.study for claim in find_claims(ids)}) > 1:
        raise UserError("settings and presets belong to one study: name its claims, such as --id M1a --id M3")
    if overrides and not preset:
        preset = "laptop"
    entries = []
    for claim in find_claims(ids):
        entries.append(judge_claim(claim, load, preset, overrides, parse_seeds(seeds)))
        typer.echo("\n".join(_lines(entries[-1])))
    if preset is None:
        typer.echo(f"\n{runs}: {spell_tally(tally(entries))} (claims, parts not counted)")
        for status in ORDER:
            if names := [entry.claim.id for entry in entries if entry.headline.verdict.status == status]:
                typer.echo(f"  {status:13}{', '.join(names)}")
    if runs == "local":
        changed = moved(ledger(open_layer(places, "published"), ids), entries)
        for claim, before, after in changed:
            typer.echo(
                f"moved: {claim} was {before.verdict.status} ({before.case.preset}, published) and is "
                f"{after.verdict.status} ({after.case.preset}, local)"
            )
        judged = any(one.verdict.status != "not run" for entry in entries for one in entry.judged)
        if not changed:
            typer.echo(
                "no verdict moved against the published ones"
                if judged
                else f"no local units for these claims in {places.local}; make some with: reprise run"
            )


def _lines(entry: Entry) -> list[str]:
    """A claim and its settings as lines; the comparisons of a conjunction stand with its parts."""
    from ..claims.assay import explain

    claim = entry.claim
    indent = "  " * (claim.id != claim.parent)
    lines = [] if indent else [""]
    lines.append(f"{indent}{claim.id}  {claim.statement}")
    shown = [one for one in entry.judged if one.verdict.status != "not run"]
    for one in shown or [entry.headline]:
        lines.append(f"{indent}    {_verdict(one)}")
        if claim.parts:
            continue
        for part in one.verdict.parts:
            words = f"{part.name}: {part.amount()}, {part.bound}, {part.basis}: {part.status}"
            lines += [f"{indent}      {line}" for line in (words, explain(part)) if line]
        if one.verdict.note:
            lines.append(f"{indent}      {one.verdict.note}")
        if one.verdict.status == "not run":
            lines += [f"{indent}      {command}" for command in one.case.commands]
    for former in entry.former:
        lines.append(f"{indent}    version {former.claim.version} said: {_verdict(former.headline)}")
    return lines


def _verdict(one: Judged) -> str:
    mark = "" if not one.missing or one.verdict.status == "not run" else f", {one.missing} units missing"
    return f"{one.verdict.status:13}{one.data} · {one.case.preset}{mark}"
