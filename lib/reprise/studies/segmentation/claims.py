"""Claims of study 3, version 2 of their rules.

The rules as functions stand in :mod:`reprise.studies.segmentation.rules`, what a setting must show first in
:mod:`reprise.studies.segmentation.assay`, and version 1 in
:mod:`reprise.studies.segmentation.claims_former`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ...claims.claim import Claim
from ...claims.conjunction import together
from . import claims_former as former
from . import rules
from .assay import GATE, RUNS
from .contrasts import QUALITIES, conditions
from .rules import MARGIN, PROPOSAL, SUPERVISED

__all__ = ["CLAIMS", "QUALITIES"]

_claim = partial(
    Claim,
    study="segmentation",
    source="abstract",
    measure="mIoU",
    figure="segmentation-miou",
    gate=GATE,
)

_FRESH = (
    "Seeds 200 to 209 decide. Networks, crops, steps and rates are the same within a pair, or it is "
    "withdrawn; a decided comparison that one fixed rate turns round is mixed (rate)."
)
_OWN_RATE = (
    "A replicate's score is that of the rate, 0.001 or 0.003, that wins on its own validation pictures, "
    f"averaged over the last three points of its curve. {_FRESH}"
)
_ONE_RATE = "Both run at the rate that the validation pictures of the {} choose, seed by seed. " + _FRESH
_MARGIN = f"±{MARGIN:g} points"
_ABOVE = (
    "Simulated pairs that differ by 6 points are found; on real pictures ImageNet's encoder must be (assay).",
    "Simulated pairs without a difference are supported in 2.5 % at most; nuclei, where Otsu's threshold is "
    "as good as a network, must fail the assay.",
)

S1 = _claim(
    id="S1",
    title="A transferred encoder helps",
    statement="Transferring the encoder of a pre-trained network helps segmentation.",
    words="Mean IoU on the test pictures, encoder transferred (from segmentation) − nothing transferred: "
    f"paired 95 % t interval over seeds above 0. {_OWN_RATE}",
    endpoint="mean IoU, encoder − nothing transferred",
    decide=rules.encoder_helps,
    runs=(*conditions("segmentation", "none"), *RUNS),
    version=2,
    positive=_ABOVE[0],
    negative=_ABOVE[1],
    former=(former.S1,),
)
S2A = _claim(
    id="S2a",
    title="Beside the encoder, the decoder adds nothing",
    statement="Transferring the decoder as well does not help segmentation further.",
    words="Mean IoU, encoder and decoder transferred − encoder alone: paired 90 % t interval over ten seeds "
    f"within {_MARGIN}. {_ONE_RATE.format('encoder alone')}",
    endpoint="mean IoU, encoder and decoder − encoder",
    margin=_MARGIN,
    figure="segmentation-convergence",
    decide=rules.decoder_adds_nothing,
    runs=(*conditions("segmentation", "segmentation, both"), *RUNS),
    positive="Simulated pairs without a difference are found in nine of ten cases and more.",
    negative="Simulated pairs that differ by the margin are supported in 5 % at most, by more contradicted.",
)
S2B = _claim(
    id="S2b",
    source="ours",
    title="Alone, the decoder does not help",
    statement="Transferring the decoder alone is not better than transferring nothing.",
    words="Mean IoU, decoder transferred − nothing transferred, ten seeds: contradicted where the paired "
    f"95 % t interval lies above 0, supported where it does not and lies below {MARGIN:g} points. "
    f"{_ONE_RATE.format('network without transfer')}",
    endpoint="mean IoU, decoder − nothing transferred",
    margin=f"{MARGIN:g} points",
    figure="segmentation-convergence",
    decide=rules.decoder_alone_does_not_help,
    runs=(*conditions("segmentation, decoder", "none"), *RUNS),
    positive="Simulated pairs without a difference are found in nine of ten cases and more.",
    negative="Simulated pairs that differ by the margin are contradicted.",
)
S2 = replace(
    together(
        "S2",
        (S2A, S2B),
        title="A transferred decoder does not",
        statement="Transferring the decoder does not help segmentation, beside the encoder or alone.",
        figure="segmentation-convergence",
        former=(former.S2,),
    ),
    margin=_MARGIN,
)
S3 = _claim(
    id="S3",
    title="A transferred decoder is faster",
    statement="With a transferred decoder, fine-tuning converges faster.",
    words="Logarithm of steps, encoder and decoder ÷ encoder alone, until 80 %, 90 % and 95 % of what the "
    "encoder-only network of the seed reaches in the end, mean over the three levels: paired 95 % t interval "
    "over seeds below 0. A run that never gets there counts with all its steps, which favours the claim; "
    f"with such a run it is never supported. {_ONE_RATE.format('encoder alone')}",
    endpoint="mean log (steps to three levels, encoder and decoder ÷ encoder)",
    decide=rules.decoder_is_faster,
    runs=(*conditions("segmentation", "segmentation, both"), *RUNS),
    figure="segmentation-convergence",
    version=2,
    positive="Simulated curves that rise 1.7 times as fast are found.",
    negative="Simulated curves of one speed, which end higher or not, are supported in 2.5 % at most.",
    former=(former.S3,),
)
S4 = _claim(
    id="S4",
    title="Segmentation and reconstruction beat classification",
    statement="Encoders pre-trained by segmentation or by reconstruction beat those pre-trained by "
    "classification.",
    words="Mean IoU, encoder from segmentation − encoder from classification, and from reconstruction − from "
    "classification, equal images seen, on a target with another set of classes: both paired 95 % t "
    f"intervals over seeds above 0; one alone is mixed. {_OWN_RATE}",
    endpoint="mean IoU, segmentation − classification and reconstruction − classification",
    decide=rules.both_beat_classification,
    runs=(*conditions("segmentation", "reconstruction", "classification"), *RUNS),
    version=2,
    positive=_ABOVE[0],
    negative=_ABOVE[1],
    former=(former.S4,),
)
_S5 = partial(
    _claim,
    deciding=(("street-imagenet",),),
    beside=(),
    positive=_ABOVE[0],
    negative="Simulated pairs without a difference are supported in 2.5 % at most; a pre-training from "
    "random weights, whose data are not matched, decides nothing.",
)
S5A = _S5(
    id="S5a",
    title="Segmentation improves ImageNet's encoder",
    statement="An encoder from ImageNet classification gets better by going on to learn segmentation.",
    words="Mean IoU, encoder from segmentation of the source that started from ImageNet's weights − "
    f"ImageNet's encoder as it is: paired 95 % t interval over seeds above 0. {_OWN_RATE}",
    endpoint="mean IoU, ImageNet → segmentation − ImageNet",
    decide=rules.segmentation_improves_imagenet,
    runs=(*conditions("segmentation", "imagenet"), *RUNS),
)
S5B = _S5(
    id="S5b",
    title="Segmentation improves it more than classification",
    statement="What improves an encoder from ImageNet is the task of segmentation, not more pictures.",
    words="Mean IoU, encoder from segmentation of the source − encoder from classification of the same "
    "pictures, both started from ImageNet's weights: paired 95 % t interval over seeds above 0. "
    f"{_OWN_RATE}",
    endpoint="mean IoU, ImageNet → segmentation − ImageNet → classification",
    decide=rules.segmentation_improves_it_more,
    runs=(*conditions("segmentation", "classification"), *RUNS),
)
S5 = together(
    "S5",
    (S5A, S5B),
    title="ImageNet's classification encoders are suboptimal",
    statement="Encoders from ImageNet classification are therefore not the best choice.",
    figure="segmentation-miou",
    former=(former.S5,),
)
S6A = _claim(
    id="S6a",
    title="Contrast with reconstructions gives good encoders",
    statement="Contrastive learning with several reconstructions gives good encoders without labels.",
    words="Mean IoU, encoder from contrast with reconstructions − nothing transferred: paired 95 % t "
    f"interval over seeds above 0. {_OWN_RATE}",
    endpoint="mean IoU, proposal − nothing transferred",
    decide=rules.proposal_helps,
    runs=(*conditions(PROPOSAL, "none"), *RUNS),
    version=2,
    positive=_ABOVE[0],
    negative=_ABOVE[1],
    former=(former.S6A,),
)
S6B = _claim(
    id="S6b",
    source="ours",
    title="Reconstructions add to contrast",
    statement="The reconstructions make the encoder better than contrastive learning alone does.",
    words="Mean IoU, encoder from contrast with reconstructions − encoder from contrast alone: paired 95 % t "
    f"interval over seeds above 0. {_OWN_RATE}",
    endpoint="mean IoU, proposal − contrast alone",
    decide=rules.reconstructions_help,
    runs=(*conditions(PROPOSAL, "contrastive"), *RUNS),
    version=2,
    positive=_ABOVE[0],
    negative=_ABOVE[1],
    former=(former.S6B,),
)
S6C = _claim(
    id="S6c",
    source="ours",
    title="As good as with labels",
    statement="Without labels the proposal's encoder is as good as one from segmentation or classification.",
    words="Mean IoU, encoder from contrast with reconstructions − encoder from segmentation, and − encoder "
    f"from classification: both paired 95 % t intervals over seeds above −{MARGIN:g} points. {_OWN_RATE}",
    endpoint="mean IoU, proposal − segmentation and proposal − classification",
    margin=f"−{MARGIN:g} points",
    decide=rules.as_good_as_with_labels,
    runs=(*conditions(PROPOSAL, *SUPERVISED), *RUNS),
    positive="Simulated pairs without a difference are found in nine of ten cases and more.",
    negative="Simulated pairs that lie below by the margin are supported in 2.5 % at most.",
)
S6 = together(
    "S6",
    (S6A, S6B, S6C),
    title="Contrast with reconstructions: the proposal",
    statement="Contrastive learning with several reconstructions gives good encoders without labels, "
    "better than contrastive learning alone.",
    figure="segmentation-miou",
    former=(former.S6,),
)

CLAIMS = (S1, S2A, S2B, S2, S3, S4, S5A, S5B, S5, S6A, S6B, S6C, S6)
