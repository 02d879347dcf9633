"""Presets: named sets of values, with what running them should give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Expected:
    """What the units of a preset gave when they were published, for whoever runs it again.

    Attributes:
        values: Endpoint, by its name in :meth:`.study.Study.endpoints` → mean, and its 95 % t
            interval over seeds.
        n: Number of seeds.
        measured: On what, and the day of the last unit.
    """

    values: Mapping[str, tuple[float, float, float]]
    n: int
    measured: str


@dataclass(frozen=True)
class Preset:
    """A named set of values with what to expect of it.

    Attributes:
        values: Field → value, where it differs from the configuration's defaults.
        seeds: Seeds that are run unless others are asked for.
        about: What it is for, one sentence.
        expects: What it should give; None if it was never published.
    """

    values: Mapping[str, Any]
    seeds: tuple[int, ...]
    about: str
    expects: Expected | None = None
