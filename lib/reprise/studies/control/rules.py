"""Rules of the supervised control, on runs by the names of the family *tasks*."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Outcome, Runs
from ...claims.conjunction import agreed
from ...claims.verdict import Part, Status, above, below
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .nulls import MATCHED

if TYPE_CHECKING:
    import xarray as xr

ORDINARY, OTHER = ("digits", "characters"), ("digits", "gratings", "random labels")
LEARNED = 0.5
"""Accuracy from which on a network counts as trained."""

Judge = Callable[[str], Sequence[Part]]
"""Id of a measure → comparisons by it."""


def by_measures(judge: Judge, measure: str) -> tuple[Status, tuple[Part, ...], str]:
    """A rule by both of the measures that must agree, or by one that is asked for beside them.

    Args:
        judge: The comparisons.
        measure: The primary measure, which brings the second one along, or any other.

    Returns:
        The status that both have, or *mixed*; all comparisons, each with its measure; and how the measures
        disagree, empty if they do not.
    """
    chosen = MATCHED if measure == MATCHED[0] else (measure,)
    parts = {measure_entry(name).title: judge(name) for name in chosen}
    status, statuses = agreed(parts)
    named = tuple(replace(part, name=f"{part.name}, {title}") for title, own in parts.items() for part in own)
    told = "; ".join(f"by {title} {own}" for title, own in statuses.items())
    return status, named, f"Mixed (measure): {told}." if len(set(statuses.values())) > 1 else ""


def rises_with_depth(names: Sequence[str]) -> Callable[[Runs, str], Outcome]:
    """M2a and M2d: the slope by training is above 0, on each of some tasks."""

    def decide(runs: Runs, measure: str) -> Outcome:
        def judge(by: str) -> list[Part]:
            return [
                above(f"{n}: slope, training", endpoints.control_slope(runs[n], by).values) for n in names
            ]

        status, parts, note = by_measures(judge, measure)
        slopes = (float(endpoints.control_slope(runs[name], measure).mean(skipna=False)) for name in names)
        factors = ", ".join(
            f"{name} {_spelled(np.exp(slope), 1)}" for name, slope in zip(names, slopes, strict=True)
        )
        told = f"Each layer changes so many times as much as the one before: {factors}."
        return status, parts, f"{told} {note}".strip()

    return decide


def steeper_than_chance(runs: Runs, measure: str) -> Outcome:
    """M2b: the slope by training exceeds that of perturbations that change as much."""

    def judge(by: str) -> list[Part]:
        return [
            above(f"{name}: slope, training − matched perturbations", _beyond_matched(runs[name], by))
            for name in ORDINARY
        ]

    status, parts, note = by_measures(judge, measure)
    if measure not in MATCHED:
        return status, parts, f"No perturbations match training by {measure_entry(measure).title}."
    slopes = ", ".join(
        f"{name} {_spelled(endpoints.matched_slope(runs[name], measure).mean(skipna=False))}"
        for name in ORDINARY
    )
    return status, parts, f"Perturbations have a slope too: {slopes}. {note}".strip()


def _beyond_matched(run: xr.Dataset, measure: str) -> np.ndarray:
    trained = endpoints.control_slope(run, measure)
    if measure not in run["matched_measure"].values:
        return np.full(trained.shape, np.nan)
    return (trained - endpoints.matched_slope(run, measure)).values


def not_steeper_in_maml(runs: Runs, measure: str) -> Outcome:
    """M2c: the slope by MAML's adaptation against that by ordinary training on the same data."""

    def slopes(by: str) -> tuple[np.ndarray, np.ndarray]:
        adapted = endpoints.adaptation_slope(runs["adaptation"], by).values
        trained = endpoints.control_slope(runs["characters"], by).values
        # Their seeds have nothing in common, so any pairs are as good as others.
        count = min(len(adapted), len(trained))
        return adapted[:count], trained[:count]

    def judge(by: str) -> list[Part]:
        adapted, trained = slopes(by)
        return [below("characters: slope, adaptation in MAML − training", adapted - trained)]

    status, parts, note = by_measures(judge, measure)
    adapted, trained = (values.mean() for values in slopes(measure))
    told = f"Slopes: adaptation {_spelled(adapted)}, training {_spelled(trained)}."
    return status, parts, f"{told} {note}".strip()


def _spelled(value: float | xr.DataArray, digits: int = 2) -> str:
    """A mean over seeds, or that some seed has none."""
    return f"{float(value):.{digits}f}" if np.isfinite(value) else "(not in every seed)"


def untrained(runs: Runs, needs: Sequence[str]) -> str:
    """Why nothing is decided: a control that has not learned. Adaptation and random labels are not asked."""
    for run in (runs[name] for name in needs):
        if "training_loss" not in run or "labels" not in run.coords:
            continue
        reached = float(run["accuracy"].isel(step=-1).mean())
        if str(run["labels"].values.flat[0]) == "true" and not reached >= LEARNED:
            dataset = str(run["dataset"].values.flat[0])
            return f"On {dataset} the control recognises only {100 * reached:.1f} % of its test images."
    return ""
