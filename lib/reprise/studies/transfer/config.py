"""Study 2: its settings. Every constant of the paper stands here once, as a default or in ``presets.py``."""

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from ...data import dataset_entry
from ...engine.config import Stage, StudyConfig, setting

ImageDataset = Literal[
    "cifar10", "cifar10-jpeg", "svhn", "mnist", "mnist-test", "imagenet-val", "imagenet-val-sorted",
    "gratings", "rings",
]  # fmt: skip

Moving = Literal["all", "head", "after-1", "after-2", "after-3", "first-1", "first-2", "first-3"]

TARGET_FIELDS = (
    "target", "target_images", "target_noise", "target_shift", "target_epochs", "start", "moving",
    "still_statistics", "head", "save_collision", "preinitialised", "probe",
)  # fmt: skip
"""Settings that belong to fine-tuning alone."""

COLLIDING_IMAGES = 4096
"""Size of the subset run that, in the released code, saves to the full run's file last before fine-tuning."""

PROBED_TEST_IMAGES = 5000
"""Test images that nothing is ever trained on; with smaller test splits, half of these."""

STAGES = {
    "conv4": ("pool1", "pool2", "pool3", "pool4"),
    "resnet18": ("stem", "layer1", "layer2", "layer3", "layer4"),
    "vgg16-bn": ("pool1", "pool2", "pool3", "pool4", "pool5", "fc1", "fc2"),
}
"""Stages below the head, in order of depth, of the paper's networks."""


