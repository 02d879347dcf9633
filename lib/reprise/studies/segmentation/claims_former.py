"""Claims of study 3 as version 1 of its rules judged them: readable beside version 2, and never decided by.

Rates were chosen once for a condition, on one seed after a quarter of the steps, and version 1 held
conditions against each other whatever their rates were. What it says of pairs at different rates is
withdrawn: see :mod:`reprise.studies.segmentation.claims`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...claims.claim import Claim, Gate, Outcome, Runs, withheld
from ...claims.conjunction import together
from ...claims.verdict import Part, above, all_of, below, equivalent
from . import endpoints
from .contrasts import EQUIVALENCE_SEEDS, QUALITIES, SAME_CLASSES, conditions

if TYPE_CHECKING:
    import xarray as xr

WIDE = 0.10
"""Mean IoU by which the better of the compared conditions must beat the trivial baseline to be judged."""

MARGINS = {"full": 0.01}
"""Margin of equivalence by preset, in mean IoU; that of all others is :data:`WIDE_MARGIN`."""

WIDE_MARGIN = 0.02
"""Margin of equivalence at reduced scale, in mean IoU."""


def too_small(runs: Runs, needs: Sequence[str]) -> str:
    """Says so where the best of the conditions is hardly above the trivial baseline."""
    lead = max(float(endpoints.above_trivial(runs[name]).mean()) for name in needs)
    if lead >= WIDE:
        return ""
    return (
        f"The best of these conditions is {100 * lead:.1f} points above the trivial baseline: the setting is "
        "too small to judge."
    )


def better(name: str, run: xr.Dataset, other: xr.Dataset, measure: str) -> Part:
    """Is a run better than another, seed by seed?"""
    key, words = QUALITIES[measure]
    return above(f"{words}, points, {name}", 100 * endpoints.gain(run, other, key), unit="points")


def encoder_helps(runs: Runs, measure: str) -> Outcome:
    """S1: against nothing transferred."""
    part = better("encoder − nothing", runs["segmentation"], runs["none"], measure)
    return part.status, (part,), ""


def decoder_does_not_help(runs: Runs, measure: str) -> Outcome:
    """S2: encoder and decoder as good as the encoder alone; the decoder alone is told beside it."""
    preset = str(runs["segmentation"].attrs.get("preset", "")).partition(",")[0]
    margin = 100 * MARGINS.get(preset, WIDE_MARGIN)
    key, words = QUALITIES[measure]
    values = 100 * endpoints.gain(runs["segmentation, both"], runs["segmentation"], key)
    part = equivalent(f"{words}, points, both − encoder", values, margin, "points")
    if part.n < EQUIVALENCE_SEEDS:
        part = replace(part, status="undecided")
    note = ""
    if "segmentation, decoder" in runs and "none" in runs:
        alone = better("decoder − nothing", runs["segmentation, decoder"], runs["none"], measure)
        note = f"Decoder alone − nothing: {alone.interval(1)} points ({alone.basis})."
    return part.status, (part,), note


def decoder_is_faster(runs: Runs, _measure: str) -> Outcome:
    """S3: steps to a level, of which less is better."""
    times, reference, censored = endpoints.times_to_level(runs["segmentation, both"], runs["segmentation"])
    part = below("log (steps, both ÷ encoder)", np.log(times / reference))
    if censored and part.status == "supported":
        part = replace(part, status="undecided")
    steps = f"Median steps: both {np.median(times):.0f}, encoder {np.median(reference):.0f}."
    never = f" {censored} of {len(times)} runs never get there." if censored else ""
    return part.status, (part,), steps + never


def both_beat_classification(runs: Runs, measure: str) -> Outcome:
    """S4: on another set of classes; one of the two alone is mixed."""
    config = json.loads(runs["segmentation"].attrs["config"])
    parts = tuple(
        better(f"{name} − classification", runs[name], runs["classification"], measure)
        for name in ("segmentation", "reconstruction")
    )
    if (config["source"], config["dataset"]) in SAME_CLASSES:
        note = "Source and target have one set of classes: reported, and never used to decide S4."
        return "undecided", withheld(parts), note
    status = all_of(parts)
    if status == "undecided" and any(part.status == "supported" for part in parts):
        status = "mixed"
    return status, parts, ""


def imagenet_is_not_best(runs: Runs, measure: str) -> Outcome:
    """S5: against ImageNet's encoder."""
    part = better("segmentation − ImageNet", runs["segmentation"], runs["imagenet"], measure)
    return part.status, (part,), "Confounded with the amount of data: an inference from S4."


def proposal_helps(runs: Runs, measure: str) -> Outcome:
    """S6a: against nothing transferred."""
    part = better("proposal − nothing", runs["contrastive-reconstruction"], runs["none"], measure)
    return part.status, (part,), ""


