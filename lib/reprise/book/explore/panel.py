"""Explorers in a chapter: shown with a word for readers without JavaScript, and fed from store and data."""

from __future__ import annotations

import html
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..places import UserError
from ..store import Store
from ..studies import runner
from ..studies.seeds import spell_seeds

if TYPE_CHECKING:
    import xarray as xr

    from ..studies.base import Study
    from .chapter import Chapter

__all__ = ["explore", "parameter_table", "parameters", "pictures", "published_settings", "rates"]


def explore(widget: Any, beside: str, label: str = "the figure above") -> None:
    """Display an explorer.

    Without JavaScript a line says where the same is to be seen; on paper the explorer is left out.

    Args:
        widget: One of :mod:`reprise.widgets`.
        beside: Id of the static figure or table that says the same.
        label: How to call it.
    """
    from IPython.display import HTML, display

    display(
        HTML(
            "<noscript><p>Here an explorer would compute in the page, which takes JavaScript; "
            f'<a href="#{html.escape(beside)}">{html.escape(label)}</a> says the same.</p></noscript>'
        )
    )
    display(widget)


def pictures(chapter: Chapter, unit: xr.Dataset) -> np.ndarray | None:
    """The stimuli of a few-shot unit, from the data at hand.

    Args:
        chapter: The chapter, which knows where data lie.
        unit: A unit with its stimuli's classes and drawings.

    Returns:
        (n, height, width) uint8, or None where the data are not there: the explorer then draws tiles.
    """
    from ..data import load_few_shot

    try:
        splits = load_few_shot(str(unit["dataset"].values), chapter.places.data)
    except UserError:
        return None
    pool = getattr(splits, str(unit["stimulus_split"].values)).images
    images = np.asarray(pool[unit["stimulus_class"].values, unit["stimulus_drawing"].values])
    if images.dtype != np.uint8:
        images = np.round(255 * np.clip(images, 0, 1)).astype(np.uint8)
    return images.squeeze(1) if images.ndim == 4 and images.shape[1] == 1 else images.squeeze()


def published_settings(
    study: Study, store: Store, links: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Settings of a study that are published, with their seeds.

    Args:
        study: The study.
        store: Where its units are.
        links: Label of a setting, as :func:`reprise.studies.runner.label` spells it → address, relative to
            the page.

    Returns:
        ``settings`` (all fields as JSON values), ``seeds``, ``label``, ``link`` (or empty).
    """
    found: dict[str, tuple[Any, list[int]]] = {}
    for dataset in store.all(study.name, "published"):
        config = study.config.model_validate_json(dataset.attrs["config"])
        found.setdefault(config.model_dump_json(), (config, []))[1].append(int(dataset["seed"]))
    entries = []
    for config, seeds in found.values():
        # Under the preset from which it differs least.
        preset = min(study.presets, key=lambda name: len(runner.changes(study, config, name)))
        label = runner.label(study, config, preset)
        entries.append(
            {
                "settings": config.model_dump(mode="json"),
                "seeds": sorted(seeds),
                "label": f"{label}, seeds {spell_seeds(sorted(seeds))}",
                "link": (links or {}).get(label, ""),
            }
        )
    return entries


def rates(study: Study, store: Store) -> dict[str, float]:
    """Median seconds per unit of a study's work on each device on which published units were made."""
    found: dict[str, list[float]] = {}
    for dataset in store.all(study.name, "published"):
        record = runner.provenance(dataset)
        work = study.work(study.config.model_validate_json(dataset.attrs["config"]))
        threads = record.get("threads")
        device = record["device_name"]
        if record["device"] == "cpu" and threads:
            device = f"{threads} cores of an {device}"
        found.setdefault(device, []).append(record["seconds"] / work)
    return {device: statistics.median(values) for device, values in found.items()}


def parameters(chapter: Chapter, links: Mapping[str, str] | None = None, name: str = "") -> None:
    """Display the parameter panel of a chapter's study, and the table that stands for it on paper.

    Args:
        chapter: The chapter.
        links: As for :func:`published_settings`.
        name: Id of the table; from the study's name if empty.
    """
    from IPython.display import HTML, display

    from ..widgets.parameters import Parameters

    name = name or f"{chapter.study.name}-parameters"
    store = Store(chapter.places.published, chapter.places.local)
    published = published_settings(chapter.study, store, links)
    table = parameter_table(chapter.study, chapter.preset, published)
    display(HTML(f'<div id="{html.escape(name)}">{table}</div>'))
    widget = Parameters(chapter.study, chapter.preset, published, rates(chapter.study, store), twin=name)
    explore(widget, name, "the table above")


def parameter_table(study: Study, preset: str, published: Sequence[Mapping[str, Any]]) -> str:
    """All settings of a study as an HTML table, and which of them are published.

    Args:
        study: The study.
        preset: Preset whose values are shown.
        published: As :func:`published_settings` gives them.
    """
    from ..widgets.schema import fields

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