class TransferConfig(StudyConfig):
    """Settings of one condition of study 2: a pre-training, or a fine-tuning and the pre-training it is from.

    The frozen defaults are conv4's protocol (Goerttler and Obermayer 2022): pre-training on all of CIFAR-10.
    """

    study: ClassVar[str] = "transfer"
    protocol: ClassVar[int] = 1

    model: str = setting(
        "conv4", "Network: conv4, resnet18, vgg16-bn, or any of timm's as timm:<name>; see also layers."
    )
    dataset: ImageDataset = setting("cifar10", "Images to pre-train on; a synthetic set needs no files.")
    images: int = setting(50_000, "Images to pre-train on, from the first one on.", unit="images", ge=2)
    noise: int = setting(
        0, "Degree d of label noise in pre-training: label + U{0…d}; 9 is fully random.", ge=0
    )
    epochs: int = setting(150, "Epochs of pre-training.", unit="epochs", ge=1)
    epoch_steps: int = setting(
        0, "Steps that count as an epoch of pre-training; 0 for one pass over its images.", unit="steps", ge=0
    )
    source: Literal["trained", "imagenet"] = setting(
        "trained", "Where pre-trained weights come from: trained here, or those published for ImageNet."
    )
    batch: int = setting(32, "Images of a step.", unit="images", ge=2)
    rate: float = setting(1e-3, "Learning rate of SGD.", gt=0)
    momentum: float = setting(0.9, "Momentum of SGD.", ge=0, lt=1)
    norm_start: Literal["calibrated", "plain"] = setting(
        "calibrated",
        "Running statistics of batch norm in a network that never trained: those of its training images, or "
        "mean 0 and variance 1.",
    )
    target: Literal["none", ImageDataset] = setting(
        "none", "Images to fine-tune on, from the test split; none for pre-training."
    )
    target_images: int = setting(5000, "Images to fine-tune on, from the first.", unit="images", ge=2)
    target_noise: int = setting(0, "Degree of label noise in fine-tuning.", ge=0)
    target_shift: bool = setting(False, "Labels of the target shifted by the seed: label + seed.")
    target_epochs: int = setting(25, "Epochs of fine-tuning.", unit="epochs", ge=1)
    start: Literal["pretrained", "fresh"] = setting(
        "pretrained", "Weights that fine-tuning starts from; fresh for a network that was never pre-trained."
    )
    moving: Moving = setting(
        "all",
        "What may move: all; head; after-k, all but the first k blocks; first-k, the first k blocks alone.",
    )
    still_statistics: Literal["kept", "free"] = setting(
        "kept",
        "Batch norm of blocks that may not move: it keeps its running statistics and normalises by them, or, "
        "as everywhere else, by the batch's own, which the running ones follow.",
    )
    head: Literal["kept", "fresh"] = setting(
        "kept", "The head that fine-tuning starts from: the pre-trained one, or a fresh one."
    )
    save_collision: bool = setting(
        False, "As released: a run on 4096 images has overwritten the weights of the run on all of them."
    )
    probe_statistics: Literal["running", "batch"] = setting(
        "running",
        "Batch norm (and dropout) where the network is looked at: as in evaluation, or as in training "
        "(as released, in batches of the same size).",
        stage="analysis",
    )
    channels_cut: bool = setting(
        False, "As released: of each layer, only the first 500 channels are looked at.", stage="analysis"
    )
    preinitialised: Literal["own", "fresh"] = setting(
        "own",
        "The state called pre-initialised: the pre-training's own first one, or (as released) a fresh "
        "random network.",
        stage="analysis",
    )
    layers: tuple[str, ...] = setting(
        (), "Layers to look at, by name; none for all that the network's authors name.", stage="analysis"
    )
    probe: Literal["target", "source"] = setting(
        "target", "Whose test images the probe is taken from in fine-tuning.", stage="analysis"
    )
    probe_images: int = setting(
        500, "Test images, never trained on, by which representations are compared.", unit="images",
        stage="analysis", ge=20,
    )  # fmt: skip
    fresh_networks: int = setting(
        3, "Fresh random networks that make up the null level.", unit="networks", stage="analysis", ge=1
    )
    explorer_seeds: tuple[int, ...] = setting(
        (1,), "Seeds whose Grams are kept for the explorers.", stage="analysis"
    )

    @model_validator(mode="after")
    def _is_possible(self) -> "TransferConfig":
        """Refuse what the data or the network cannot give, before anything is loaded."""
        if self.source == "trained":
            self._check_source()
        elif self.target == "none":
            raise ValueError(
                "source=imagenet: those weights are there already; name a target to fine-tune on"
            )
        if self.target == "none":
            self._check_no_target()
        else:
            self._check_target()
        if self.model in STAGES:
            depth = len(STAGES[self.model])
            if self.blocks >= depth:
                raise ValueError(
                    f"moving={self.moving}: {self.model} has {depth} blocks, so at most {depth - 1}"
                )
            known = (*STAGES[self.model], "logits")
            for name in self.layers:
                if name not in known and "." not in name:
                    raise ValueError(f"layers: no layer {name!r} in {self.model}; it has: {', '.join(known)}")
        elif not self.model.startswith("timm:"):
            raise ValueError(
                f"model={self.model!r}: choose {', '.join(STAGES)}, or any of timm's as timm:<name>"
            )
        return self

    def _check_source(self) -> None:
        entry = dataset_entry(self.dataset)
        if "train" not in entry.sizes:
            raise ValueError(f"dataset={self.dataset}: there is no training split to pre-train on")
        if self.images > entry.sizes["train"]:
            raise ValueError(
                f"images={self.images}: {self.dataset} has {entry.sizes['train']} images to pre-train on"
            )
        _check_degree("noise", self.noise, entry.classes["train"], self.dataset)

    def _check_no_target(self) -> None:
        # Sizes and epochs may be set: they wait for the fine-tunings that a family makes of this condition.
        for name in ("target_noise", "target_shift", "start", "moving", "still_statistics", "head"):
            value = getattr(self, name)
            if value != type(self).model_fields[name].default:
                raise ValueError(f"{name}={value}: belongs to fine-tuning, and target is none")

    def _check_target(self) -> None:
        entry = dataset_entry(self.target)
        available = min(PROBED_TEST_IMAGES, entry.sizes["test"] // 2)
        if self.target_images > available:
            raise ValueError(
                f"target_images={self.target_images}: of {self.target}'s test split {available} are for "
                "fine-tuning, the others for testing"
            )
        _check_degree("target_noise", self.target_noise, entry.classes["test"], self.target)
        if self.still_statistics == "free" and self.moving == "all":
            raise ValueError("still_statistics=free: with moving=all no block stays still")
        if self.head == "kept" and self.classes_differ:
            raise ValueError(
                f"head=kept: the head of {self.trained_on} does not fit {self.target}; choose head=fresh"
            )

    def settings(self, stage: Stage | None = None) -> dict[str, Any]:
        """As in every study; a pre-training does not depend on settings of fine-tuning."""
        values = super().settings(stage)
        return values if self.finetuning else {k: v for k, v in values.items() if k not in TARGET_FIELDS}

    @property
    def trained_on(self) -> str:
        """What the pre-trained weights have learned, in a word."""
        return "ImageNet" if self.source == "imagenet" else self.dataset

    @property
    def classes_differ(self) -> bool:
        """Whether source and target have different numbers of classes."""
        if self.source == "imagenet":
            return True  # the published heads have 1000 outputs, and ours are fresh
        return dataset_entry(self.dataset).classes["train"] != dataset_entry(self.target).classes["test"]

    @property
    def finetuning(self) -> bool:
        """Whether this is a fine-tuning."""
        return self.target != "none"

    @property
    def blocks(self) -> int:
        """The k of ``after-k`` and ``first-k``; 0 for the others."""
        return int(self.moving.rpartition("-")[2]) if "-" in self.moving else 0

    @property
    def probe_epochs(self) -> list[int]:
        """Epochs at which the network is looked at: the first five, then every fifth, and the last."""
        last = self.target_epochs if self.finetuning else self.epochs
        return sorted({*range(min(6, last + 1)), *range(0, last + 1, 5), last})

    @property
    def pretraining(self) -> "TransferConfig":
        """The pre-training whose weights a fine-tuning starts from."""
        fields = type(self).model_fields
        values: dict[str, Any] = {name: fields[name].default for name in TARGET_FIELDS}
        if self.save_collision and self.images > COLLIDING_IMAGES:
            values["images"] = COLLIDING_IMAGES
        return type(self)(**{**self.model_dump(), **values})

    @property
    def twin(self) -> "TransferConfig":
        """A fresh network trained on the same labels: what fine-tuning would be without pre-training."""
        head = "fresh" if self.classes_differ else "kept"
        values = {"start": "fresh", "moving": "all", "still_statistics": "kept", "head": head}
        return type(self)(**{**self.model_dump(), **values})


def _check_degree(name: str, degree: int, classes: int, dataset: str) -> None:
    if degree >= classes:
        raise ValueError(f"{name}={degree}: {dataset} has {classes} classes, so 0 to {classes - 1}")
