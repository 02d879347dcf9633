"""Rule of the supervised control: is the gradient of change over depth a property of learning?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...claims.claim import Claim, rule
from ...claims.verdict import Part, Status, above, all_of
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr

Outcome = tuple[Status, tuple[Part, ...], str]

M2 = Claim(
    id="M2",
    study="control",
    source="abstract",
    title="Later layers change more in ordinary learning too",
    statement="The gradient of change over depth is a property of learning, not of MAML.",
    rule="In the ordinary supervised control, the rank correlation of depth and change (Spearman, over the "
    "five layers, initial against trained state) is above 0, and above that of a random perturbation of "
    "equal relative norm in every layer (as large as the update of the whole network; one draw a seed, "
    "so that one training is held against one perturbation): both 95 % t intervals over seeds above 0. "
    "Over several data sets: their verdict if they agree; undecided if those that are decided agree; "
    "else mixed.",
    version=1,
    endpoint="rank correlation of depth and change; by training − by a random perturbation",
)


@rule(M2)
def depth_orders_change(run: xr.Dataset | Mapping[str, xr.Dataset], measure: str) -> Outcome:
    """M2: one run, or several by the name of their data set."""
    # A Dataset is itself a mapping, of its variables.
    several: Any = run if not hasattr(run, "attrs") else {_data_set(run): run}
    parts, statuses, notes = [], [], []
    for name, one in several.items():
        control = endpoints.control_correlation(one, measure)
        null = endpoints.null_correlation(one, measure).mean(skipna=False)
        own = (
            above(f"{name}: rank correlation of depth and change, training", control.values),
            above(f"{name}: training − random perturbation", endpoints.beyond_null(one, measure).values),
        )
        parts += own
        statuses.append(all_of(own))
        notes.append(
            f"On {name} perturbations have a rank correlation of {float(null):.3f}, mean over all draws "
            f"({statuses[-1]} there)."
        )
    return over_data_sets(statuses), tuple(parts), " ".join(notes)


def _data_set(run: Any) -> str:
    return json.loads(run.attrs["config"])["dataset"]


def over_data_sets(statuses: Sequence[Status]) -> Status:
    """Verdict over several data sets: theirs if they agree, undecided if the decided ones do, else mixed."""
    found = set(statuses)
    if len(found) == 1:
        return statuses[0]
    return "undecided" if len(found - {"undecided", "not run"}) <= 1 else "mixed"
