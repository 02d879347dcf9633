"""Study 2: presets, and the families of conditions that its figures and claims are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...data import dataset_entry
from ...engine.preset import Expected, Preset
from .config import COLLIDING_IMAGES, TransferConfig
from .states import FROZEN

SIZES = (64, 256, 1024, 4096)
"""Subsets of the authors to pre-train on, beside all images."""

DEGREES = (0, 1, 2, 4, 9)
"""Degrees of label noise of the authors."""


TARGET_SIZES = (100, 500, 5000)
"""Numbers of fine-tuning images of the sweep over frozen blocks."""

STATISTICS_SIZES = TARGET_SIZES[:2]
"""Those at which frozen weights are told from frozen statistics: where freezing helps within the domain."""

ACROSS = {
    "cifar10": "svhn", "cifar10-jpeg": "mnist-test", "svhn": "cifar10", "gratings": "rings",
    "rings": "gratings",
}  # fmt: skip
"""Target of another domain that goes with a source; SVHN goes with the others."""

SEEDS = (1, 2, 3, 4, 5)

PRESETS = {
    "smoke": Preset(
        values={
            "dataset": "gratings",
            "images": 640,
            "epochs": 4,
            "target_images": 300,
            "target_epochs": 3,
            "probe_images": 60,
            "fresh_networks": 2,
        },
        seeds=(1, 2),
        about="Synthetic gratings, seconds a unit: shows that everything runs, not what the paper asks.",
    ),
    "laptop": Preset(
        values={"dataset": "cifar10-jpeg", "images": 4096},
        seeds=SEEDS,
        about="conv4 on 4096 CIFAR-10 images (JPEG copies), else as described: minutes a seed.",
        expects=Expected(
            values={
                "test accuracy": (0.551, 0.545, 0.557),
                "CKA to the start, pool1": (0.988, 0.983, 0.993),
                "CKA to the start, pool4": (0.360, 0.354, 0.367),
                "CKA to the start, logits": (0.135, 0.083, 0.187),
            },
            n=5,
            measured="AMD EPYC, 1 thread, 2026-11-21",
        ),
    ),
    "as_described": Preset(
        values={},
        seeds=SEEDS,
        about="conv4 on all of CIFAR-10, as the paper describes it: for a GPU.",
    ),
    "as_released": Preset(
        values={
            "probe_statistics": "batch",
            "channels_cut": True,
            "preinitialised": "fresh",
            "fresh_networks": 1,
            "save_collision": True,
        },
        seeds=SEEDS,
        about="As described, with what the released code does: see the audit in the chapter.",
    ),
    "resnet18": Preset(
        values={"model": "resnet18", "epochs": 50},
        seeds=SEEDS,
        about="ResNet-18 on all of CIFAR-10, 50 epochs, as described: for a GPU.",
    ),
    "vgg16": Preset(
        values={"model": "vgg16-bn", "epochs": 50},
        seeds=SEEDS,
        about="VGG-16 with batch norm on all of CIFAR-10, 50 epochs, as described: for a GPU.",
    ),
}


def changed(base: TransferConfig, **values: Any) -> TransferConfig:
    """A condition with some settings replaced, checked anew."""
    return TransferConfig(**{**base.model_dump(), **values})


def sizes(base: TransferConfig) -> dict[str, TransferConfig]:
    """Pre-training on few to many images, at equal epochs."""
    return {f"{n} images": changed(base.pretraining, images=n) for n in _sizes(base)}


def equal_steps(base: TransferConfig) -> dict[str, TransferConfig]:
    """The same at equal steps: as many as the second largest number of images takes."""
    steps = -(-_sizes(base)[-2] // base.batch)
    return {
        f"{n} images, {steps} steps an epoch": changed(
            base.pretraining, images=n, epoch_steps=0 if -(-n // base.batch) == steps else steps
        )
        for n in _sizes(base)
    }


def noise(base: TransferConfig) -> dict[str, TransferConfig]:
    """Pre-training on true and on fully random labels."""
    return {name: changed(base.pretraining, noise=d) for name, d in _true_and_random(base).items()}


def degrees(base: TransferConfig) -> dict[str, TransferConfig]:
    """Pre-training at the authors' degrees of label noise."""
    return {f"degree {d}": changed(base.pretraining, noise=d) for d in DEGREES}


def targets(base: TransferConfig) -> dict[str, TransferConfig]:
    """Fine-tuning on true, shifted and random labels of the source's domain, and on another domain."""
    within = changed(base, target=base.dataset, **_whole(base, base.dataset))
    across = changed(base, target=_across(base), **_whole(base, _across(base)))
    return {
        "true labels": within,
        "shifted labels": changed(within, target_shift=True),
        "random labels": changed(within, target_noise=_true_and_random(base)["random labels"]),
        "other domain": across,
    }


