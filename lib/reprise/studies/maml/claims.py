"""Claims of study 1 and their rules: on the runs ``"similarity"`` and ``"function"`` of one condition."""

from __future__ import annotations

import numpy as np

from ...claims.claim import Claim, Outcome, Runs, Selection, together
from ...claims.verdict import above, all_of, equivalent
from . import endpoints

MARGIN = 2.0
"""Points of accuracy that count as no cost (M1b)."""

SIMILARITY = (Selection(names=("similarity",), settings={"analysis": "similarity"}),)
FUNCTION = (Selection(names=("function",), settings={"analysis": "function"}),)


def head_changes_most(runs: Runs, measure: str) -> Outcome:
    """M1a: the head's change minus each block's, at the end of meta-training."""
    run = runs["similarity"]
    differences = endpoints.head_minus_blocks(run, measure)
    parts = tuple(
        above(f"change at the logits − change of {block}", differences.sel(layer=block).values)
        for block in endpoints.blocks(run)
    )
    return all_of(parts), parts, ""


def body_need_not_move(runs: Runs, measure: str) -> Outcome:
    """M1b: points of accuracy lost if only the head adapts."""
    run = runs["function"]
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


def adaptation_moves_further(runs: Runs, measure: str) -> Outcome:
    """M3a: log ratio of the two changes, and how much meta-training would change as much."""
    run = runs["similarity"]
    part = above("log (adaptation ÷ 1/60 of meta-training)", endpoints.further(run, measure).values)
    even = np.median(endpoints.break_even(run, measure).values)
    ratio = f"Adaptation changes the blocks {np.exp(part.estimate):.1f} times as much; "
    stretch = f"{even:.1f} sixtieths" if np.isfinite(even) else f"more than {run.sizes['lag']} sixtieths"
    return part.status, (part,), f"{ratio}{stretch} of meta-training change them as much (median over seeds)."


def adaptation_moves_more_layers(runs: Runs, measure: str) -> Outcome:
    """M3b: difference of the effective numbers of layers."""
    run = runs["similarity"]
    inner, outer = (endpoints.effective_layers(c).mean("seed") for c in endpoints.layer_changes(run, measure))
    part = above(
        "effective layers, adaptation − 1/60 of meta-training", endpoints.broader(run, measure).values
    )
    numbers = f"adaptation {float(inner):.2f}, 1/60 of meta-training {float(outer):.2f}"
    return part.status, (part,), f"Effective number of layers: {numbers}."


M1A = Claim(
    id="M1a",
    study="maml",
    source="abstract",
    title="Adaptation changes the head most",
    statement="When MAML adapts to a task, features are mostly reused: the head moves, the body hardly does.",
    words="Change at the logits exceeds the change of every convolutional block, at the trained number of "
    "inner steps and the end of meta-training: every one of the four paired 95 % t intervals over seeds "
    "above 0.",
    endpoint="change at the logits − change of each block",
    decide=head_changes_most,
    runs=SIMILARITY,
    figure="maml-levels",
)
M1B = Claim(
    id="M1b",
    study="maml",
    source="abstract",
    title="The body need not move",
    statement="Adaptation works as well if only the head adapts.",
    words="Freezing all convolutional blocks in the inner loop costs less than 2 points of accuracy on "
    "unseen classes at the trained number of inner steps: 90 % t interval over seeds within ±2 points "
    "(equivalence).",
    endpoint="accuracy, all layers adapt − body frozen",
    decide=body_need_not_move,
    runs=FUNCTION,
    figure="maml-function",
    margin=f"±{MARGIN:g} points",
    measure="accuracy",
)
M1 = together(
    "M1",
    (M1A, M1B),
    title="Features are mostly reused",
    statement="When MAML adapts to a task, features are mostly reused: the head moves, the body hardly does.",
    figure="maml-function",
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
)
M3B = Claim(
    id="M3b",
    study="maml",
    source="abstract",
    title="Adaptation moves more layers than a stretch of training",
    statement="The change by adaptation is shared by more layers than the change by a sixtieth of "
    "meta-training.",
    words="Effective number of layers (inverse Simpson index of their shares, logits counted) of adaptation "
    "minus that of neighbouring checkpoints: 95 % t interval over seeds above 0.",
    endpoint="effective number of layers, adaptation − 1/60 of meta-training",
    decide=adaptation_moves_more_layers,
    runs=SIMILARITY,
    figure="maml-neighbours",
)
M3 = together(
    "M3",
    (M3A, M3B),
    title="Adaptation moves further, and in more layers",
    statement="Adapting to one task moves representations further, and in more layers, than a stretch of "
    "meta-training.",
    figure="maml-neighbours",
)

CLAIMS = (M1A, M1B, M1, M3A, M3B, M3)
