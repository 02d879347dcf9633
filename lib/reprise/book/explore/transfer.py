"""Explorers of study 2 in a chapter's cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...engine import runner
from ...engine.store import Store
from ...studies.transfer import explorers as explorers
from .stimuli import image_pictures

if TYPE_CHECKING:
    import xarray as xr

    from ...widgets import Dynamics, Representation
    from ..chapter import Chapter


def transfer_states(chapter: Chapter, runs: Mapping[str, xr.Dataset]) -> Representation | None:
    """Any two states of some conditions: before, during and after training, layer by layer.

    Args:
        chapter: A chapter of study 2.
        runs: Condition → units along ``seed``, as :meth:`~reprise.book.chapter.Chapter.family` gives them;
            as many from the first on as a page holds.

    Returns:
        The explorer; None where no unit of these keeps Grams.
    """
    units = _kept(chapter, runs)
    return (
        explorers.representation(units, image_pictures(chapter, next(iter(units.values()))))
        if units
        else None
    )


def transfer_change(chapter: Chapter, run: xr.Dataset) -> Dynamics:
    """Change over training of one condition, with the state of one unit at the cursor where one keeps Grams.

    Args:
        chapter: A chapter of study 2.
        run: The condition's units along ``seed``.
    """
    unit = next(iter(_kept(chapter, {"": run}).values()), None)
    return explorers.dynamics(run, unit, None if unit is None else image_pictures(chapter, unit))


def _kept(chapter: Chapter, runs: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Of each condition the first unit that keeps Grams."""
    store = Store(chapter.places.published, chapter.places.local)
    units = {}
    for words, run in runs.items():
        config = chapter.study.config.model_validate_json(run.attrs["config"])
        seeds = [int(seed) for seed in run["seed"].values.flat]
        found = (unit for unit in runner.stored(config, seeds, store) if "gram" in unit)
        if (unit := next(found, None)) is not None:
            units[words] = unit
    return units
