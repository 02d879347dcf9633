"""Study 3: families of conditions, which its figures and claims are about."""

from __future__ import annotations

from .config import WITH_DECODER, SegmentationConfig, changed
from .presets import ASSAY_ENCODER, ASSAY_SHARES, FRACTIONS, MODES_PRETEXT, PRETEXTS


def name_of(config: SegmentationConfig) -> str:
    """What a condition is called: its pre-training, and the parts if they are not the encoder alone."""
    if config.transfer in ("none", "encoder"):
        return config.pretext
    return f"{config.pretext}, {config.transfer}"


def encoders(base: SegmentationConfig) -> dict[str, SegmentationConfig]:
    """Every pre-training, encoder only, and none."""
    found = {"none": changed(base, pretext="none", transfer="none")}
    return found | {name: changed(base, pretext=name, transfer="encoder") for name in PRETEXTS}


def modes(base: SegmentationConfig) -> dict[str, SegmentationConfig]:
    """None, encoder, decoder and both of one pre-training."""
    conditions = [changed(base, pretext="none", transfer="none")]
    pretext = base.pretext if base.pretext in WITH_DECODER else MODES_PRETEXT
    conditions += [changed(base, pretext=pretext, transfer=mode) for mode in ("encoder", "decoder", "both")]
    return {name_of(one): one for one in conditions}


def imagenet(base: SegmentationConfig) -> dict[str, SegmentationConfig]:
    """The encoder with ImageNet's weights, where they can be had."""
    return {"imagenet": changed(base, pretext="imagenet", transfer="encoder")}


def frozen(base: SegmentationConfig) -> dict[str, SegmentationConfig]:
    """Every encoder, held still: the decoder alone learns."""
    return {
        f"{name}, frozen": changed(one, frozen="encoder", explorer_seeds=())
        for name, one in encoders(base).items()
    }


def fractions(base: SegmentationConfig) -> dict[str, SegmentationConfig]:
    """Every encoder at every share of the labels; Gram matrices are kept at the base's share alone."""
    return {
        f"{name}, {share:g}": one
        if share == one.fraction
        else changed(one, fraction=share, explorer_seeds=())
        for share in FRACTIONS
        for name, one in encoders(base).items()
    }


def ablation(base: SegmentationConfig) -> dict[str, SegmentationConfig]:
    """The proposal whole, without each of its terms, and contrast alone."""
    whole = changed(base, pretext="contrastive-reconstruction", transfer="encoder")
    without = {
        f"without {term}": changed(whole, **{f"{term}_weight": 0.0}, explorer_seeds=())
        for term in whole.weights
    }
    return {"all": whole, **without, "contrast alone": changed(whole, pretext="contrastive")}


def assay(base: SegmentationConfig) -> dict[str, SegmentationConfig]:
    """What shows whether a setting can tell: no transfer on few labels and on all, ImageNet beside none."""
    nothing = changed(base, pretext="none", transfer="none")
    by_share = {
        f"assay: none, {share:g}": nothing
        if share == base.fraction
        else changed(nothing, fraction=share, explorer_seeds=())
        for share in ASSAY_SHARES
    }
    return by_share | {
        "assay: none": changed(nothing, encoder=ASSAY_ENCODER),
        "assay: imagenet": changed(base, encoder=ASSAY_ENCODER, pretext="imagenet", transfer="encoder"),
    }


FAMILIES = {
    "encoders": encoders,
    "modes": modes,
    "fractions": fractions,
    "ablation": ablation,
    "imagenet": imagenet,
    "frozen": frozen,
    "assay": assay,
}
"""Groups of conditions, each made from one: ``reprise run segmentation --family <name>``."""


def family_seeds(family: str, seeds: tuple[int, ...]) -> tuple[int, ...]:
    """Seeds of a family, given those of the preset.

    Equivalence (S2) takes twice as many, the next numbers; curves over labels and the ablation take three,
    the assay five.
    """
    if family == "modes":
        last = max(seeds)
        return (*seeds, *range(last + 1, last + 1 + max(0, 10 - len(seeds)))) if len(seeds) >= 5 else seeds
    return seeds[: {"fractions": 3, "ablation": 3, "assay": 5}.get(family)]
