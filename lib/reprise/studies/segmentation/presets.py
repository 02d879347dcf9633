"""Study 3: presets, and the families of conditions that its figures and claims are about."""

from __future__ import annotations

from ...engine.preset import Expected, Preset
from .config import WITH_DECODER, SegmentationConfig, changed

PRETEXTS = ("classification", "segmentation", "reconstruction", "contrastive", "contrastive-reconstruction")
"""Pre-trainings on the source's pictures."""

FRACTIONS = (0.02, 0.1, 1.0)
"""Shares of the target's training pictures in the figure of quality against labels."""

ASSAY_SHARES = (0.1, 1.0)
"""Shares of the labels between which a network without transfer must gain, or a setting cannot tell."""

ASSAY_ENCODER = "tf_efficientnet_lite0"
"""The encoder whose ImageNet weights must help where anything is to be told."""

MODES_PRETEXT = "segmentation"
"""The pre-training of which encoder, decoder and both are transferred, for S1 to S3."""

_VERSION_2 = {
    "fraction": 0.035,
    "crop": 64,
    "steps": 600,
    "rates": (1e-3, 3e-3),
    "choice": "replicate",
    "choice_images": 48,
    "scored": 3,
    "least_share": 0.01,
    "statistics_batches": 8,
    "curve_early": 200,
    "curve_images": 48,
    "curve_crop": 128,
    "at_once": True,
    "explorer_seeds": (200,),
}
"""Protocol version 2. The share of the labels is that of about 20 of LabelMeFacade's pictures."""

STREET = {**_VERSION_2, "source": "camvid-all", "dataset": "labelmefacade"}
"""The primary pair of version 2."""

FROM_IMAGENET = {"encoder": ASSAY_ENCODER, "initial": "imagenet"}
"""The second start: every pre-training goes on from ImageNet's weights."""

_TEN, _FIVE = tuple(range(200, 210)), tuple(range(200, 205))

PRESETS = {
    "smoke": Preset(
        values={
            "source": "shapes-source",
            "dataset": "shapes",
            "encoder": "mobilenetv3_small_050",
            "decoder_channels": (16, 16, 8, 8, 8),
            "batch": 8,
            "pretrain_crop": 32,
            "pretrain_steps": 6,
            "crop": 32,
            "steps": 6,
            "rates": (1e-3, 3e-3),
            "choice_steps": 2,
            "choice_images": 4,
            "curve_every": 3,
            "curve_images": 4,
            "probe_images": 10,
            "shown_images": 2,
            "fraction": 0.1,
        },
        seeds=(0, 1),
        about="Synthetic shapes, a few steps: shows that everything runs, not what the paper asks.",
    ),
    "laptop": Preset(
        values={"fraction": 0.1},
        seeds=(0, 1, 2, 3, 4),
        about="CamVid drive 0016E5 to nuclei, a tenth of the labels: a few minutes a unit on two cores.",
        expects=Expected(
            values={
                "mean IoU": (0.872, 0.863, 0.881),
                "mean IoU above the trivial baseline": (0.335, 0.326, 0.343),
                "change by fine-tuning, encoder": (0.298, 0.204, 0.392),
            },
            n=5,
            measured="AMD EPYC, 1 thread, 2026-11-22",
        ),
    ),
    "shapes": Preset(
        values={"source": "shapes-source", "dataset": "shapes", "fraction": 0.1, "explorer_seeds": ()},
        seeds=(0, 1, 2, 3, 4),
        about="The same on synthetic shapes, where the two sets share a manner and no kind of object.",
        expects=Expected(
            values={
                "mean IoU": (0.182, 0.173, 0.192),
                "mean IoU above the trivial baseline": (0.038, 0.029, 0.048),
                "change by fine-tuning, encoder": (0.202, 0.119, 0.284),
            },
            n=5,
            measured="AMD EPYC, 1 thread, 2026-11-22",
        ),
    ),
    "camvid": Preset(
        values={"dataset": "camvid", "fraction": 0.1, "explorer_seeds": ()},
        seeds=(0, 1, 2, 3, 4),
        about="Within CamVid, from one drive to others: source and target have one set of classes.",
        expects=Expected(
            values={
                "mean IoU": (0.223, 0.206, 0.240),
                "mean IoU above the trivial baseline": (0.195, 0.179, 0.212),
                "change by fine-tuning, encoder": (0.314, 0.274, 0.355),
            },
            n=5,
            measured="AMD EPYC, 1 thread, 2026-11-22",
        ),
    ),
    "street": Preset(
        values=STREET,
        seeds=_TEN,
        about="Protocol 2: CamVid, all drives, to LabelMeFacade, 20 labelled pictures, from random weights.",
    ),
    "street-imagenet": Preset(
        values={**STREET, **FROM_IMAGENET},
        seeds=_TEN,
        about="Protocol 2: the same from ImageNet's weights (the extra 'imagenet').",
    ),
    "street-camvid": Preset(
        values={
            **_VERSION_2,
            "source": "labelmefacade",
            "dataset": "camvid",
            "fraction": 0.2,
            "explorer_seeds": (),
        },
        seeds=_FIVE,
        about="Protocol 2, secondary: LabelMeFacade to CamVid's drive 0006R0, 20 labelled frames.",
    ),
    "street-clothing": Preset(
        values={
            **_VERSION_2,
            "source": "camvid-all",
            "dataset": "clothing",
            "fraction": 0.0285,
            "explorer_seeds": (),
        },
        seeds=_FIVE,
        about="Protocol 2, secondary: CamVid, all drives, to Clothing Co-Parsing, 20 labelled photographs.",
    ),
    "street-nuclei": Preset(
        values={
            **_VERSION_2,
            "source": "camvid-all",
            "dataset": "nuclei",
            "fraction": 0.043,
            "explorer_seeds": (),
        },
        seeds=_FIVE,
        about="Protocol 2, the negative control: CamVid, all drives, to nuclei, 20 labelled micrographs.",
    ),
    "full": Preset(
        values={
            **STREET,
            "encoder": ASSAY_ENCODER,
            "decoder_channels": (),
            "pretrain_crop": 128,
            "pretrain_steps": 5000,
            "crop": 128,
            "steps": 1000,
        },
        seeds=_TEN,
        about="Protocol 2 at full size: the street scenes in crops of 128 pixels, 5000 + 1000 steps; a GPU.",
    ),
}


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
