"""Claims of the supervised control: is the gradient of change over depth a property of learning?

The runs are those of the family *tasks*, by name; beside them adaptation in study 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Claim, Gate, Outcome, Runs, Selection, together
from ...claims.verdict import Part, Status, above, all_of, below
from ...similarity.measures import measure as measure_entry
from . import endpoints
from .claims_former import M2_V1
from .nulls import MATCHED

if TYPE_CHECKING:
    import xarray as xr

SEEDS = tuple(range(10, 20))
"""Fresh seeds: version 1 was judged on 0 to 9."""

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
    parts = {name: tuple(judge(name)) for name in chosen}
    statuses = {measure_entry(name).title: all_of(own) for name, own in parts.items()}
    named = tuple(
        replace(part, name=f"{part.name}, {measure_entry(name).title}")
        for name, own in parts.items()
        for part in own
    )
    if len(set(statuses.values())) == 1:
        return next(iter(statuses.values())), named, ""
    told = "; ".join(f"by {title} {status}" for title, status in statuses.items())
    return "mixed", named, f"Mixed (measure): {told}."


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


GATE = Gate(
    f"Nothing is decided where a control that learns true labels recognises less than "
    f"{100 * LEARNED:.0f} % of its test images.",
    untrained,
)
AGREE = (
    "Change from the initial to the trained state; least-squares slope of its natural logarithm over the "
    "five layers; by RSA with correlation distances and by debiased CKA alike, else mixed (measure)."
)
LAPTOP = (("laptop",),)

M2A = Claim(
    id="M2a",
    study="control",
    source="abstract",
    title="Later layers change more in ordinary learning too",
    statement="In the ordinary supervised control, later layers change more than earlier ones.",
    words="In the ordinary supervised control, on digits and on characters, the slope of log change over "
    f"depth is above 0: 95 % t intervals over seeds above 0. {AGREE}",
    endpoint="slope of log change over depth, ordinary training",
    decide=rises_with_depth(ORDINARY),
    runs=(Selection(family="tasks", names=ORDINARY),),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated change that rises with depth is supported.",
    negative="Simulated change that is equal in all layers is hardly ever supported, and falling change is "
    "contradicted. Random perturbations do have a slope above 0: this part alone says nothing of learning.",
    deciding=LAPTOP,
    beside=(),
)
M2B = Claim(
    id="M2b",
    study="control",
    source="ours",
    title="Its gradient is steeper than that of random changes of equal size",
    statement="Learning changes later layers more than random moves of the weights do that change the "
    "network as much.",
    words="Slope by training minus that by random perturbations, mean of 20 a seed: every layer is moved in "
    "a random direction by the same relative length, chosen for each perturbation so that its mean change "
    "over the layers, by the measure at hand, equals training's. On digits and on characters, paired 95 % t "
    f"intervals over seeds above 0. {AGREE}",
    endpoint="slope of log change over depth, training − matched random perturbations",
    decide=steeper_than_chance,
    runs=(Selection(family="tasks", names=ORDINARY),),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated training with a steeper gradient than perturbations of the same mean change is "
    "supported.",
    negative="Simulated training that changes the layers as perturbations do is hardly ever supported, also "
    "where both rise steeply with depth: version 1 could not tell.",
    deciding=LAPTOP,
    beside=(),
)
M2C = Claim(
    id="M2c",
    study="control",
    source="abstract",
    title="MAML's gradient is not the steeper one",
    statement="On the same characters, the gradient of change by MAML's adaptation does not exceed that by "
    "ordinary training.",
    words="Slope by MAML's adaptation (before it and after the trained number of inner steps, at the end of "
    "meta-training, tasks averaged) minus that by ordinary training on the classes that it meta-trains on: "
    "95 % t interval below 0, over MAML's seeds, each beside a seed of the control's in their order. Equal "
    f"slopes are undecided. {AGREE}",
    endpoint="slope of log change over depth, adaptation in MAML − ordinary training",
    decide=not_steeper_in_maml,
    runs=(
        Selection(family="tasks", names=("characters",)),
        Selection(study="maml", names=("adaptation",), settings={"analysis": "similarity"}),
    ),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated adaptation with a flatter gradient than training is supported.",
    negative="Simulated adaptation with a steeper gradient is contradicted; with an equal one it is hardly "
    "ever supported. The verdict is for this control only: a pilot's, trained faster on all 114 characters, had "
    "a flatter gradient than MAML, and this setting was chosen after that was seen.",
    deciding=LAPTOP,
    beside=(),
)
M2D = Claim(
    id="M2d",
    study="control",
    source="ours",
    title="On other tasks, too",
    statement="The same network has the gradient whatever it learns: digits, gratings, labels drawn at "
    "random.",
    words="Slope of log change over depth by training on digits, on gratings, and on digits whose labels are "
    f"drawn at random: 95 % t intervals over seeds above 0 on each. {AGREE}",
    endpoint="slope of log change over depth, training on other tasks",
    decide=rises_with_depth(OTHER),
    runs=(Selection(family="tasks", names=OTHER),),
    figure="control-slopes",
    gate=GATE,
    seeds=SEEDS,
    positive="Simulated change that rises with depth on every task is supported.",
    negative="One simulated task whose change falls with depth makes it mixed; one without a slope keeps it "
    "from being supported.",
    deciding=LAPTOP,
    beside=(),
)
M2 = replace(
    together(
        "M2",
        (M2A, M2B, M2C, M2D),
        title="A property of learning, not of MAML",
        statement="The gradient of change over depth is a property of learning, not of MAML.",
        figure="control-slopes",
        former=(M2_V1,),
    ),
    positive="It holds where each of its parts does.",
    negative="It fails where one of them fails.",
)

CLAIMS = (M2A, M2B, M2C, M2D, M2)
