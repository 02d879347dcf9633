"""The parameter panel of a study, with the table that stands for it on paper."""

from __future__ import annotations

import html
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...engine import labels as spelling
from ...engine.words import spell_seeds
from ..units import Record, study_records
from .shown import explore

if TYPE_CHECKING:
    from ...engine.study import Study
    from ..chapter import Chapter


def published_settings(
    study: Study, records: Sequence[Record], links: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Settings of a study that are published, with their seeds.

    Args:
        study: The study.
        records: Its units, see :func:`reprise.book.units.study_records`.
        links: Label of a setting, as :func:`reprise.engine.labels.label` spells it → address, relative to
            the page; with ``*`` at its end, of all labels that begin so. The first that fits counts.

    Returns:
        ``settings`` (all fields as JSON values), ``seeds``, ``label``, ``link`` (or empty).
    """
    found: dict[str, tuple[Any, list[int]]] = {}
    for record in records:
        found.setdefault(record.config.model_dump_json(), (record.config, []))[1].append(record.seed)
    entries = []
    for config, seeds in found.values():
        label = spelling.label(study, config, spelling.nearest(study, config))
        entries.append(
            {
                "settings": config.model_dump(mode="json"),
                "seeds": sorted(seeds),
                "label": f"{label}, seeds {spell_seeds(sorted(seeds))}",
                "link": _link(label, links or {}),
            }
        )
    return entries


def _link(label: str, links: Mapping[str, str]) -> str:
    if label in links:
        return links[label]
    begun = (address for key, address in links.items() if key.endswith("*") and label.startswith(key[:-1]))
    return next(begun, "")


def rates(study: Study, records: Sequence[Record]) -> dict[str, float]:
    """Median seconds per unit of a study's work on each device on which published units were made."""
    found: dict[str, list[float]] = {}
    for record in records:
        made = record.provenance
        threads, device = made.get("threads"), made["device_name"]
        if made["device"] == "cpu" and threads:
            device = f"{threads} cores of an {device}"
        found.setdefault(device, []).append(made["seconds"] / study.work(record.config))
    return {device: statistics.median(values) for device, values in found.items()}


def parameters(chapter: Chapter, links: Mapping[str, str] | None = None, name: str = "") -> None:
    """Display the parameter panel of a chapter's study, and the table that stands for it on paper.

    Args:
        chapter: The chapter.
        links: As for :func:`published_settings`.
        name: Id of the table; from the study's name if empty.
    """
    from IPython.display import HTML, display

    from ...widgets.parameters import Parameters

    name = name or f"{chapter.study.name}-parameters"
    records = study_records(chapter.study.name, chapter.places.published)
    published = published_settings(chapter.study, records, links)
    table = parameter_table(chapter.study, chapter.preset, published)
    display(HTML(f'<div id="{html.escape(name)}">{table}</div>'))
    widget = Parameters(chapter.study, chapter.preset, published, rates(chapter.study, records), twin=name)
    explore(widget, name, "the table above")


def parameter_table(study: Study, preset: str, published: Sequence[Mapping[str, Any]]) -> str:
    """All settings of a study as an HTML table, and which of them are published.

    Args:
        study: The study.
        preset: Preset whose values are shown.
        published: As :func:`published_settings` gives them.
    """
    from ...widgets.schema import fields

    values = study.configure(preset, {}).model_dump(mode="json")
    rows = "".join(
        f"<tr><th scope='row'><code>{html.escape(field['name'])}</code></th>"
        f"<td>{html.escape(str(values[field['name']]))} {html.escape(field['unit'])}</td>"
        f"<td>{html.escape(field['help'])}</td></tr>"
        for field in fields(study.config)
    )
    there = "; ".join(html.escape(entry["label"]) for entry in published) or "none yet"
    return (
        f"<table><caption>Settings of study {html.escape(study.name)}, preset {html.escape(preset)}</caption>"
        "<thead><tr><th scope='col'>setting</th><th scope='col'>value</th><th scope='col'>meaning</th></tr>"
        f"</thead><tbody>{rows}</tbody></table><p>Published: {there}.</p>"
    )
