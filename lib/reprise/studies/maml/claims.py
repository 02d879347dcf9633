"""Claims of study 1 and their rules: on the runs ``"similarity"`` and ``"function"`` of one condition.

Claims as version 1 judged them are in :mod:`reprise.studies.maml.claims_former`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Claim, Outcome, Runs, Selection
from ...claims.conjunction import together
from ...claims.verdict import above, all_of, equivalent
from . import endpoints
from .claims_former import FUNCTION, M1_V1, M1A_V1, M1B_V1, M3B_V1, MARGIN, SIMILARITY, head_changes_most

if TYPE_CHECKING:
    import xarray as xr


def output_changes_most(runs: Runs, measure: str) -> Outcome:
    """M1a: the logits' change minus each block's, and beside it what a layer owes to its own update."""
    status, parts, _ = head_changes_most(runs, measure)
    return status, parts, own_share(runs["function"], measure) if "function" in runs else ""


def own_share(run: xr.Dataset, measure: str) -> str:
    """Change of every layer by its own update alone, of the whole, in words."""
    own, whole = (changes.mean("seed") for changes in endpoints.own_change(run, measure))
    told = ", ".join(
        f"{layer} {float(own.sel(layer=layer)):.3f} of {float(whole.sel(layer=layer)):.3f}"
        for layer in run["layer"].values
    )
    return f"Change by a layer's own update alone, the rest is inherited from the layers before: {told}."


def features_serve_as_they_are(runs: Runs, measure: str) -> Outcome:
    """M1b: what adaptation adds to nearest prototypes, and beside it what a frozen body costs."""
    run = runs["prototypes"]
    part = equivalent(
        "accuracy of nearest prototypes, after − before adaptation",
        endpoints.reuse_gain(run).values,
        MARGIN,
        "points",
    )
    before, after = (float(value) for value in 100 * run["prototype_accuracy"].mean("seed"))
    frozen, converged = (
        float(cost.mean()) for cost in (endpoints.body_cost(run), endpoints.converged_cost(run))
    )
    steps = [int(run[name].values.ravel()[0]) for name in ("adapted_steps", "converged_steps")]
    note = (
        f"Nearest prototypes: {before:.1f} % before, {after:.1f} % after adaptation. With the body frozen "
        f"the head reaches {frozen:.1f} points less after {_times(steps[0])}, {converged:.1f} points less "
        f"after {_times(steps[1])}."
    )
    return part.status, (part,), note


def _times(steps: int) -> str:
    return f"{steps} inner step{'s' * (steps > 1)}"


def adaptation_moves_further(runs: Runs, measure: str) -> Outcome:
    """M3a: log ratio of the two changes, and how many meta-iterations would change as much."""
    run = runs["similarity"]
    part = above("log (adaptation ÷ 1/60 of meta-training)", endpoints.further(run, measure).values)
    even = np.median(endpoints.break_even(run, measure).values)
    ratio = f"Adaptation changes the blocks {np.exp(part.estimate):.1f} times as much; "
    lags, more = (even, "") if np.isfinite(even) else (run.sizes["lag"], "more than ")
    iterations = f"{lags * int(run['checkpoint'].values[-1]) / 60:.0f}"
    stretch = f"{more}{iterations} meta-iterations ({lags:.1f} sixtieths of meta-training)"
    return part.status, (part,), f"{ratio}{stretch} change them as much (median over seeds)."


def adaptation_moves_more_layers(runs: Runs, measure: str) -> Outcome:
    """M3b: difference of the effective numbers of layers, with the logits and without."""
    run = runs["similarity"]
    inner, outer = endpoints.layer_changes(run, measure)
    parts, notes = [], []
    for words, logits in (("logits counted", True), ("blocks alone", False)):
        name = f"effective layers, {words}, adaptation − 1/60 of meta-training"
        parts.append(above(name, endpoints.broader(run, measure, logits).values))
        chosen = list(run["layer"].values) if logits else endpoints.blocks(run)
        numbers = [
            float(endpoints.effective_layers(changes.sel(layer=chosen)).mean()) for changes in (inner, outer)
        ]
        notes.append(f"{words}, adaptation {numbers[0]:.2f} and 1/60 of meta-training {numbers[1]:.2f}")
    return all_of(parts), tuple(parts), f"Effective number of layers: {'; '.join(notes)}."


OWN_LOOP = (("as_described",), ("twenty_way",))
"""Presets that decide M1b: the paper\'s inner loop, 20-way 1-shot with five steps."""

BESIDE = (("laptop",), ("as_released",))
"""Presets on which it is judged too."""

