"""Records of the published units: the pages on provenance and status, and the table of results."""

from __future__ import annotations

import functools
import html
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine import labels as spelling
from ..engine.config import StudyConfig
from ..engine.netcdf import read_identity
from ..engine.study import studies
from ..engine.study import study as look_up


@dataclass(frozen=True)
class Record:
    """One published unit, as far as its attributes tell.

    Attributes:
        study: Name of the study.
        id: Name of the unit.
        seed: Its seed.
        config: Its settings.
        provenance: See :func:`reprise.engine.provenance.record`.
        path: Its file.
    """

    study: str
    id: str
    seed: int
    config: StudyConfig
    provenance: dict[str, Any]
    path: Path

    @property
    def preset(self) -> str:
        """The preset that the settings differ from least, with what differs."""
        return nearest_preset(self.study, self.config.model_dump_json())


def published_records(folder: Path) -> list[Record]:
    """Records of all published units, study by study, conditions together, seeds in order.

    Args:
        folder: The published layer, ``results/``.

    Raises:
        ValueError: A unit's file name is not the id that follows from its settings and seed.
    """
    return [record for name in studies() for record in study_records(name, folder)]


def study_records(study: str, folder: Path) -> list[Record]:
    """The same of one study."""
    from ..engine.study import Unit

    found, settings = [], look_up(study).config
    for path in sorted((folder / study).glob("*.nc")):
        attributes, seed = read_identity(path)
        provenance = json.loads(attributes["provenance"])
        config = settings.model_validate_json(attributes["config"])
        if seed is None or Unit(config, seed).id != path.stem:
            raise ValueError(f"{path}: its settings and seed {seed} make another unit")
        found.append(Record(study, path.stem, seed, config, provenance, path))
    return sorted(found, key=lambda record: (record.preset, record.seed))


def records_html(records: Sequence[Record]) -> str:
    """Every unit's full record, folded, each with the id ``unit-<id>``; HTML."""
    return "".join(_record_html(record) for record in records)


def times(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What units took: a row a study, condition and machine.

    Returns:
        Rows with ``study``, ``condition``, ``machine``, ``threads``, ``units``, ``median`` and ``total`` (s).
    """
    groups: dict[tuple[str, str, str, int], list[float]] = {}
    for record in records:
        made = record.provenance
        key = record.study, record.preset, str(made["device_name"]), int(made["threads"])
        groups.setdefault(key, []).append(float(made["seconds"]))
    return [
        {
            "study": study,
            "condition": condition,
            "machine": machine,
            "threads": threads,
            "units": len(seconds),
            "median": statistics.median(seconds),
            "total": sum(seconds),
        }
        for (study, condition, machine, threads), seconds in groups.items()
    ]


def times_table(records: Sequence[Record]) -> str:
    """What units took, as a Markdown table."""
    lines = [
        "| study | condition | machine | threads | units | a unit | all |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for row in times(records):
        one, all_ = spell_seconds(row["median"]), spell_seconds(row["total"])
        facts = (row[name] for name in ("study", "condition", "machine", "threads", "units"))
        lines.append(f"| {' | '.join(map(str, facts))} | {one} | {all_} |")
    return "\n".join(lines)


def spell_seconds(seconds: float) -> str:
    """Seconds for people: ``48 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@functools.cache
def nearest_preset(study: str, settings: str) -> str:
    """The preset of a study that settings (a configuration as JSON) differ from least, with what differs."""
    chosen = look_up(study)
    config = chosen.config.model_validate_json(settings)
    return spelling.label(chosen, config, spelling.nearest(chosen, config))


def _record_html(record: Record) -> str:
    made = {name: value for name, value in record.provenance.items() if name != "unit"}
    facts = {
        "settings": ", ".join(f"{k}={v}" for k, v in record.config.settings().items())
        or "all frozen defaults",
        "protocol": str(type(record.config).protocol),
        **{name: _words(value) for name, value in sorted(made.items())},
        "file": f"results/{record.study}/{record.id}.nc",
    }
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in facts.items()
    )
    title = f"{record.id} · {record.preset} · seed {record.seed}"
    return (
        f'<details class="record" id="unit-{record.id}"><summary>{html.escape(title)}</summary>'
        f'<dl class="facts">{rows}</dl></details>'
    )


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return str(value)
