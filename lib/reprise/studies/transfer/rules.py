"""Rules of study 2, which pair runs by seed.

Names of runs are those of the families in :mod:`reprise.studies.transfer.presets`, some behind a prefix.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...claims.claim import Outcome, Runs
from ...claims.conjunction import agreed
from ...claims.verdict import Part, Status, above, above_holm, all_of, below, equivalent
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr

TARGETS = ("true labels", "shifted labels", "random labels", "other domain")
"""Fine-tunings that the claims are about."""


def head_changes_most(runs: Runs, measure: str) -> Outcome:
    """T1: by target and by both kinds of linear CKA."""
    targets = [name for name in TARGETS if name in runs]
    if not targets:
        return "not run", (), ""
    by_measure = [
        above_holm(
            {
                f"{name}: least similar conv layer − logits ({kind})": endpoints.body_above_head(
                    runs[name], kind
                )
                for name in targets
            }
        )
        for kind in dict.fromkeys((measure, endpoints.DEBIASED))
    ]
    kinds: list[set[Status]] = [{group[i].status for group in by_measure} for i in range(len(targets))]
    split = [name for name, own in zip(targets, kinds, strict=True) if len(own) > 1]
    statuses: list[Status] = ["undecided" if len(own) > 1 else next(iter(own)) for own in kinds]
    note = f"Linear and debiased CKA disagree on {', '.join(split)}." if split else ""
    parts = tuple(part for group in by_measure for part in group)
    return as_far_as_run(all_of(statuses), parts, note, [name for name in TARGETS if name not in runs])


def noise_turns_it_round(runs: Runs, measure: str) -> Outcome:
    """T1b: the sign of T1's endpoint at the ends of the degrees of label noise, and every step between."""
    prefix = "true labels, degree "
    degrees = sorted(int(name.removeprefix(prefix)) for name in runs if name.startswith(prefix))

    def comparisons(kind: str) -> list[Part]:
        lead = {d: endpoints.body_above_head(runs[f"{prefix}{d}"], kind) for d in degrees}
        first, last = degrees[0], degrees[-1]
        steps = {f"degree {b} − degree {a}": lead[b] - lead[a] for a, b in itertools.pairwise(degrees)}
        return [
            below(f"degree {first}: least similar conv layer − logits", lead[first].values),
            above(f"degree {last}: least similar conv layer − logits", lead[last].values),
            *above_holm(steps),
        ]

    return by_both_kinds(measure, comparisons)


def random_labels_keep_less(runs: Runs, measure: str) -> Outcome:
    """T3a: excess of true labels minus excess of random ones."""

    def comparisons(kind: str) -> list[Part]:
        true, random = _excess_of_last(runs, ("true labels", "random labels"), kind)
        return [above("excess, last conv layer: true − random labels", (true - random).values)]

    return by_both_kinds(measure, comparisons)


def nothing_is_left(runs: Runs, measure: str) -> Outcome:
    """T3b: no excess of random labels, where true ones have some."""

    def comparisons(kind: str) -> list[Part]:
        true, random = _excess_of_last(runs, ("true labels", "random labels"), kind)
        return [
            equivalent("excess, last conv layer: random labels", random.values, endpoints.EQUAL),
            above("excess, last conv layer: true labels (specificity)", true.values, endpoints.EQUAL),
        ]

    return by_both_kinds(measure, comparisons)


def usable_structure_is_kept(runs: Runs, measure: str) -> Outcome:
    """T3c: excess of shifted labels against that of true ones."""
    names = ("true labels", "shifted labels")

    def comparisons(kind: str) -> list[Part]:
        true, shifted = endpoints.excess(*_with_fresh(runs, names), measure=kind)
        difference = (shifted - true).sel(layer=endpoints.body(runs[names[0]]))
        last, mean = difference.isel(layer=-1), difference.mean("layer")
        return [
            equivalent("excess, last conv layer: shifted − true labels", last.values, endpoints.EQUAL),
            equivalent("excess, mean of conv layers: shifted − true labels", mean.values, endpoints.EQUAL),
        ]

    status, parts, note = by_both_kinds(measure, comparisons)
    true, shifted = (float(one.mean()) for one in _excess_of_last(runs, names, measure))
    there = f"Excess at the last conv layer by {measure}: true labels {true:.2f}, shifted {shifted:.2f}."
    return status, parts, f"{note} {there}".strip()


