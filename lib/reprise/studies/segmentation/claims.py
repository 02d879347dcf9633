"""Rules of study 3. Each takes runs by the name of their condition and pairs their seeds.

Names are those of :func:`reprise.studies.segmentation.presets.name_of`: the pre-training, encoder only, such
as ``"segmentation"``; ``"segmentation, decoder"`` and ``"segmentation, both"``; ``"none"``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...claims.claim import Claim, rule
from ...claims.verdict import Part, Status, above, all_of, equivalent
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr

Runs = Mapping[str, "xr.Dataset"]
Outcome = tuple[Status, tuple[Part, ...], str]

WIDE = 0.10
"""Mean IoU by which the better of the compared conditions must beat the trivial baseline to be judged."""

MARGINS = {"full": 0.01}
"""Margin of equivalence by preset, in mean IoU; that of all others is :data:`WIDE_MARGIN`."""

WIDE_MARGIN = 0.02
"""Margin of equivalence at reduced scale, in mean IoU."""

EQUIVALENCE_SEEDS = 10
"""Seeds that claim S2 takes: five decide ±1 point in under a third of cases when seeds differ by one."""

QUALITIES = {
    "mIoU": ("miou", "mean IoU"),
    "Dice": ("dice", "mean Dice score"),
    "boundary IoU": ("boundary", "mean boundary IoU"),
}
"""Measure of quality → its name in units, and in words. The first one decides; S3, about steps, knows no
other, and by it every setting is found large enough or not."""

SAME_CLASSES = (
    ("camvid-source", "camvid"), ("voc", "voc"), ("pet", "pet"), ("labelmefacade", "labelmefacade"),
    ("clothing", "clothing"),
)  # fmt: skip
"""Sources and targets with one set of classes, which S4 is never decided on."""

_GATE = (
    " Judged only where the better condition beats the trivial baseline (commonest class, or one brightness "
    "threshold) by 10 points of mean IoU, on average over seeds; otherwise undecided."
)


def _claim(
    id: str, source: Any, title: str, statement: str, words: str, endpoint: str, margin: str = ""
) -> Claim:
    return Claim(id, "segmentation", source, title, statement, words + _GATE, 1, "mIoU", endpoint, margin)


S1 = _claim(
    "S1",
    "abstract",
    "A transferred encoder helps",
    "Transferring the encoder of a pre-trained network helps segmentation.",
    "Mean IoU on the test pictures, encoder transferred (from segmentation) − nothing transferred: paired "
    "95 % t interval over seeds above 0.",
    "mean IoU, encoder − nothing transferred",
)
S2 = _claim(
    "S2",
    "abstract",
    "A transferred decoder does not",
    "Transferring the decoder as well does not help segmentation further.",
    "Mean IoU, encoder and decoder transferred − encoder alone: paired 90 % t interval over ten seeds within "
    "±2 points (±1 at full scale). Decoder alone − nothing is reported with its interval.",
    "mean IoU, encoder and decoder − encoder",
    f"±{100 * WIDE_MARGIN:g} points (±{100 * MARGINS['full']:g} at full scale)",
)
S3 = _claim(
    "S3",
    "abstract",
    "A transferred decoder is faster",
    "With a transferred decoder, fine-tuning converges faster.",
    "Steps until 90 % of what the encoder-only network of the seed reaches in the end, encoder and decoder ÷ "
    "encoder alone: paired 95 % t interval over seeds of the logarithm below 0. A run that never gets there "
    "counts with all its steps, which favours the claim; with such a run it is never supported.",
    "log (steps to the level, encoder and decoder ÷ encoder)",
)
S4 = _claim(
    "S4",
    "abstract",
    "Segmentation and reconstruction beat classification",
    "Encoders pre-trained by segmentation or by reconstruction beat those pre-trained by classification.",
    "Mean IoU, encoder from segmentation − encoder from classification, and from reconstruction − from "
    "classification, equal images seen, on a target with another set of classes: both paired 95 % t "
    "intervals over seeds above 0; one alone is mixed.",
    "mean IoU, segmentation − classification and reconstruction − classification",
)
S5 = _claim(
    "S5",
    "abstract",
    "ImageNet's classification encoders are suboptimal",
    "Encoders from ImageNet classification are therefore not the best choice.",
    "Mean IoU, encoder from segmentation − ImageNet's encoder: paired 95 % t interval over seeds above 0. "
    "The contrast is confounded with the amount of data, and S5 remains an inference from S4.",
    "mean IoU, segmentation − ImageNet",
)
S6A = _claim(
    "S6a",
    "abstract",
    "Contrast with reconstructions gives good encoders",
    "Contrastive learning with several reconstructions gives good encoders without labels.",
    "Mean IoU, encoder from contrast with reconstructions − nothing transferred: paired 95 % t interval over "
    "seeds above 0.",
    "mean IoU, proposal − nothing transferred",
)
S6B = _claim(
    "S6b",
    "ours",
    "Reconstructions add to contrast",
    "The reconstructions make the encoder better than contrastive learning alone does.",
    "Mean IoU, encoder from contrast with reconstructions − encoder from contrast alone: paired 95 % t "
    "interval over seeds above 0.",
    "mean IoU, proposal − contrast alone",
)

S6 = _claim(
    "S6",
    "abstract",
    "Contrast with reconstructions: the proposal",
    "Contrastive learning with several reconstructions gives good encoders without labels, better than "
    "contrastive learning alone.",
    "S6a and S6b together.",
    "S6a and S6b",
)


def _judged(needed: tuple[str, ...], judge: Callable[[Runs, str], Outcome]) -> Callable[[Runs, str], Outcome]:
    """A rule that is not run without its conditions, and undecided where the setting is too small."""

    def outcome(runs: Runs, measure: str) -> Outcome:
        missing = [name for name in needed if name not in runs]
        if missing:
            return "not run", (), f"There is no run of: {', '.join(missing)}."
        status, parts, note = judge(runs, measure)
        lead = max(float(endpoints.above_trivial(runs[name]).mean()) for name in needed)
        if lead >= WIDE:
            return status, parts, note
        small = (
            f"The best of these conditions is {100 * lead:.1f} points above the trivial baseline: the "
            "setting is too small to judge."
        )
        return "undecided", _withheld(parts), f"{small} {note}".strip()

    return outcome


def _withheld(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The same comparisons, of which none decides anything."""
    return tuple(replace(part, status="undecided") for part in parts)


