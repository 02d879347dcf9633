"""Claims of study 1 as version 1 judged them."""

from __future__ import annotations

from ...claims.claim import Claim, Outcome, Runs, Selection
from ...claims.conjunction import together
from ...claims.verdict import above, all_of, equivalent
from . import endpoints

MARGIN = 2.0
"""Points of accuracy that count as no cost (M1b)."""

SIMILARITY = (Selection(names=("similarity",), settings={"analysis": "similarity"}),)
FUNCTION = (Selection(names=("function",), settings={"analysis": "function"}),)


def head_changes_most(runs: Runs, measure: str) -> Outcome:
    """M1a, version 1: the head's change minus each block's, at the end of meta-training."""
    run = runs["similarity"]
    differences = endpoints.head_minus_blocks(run, measure)
    parts = tuple(
        above(f"change at the logits − change of {block}", differences.sel(layer=block).values)
        for block in endpoints.blocks(run)
    )
    return all_of(parts), parts, ""


def body_need_not_move(runs: Runs, measure: str) -> Outcome:
    """M1b, version 1: points of accuracy lost if only the head adapts."""
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


def adaptation_moves_more_layers(runs: Runs, measure: str) -> Outcome:
    """M3b, version 1: difference of the effective numbers of layers."""
    run = runs["similarity"]
    inner, outer = (endpoints.effective_layers(c).mean("seed") for c in endpoints.layer_changes(run, measure))
    part = above(
        "effective layers, adaptation − 1/60 of meta-training", endpoints.broader(run, measure).values
    )
    numbers = f"adaptation {float(inner):.2f}, 1/60 of meta-training {float(outer):.2f}"
    return part.status, (part,), f"Effective number of layers: {numbers}."


M1A_V1 = Claim(
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
    positive="Simulated logits that change more than every block are found.",
    negative="Simulated layers that change alike are hardly ever taken for it.",
)
M1B_V1 = Claim(
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
    positive="A simulated body that costs less than a point is found to cost nothing.",
    negative="One that costs five points contradicts; noise is no evidence.",
)
M1_V1 = together(
    "M1",
    (M1A_V1, M1B_V1),
    title="Features are mostly reused",
    statement="When MAML adapts to a task, features are mostly reused: the head moves, the body hardly does.",
    figure="maml-function",
)
M3B_V1 = Claim(
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
    positive="Simulated adaptation that is shared by more layers is found.",
    negative="Simulated changes with equal shares are hardly ever taken for it.",
)
