"""What each claim needs: the runs that its rule takes, in every setting in which it is judged.

A *case* is a claim in one setting: a preset, as it is or with settings replaced. Presets of a study stand in
the order in which they decide: the paper's scale first, then the laptop's. Others are judged and shown beside
these, and never decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.config import StudyConfig
from ..engine.labels import command, label
from ..engine.study import studies
from ..engine.study import study as look_up
from ..places import UserError
from .claim import Claim, claims
from .needs import ALONE, NEEDS


@dataclass(frozen=True)
class Condition:
    """One run that a rule takes.

    Attributes:
        config: Its settings.
        seeds: Its seeds.
        preset: The preset that it came from.
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
        alone: Whether the rule takes the one run itself rather than runs by name.
        decides: Whether a verdict here can be the claim's.
        commands: Command lines that compute the runs.
    """

    claim: str
    preset: str
    conditions: Mapping[str, Condition]
    alone: bool
    decides: bool
    commands: tuple[str, ...]


DECIDING = {
    "maml": ("as_described", "laptop"),
    "transfer": ("as_described", "laptop"),
    "segmentation": ("full", "laptop"),
}
"""Study → presets by which its claims are decided: the first of them that has enough seeds."""

BESIDE = {
    "maml": ("as_released", "mini_imagenet"),
    "transfer": ("as_released", "resnet18", "vgg16"),
    "segmentation": ("camvid", "shapes"),
}
"""Study → presets that are judged too."""

CONTROL = (
    (("as_described", "omniglot-classes"), True),
    (("laptop", "omniglot-classes"), True),
    (("as_described",), False),
    (("laptop",), False),
    (("omniglot-classes",), False),
)
"""Presets of the control whose data sets M2 is judged on together, and whether they decide."""

SHOWN_BY = {
    "M1": "maml-function",
    "M1a": "maml-levels",
    "M1b": "maml-function",
    "M2": "control-nulls",
    "M3": "maml-neighbours",
    "M3a": "maml-neighbours",
    "M3b": "maml-neighbours",
    "T1": "transfer-layers",
    "T2": "transfer-gain",
    "T3": "transfer-levels",
    "T3a": "transfer-levels",
    "T3b": "transfer-levels",
    "T3c": "transfer-levels",
    "T3d": "transfer-levels",
    "T4": "transfer-levels",
    "S1": "segmentation-miou",
    "S2": "segmentation-convergence",
    "S3": "segmentation-convergence",
    "S4": "segmentation-miou",
    "S5": "segmentation-miou",
    "S6": "segmentation-miou",
    "S6a": "segmentation-miou",
    "S6b": "segmentation-miou",
}
"""Claim → the figure that shows it best, by its name on a page of the book."""


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
    if claim.study == "control":
        groups = [((preset,), False)] if preset else CONTROL
        return [_control(claim, names, decides, overrides, seeds) for names, decides in groups]
    study = look_up(claim.study)
    if preset:
        deciding = not overrides and preset in DECIDING[claim.study]
        return [_case(claim, preset, deciding, study.configure(preset, overrides or {}), seeds)]
    found = []
    for name in (*DECIDING[claim.study], *BESIDE[claim.study]):
        try:
            config = study.configure(name, overrides or {})
            found.append(_case(claim, name, not overrides and name in DECIDING[claim.study], config, seeds))
        except ValueError:
            if overrides and name in DECIDING[claim.study]:
                raise
    return found


def _case(claim: Claim, preset: str, decides: bool, config: StudyConfig, seeds: Sequence[int] | None) -> Case:
    study = look_up(claim.study)
    numbers = tuple(seeds) if seeds else study.preset(preset).seeds
    named, families = NEEDS[claim.id](config, numbers)
    conditions = {name: Condition(one, own, preset) for name, (one, own) in named.items()}
    if families:
        commands = tuple(command(study, config, own, preset, family) for family, own in families.items())
    else:
        commands = tuple(command(study, one.config, one.seeds, preset) for one in conditions.values())
    shown = label(study, config, preset)
    return Case(claim.id, shown, conditions, claim.id in ALONE, decides, tuple(dict.fromkeys(commands)))


def _control(
    claim: Claim,
    presets: tuple[str, ...],
    decides: bool,
    overrides: Mapping[str, Any] | None,
    seeds: Sequence[int] | None,
) -> Case:
    study = look_up("control")
    conditions = {}
    for name in presets:
        config = study.configure(name, overrides or {})
        numbers = tuple(seeds) if seeds else study.preset(name).seeds
        conditions[str(config.model_dump()["dataset"])] = Condition(config, numbers, name)
    commands = tuple(command(study, one.config, one.seeds, one.preset) for one in conditions.values())
    shown = " + ".join(label(study, one.config, one.preset) for one in conditions.values())
    return Case(claim.id, shown, conditions, False, decides, commands)
