"""Claim of the supervised control as version 1 judged it: by the rank correlation of depth and change."""

from __future__ import annotations

from collections.abc import Sequence

from ...claims.claim import Claim, Outcome, Runs, Selection
from ...claims.verdict import Status, above, all_of
from . import endpoints


def depth_orders_change(runs: Runs, measure: str) -> Outcome:
    """M2, version 1: on every data set, by whose name the rule knows its run."""
    parts, statuses, notes = [], [], []
    for name, run in runs.items():
        control = endpoints.control_correlation(run, measure)
        null = endpoints.null_correlation(run, measure).mean(skipna=False)
        own = (
            above(f"{name}: rank correlation of depth and change, training", control.values),
            above(f"{name}: training − random perturbation", endpoints.beyond_null(run, measure).values),
        )
        parts += own
        statuses.append(all_of(own))
        notes.append(
            f"On {name} perturbations have a rank correlation of {float(null):.3f}, mean over all draws "
            f"({statuses[-1]} there)."
        )
    return over_data_sets(statuses), tuple(parts), " ".join(notes)


def over_data_sets(statuses: Sequence[Status]) -> Status:
    """Verdict over several data sets: theirs if they agree, undecided if the decided ones do, else mixed."""
    found = set(statuses)
    if len(found) == 1:
        return statuses[0]
    return "undecided" if len(found - {"undecided", "not run"}) <= 1 else "mixed"


M2_V1 = Claim(
    id="M2",
    study="control",
    source="abstract",
    title="Later layers change more in ordinary learning too",
    statement="The gradient of change over depth is a property of learning, not of MAML.",
    words="In the ordinary supervised control, the rank correlation of depth and change (Spearman, over the "
    "five layers, initial against trained state) is above 0, and above that of a random perturbation of "
    "equal relative norm in every layer (as large as the update of the whole network; one draw a seed, "
    "so that one training is held against one perturbation): both 95 % t intervals over seeds above 0. "
    "Over several data sets: their verdict if they agree; undecided if those that are decided agree; "
    "else mixed.",
    endpoint="rank correlation of depth and change; by training − by a random perturbation",
    decide=depth_orders_change,
    runs=(Selection(names=("{dataset}",)),),
    figure="control-nulls",
    positive="Simulated change that rises with depth, beside perturbations without order, is supported.",
    negative="Simulated perturbations with the same order are not told apart: nor could they be, where both "
    "put the layers in perfect order, as both do in every published seed.",
    deciding=(("as_described", "omniglot-classes"), ("laptop", "omniglot-classes")),
    beside=(("as_described",), ("laptop",), ("omniglot-classes",)),
)