M1A = Claim(
    id="M1a",
    study="maml",
    source="abstract",
    title="The output changes most",
    statement="When MAML adapts to a task, the output changes most and the early layers hardly.",
    words="Change of the output (the logits) exceeds the change of every convolutional block, at the trained "
    "number of inner steps and the end of meta-training: every one of the four paired 95 % t intervals over "
    "seeds above 0. Beside it, not judged: how much of each layer's change its own update makes, and how "
    "much is inherited from the layers before.",
    endpoint="change at the logits − change of each block",
    decide=output_changes_most,
    runs=(*SIMILARITY, replace(FUNCTION[0], optional=True)),
    figure="maml-levels",
    version=2,
    positive="Simulated logits that change more than every block are found.",
    negative="Simulated layers that change alike are hardly ever taken for it, and a block that changes most "
    "contradicts or mixes.",
    former=(M1A_V1,),
)
M1B = Claim(
    id="M1b",
    study="maml",
    source="ours",
    title="The body's features serve as they are",
    statement="Features are reused: what the body computes serves the task before adaptation as well as "
    "after it.",
    words="Accuracy on unseen classes of a classifier by nearest prototypes (class means of the support "
    "images) on the last block's features as the head reads them, after adaptation minus before it, at the "
    "trained number of inner steps and the end of meta-training: 90 % t interval over seeds within ±2 points "
    "(equivalence). The paper's own inner loop decides, 20-way 1-shot with five steps; 5-way with one step "
    "stands beside it. Beside it, not judged: the cost of freezing the body, at the trained number of steps "
    "and once the head has converged.",
    endpoint="accuracy of nearest prototypes, after − before adaptation",
    decide=features_serve_as_they_are,
    runs=(Selection(names=("prototypes",), settings={"analysis": "function", "prototypes": True}),),
    figure="maml-function",
    margin=f"±{MARGIN:g} points",
    measure="accuracy",
    version=2,
    positive="Simulated features that gain less than a point are found to serve as they are.",
    negative="Features that gain or lose five points contradict; noise is no evidence, and the cost of a "
    "frozen body alone moves nothing.",
    former=(M1B_V1,),
    deciding=OWN_LOOP,
    beside=BESIDE,
)
M1 = replace(
    together(
        "M1",
        (M1A, M1B),
        title="The output changes, features are reused",
        statement="When MAML adapts to a task, the output changes most and the early layers hardly, and what "
        "the body computes serves the task as it is.",
        figure="maml-function",
        former=(M1_V1,),
    ),
    deciding=OWN_LOOP,
    beside=BESIDE,
)
M3A = Claim(
    id="M3a",
    study="maml",
    source="abstract",
    title="Adaptation moves further than a stretch of training",
    statement="Adapting to one task moves representations further than a sixtieth of meta-training does.",
    words="Change by adaptation ÷ change between neighbouring checkpoints (1/60 of meta-training apart, "
    "after the first tenth of it), convolutional blocks averaged: 95 % t interval over seeds of its "
    "logarithm above 0.",
    endpoint="log (change of the blocks by adaptation ÷ by 1/60 of meta-training)",
    decide=adaptation_moves_further,
    runs=SIMILARITY,
    figure="maml-neighbours",
    positive="Simulated adaptation that changes the blocks three times as much is found.",
    negative="Simulated stretches of meta-training that change them as much are hardly ever taken for it, "
    "and larger ones contradict.",
)
M3B = Claim(
    id="M3b",
    study="maml",
    source="abstract",
    title="Adaptation moves more layers than a stretch of training",
    statement="The change by adaptation is shared by more layers than the change by a sixtieth of "
    "meta-training.",
    words="Effective number of layers (inverse Simpson index of their shares) of adaptation minus that of "
    "neighbouring checkpoints, once with the logits counted as a layer and once over the convolutional "
    "blocks alone: both 95 % t intervals over seeds above 0; mixed if one is above and the other below.",
    endpoint="effective number of layers, adaptation − 1/60 of meta-training; with the logits and without",
    decide=adaptation_moves_more_layers,
    runs=SIMILARITY,
    figure="maml-neighbours",
    version=2,
    positive="Simulated adaptation that is shared by more layers and by more blocks is found.",
    negative="Simulated changes with equal shares are hardly ever taken for it; one that more layers but "
    "fewer blocks share is mixed.",
    former=(M3B_V1,),
)


def _m3(parts: tuple[Claim, ...], former: tuple[Claim, ...] = ()) -> Claim:
    return together(
        "M3",
        parts,
        title="Adaptation moves further, and in more layers",
        statement="Adapting to one task moves representations further, and in more layers, than a stretch of "
        "meta-training.",
        figure="maml-neighbours",
        former=former,
    )


M3 = _m3((M3A, M3B), (_m3((M3A, M3B_V1)),))

CLAIMS = (M1A, M1B, M1, M3A, M3B, M3)