def fresh(base: TransferConfig) -> dict[str, TransferConfig]:
    """The same targets for networks that were never pre-trained."""
    return {name: one.twin for name, one in targets(base).items()}


def target_degrees(base: TransferConfig) -> dict[str, TransferConfig]:
    """Fine-tuning on both domains at the authors' degrees of label noise."""
    return {
        f"{name}, degree {d}": changed(targets(base)[name], target_noise=d)
        for name in ("true labels", "other domain")
        for d in DEGREES
    }


def freezing(base: TransferConfig) -> dict[str, TransferConfig]:
    """Fine-tuning with blocks frozen, on both domains, from few to many images.

    Only the conditions that are in :func:`targets` too keep Gram matrices: of all they would be 15 MB.
    """
    family = {}
    for name in ("true labels", "other domain"):
        whole = targets(base)[name]
        for n in _target_sizes(base):
            for moving in FROZEN:
                one = changed(whole, target_images=n, moving=moving)
                family[f"{name}, {n} images, {moving}"] = (
                    one if one == whole else changed(one, explorer_seeds=())
                )
    return family


def statistics(base: TransferConfig) -> dict[str, TransferConfig]:
    """Fine-tuning with the weights of the first two blocks frozen, and their batch norm's statistics free."""
    return {
        f"{name}, {n} images, after-2": changed(
            targets(base)[name], target_images=n, moving="after-2", still_statistics="free", explorer_seeds=()
        )
        for name in ("true labels", "other domain")
        for n in _target_sizes(base)[: len(STATISTICS_SIZES)]
    }


def audit(base: TransferConfig) -> dict[str, TransferConfig]:
    """Released against described, each finding alone and all together, on the second largest subset."""
    small = changed(base, images=_sizes(base)[-2])
    tuned = changed(targets(small)["true labels"], explorer_seeds=())  # the page has no explorer
    released = {"probe_statistics": "batch", "channels_cut": True}
    return {
        "pre-training, as described": small.pretraining,
        "pre-training, plain running statistics": changed(small.pretraining, norm_start="plain"),
        "pre-training, batch statistics": changed(small.pretraining, probe_statistics="batch"),
        "pre-training, channels cut": changed(small.pretraining, channels_cut=True),
        "pre-training, as released": changed(small.pretraining, **released),
        "fine-tuning, as described": tuned,
        "fine-tuning, batch statistics": changed(tuned, probe_statistics="batch"),
        "fine-tuning, channels cut": changed(tuned, channels_cut=True),
        "fine-tuning, fresh network as pre-initialised": changed(tuned, preinitialised="fresh"),
        "fine-tuning, as released": changed(tuned, **released, preinitialised="fresh"),
    }


def collision(base: TransferConfig) -> dict[str, TransferConfig]:
    """Fine-tuning from all images, and from what the released code has saved in their place."""
    full = changed(base, images=dataset_entry(base.dataset).sizes["train"])
    within = targets(full)["true labels"]
    return {"as described": within, "as released": changed(within, save_collision=True)}


FAMILIES = {
    "sizes": sizes,
    "noise": noise,
    "targets": targets,
    "fresh": fresh,
    "equal-steps": equal_steps,
    "freezing": freezing,
    "statistics": statistics,
    "audit": audit,
    "degrees": degrees,
    "target-degrees": target_degrees,
    "collision": collision,
}
"""Groups of conditions, each made from one: ``reprise run transfer --family <name>``."""


def _sizes(base: TransferConfig) -> list[int]:
    """The authors' subsets up to the condition's number of images; fractions of it where it is small."""
    if base.images >= COLLIDING_IMAGES:
        return [*(n for n in SIZES if n < base.images), base.images]
    return [max(base.images // part, 10) for part in (64, 16, 4, 1)]


def _target_sizes(base: TransferConfig) -> list[int]:
    whole = min(_whole(base, name)["target_images"] for name in (base.dataset, _across(base)))
    return sorted({min(n, whole) for n in TARGET_SIZES})


def _across(base: TransferConfig) -> str:
    return ACROSS.get(base.dataset, "svhn")


def _whole(base: TransferConfig, target: str) -> Mapping[str, Any]:
    """As many fine-tuning images as the condition asks for and its target has."""
    return {"target_images": min(base.target_images, dataset_entry(target).sizes["test"] // 2)}


def _true_and_random(base: TransferConfig) -> dict[str, int]:
    return {"true labels": 0, "random labels": dataset_entry(base.dataset).classes["train"] - 1}
