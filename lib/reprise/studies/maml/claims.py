"""Rules of study 1. Each takes the units of one run and returns what its claim comes to on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Claim, rule
from ...claims.verdict import Part, Status, above, all_of, equivalent
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr

Outcome = tuple[Status, tuple[Part, ...], str]

MARGIN = 2.0
"""Points of accuracy that count as no cost (M1b)."""

M1A = Claim(
    id="M1a",
    study="maml",
    source="abstract",
    title="Adaptation changes the head most",
    statement="When MAML adapts to a task, features are mostly reused: the head moves, the body hardly does.",
    rule="Change at the logits exceeds the change of every convolutional block, at the trained number of "
    "inner steps and the end of meta-training: every one of the four paired 95 % t intervals over seeds "
    "above 0.",
    version=1,
    endpoint="change at the logits − change of each block",
)
M1B = Claim(
    id="M1b",
    study="maml",
    source="abstract",
    title="The body need not move",
    statement="Adaptation works as well if only the head adapts.",
    rule="Freezing all convolutional blocks in the inner loop costs less than 2 points of accuracy on unseen "
    "classes at the trained number of inner steps: 90 % t interval over seeds within ±2 points "
    "(equivalence).",
    version=1,
    endpoint="accuracy, all layers adapt − body frozen",
    margin=f"±{MARGIN:g} points",
    measure="accuracy",
)
M1 = Claim(
    id="M1",
    study="maml",
    source="abstract",
    title="Features are mostly reused",
    statement="When MAML adapts to a task, features are mostly reused: the head moves, the body hardly does.",
    rule="M1a and M1b together.",
    version=1,
    endpoint="M1a and M1b",
)
M3A = Claim(
    id="M3a",
    study="maml",
    source="abstract",
    title="Adaptation moves further than a stretch of training",
    statement="Adapting to one task moves representations further than a sixtieth of meta-training does.",
    rule="Change by adaptation ÷ change between neighbouring checkpoints (1/60 of meta-training apart, after "
    "the first tenth of it), convolutional blocks averaged: 95 % t interval over seeds of its logarithm "
    "above 0.",
    version=1,
    endpoint="log (change of the blocks by adaptation ÷ by 1/60 of meta-training)",
)
M3B = Claim(
    id="M3b",
    study="maml",
    source="abstract",
    title="Adaptation moves more layers than a stretch of training",
    statement="The change by adaptation is shared by more layers than the change by a sixtieth of "
    "meta-training.",
    rule="Effective number of layers (inverse Simpson index of their shares, logits counted) of adaptation "
    "minus that of neighbouring checkpoints: 95 % t interval over seeds above 0.",
    version=1,
    endpoint="effective number of layers, adaptation − 1/60 of meta-training",
)
M3 = Claim(
    id="M3",
    study="maml",
    source="abstract",
    title="Adaptation moves further, and in more layers",
    statement="Adapting to one task moves representations further, and in more layers, than a stretch of "
    "meta-training.",
    rule="M3a and M3b together.",
    version=1,
    endpoint="M3a and M3b",
)


@rule(M1A)
def head_changes_most(run: xr.Dataset, measure: str) -> Outcome:
    """M1a: the head's change minus each block's, at the end of meta-training."""
    differences = endpoints.head_minus_blocks(run, measure)
    parts = tuple(
        above(f"change at the logits − change of {block}", differences.sel(layer=block).values)
        for block in endpoints.blocks(run)
    )
    return all_of(parts), parts, ""


@rule(M1B)
def body_need_not_move(run: xr.Dataset, measure: str) -> Outcome:
    """M1b: points of accuracy lost if only the head adapts; takes units of function."""
    part = equivalent("accuracy, all adapt − body frozen", endpoints.body_cost(run).values, MARGIN, "points")
    full, frozen = (
        float(100 * endpoints.function_accuracy(run, *what).mean())
        for what in (("full",), ("freeze", "body"))
    )
    numbers = f"{full:.1f} % if all layers adapt, {frozen:.1f} % if only the head does"
    longer = float(endpoints.body_cost(run, "longer").mean())
    steps = int(run["adapted_steps"].values.ravel()[-1])
    note = f"Accuracy: {numbers}. After {steps} inner steps the body is worth {longer:.1f} points."
    return part.status, (part,), note


@rule(M1)
def features_are_reused(runs: Mapping[str, xr.Dataset], measure: str) -> Outcome:
    """M1: both of its parts; takes the runs ``"similarity"`` and ``"function"`` of the same condition."""
    outcomes = head_changes_most(runs["similarity"], measure), body_need_not_move(runs["function"], measure)
    parts = tuple(part for outcome in outcomes for part in outcome[1])
    return all_of(parts), parts, outcomes[1][2]


@rule(M3A)
def adaptation_moves_further(run: xr.Dataset, measure: str) -> Outcome:
    """M3a: log ratio of the two changes, and how much meta-training would change as much."""
    part = above("log (adaptation ÷ 1/60 of meta-training)", endpoints.further(run, measure).values)
    even = np.median(endpoints.break_even(run, measure).values)
    ratio = f"Adaptation changes the blocks {np.exp(part.estimate):.1f} times as much; "
    stretch = f"{even:.1f} sixtieths" if np.isfinite(even) else f"more than {run.sizes['lag']} sixtieths"
    return part.status, (part,), f"{ratio}{stretch} of meta-training change them as much (median over seeds)."


@rule(M3B)
def adaptation_moves_more_layers(run: xr.Dataset, measure: str) -> Outcome:
    """M3b: difference of the effective numbers of layers."""
    inner, outer = (endpoints.effective_layers(c).mean("seed") for c in endpoints.layer_changes(run, measure))
    part = above(
        "effective layers, adaptation − 1/60 of meta-training", endpoints.broader(run, measure).values
    )
    numbers = f"adaptation {float(inner):.2f}, 1/60 of meta-training {float(outer):.2f}"
    note = f"Effective number of layers: {numbers}."
    return part.status, (part,), note


@rule(M3)
def adaptation_moves_further_and_wider(run: xr.Dataset, measure: str) -> Outcome:
    """M3: both of its parts."""
    outcomes = adaptation_moves_further(run, measure), adaptation_moves_more_layers(run, measure)
    parts = tuple(part for outcome in outcomes for part in outcome[1])
    return all_of(parts), parts, " ".join(outcome[2] for outcome in outcomes)
