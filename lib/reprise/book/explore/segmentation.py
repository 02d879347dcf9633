"""Explorers of study 3, from whatever of its families is in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine import labels as spelling
from ...engine import runner
from ...engine.grams import with_page_measures
from ...engine.store import Store
from ...studies.segmentation import FAMILIES, SegmentationConfig, family_seeds
from ...studies.segmentation import figures as figures
from ...studies.segmentation.families import name_of
from ...studies.segmentation.figures_views import class_colours
from ...studies.segmentation.measure import kept_similarities
from ...studies.segmentation.rates import spelled
from ...widgets import Representation, Segmentation
from ...widgets.segmentation import Condition, Start
from ...widgets.states import named_states
from .stimuli import crop_pictures

if TYPE_CHECKING:
    import xarray as xr

    from ..chapter import Chapter

_MOMENTS = {"start": "before fine-tuning", "end": "after fine-tuning", "fresh": "an unrelated network"}


def segmentation(
    chapter: Chapter, images: np.ndarray | None = None, masks: np.ndarray | None = None
) -> Segmentation:
    """Every start, share of the labels and seed that is in the store; what is not is listed with its command.

    Args:
        chapter: A chapter of study 3.
        images: The shown test pictures, (pictures, side, side, 3) uint8, where they may be shown.
        masks: Their true classes, (pictures, side, side) uint8, 255 where there is no label.
    """
    store = Store(chapter.places.published, chapter.places.local)
    runs: dict[Condition, xr.Dataset] = {}
    kept: dict[Condition, xr.Dataset] = {}
    missing = {}
    starts = {}
    shown = _settings(chapter)
    for name, config, seeds in _conditions(chapter):
        condition = (name, config.fraction)
        found = runner.stored(config, seeds, store)
        there = [int(dataset["seed"]) for dataset in found]
        if absent := [seed for seed in seeds if seed not in there]:
            words = f"{figures.title(name)}, {100 * config.fraction:g} % of the labels"
            words += f", {len(absent)} of {len(seeds)} seeds" if found else ""
            missing[words] = spelling.command(chapter.study, config, absent, chapter.preset)
        if not found:
            continue
        starts[name] = Start(figures.title(name), str(figures.line(name)["color"]))
        runs[condition] = runner.gather(found, chapter.preset)
        # Of other shares change by fine-tuning is shown alone: Grams of all would make the page too large.
        with_grams = [dataset for dataset in found if "gram" in dataset and config.fraction == shown.fraction]
        if with_grams:
            kept[condition] = with_grams[0]
    runs = {
        condition: with_page_measures(run, kept.get(condition), kept_similarities)
        for condition, run in runs.items()
    }
    first = next(iter(runs.values()))
    own = [condition for condition in runs if condition[1] == shown.fraction]
    rates = {
        condition: spelled(run)
        for condition, run in runs.items()
        if "rate_miou" not in run  # replicates that choose their own rates choose alike
    }
    b = next((one for one in own if one[0] == name_of(shown)), own[-1])
    # A pair that can be compared, where there is one.
    alike = [one for one in own if one != b and rates.get(one) == rates.get(b)]
    return Segmentation(
        runs,
        starts,
        kept,
        a=next(iter(alike), own[0]),
        b=b,
        classes=class_colours(first.sizes["class_name"]),
        levels={text: value for value, text in figures.named_levels(first)},
        images=images,
        masks=masks,
        missing=missing,
        rates=rates,
        unit=f"{chapter.run.attrs['preset']}: {first['dataset'].values.flat[0]}, "
        f"{len(runs)} conditions, {sum(run.sizes['seed'] for run in runs.values())} networks",
    )  # fmt: skip


def networks(chapter: Chapter, conditions: Sequence[str]) -> Representation | None:
    """Any two states of the networks of some conditions: before and after fine-tuning, layer by layer.

    Args:
        chapter: A chapter of study 3.
        conditions: Names of conditions at the chapter's own share of the labels, at most twelve.

    Returns:
        The explorer; None where no unit keeps Grams.
    """
    store = Store(chapter.places.published, chapter.places.local)
    units = {}
    for name, config, seeds in _conditions(chapter):
        if name in conditions and config.fraction == _settings(chapter).fraction:
            found = [dataset for dataset in runner.stored(config, seeds, store) if "gram" in dataset]
            units |= {figures.title(name): dataset for dataset in found[:1]}
    if not units:
        return None
    titles = {"network": "started from", "layer": "layer", "name": "state", "seed": "seed"}
    states = named_states(units, titles, {"name": lambda name: _MOMENTS[name]})
    first = next(iter(units.values()))
    layer = str(first["layer"].values[-1])
    last = next(reversed(units))
    a, b = (states.find(network=last, layer=layer, name=_MOMENTS[moment]) for moment in ("start", "end"))
    return Representation(
        states, a, b, pictures=crop_pictures(chapter, first), title="Compare any two states",
        unit=f"{first['dataset'].item()}, seed {int(first['seed'])}, {first.sizes['stimulus']} test crops",
    )  # fmt: skip


def _conditions(chapter: Chapter) -> Iterator[tuple[str, SegmentationConfig, list[int]]]:
    """Name, settings and seeds of every condition of every family, each once, with all seeds that it has.

    The chapter's own is one of them, whether a family has it or not.
    """
    shown = _settings(chapter)
    seeds: dict[SegmentationConfig, set[int]] = {}
    seeds[shown] = set(chapter.seeds)
    names: dict[SegmentationConfig, str] = {}
    # The page has one name for a start: of networks with a frozen encoder, or another one, it shows none.
    for family in (name for name in FAMILIES if name not in ("frozen", "assay")):
        for words, config in chapter.study.family(family, chapter.config).items():
            assert isinstance(config, SegmentationConfig)
            changed = family == "ablation" and words.startswith("without")
            names.setdefault(config, name_of(config) + (f", {words}" if changed else ""))
            seeds.setdefault(config, set()).update(family_seeds(family, chapter.seeds))
    names.setdefault(shown, name_of(shown))
    for config, name in names.items():
        yield name, config, sorted(seeds[config])


def _settings(chapter: Chapter) -> SegmentationConfig:
    assert isinstance(chapter.config, SegmentationConfig)
    return chapter.config
