"""Rules of study 1. Each takes the units of one run and returns what its claim comes to on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..maml import endpoints
from .registry import Claim, rule
from .verdict import Part, Status, above, all_of

if TYPE_CHECKING:
    import xarray as xr

Outcome = tuple[Status, tuple[Part, ...], str]

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
    inner, outer = (endpoints.effective_layers(c).mean("unit") for c in endpoints.layer_changes(run, measure))
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
