"""Measure matters: the analyses of a study that are in the store, and claims judged under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...engine import labels as spelling
from ...engine import runner
from ...engine.store import Store
from .shown import explore

if TYPE_CHECKING:
    from ..chapter import Chapter

Analysis = tuple[str | None, Mapping[str, Any]]
"""A preset, the chapter's own with its changes if None, and the settings that are replaced in it."""


def analyses(chapter: Chapter, others: Mapping[str, Analysis]) -> tuple[dict[str, Chapter], dict[str, str]]:
    """Find what of some analyses was run, without computing anything.

    Args:
        chapter: The chapter, whose own run is none of them.
        others: Analysis in words → how it differs.

    Returns:
        Words → the run, with those of its seeds that are in the store; and, for analyses without any, words →
        the command that computes them.
    """
    study, store = chapter.study, Store(chapter.places.published, chapter.places.local)
    there: dict[str, Chapter] = {}
    missing = {}
    for words, (preset, settings) in others.items():
        if preset is None or preset == chapter.preset:
            preset, seeds = chapter.preset, chapter.seeds
            settings = {**spelling.changes(study, chapter.config, preset), **settings}
        else:
            seeds = study.preset(preset).seeds
        config = study.configure(preset, dict(settings))
        if config == chapter.config:
            continue
        if found := runner.stored(config, seeds, store):
            own = tuple(int(dataset["seed"]) for dataset in found)
            run = runner.gather(found, spelling.label(study, config, preset))
            there[words] = type(chapter)(study, config, own, preset, chapter.places, run)
        else:
            missing[words] = spelling.command(study, config, seeds, preset)
    return there, missing


def spell_absent(absent: Mapping[str, str]) -> str:
    """Analyses that are not in the store, each with its command, as a sentence in Markdown.

    Args:
        absent: Analysis in words → command, as :func:`analyses` gives them.
    """
    return "Not in the store: " + "; ".join(f"{words} (`{line}`)" for words, line in absent.items()) + "."


def measure_matters(chapter: Chapter, rows: Sequence[Mapping[str, Any]], name: str, **shown: Any) -> None:
    """Display claims under every analysis: the static figure, and the explorer that takes its place.

    Args:
        chapter: The chapter.
        rows: Analyses, as :func:`reprise.claims.specification.specifications` gives them.
        name: Id of the figure on its page.
        shown: Whose results these are, as :meth:`~reprise.book.chapter.Chapter.show` takes it: ``beside`` or
            ``runs``.

    Raises:
        ValueError: No analyses.
    """
    from ...plots.specification import specification_curve
    from ...widgets import Specification

    chapter.show(specification_curve(rows, name), **shown)
    explore(Specification(rows, twin=name), name)
