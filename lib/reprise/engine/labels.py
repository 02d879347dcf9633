"""Conditions in words: as settings that differ from a preset, and as the command line that computes them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from .config import StudyConfig
from .study import Study
from .words import spell_seeds, with_interval


def label(study: Study, config: StudyConfig, preset: str) -> str:
    """A preset's name, with the settings that were changed: ``laptop, ways=10``."""
    return ", ".join([preset, *_spelled(changes(study, config, preset))])


def command(
    study: Study, config: StudyConfig, seeds: Sequence[int], preset: str = "", family: str = ""
) -> str:
    """The exact command line that computes a condition, or a family that is made from it."""
    name = preset if preset in study.presets else next(iter(study.presets))
    changed = _spelled(changes(study, config, name))
    words = ["reprise run", study.name, "--preset", name]
    words += ["--set", *map(shlex.quote, changed)] if changed else []
    words += ["--family", family] if family else []
    return " ".join([*words, "--seeds", spell_seeds(seeds)])


def nearest(study: Study, config: StudyConfig) -> str:
    """The preset from which a condition differs least."""
    return min(study.presets, key=lambda name: len(changes(study, config, name)))


def changes(study: Study, config: StudyConfig, preset: str) -> dict[str, Any]:
    """Settings in which a condition differs from a preset, as JSON values."""
    before = study.configure(preset, {}).model_dump(mode="json")
    values = config.model_dump(mode="json")
    return {key: value for key, value in values.items() if value != before[key]}


def _spelled(settings: dict[str, Any]) -> list[str]:
    """Settings as the command line takes them: ``key=value``."""

    def text(value: object) -> str:
        return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))

    return [f"{key}={text(value)}" for key, value in settings.items()]


def expectation(study: Study, preset: str) -> list[str]:
    """What a preset should give, a line an endpoint, then where that was measured and the command.

    Args:
        study: The study.
        preset: Name of a preset.

    Returns:
        Nothing if the preset was never published.
    """
    entry = study.preset(preset)
    if entry.expects is None:
        return []
    values = [f"{name}: {with_interval(*numbers)}" for name, numbers in entry.expects.values.items()]
    made = f"measured on {entry.expects.n} seeds ({entry.expects.measured})"
    return [*values, f"{made} by: {command(study, study.configure(preset, {}), entry.seeds, preset)}"]
