"""Rules of study 2. Each takes runs by the name of their condition and pairs their seeds.

Names are those of the families in :mod:`reprise.studies.transfer.presets`.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import rule
from ...claims.verdict import Part, Status, above, above_holm, all_of, equivalent
from . import endpoints
from .claims_declared import T1, T2, T3, T3A, T3B, T3C, T3D, T4, TARGETS

if TYPE_CHECKING:
    import xarray as xr

Runs = Mapping[str, "xr.Dataset"]
Outcome = tuple[Status, tuple[Part, ...], str]


@rule(T1)
def head_changes_most(runs: Runs, measure: str) -> Outcome:
    """T1: by target and by both kinds of linear CKA."""
    targets = [name for name in TARGETS if name in runs]
    if not targets:
        return "not run", (), ""
    measures = dict.fromkeys((measure, endpoints.DEBIASED))
    by_measure = {
        kind: above_holm(
            {
                f"{name}: least similar conv layer − logits ({kind})": endpoints.body_above_head(
                    runs[name], kind
                )
                for name in targets
            }
        )
        for kind in measures
    }
    statuses: list[Status] = []
    split = []
    for i, name in enumerate(targets):
        found: list[Status] = [group[i].status for group in by_measure.values()]
        if len(set(found)) == 1:
            statuses.append(found[0])
        else:
            statuses.append("undecided")
            split.append(name)
    parts = tuple(part for group in by_measure.values() for part in group)
    note = f"Linear and debiased CKA disagree on {', '.join(split)}." if split else ""
    absent = [name for name in TARGETS if name not in runs]
    return _final(_disagreeing(statuses), absent), parts, _with_absent(note, absent)


@rule(T2)
def early_change_is_beneficial(runs: Runs, measure: str) -> Outcome:
    """T2: gain by letting the first two blocks move, on both domains, and their difference."""
    named = [name.removesuffix(", all") for name in runs if name.endswith(", all")]
    gains = {
        (domain, count): endpoints.gain(runs[f"{domain}, {count}, all"], runs[f"{domain}, {count}, after-2"])
        for domain, _, count in (name.partition(", ") for name in named)
        if f"{domain}, {count}, after-2" in runs
    }
    if not gains:
        return "not run", (), ""
    counts = dict.fromkeys(count for _, count in gains)
    wanted = [(domain, count) for count in counts for domain in ("true labels", "other domain")]
    absent = [", ".join(pair) for pair in wanted if pair not in gains]
    benefits = above_holm({f"{domain}, {count}: all − after-2": v for (domain, count), v in gains.items()})
    differences = above_holm(
        {
            f"{count}: other domain − own domain": gains["other domain", count] - value
            for (domain, count), value in gains.items()
            if domain == "true labels" and ("other domain", count) in gains
        }
    )
    parts = (*benefits, *differences)
    note = _with_absent("Log-odds of test accuracy.", absent)
    return _final(all_of(parts), absent), parts, note


@rule(T3A)
def random_labels_change_more(runs: Runs, measure: str) -> Outcome:
    """T3a: at equal training loss."""
    if not _have(runs, "true labels", "random labels"):
        return "not run", (), ""
    true, other = endpoints.at_equal_loss(runs["true labels"], runs["random labels"], "pretrained", measure)
    part = above("CKA to the pre-trained state, last conv layer: true − random labels", true - other)
    return part.status, (part,), ""


@rule(T3B)
def nothing_is_left(runs: Runs, measure: str) -> Outcome:
    """T3b: at equal training loss."""
    if not _have(runs, "random labels", "fresh: random labels"):
        return "not run", (), ""
    pair = runs["random labels"], runs["fresh: random labels"]
    tuned, fresh = endpoints.at_equal_loss(*pair, "pretrained", measure)
    part = equivalent(
        "CKA to the pre-trained state, last conv layer: fine-tuned − fresh", tuned - fresh, endpoints.EQUAL
    )
    note = f"Fine-tuned {np.mean(tuned):.2f}, fresh {np.mean(fresh):.2f}, random labels both."
    return part.status, (part,), note


@rule(T3C)
def usable_structure_is_kept(runs: Runs, measure: str) -> Outcome:
    """T3c: shifted labels against random and true ones."""
    if not _have(runs, *TARGETS[:3]):
        return "not run", (), ""
    last = endpoints.body(runs["true labels"])[-1]

    def kept(name: str) -> xr.DataArray:
        return endpoints.similarity(runs[name], "pretrained", measure)

    body = endpoints.body(runs["true labels"])
    parts = (
        above(
            "CKA to the pre-trained state, last conv layer: shifted − random labels",
            operator.sub(*(kept(name).sel(layer=last) for name in TARGETS[1:3])).values,
        ),
        equivalent(
            "CKA to the pre-trained state, mean of conv layers: true − shifted labels",
            operator.sub(*(kept(name).sel(layer=body).mean("layer") for name in TARGETS[:2])).values,
            endpoints.EQUAL,
        ),
    )
    return all_of(parts), parts, ""


@rule(T3D)
def random_labels_change_more_from_the_start(runs: Runs, measure: str) -> Outcome:
    """T3d: two pre-trainings at equal training loss."""
    if not _have(runs, "pre-training: true labels", "pre-training: random labels"):
        return "not run", (), ""
    pair = runs["pre-training: true labels"], runs["pre-training: random labels"]
    true, other = endpoints.at_equal_loss(*pair, "start", measure)
    part = above("CKA to the initial state, last conv layer: true − random labels", true - other)
    return part.status, (part,), ""


@rule(T3)
def useless_structure_is_erased(runs: Runs, measure: str) -> Outcome:
    """T3: its three parts."""
    rules = random_labels_change_more, nothing_is_left, usable_structure_is_kept
    outcomes = [one(runs, measure) for one in rules]
    parts = tuple(part for outcome in outcomes for part in outcome[1])
    if not parts:
        return "not run", (), ""
    return _disagreeing([outcome[0] for outcome in outcomes]), parts, outcomes[1][2]


@rule(T4)
def more_data_more_change(runs: Runs, measure: str) -> Outcome:
    """T4: slopes by layer, at equal epochs and at equal steps."""
    parts: list[Part] = []
    for design in ("equal epochs", "equal steps"):
        group = [run for name, run in runs.items() if name.startswith(f"{design}: ")]
        if len(group) < 3:
            continue
        slopes = endpoints.slope_over_images(group, measure)
        parts += [
            above(f"{design}, {layer}: change per tenfold images", slopes.sel(layer=layer).values)
            for layer in slopes["layer"].values
        ]
    if not parts:
        return "not run", (), ""
    designs = {part.name.split(",")[0] for part in parts}
    note = "" if len(designs) == 2 else f"Only {designs.pop()} was run."
    return ("undecided" if note and all_of(parts) == "supported" else all_of(parts)), tuple(parts), note


def _have(runs: Runs, *names: str) -> bool:
    return all(name in runs for name in names)


def _final(status: Status, absent: list[str]) -> Status:
    """A status that further runs could turn round is none yet."""
    return "undecided" if absent and status in ("supported", "contradicted") else status


def _with_absent(note: str, absent: list[str]) -> str:
    return " ".join(filter(None, (note, f"Not run: {'; '.join(absent)}." if absent else "")))


def _disagreeing(statuses: list[Status]) -> Status:
    """Status of a conjunction of statuses: as :func:`~reprise.claims.verdict.all_of` has it."""
    stand_ins = [Part("", 0.0, 0.0, 0.0, 0.95, 0, "", status) for status in statuses]
    return all_of(stand_ins)
