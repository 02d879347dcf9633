"""Study 3: presets, and the constants that they share with families of conditions."""

from __future__ import annotations

from ...engine.preset import Expected, Preset

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
