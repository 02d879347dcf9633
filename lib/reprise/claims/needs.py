"""Which runs the rule of each claim takes, made from the settings and seeds in which it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..engine.config import StudyConfig
from ..engine.study import study as look_up

Named = Mapping[str, tuple[Any, tuple[int, ...]]]
"""Name in the rule → settings and seeds."""

ALONE = ("M1a", "M1b", "M3a", "M3b", "M3")
"""Claims whose rule takes one run itself."""

Needs = Callable[[Any, tuple[int, ...]], tuple[Named, Mapping[str, tuple[int, ...]]]]
"""Settings and seeds → the runs, and the families that compute them with the seeds of each."""


def _similarity(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
    return {"similarity": (_measuring(config, "similarity"), seeds)}, {}


def _function(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
    return {"function": (_measuring(config, "function"), seeds)}, {}


def _both(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
    return {**_similarity(config, seeds)[0], **_function(config, seeds)[0]}, {}


def _measuring(config: Any, analysis: str) -> StudyConfig:
    return type(config).parse({**config.model_dump(), "analysis": analysis})


def _transfer(*wanted: tuple[str, str, Callable[[str], bool]]) -> Needs:
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


def _segmentation(*names: str) -> Needs:
    """Conditions of study 3 by the names that its rules know."""

    def needs(config: Any, seeds: tuple[int, ...]) -> tuple[Named, Mapping]:
        study = look_up("segmentation")
        family_seeds = study.part("presets").family_seeds
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

NEEDS: Mapping[str, Needs] = {
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
"""Claim → what makes its runs."""