def random_labels_change_more_from_the_start(runs: Runs, measure: str) -> Outcome:
    """T3d: two pre-trainings at equal training loss."""
    pair = runs["pre-training: true labels"], runs["pre-training: random labels"]
    true, other = endpoints.at_equal_loss(*pair, "start", measure)
    part = above("CKA to the initial state, last conv layer: true − random labels", true - other)
    return part.status, (part,), ""


def random_labels_change_more_at_this_size(runs: Runs, measure: str) -> Outcome:
    """T3d: the same, with the number of images named."""
    status, parts, _ = random_labels_change_more_from_the_start(runs, measure)
    images = int(runs["pre-training: true labels"]["images"].values.flat[0])
    return status, parts, f"At {images} images to train on; of other numbers nothing is said."


def more_data_more_change(runs: Runs, measure: str) -> Outcome:
    """T4: slopes by layer, at equal epochs and at equal steps."""
    designs = _designs(runs)
    parts: list[Part] = []
    for design, group in designs.items():
        slopes = endpoints.slope_over_images(group, measure)
        parts += [
            above(f"{design}, {layer}: change per tenfold images", slopes.sel(layer=layer).values)
            for layer in slopes["layer"].values
        ]
    if not parts:
        return "not run", (), ""
    note = f"Only {next(iter(designs))} was run." if len(designs) == 1 else ""
    return ("undecided" if note and all_of(parts) == "supported" else all_of(parts)), tuple(parts), note


def more_data_more_change_and_its_end(runs: Runs, measure: str) -> Outcome:
    """T4: the same; and where change has reached its end."""
    status, parts, note = more_data_more_change(runs, measure)
    return status, parts, f"{note} {_no_start_left(runs, measure)}".strip() if parts else note


def _designs(runs: Runs) -> dict[str, list[xr.Dataset]]:
    """T4's two designs with their runs, as far as there are enough of them."""
    found = {
        design: [run for name, run in runs.items() if name.startswith(f"{design}: ")]
        for design in ("equal epochs", "equal steps")
    }
    return {design: group for design, group in found.items() if len(group) >= 3}


def _no_start_left(runs: Runs, measure: str) -> str:
    """Where the similarity to the own start is not above that to fresh random networks, in a sentence."""
    found: dict[str, list[str]] = {}
    for design, group in _designs(runs).items():
        for run in group:
            start, fresh = (endpoints.similarity(run, name, measure) for name in ("start", "fresh"))
            lost = [
                str(layer)
                for layer in run["layer"].values
                if above("", (start - fresh).sel(layer=layer).values).status != "supported"
            ]
            if lost:
                images = int(run["images"].values.flat[0])
                found.setdefault(design, []).append(f"{images} images ({', '.join(lost)})")
    if not found:
        return "Every layer is more similar to its own start than to a fresh random network."
    where = "; ".join(f"{design}, {', '.join(own)}" for design, own in found.items())
    return f"Not told to be more similar to the own start than to a fresh random network (95 %): {where}."


def by_both_kinds(measure: str, comparisons: Callable[[str], Sequence[Part]]) -> Outcome:
    """A rule that a measure and debiased linear CKA must agree on; *mixed* where they do not.

    Args:
        measure: Id of the measure.
        comparisons: Id of a measure → its comparisons, all of which the rule needs.

    Returns:
        Status, the comparisons by both, and which says what where they disagree.
    """
    by_kind = {kind: comparisons(kind) for kind in dict.fromkeys((measure, endpoints.DEBIASED))}
    status, statuses = agreed(by_kind)
    named = tuple(
        replace(part, name=f"{part.name} ({kind})") for kind, parts in by_kind.items() for part in parts
    )
    said = ", ".join(f"{own} by {kind}" for kind, own in statuses.items())
    differs = f"The verdict depends on the measure: {said}." if len(set(statuses.values())) > 1 else ""
    return status, named, differs


def as_far_as_run(status: Status, parts: tuple[Part, ...], note: str, absent: list[str]) -> Outcome:
    """A status that further runs could turn round is none yet."""
    if absent:
        status = "undecided" if status in ("supported", "contradicted") else status
        note = f"{note} Not run: {'; '.join(absent)}.".strip()
    return status, parts, note


def _with_fresh(runs: Runs, names: Sequence[str]):
    """Fine-tunings, each with the fresh network that was trained on the same labels."""
    return [(runs[name], runs[f"fresh: {name}"]) for name in names]


def _excess_of_last(runs: Runs, names: Sequence[str], measure: str):
    """Excess of some fine-tunings at the last convolutional layer, each along ``seed``."""
    last = endpoints.body(runs[names[0]])[-1]
    return [own.sel(layer=last) for own in endpoints.excess(*_with_fresh(runs, names), measure=measure)]