def _better(name: str, run: xr.Dataset, other: xr.Dataset, measure: str) -> Part:
    key, words = QUALITIES[measure]
    return above(f"{words}, points, {name}", 100 * endpoints.gain(run, other, key), unit="points")


def _one(runs: Runs, measure: str, name: str, other: str, title: str, note: str = "") -> Outcome:
    part = _better(title, runs[name], runs[other], measure)
    return part.status, (part,), note


def _s1(runs: Runs, measure: str) -> Outcome:
    return _one(runs, measure, "segmentation", "none", "encoder − nothing")


def _s2(runs: Runs, measure: str) -> Outcome:
    preset = str(runs["segmentation"].attrs.get("preset", "")).partition(",")[0]
    margin = 100 * MARGINS.get(preset, WIDE_MARGIN)
    key, words = QUALITIES[measure]
    values = 100 * endpoints.gain(runs["segmentation, both"], runs["segmentation"], key)
    part = equivalent(f"{words}, points, both − encoder", values, margin, "points")
    if part.n < EQUIVALENCE_SEEDS:
        part = replace(part, status="undecided")
    note = ""
    if "segmentation, decoder" in runs and "none" in runs:
        alone = _better("decoder − nothing", runs["segmentation, decoder"], runs["none"], measure)
        note = f"Decoder alone − nothing: {alone.interval(1)} points (95 % interval, n = {alone.n})."
    return part.status, (part,), note


def _s3(runs: Runs, _measure: str) -> Outcome:
    times, reference, censored = endpoints.times_to_level(runs["segmentation, both"], runs["segmentation"])
    slower = above("log (steps, both ÷ encoder)", np.log(times / reference))
    turned: dict[Status, Status] = {"supported": "contradicted", "contradicted": "supported"}
    status = turned.get(slower.status, slower.status)
    if censored and status == "supported":
        status = "undecided"
    part = replace(slower, bound="below 0", status=status)
    steps = f"Median steps: both {np.median(times):.0f}, encoder {np.median(reference):.0f}."
    never = f" {censored} of {len(times)} runs never get there." if censored else ""
    return status, (part,), steps + never


def _s4(runs: Runs, measure: str) -> Outcome:
    config = json.loads(runs["segmentation"].attrs["config"])
    same = (config["source"], config["dataset"]) in SAME_CLASSES
    parts = tuple(
        _better(f"{name} − classification", runs[name], runs["classification"], measure)
        for name in ("segmentation", "reconstruction")
    )
    if same:
        note = "Source and target have one set of classes: reported, and never used to decide S4."
        return "undecided", _withheld(parts), note
    status = all_of(parts)
    if status == "undecided" and any(part.status == "supported" for part in parts):
        status = "mixed"
    return status, parts, ""


def _s5(runs: Runs, measure: str) -> Outcome:
    note = "Confounded with the amount of data: an inference from S4."
    return _one(runs, measure, "segmentation", "imagenet", "segmentation − ImageNet", note)


def _s6a(runs: Runs, measure: str) -> Outcome:
    return _one(runs, measure, "contrastive-reconstruction", "none", "proposal − nothing")


def _s6b(runs: Runs, measure: str) -> Outcome:
    return _one(runs, measure, "contrastive-reconstruction", "contrastive", "proposal − contrast alone")


def _s6(runs: Runs, measure: str) -> Outcome:
    parts = tuple(part for one in (_s6a, _s6b) for part in one(runs, measure)[1])
    return all_of(parts), parts, ""


rule(S1)(_judged(("segmentation", "none"), _s1))
rule(S2)(_judged(("segmentation, both", "segmentation"), _s2))
rule(S3)(_judged(("segmentation, both", "segmentation"), _s3))
rule(S4)(_judged(("segmentation", "reconstruction", "classification"), _s4))
rule(S5)(_judged(("segmentation", "imagenet"), _s5))
rule(S6A)(_judged(("contrastive-reconstruction", "none"), _s6a))
rule(S6B)(_judged(("contrastive-reconstruction", "contrastive"), _s6b))
rule(S6)(_judged(("contrastive-reconstruction", "contrastive", "none"), _s6))
