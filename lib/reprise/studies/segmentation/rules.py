"""Rules of study 3, version 2, as functions: runs by name and a measure of quality → what follows.

Names of runs are those of :func:`reprise.studies.segmentation.families.name_of`: the pre-training, encoder
only, such as ``"segmentation"``; ``"segmentation, decoder"`` and ``"segmentation, both"``; ``"none"``. How
two are held against each other stands in :mod:`reprise.studies.segmentation.contrasts`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Outcome, Runs, withheld
from ...claims.verdict import MINIMUM_SEEDS, Part, Status, above, all_of, below, equivalent
from . import endpoints
from .contrasts import EQUIVALENCE_SEEDS, SAME_CLASSES, better, contrast, contrasts_of, outcome

if TYPE_CHECKING:
    import xarray as xr

MARGIN = 2.0
"""Points of mean IoU that count as no difference."""

PROPOSAL = "contrastive-reconstruction"

SUPERVISED = ("segmentation", "classification")
"""Pre-trainings that need labels of the source."""


def encoder_helps(runs: Runs, measure: str) -> Outcome:
    """S1: against nothing transferred."""
    return outcome(contrasts_of(runs, measure, ("encoder − nothing", "segmentation", "none")))


def decoder_adds_nothing(runs: Runs, measure: str) -> Outcome:
    """S2a: encoder and decoder as good as the encoder alone, both at the encoder's rate."""
    name = "both − encoder"
    decide = better(name, measure, equivalent, margin=MARGIN)
    both, encoder = runs["segmentation, both"], runs["segmentation"]
    return outcome([contrast(name, both, encoder, decide, True, EQUIVALENCE_SEEDS)])


def not_above(name: str, values: np.ndarray, unit: str = "") -> Part:
    """Is the mean not above 0? *Contradicted* if wholly above it, *supported* if wholly below the margin."""
    part = below(name, values, MARGIN, unit)
    return replace(part, status="contradicted") if part.n >= MINIMUM_SEEDS and part.low > 0 else part


def decoder_alone_does_not_help(runs: Runs, measure: str) -> Outcome:
    """S2b: the decoder alone not better than nothing, both at the rate of nothing."""
    name = "decoder − nothing"
    decide = better(name, measure, not_above)
    alone, nothing = runs["segmentation, decoder"], runs["none"]
    return outcome([contrast(name, alone, nothing, decide, True, EQUIVALENCE_SEEDS)])


def decoder_is_faster(runs: Runs, _measure: str) -> Outcome:
    """S3: steps to three levels, of which less is better."""
    both, encoder = runs["segmentation, both"], runs["segmentation"]

    def decide(run: xr.Dataset, other: xr.Dataset) -> Part:
        gaps, never = endpoints.log_steps(run, other)
        part = below("log (steps, both ÷ encoder), mean over levels", gaps)
        # Counted with all their steps they favour the claim.
        return replace(part, status="undecided") if never and part.status == "supported" else part

    found = contrast("both ÷ encoder", both, encoder, decide, one_rate=True)
    status, parts, note = outcome([found])
    never = 0 if found.part is None else endpoints.log_steps(both, encoder)[1]
    if never:
        note += f" A level is never reached {never} times of {len(endpoints.LEVELS) * parts[0].n}."
    return status, parts, note.strip()


def both_or_mixed(parts: Sequence[Part]) -> Status:
    """S4: of two comparisons one alone is mixed."""
    status = all_of(parts)
    one = any(part.status == "supported" for part in parts)
    return "mixed" if status == "undecided" and one else status


def both_beat_classification(runs: Runs, measure: str) -> Outcome:
    """S4: on another set of classes."""
    pairs = (
        (f"{name} − classification", name, "classification") for name in ("segmentation", "reconstruction")
    )
    status, parts, note = outcome(contrasts_of(runs, measure, *pairs), both_or_mixed)
    config = json.loads(runs["segmentation"].attrs["config"])
    if (config["source"], config["dataset"]) in SAME_CLASSES:
        same = "Source and target have one set of classes: reported, and never used to decide S4."
        return "undecided", withheld(parts), f"{same} {note}".strip()
    return status, parts, note


def from_imagenet(runs: Runs, measure: str, *pair: str) -> Outcome:
    """S5: pre-trainings that themselves went on from ImageNet's weights; of others there is no number."""
    if json.loads(runs["segmentation"].attrs["config"]).get("initial", "random") != "imagenet":
        return (
            "undecided",
            (),
            "Pre-training did not start from ImageNet's weights: the data are not matched.",
        )
    return outcome(contrasts_of(runs, measure, pair))  # type: ignore[arg-type]


def segmentation_improves_imagenet(runs: Runs, measure: str) -> Outcome:
    """S5a: segmentation on the source after ImageNet, against ImageNet as it is."""
    return from_imagenet(runs, measure, "ImageNet → segmentation − ImageNet", "segmentation", "imagenet")


def segmentation_improves_it_more(runs: Runs, measure: str) -> Outcome:
    """S5b: the same against classification of the same pictures after ImageNet."""
    name = "ImageNet → segmentation − ImageNet → classification"
    return from_imagenet(runs, measure, name, "segmentation", "classification")


def proposal_helps(runs: Runs, measure: str) -> Outcome:
    """S6a: against nothing transferred."""
    return outcome(contrasts_of(runs, measure, ("proposal − nothing", PROPOSAL, "none")))


def reconstructions_help(runs: Runs, measure: str) -> Outcome:
    """S6b: against contrastive learning alone."""
    return outcome(contrasts_of(runs, measure, ("proposal − contrast alone", PROPOSAL, "contrastive")))


def as_good_as_with_labels(runs: Runs, measure: str) -> Outcome:
    """S6c: not below either supervised encoder by more than the margin."""
    found = []
    for other in SUPERVISED:
        name = f"proposal − {other}"
        decide = better(name, measure, above, bound=-MARGIN)
        found.append(contrast(name, runs[PROPOSAL], runs[other], decide))
    return outcome(found)
