"""Study 2: its results as Markdown tables, and what is said in place of those that were not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...engine.comparison import summarise
from ...engine.config import StudyConfig
from ...engine.study import Study
from ...engine.words import markdown_table
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .findings import Effect, which_matter
from .states import FROZEN

if TYPE_CHECKING:
    import xarray as xr


def results(runs: Mapping[str, xr.Dataset], reference: str, measure: str = endpoints.PRIMARY) -> str:
    """A row a condition: accuracies and similarity of every layer, with 95 % t intervals over seeds.

    Args:
        runs: Condition → units along ``seed``, all of one architecture.
        reference: What similarity is to.
        measure: Id of a measure.
    """
    layers = [str(name) for name in next(iter(runs.values()))["layer"].values]
    rows = []
    for name, run in runs.items():
        accuracies = [
            summarise(100 * run[key].isel(epoch=-1).values).spell(1)
            for key in ("train_accuracy", "test_accuracy")
        ]
        kept = endpoints.similarity(run, reference, measure)
        cells = [summarise(kept.sel(layer=layer).values).spell() for layer in layers]
        rows.append([name, run.sizes["seed"], *accuracies, *cells])
    return markdown_table(["", "n", "training accuracy, %", "test accuracy, %", *layers], rows)


def excess(tuned: Mapping[str, xr.Dataset], fresh: Mapping[str, xr.Dataset]) -> str:
    """Two rows a target: what of each layer's similarity to the pre-trained network only the past explains.

    Args:
        tuned: Target → fine-tuned units.
        fresh: The same targets → fresh networks trained on the same labels.

    Returns:
        By linear and by debiased CKA, with 95 % t intervals over seeds; in bold where it leaves out 0.
    """
    rows, layers = [], []
    for name in (name for name in tuned if name in fresh):
        for kind in (endpoints.PRIMARY, endpoints.DEBIASED):
            (values,) = endpoints.excess((tuned[name], fresh[name]), measure=kind)
            layers = [str(layer) for layer in values["layer"].values]
            cells = [summarise(values.sel(layer=layer).values).spell_difference() for layer in layers]
            rows.append([name, measure_entry(kind).title, values.sizes["seed"], *cells])
    return markdown_table(["", "measure", "n", *layers], rows)


def freezing(runs: Mapping[str, xr.Dataset]) -> str:
    """A row a domain and number of images: accuracy before and after, and what freedom gains.

    Args:
        runs: ``"<domain>, <n> images, <moving>"`` → units along ``seed``.

    Returns:
        Gains in log-odds of test accuracy over each other way, with 95 % t intervals over seeds; in bold
        where the interval leaves out 0.
    """
    modes = list(dict.fromkeys(name.rsplit(", ", 1)[1] for name in runs if not name.endswith(", all")))
    against = [FROZEN.get(mode, mode) for mode in modes]
    rows = []
    for name, free in runs.items():
        setting, _, moving = name.rpartition(", ")
        if moving != "all":
            continue
        cells = []
        for mode in modes:
            frozen = runs.get(f"{setting}, {mode}")
            cells.append(
                "–" if frozen is None else summarise(endpoints.gain(free, frozen).values).spell_difference()
            )
        before, after = (
            summarise(100 * free["test_accuracy"].isel(epoch=k).values).spell(1) for k in (0, -1)
        )
        rows.append([setting, free.sizes["seed"], before, after, *cells])
    return markdown_table(["fine-tuned on", "n", "accuracy before, %", "after, all free, %", *against], rows)


def gains(runs: Mapping[str, xr.Dataset], moving: str = "after-2") -> str:
    """In words, domain by domain: at which numbers of images freedom gains, costs, or cannot be told.

    Args:
        runs: As :func:`freezing` takes them.
        moving: What freedom is held against.
    """
    words: dict[str, dict[str, list[str]]] = {}
    for name, free in runs.items():
        setting, _, mode = name.rpartition(", ")
        if mode != "all" or f"{setting}, {moving}" not in runs:
            continue
        domain, _, count = setting.partition(", ")
        found = summarise(endpoints.gain(free, runs[f"{setting}, {moving}"]).values)
        word = "makes no difference that can be told"
        if found.low > 0:
            word = "gains"
        elif found.high < 0:
            word = "costs"
        words.setdefault(domain, {}).setdefault(word, []).append(count.removesuffix(" images"))
    return "; ".join(
        f"{domain}: "
        + ", ".join(f"it {word} at {' and '.join(counts)} images" for word, counts in by_word.items())
        for domain, by_word in words.items()
    )


def slopes(designs: Mapping[str, Sequence[xr.Dataset]], measure: str = endpoints.PRIMARY) -> str:
    """A row a design: change of every layer since its start, per tenfold number of training images.

    Args:
        designs: Design → runs on different numbers of images.
        measure: Id of a measure.
    """
    found = {name: endpoints.slope_over_images(runs, measure) for name, runs in designs.items()}
    layers = [str(name) for name in next(iter(found.values()))["layer"].values]
    rows = []
    for name, values in found.items():
        cells = [summarise(values.sel(layer=layer).values).spell_difference() for layer in layers]
        rows.append([name, values.sizes["seed"], *cells])
    return markdown_table(["", "n", *layers], rows)


def audit(found: Sequence[Effect]) -> str:
    """A row a finding: what it changes in each layer and in accuracy; in bold what matters."""
    quantities = list(dict.fromkeys(effect.quantity for effect in found))
    rows = []
    for name in dict.fromkeys(effect.finding for effect in found):
        cells = []
        for effect in (effect for effect in found if effect.finding == name):
            text = effect.difference.spell(sign=True)
            cells.append(f"**{text}**" if effect.word == "matters" else text)
        rows.append([name.split(", ", 1)[-1], *cells])
    return markdown_table(["", *quantities], rows)


def outcomes(found: Sequence[Effect]) -> dict[str, str]:
    """What each switch (such as ``"channels cut"``) does, in words; what matters, largest first."""
    said = {}
    for name, matters in which_matter(found).items():
        kinds = {effect.word for effect in found if effect.finding == name}
        if matters:
            text = "**matters**: " + "; ".join(
                f"{effect.quantity} {effect.difference.spell(2, sign=True)}" for effect in matters
            )
        elif kinds == {"no difference"}:
            text = "changes nothing"
        elif kinds <= {"small", "no difference"}:
            text = "small everywhere"
        else:
            told = f"no difference that could be told from 0 and reaches {endpoints.EQUAL:g}"
            text = f"{told}; one is not excluded"
        said[name.split(", ", 1)[-1]] = text
    return said


def missing(
    study: Study, config: StudyConfig, seeds: Sequence[int], families: Mapping[str, Mapping[str, xr.Dataset]]
) -> dict[str, list[str]]:
    """Conditions of the families that lack some of the seeds.

    Args:
        study: The study.
        config: The condition that the families are made from.
        seeds: Seeds that there should be.
        families: Name of a family → condition → what is there of it.

    Returns:
        Name of a family → its incomplete conditions, each with what it has: ``random labels (3 of 5 seeds)``.
    """
    found = {}
    for family, runs in families.items():
        lines = []
        for title in study.family(family, config):
            there = {int(seed) for seed in runs[title]["seed"].values} if title in runs else set()
            if lacking := set(seeds) - there:
                lines.append(f"{title} ({len(seeds) - len(lacking)} of {len(seeds)} seeds)")
        if lines:
            found[family] = lines
    return found


def not_run(command: str, *families: str) -> str:
    """What a chapter says in place of a figure: that runs are missing, and the command that makes them.

    Args:
        command: Command of the condition that the families are made from.
        families: Their names.
    """
    options = " ".join(f"--family {family}" for family in families)
    return f"**Not run:** these units are not in the store. `{command} {options}` makes them."
