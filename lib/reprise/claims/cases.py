"""The settings in which claims are judged, and the runs that each rule takes there.

A *case* is a claim in one setting: a preset, as it is or with settings replaced, or several presets that are
judged together. A study says which of them decide, the paper's scale first, then the laptop's; others are
judged and shown beside these, and never decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..engine.config import StudyConfig
from ..engine.labels import command, label
from ..engine.study import Study, studies
from ..engine.study import study as look_up
from ..places import UserError
from .claim import Claim, Selection, claims

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Condition:
    """One run that a rule takes.

    Attributes:
        config: Its settings.
        seeds: Its seeds.
        preset: The preset that it came from, with what was replaced in it.
    """

    config: StudyConfig
    seeds: tuple[int, ...]
    preset: str


@dataclass(frozen=True)
class Case:
    """A claim in one setting.

    Attributes:
        claim: Id of the claim.
        preset: Preset, with what was replaced in it; several are joined by a plus sign.
        conditions: Name in the rule → run.
        decides: Whether a verdict here can be the claim's.
        commands: Command lines that compute the runs.
        needs: Names of the runs without which the claim is not run.
    """

    claim: str
    preset: str
    conditions: Mapping[str, Condition]
    decides: bool
    commands: tuple[str, ...]
    needs: tuple[str, ...] = ()


def find_claims(ids: Sequence[str] | None = None) -> list[Claim]:
    """Claims by their ids, each with its parts; all if none is named.

    Raises:
        UserError: There is no such claim; the message lists those that there are.
    """
    # Claims stand in the order of the papers, each before its parts.
    papers = list(dict.fromkeys(look_up(name).paper for name in studies()))
    everything = sorted(claims(), key=lambda claim: (papers.index(claim.paper), claim.parent, claim.id))
    known = [claim.id for claim in everything]
    for name in ids or ():
        if name not in known:
            raise UserError(f"unknown claim {name!r}; there are: {', '.join(known)}")
    return [claim for claim in everything if not ids or claim.id in ids or claim.parent in ids]


def runs_by_name(
    chosen: Sequence[Claim], families: Mapping[str, Mapping[str, xr.Dataset]]
) -> dict[str, xr.Dataset]:
    """Runs of families by the names that the rules of some claims know them under.

    Args:
        chosen: The claims.
        families: Name of a family → condition → units along ``seed``. What is not there may be left out.
    """
    return {
        f"{selection.prefix}{name}": run
        for claim in chosen
        for selection in claim.runs
        for name, run in families.get(selection.family, {}).items()
    }


def cases(
    claim: Claim,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
) -> list[Case]:
    """The settings in which a claim is judged.

    Args:
        claim: The claim.
        preset: One preset; all in which it is judged if None.
        overrides: Settings to replace in it.
        seeds: Seeds; those that the claim takes of the preset if None.

    Returns:
        Cases in the order in which they decide. A preset in which the claim cannot be put (such as one whose
        network has other parts) is left out, unless it was asked for.

    Raises:
        UserError: The preset or a setting does not exist, or does not allow the conditions of the claim.
    """
    study = look_up(claim.study)
    if preset:
        return [_case(claim, study, (preset,), overrides or {}, seeds)]
    found = []
    deciding = _deciding(claim, study)
    for presets in (*deciding, *(study.beside if claim.beside is None else claim.beside)):
        try:
            found.append(_case(claim, study, presets, overrides or {}, seeds))
        except ValueError:
            if overrides and presets in deciding:
                raise
    return found


def _deciding(claim: Claim, study: Study) -> tuple[tuple[str, ...], ...]:
    return study.deciding if claim.deciding is None else claim.deciding


def _case(
    claim: Claim,
    study: Study,
    presets: tuple[str, ...],
    overrides: Mapping[str, Any],
    seeds: Sequence[int] | None,
) -> Case:
    conditions: dict[str, Condition] = {}
    labels, commands, needs = [], [], []
    for preset in presets:
        config = study.configure(preset, overrides)
        numbers = tuple(seeds or claim.seeds or study.preset(preset).seeds)
        labels.append(label(study, config, preset))
        for selection in claim.runs:
            source, base, given = study, config, numbers
            if selection.study:
                source = look_up(selection.study)
                base, given = source.configure(preset, {}), source.preset(preset).seeds
            family = selection.family
            own = source.family_seeds(family, given) if family else given
            chosen = _chosen(source, base, selection)
            # Later families win, as in the chapters: what decides equivalence has more seeds.
            conditions |= {name: Condition(one, own, labels[-1]) for name, one in chosen.items()}
            # A family is computed from the setting as a whole, other conditions one by one.
            computed = [base] * bool(chosen) if family else chosen.values()
            commands += [command(source, one, own, preset, family) for one in computed]
            needs += [name.format(**config.model_dump()) for name in selection.needs]
    needed = tuple(dict.fromkeys(needs))
    if lost := [name for name in needed if name not in conditions]:
        raise UserError(f"{claim.id} needs {'; '.join(lost)}, which {' + '.join(labels)} does not have")
    decides = not overrides and presets in _deciding(claim, study)
    return Case(claim.id, " + ".join(labels), conditions, decides, tuple(dict.fromkeys(commands)), needed)


def _chosen(study: Study, config: StudyConfig, selection: Selection) -> dict[str, StudyConfig]:
    """Name in the rule → settings."""
    if not selection.family:
        itself = config.parse({**config.model_dump(), **selection.settings})
        return {name.format(**itself.model_dump()): itself for name in selection.names}
    return {
        f"{selection.prefix}{name}": one
        for name, one in study.family(selection.family, config).items()
        if any(fnmatchcase(name, pattern) for pattern in selection.names)
    }