def reconstructions_help(runs: Runs, measure: str) -> Outcome:
    """S6b: against contrastive learning alone."""
    proposal, contrast = runs["contrastive-reconstruction"], runs["contrastive"]
    part = better("proposal − contrast alone", proposal, contrast, measure)
    return part.status, (part,), ""


_claim = partial(
    Claim,
    study="segmentation",
    source="abstract",
    measure="mIoU",
    figure="segmentation-miou",
    deciding=(("laptop",),),
    beside=(("camvid",), ("shapes",)),
    gate=Gate(
        "Judged only where the better condition beats the trivial baseline (commonest class, or one "
        "brightness threshold) by 10 points of mean IoU, on average over seeds; otherwise undecided.",
        too_small,
    ),
)

S1 = _claim(
    id="S1",
    title="A transferred encoder helps",
    statement="Transferring the encoder of a pre-trained network helps segmentation.",
    words="Mean IoU on the test pictures, encoder transferred (from segmentation) − nothing transferred: "
    "paired 95 % t interval over seeds above 0.",
    endpoint="mean IoU, encoder − nothing transferred",
    decide=encoder_helps,
    runs=conditions("segmentation", "none"),
)
S2 = _claim(
    id="S2",
    title="A transferred decoder does not",
    statement="Transferring the decoder as well does not help segmentation further.",
    words="Mean IoU, encoder and decoder transferred − encoder alone: paired 90 % t interval over ten seeds "
    "within ±2 points (±1 at full scale). Decoder alone − nothing is reported with its interval.",
    endpoint="mean IoU, encoder and decoder − encoder",
    margin=f"±{100 * WIDE_MARGIN:g} points (±{100 * MARGINS['full']:g} at full scale)",
    figure="segmentation-convergence",
    decide=decoder_does_not_help,
    runs=(
        *conditions("segmentation", "segmentation, both"),
        *conditions("segmentation, decoder", "none", optional=True),
    ),
)
S3 = _claim(
    id="S3",
    title="A transferred decoder is faster",
    statement="With a transferred decoder, fine-tuning converges faster.",
    words="Steps until 90 % of what the encoder-only network of the seed reaches in the end, encoder and "
    "decoder ÷ encoder alone: paired 95 % t interval over seeds of the logarithm below 0. A run that never "
    "gets there counts with all its steps, which favours the claim; with such a run it is never supported.",
    endpoint="log (steps to the level, encoder and decoder ÷ encoder)",
    decide=decoder_is_faster,
    runs=conditions("segmentation", "segmentation, both"),
    figure="segmentation-convergence",
)
S4 = _claim(
    id="S4",
    title="Segmentation and reconstruction beat classification",
    statement="Encoders pre-trained by segmentation or by reconstruction beat those pre-trained by "
    "classification.",
    words="Mean IoU, encoder from segmentation − encoder from classification, and from reconstruction − from "
    "classification, equal images seen, on a target with another set of classes: both paired 95 % t "
    "intervals over seeds above 0; one alone is mixed.",
    endpoint="mean IoU, segmentation − classification and reconstruction − classification",
    decide=both_beat_classification,
    runs=conditions("segmentation", "reconstruction", "classification"),
)
S5 = _claim(
    id="S5",
    title="ImageNet's classification encoders are suboptimal",
    statement="Encoders from ImageNet classification are therefore not the best choice.",
    words="Mean IoU, encoder from segmentation − ImageNet's encoder: paired 95 % t interval over seeds above "
    "0. The contrast is confounded with the amount of data, and S5 remains an inference from S4.",
    endpoint="mean IoU, segmentation − ImageNet",
    decide=imagenet_is_not_best,
    runs=conditions("segmentation", "imagenet"),
)
S6A = _claim(
    id="S6a",
    title="Contrast with reconstructions gives good encoders",
    statement="Contrastive learning with several reconstructions gives good encoders without labels.",
    words="Mean IoU, encoder from contrast with reconstructions − nothing transferred: paired 95 % t "
    "interval over seeds above 0.",
    endpoint="mean IoU, proposal − nothing transferred",
    decide=proposal_helps,
    runs=conditions("contrastive-reconstruction", "none"),
)
S6B = _claim(
    id="S6b",
    source="ours",
    title="Reconstructions add to contrast",
    statement="The reconstructions make the encoder better than contrastive learning alone does.",
    words="Mean IoU, encoder from contrast with reconstructions − encoder from contrast alone: paired 95 % t "
    "interval over seeds above 0.",
    endpoint="mean IoU, proposal − contrast alone",
    decide=reconstructions_help,
    runs=conditions("contrastive-reconstruction", "contrastive"),
)
S6 = together(
    "S6",
    (S6A, S6B),
    title="Contrast with reconstructions: the proposal",
    statement="Contrastive learning with several reconstructions gives good encoders without labels, better "
    "than contrastive learning alone.",
    figure="segmentation-miou",
)
