"""What each claim needs: the runs that its rule takes, in every setting in which it is judged.

A *case* is a claim in one setting: a preset, as it is or with settings replaced. Presets of a study stand in
the order in which they decide: the paper's scale first, then the laptop's. Others are judged and shown beside
these, and never decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...places import UserError
from .. import study as look_up
from ..seeds import spell_seeds
from ..settings import StudyConfig
from ..spelling import changes, command, label
from .registry import PAPERS, Claim, claims


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
    papers = list(dict.fromkeys(PAPERS.values()))
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


Named = Mapping[str, tuple[Any, tuple[int, ...]]]
"""Name in the rule → settings and seeds."""


def _case(claim: Claim, preset: str, decides: bool, config: StudyConfig, seeds: Sequence[int] | None) -> Case:
    study = look_up(claim.study)
    numbers = tuple(seeds) if seeds else study.preset(preset).seeds
    named, families = _NEEDS[claim.id](config, numbers)
    conditions = {name: Condition(one, own, preset) for name, (one, own) in named.items()}
    if families:
        changed = [f"{k}={v}" for k, v in changes(study, config, preset).items()]
        settings = "".join(f" --set {word}" for word in changed)
        commands = tuple(
            f"reprise run {claim.study} --preset {preset}{settings} --family {family} --seeds "
            f"{spell_seeds(family_numbers)}"
            for family, family_numbers in families.items()
        )
    else:
        commands = tuple(command(study, one.config, one.seeds, preset) for one in conditions.values())
    shown = label(study, config, preset)
    return Case(claim.id, shown, conditions, claim.id in _ALONE, decides, tuple(dict.fromkeys(commands)))


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


_ALONE = ("M1a", "M1b", "M3a", "M3b", "M3")
"""Claims whose rule takes one run itself."""

_Needs = Callable[[Any, tuple[int, ...]], tuple[Named, Mapping[str, tuple[int, ...]]]]


def _similarity(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
    return {"similarity": (_measuring(config, "similarity"), seeds)}, {}


def _function(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
    return {"function": (_measuring(config, "function"), seeds)}, {}


def _both(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
    return {**_similarity(config, seeds)[0], **_function(config, seeds)[0]}, {}


def _measuring(config: Any, analysis: str) -> StudyConfig:
    return type(config).parse({**config.model_dump(), "analysis": analysis})


def _transfer(*wanted: tuple[str, str, Callable[[str], bool]]) -> _Needs:
    """Conditions of families of study 2: family, what stands before their names, which of them."""

    def needs(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
        study = look_up("transfer")
        named = {
            f"{prefix}{name}": (one, seeds)
            for family, prefix, chosen in wanted
            for name, one in study.family(family, config).items()
            if chosen(name)
        }
        return named, {family: seeds for family, _, _ in wanted}

    return needs


def _among(*names: str) -> Callable[[str], bool]:
    return lambda name: name in names


def _segmentation(*names: str) -> _Needs:
    """Conditions of study 3 by the names that its rules know."""

    def needs(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
        from ..segmentation import family_seeds

        study = look_up("segmentation")
        named, families = {}, {}
        # Later families win, as in the chapter: what decides equivalence has more seeds.
        for family in ("encoders", "imagenet", "modes"):
            numbers = family_seeds(family, seeds)
            for name, one in study.family(family, config).items():
                if name in names:
                    named[name] = (one, numbers)
                    families[family] = numbers
        return {name: named[name] for name in names}, families

    return needs


_EVERY = lambda _name: True  # noqa: E731
_RANDOM_TARGETS = ("targets", "", _among("true labels", "shifted labels", "random labels"))
_FRESH_RANDOM = ("fresh", "fresh: ", _among("random labels"))

_NEEDS: Mapping[str, _Needs] = {
    "M1": _both,
    "M1a": _similarity,
    "M1b": _function,
    "M3": _similarity,
    "M3a": _similarity,
    "M3b": _similarity,
    "T1": _transfer(("targets", "", _EVERY)),
    "T2": _transfer(("freezing", "", lambda name: name.rpartition(", ")[2] in ("all", "after-2"))),
    "T3a": _transfer(("targets", "", _among("true labels", "random labels"))),
    "T3b": _transfer(("targets", "", _among("random labels")), _FRESH_RANDOM),
    "T3c": _transfer(_RANDOM_TARGETS),
    "T3d": _transfer(("noise", "pre-training: ", _EVERY)),
    "T3": _transfer(_RANDOM_TARGETS, _FRESH_RANDOM),
    "T4": _transfer(("sizes", "equal epochs: ", _EVERY), ("equal-steps", "equal steps: ", _EVERY)),
    "S1": _segmentation("segmentation", "none"),
    "S2": _segmentation("segmentation", "segmentation, both", "segmentation, decoder", "none"),
    "S3": _segmentation("segmentation", "segmentation, both"),
    "S4": _segmentation("segmentation", "reconstruction", "classification"),
    "S5": _segmentation("segmentation", "imagenet"),
    "S6": _segmentation("contrastive-reconstruction", "contrastive", "none"),
    "S6a": _segmentation("contrastive-reconstruction", "none"),
    "S6b": _segmentation("contrastive-reconstruction", "contrastive"),
}
