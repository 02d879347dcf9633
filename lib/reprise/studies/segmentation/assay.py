"""The assay of study 3: what a setting must show before any comparison in it decides something.

It takes the place of the rule of 10 points above a trivial level, which stood in no protocol.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...claims.claim import Gate, Runs, Selection
from ...claims.verdict import MINIMUM_SEEDS, above
from ...engine.words import number
from . import endpoints, rates
from .contrasts import better, contrast
from .presets import ASSAY_SHARES

GAIN = 3.0
"""Points of mean IoU that more labels must be worth to a network without transfer."""

FEW, ALL = (f"assay: none, {share:g}" for share in ASSAY_SHARES)
IMAGENET, NOTHING = "assay: imagenet", "assay: none"

RUNS = (Selection("assay", (FEW, ALL, IMAGENET, NOTHING), optional=True),)
"""The runs that it takes beside those of a claim."""

LEVELS = {
    "majority": "the commonest class everywhere",
    "threshold": "one brightness threshold",
    "otsu": "Otsu's threshold",
}
"""Levels without a network → their names in words."""


def cannot_tell(runs: Runs, needs: Sequence[str]) -> str:
    """Why the assay cannot tell, as a sentence; empty if it can.

    Args:
        runs: Units along ``seed`` by name: those of the claim, and of :data:`RUNS` what there is.
        needs: Names of the conditions that are compared.
    """
    faults = [*_levels(runs, needs), *_labels(runs), *_imagenet(runs)]
    return f"The assay cannot tell: {'; '.join(faults)}." if faults else ""


def _levels(runs: Runs, needs: Sequence[str]) -> list[str]:
    """Every level without a network must be passed by the better condition, by its interval."""
    compared = {name: float(runs[name]["miou"].mean()) for name in needs}
    best = max(compared, key=lambda name: compared[name])
    run = runs[best]
    passed = []
    for level in run["baseline_name"].values.tolist():
        baseline = run["baseline"].sel(baseline_name=level)
        if not bool(baseline.isnull().any()):
            lead = above(level, 100 * (run["miou"] - baseline).values.astype(float))
            if not lead.low > 0:
                passed.append(f"{LEVELS[level]} ({number(lead.estimate, 1, sign=True)} points)")
    return [f"the best condition ({best}) does not lie above {' and '.join(passed)}"] if passed else []


def _labels(runs: Runs) -> list[str]:
    """More labels must help a network that starts from nothing, on average over seeds."""
    shares = " to ".join(f"{share:.0%}".replace("%", " %") for share in ASSAY_SHARES)
    if FEW not in runs or ALL not in runs:
        return [f"nothing transferred was not run from {shares} of the labels"]
    # The shares differ on purpose; the rates must not.
    if rates.unequal(runs[ALL], runs[FEW]) != ["fraction"]:
        return [f"nothing transferred ran at different rates from {shares} of the labels"]
    gain = 100 * float(endpoints.gain(runs[ALL], runs[FEW]).mean())
    if gain >= GAIN:
        return []
    return [f"from {shares} of the labels nothing transferred gains {number(gain, 1)} points"]


def _imagenet(runs: Runs) -> list[str]:
    """What is known to help must be seen to."""
    if IMAGENET not in runs or NOTHING not in runs:
        return ["ImageNet's encoder was not run"]
    name = "ImageNet − nothing"
    known = contrast(name, runs[IMAGENET], runs[NOTHING], better(name, "mIoU"))
    if known.part is None:
        return [known.note.rstrip(".")]
    if known.part.n >= MINIMUM_SEEDS and known.part.low > 0:
        return []
    return [f"ImageNet's encoder is not seen to help ({known.part.amount()}, {known.part.basis})"]


GATE = Gate(
    "Judged only where the assay can tell: the better of the compared conditions lies above every level "
    "without a network (commonest class, one brightness threshold, Otsu's threshold) by the 95 % interval "
    f"over seeds; nothing transferred gains at least {GAIN:g} points of mean IoU from 10 % to 100 % of the "
    "labels, on average over seeds; and ImageNet's encoder (EfficientNet-lite0) lies above nothing "
    "transferred by its paired 95 % interval. Otherwise undecided: the assay cannot tell.",
    cannot_tell,
)
