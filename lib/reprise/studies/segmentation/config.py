"""Study 3: its settings. There is no released code, so the protocol is ours, and its constants stand here."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from ...engine.config import Stage, StudyConfig, setting

Source = Literal[
    "camvid-source", "voc", "pet", "shapes-source", "camvid-all", "labelmefacade", "clothing"
]  # fmt: skip
Target = Literal["nuclei", "camvid", "voc", "pet", "shapes", "labelmefacade", "clothing"]
PretextName = Literal[
    "none", "classification", "segmentation", "reconstruction", "contrastive", "contrastive-reconstruction",
    "imagenet",
]  # fmt: skip
Decoder = Literal[
    "unet", "unetplusplus", "manet", "linknet", "fpn", "pspnet", "deeplabv3", "deeplabv3plus", "upernet",
    "segformer",
]  # fmt: skip
Corruption = Literal["mask", "noise", "colour", "shuffle"]

WITH_DECODER = ("segmentation", "reconstruction", "contrastive-reconstruction")
"""Pre-trainings that train a decoder."""

STRIDE = 32
"""What sides of crops must be multiples of, whatever the encoder."""

EARLY_EVERY = 10
"""Steps between points of the learning curve at its beginning, where there are such."""

# Which settings of pre-training a pre-training depends on, beside those that all trained ones share.
_SHARED = ("source", "pretrain_crop", "pretrain_steps", "pretrain_rate", "pretrain_jitter", "initial")
_WEIGHTS = ("contrast_weight", "mask_weight", "noise_weight", "colour_weight", "shuffle_weight")
_OWN = {
    "reconstruction": ("restores",),
    "contrastive": ("projection", "temperature"),
    "contrastive-reconstruction": ("projection", "temperature", *_WEIGHTS),
}

VERSION_2 = (
    "initial", "at_once", "choice", "scored", "least_share", "statistics_batches", "curve_early",
    "curve_crop",
)  # fmt: skip
"""Settings that protocol version 2 added; units of version 1 say nothing of them."""


class PretextConfig(StudyConfig):
    """Settings on which the weights of a pre-training depend."""

    study: ClassVar[str] = "segmentation-pretext"
    protocol: ClassVar[int] = 1

    source: Source = setting("camvid-source", "Pictures to pre-train on; a synthetic set needs no files.")
    pretext: PretextName = setting(
        "segmentation", "What pre-training asks of them; imagenet: published weights of the encoder."
    )
    encoder: str = setting("mobilenetv3_small_100", "Encoder: name of a timm model.")
    decoder: Decoder = setting("unet", "Decoder, by its name in segmentation_models.pytorch.")
    decoder_channels: tuple[int, ...] = setting(
        (128, 64, 32, 16, 16), "Channels of the decoder's blocks, coarse to fine; none for the library's."
    )
    batch: int = setting(16, "Crops of a step, in pre-training and fine-tuning.", unit="crops", ge=2)
    pretrain_crop: int = setting(64, "Side of the crops of pre-training.", unit="pixels", ge=STRIDE)
    pretrain_steps: int = setting(1000, "Steps of pre-training.", unit="steps", ge=1)
    pretrain_rate: float = setting(1e-3, "Highest learning rate of pre-training (AdamW).", gt=0)
    pretrain_jitter: float = setting(
        0.3, "Largest relative change of brightness, contrast and saturation.", ge=0, lt=1
    )
    restores: Corruption = setting("mask", "Corruption that pretext=reconstruction undoes.")
    projection: int = setting(64, "Dimensions in which views are compared.", unit="dimensions", ge=2)
    temperature: float = setting(0.2, "Temperature of the contrast.", gt=0)
    contrast_weight: float = setting(1.0, "Weight of the contrast beside reconstructions; 0 for off.", ge=0)
    mask_weight: float = setting(1.0, "Weight of restoring masked patches; 0 for off.", ge=0)
    noise_weight: float = setting(1.0, "Weight of removing noise or blur; 0 for off.", ge=0)
    colour_weight: float = setting(1.0, "Weight of restoring colour; 0 for off.", ge=0)
    shuffle_weight: float = setting(1.0, "Weight of putting shuffled patches back; 0 for off.", ge=0)
    initial: Literal["random", "imagenet"] = setting(
        "random", "What the encoder starts from before pre-training on the source."
    )
    at_once: bool = setting(
        False, "Crops, loss and update for the batch at once: the same up to rounding, in less time."
    )

    @model_validator(mode="after")
    def _pretext_is_possible(self) -> Self:
        """Refuse a pre-training without a purpose, or crops that do not fit the encoder."""
        if self.pretrain_crop % STRIDE:
            raise ValueError(f"pretrain_crop={self.pretrain_crop}: must be a multiple of {STRIDE}")
        if any(channels < 1 for channels in self.decoder_channels):
            raise ValueError(f"decoder_channels={list(self.decoder_channels)}: each must be at least 1")
        if self.pretext == "contrastive-reconstruction" and not any(
            weight for name, weight in self.weights.items() if name != "contrast"
        ):
            raise ValueError(
                "pretext=contrastive-reconstruction: one reconstruction needs a weight above 0; without any, "
                "choose pretext=contrastive"
            )
        return self

    @property
    def weights(self) -> dict[str, float]:
        """Weight of the contrast and of each corruption by name."""
        return {name.removesuffix("_weight"): getattr(self, name) for name in _WEIGHTS}

    @property
    def trains(self) -> bool:
        """Whether there is a pre-training that is ours to run."""
        return self.pretext not in ("none", "imagenet")

    def settings(self, stage: Stage | None = None) -> dict[str, Any]:
        """As in every study; a condition does not depend on settings of pre-trainings that it is not from."""
        used = {*(_SHARED if self.trains else ()), *_OWN.get(self.pretext, ())}
        unused = {*_SHARED, *(name for names in _OWN.values() for name in names)} - used
        return {name: value for name, value in super().settings(stage).items() if name not in unused}


class SegmentationConfig(PretextConfig):
    """Settings of one condition of study 3: a fine-tuning and the pre-training that it starts from.

    The frozen defaults are the protocol of the laptop preset on all of the target's labels.
    """

    study: ClassVar[str] = "segmentation"
    protocol: ClassVar[int] = 1

    dataset: Target = setting("nuclei", "Pictures to fine-tune and judge on; a synthetic set needs no files.")
    transfer: Literal["none", "encoder", "decoder", "both"] = setting(
        "encoder", "Parts that start from the pre-trained network; the others, and the head, start afresh."
    )
    frozen: Literal["none", "encoder", "decoder", "both"] = setting(
        "none", "Parts that fine-tuning leaves as they are."
    )
    fraction: float = setting(1.0, "Share of the target's training pictures that is used.", gt=0, le=1)
    crop: int = setting(96, "Side of the crops of fine-tuning.", unit="pixels", ge=STRIDE)
    steps: int = setting(400, "Steps of fine-tuning.", unit="steps", ge=1)
    jitter: float = setting(
        0.3, "Largest relative change of brightness, contrast and saturation.", ge=0, lt=1
    )
    rates: tuple[float, ...] = setting(
        (3e-4, 1e-3, 3e-3), "Learning rates (AdamW) of which one is chosen per condition on validation data."
    )
    choice_steps: int = setting(100, "Steps after which a rate is chosen.", unit="steps", ge=1)
    choice_images: int = setting(32, "Validation pictures by which it is chosen.", unit="pictures", ge=1)
    curve_every: int = setting(25, "Steps between points of the learning curve.", unit="steps", ge=1)
    curve_images: int = setting(24, "Test pictures of the learning curve.", unit="pictures", ge=1)
    probe_images: int = setting(
        50, "Test crops by which representations are compared.", unit="crops", stage="analysis", ge=8
    )
    shown_images: int = setting(
        4, "Test pictures whose predicted classes are kept.", unit="pictures", stage="analysis", ge=1
    )
    explorer_seeds: tuple[int, ...] = setting(
        (0,), "Seeds whose Grams are kept for the explorers.", stage="analysis"
    )
    choice: Literal["condition", "replicate"] = setting(
        "condition", "What a rate is chosen for: a condition, on one seed after choice_steps; or each "
        "replicate, which runs at every rate to the end and keeps that which is best on its validation "
        "pictures.",
    )  # fmt: skip
    scored: int = setting(
        1, "Last points of the learning curve whose mean quality is the score.", unit="points", ge=1
    )
    least_share: float = setting(
        0.0, "Share of the target's training pixels from which on a class counts in means.", ge=0, lt=1
    )
    statistics_batches: int = setting(
        0, "Batches of training crops by which statistics of batch norm are taken anew before each judging; "
        "0 leaves those of training.", unit="batches", ge=0,
    )  # fmt: skip
    curve_early: int = setting(
        0, "Steps until which the learning curve has a point every 10 steps.", unit="steps", ge=0
    )
    curve_crop: int = setting(
        0, "Side of the middle of pictures that the learning curve is of; 0 for whole ones.", unit="pixels",
        ge=0,
    )  # fmt: skip

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        """Refuse what contradicts itself, before anything is loaded."""
        if (self.pretext == "none") != (self.transfer == "none"):
            raise ValueError(
                f"pretext={self.pretext} and transfer={self.transfer}: without pre-training there is nothing "
                "to transfer; set both to none, or neither"
            )
        if self.transfer in ("decoder", "both") and self.pretext not in WITH_DECODER:
            raise ValueError(
                f"transfer={self.transfer}: pretext={self.pretext} trains no decoder; these do: "
                f"{', '.join(WITH_DECODER)}"
            )
        if self.trains and (self.source, self.dataset) == ("camvid-all", "camvid"):
            raise ValueError(
                "source=camvid-all and dataset=camvid: the drives to be judged by are among those of "
                "pre-training; choose source=camvid-source"
            )
        if self.crop % STRIDE:
            raise ValueError(f"crop={self.crop}: must be a multiple of {STRIDE}")
        if not self.rates or min(self.rates) <= 0 or len(set(self.rates)) < len(self.rates):
            raise ValueError(f"rates={list(self.rates)}: one or more different numbers above 0")
        if self.choice == "condition" and self.choice_steps > self.steps:
            raise ValueError(
                f"choice_steps={self.choice_steps}: at most the {self.steps} steps of fine-tuning"
            )
        if self.scored > len(self.curve_steps):
            raise ValueError(
                f"scored={self.scored}: the learning curve has {len(self.curve_steps)} points; set "
                "curve_every lower"
            )
        return self

    @property
    def curve_steps(self) -> tuple[int, ...]:
        """Steps after which the learning curve has a point: the first, the last and those between."""
        early = range(0, min(self.curve_early, self.steps) + 1, EARLY_EVERY)
        late = (step for step in range(0, self.steps, self.curve_every) if step > self.curve_early)
        return tuple(sorted({0, *early, *late, self.steps}))

    def settings(self, stage: Stage | None = None) -> dict[str, Any]:
        """As of a pre-training; what chooses a condition's rate names no unit that chooses its own."""
        own = super().settings(stage)
        return {k: v for k, v in own.items() if k != "choice_steps" or self.choice == "condition"}

    @property
    def pretraining(self) -> PretextConfig | None:
        """The pre-training that this starts from; None if there is none that is ours to run."""
        if not self.trains:
            return None
        return PretextConfig(**{name: getattr(self, name) for name in PretextConfig.model_fields})

    @property
    def transferred(self) -> tuple[str, ...]:
        """Parts that are transplanted."""
        return parts(self.transfer)

    @property
    def still(self) -> tuple[str, ...]:
        """Parts that fine-tuning leaves as they are."""
        return parts(self.frozen)


def parts(word: str) -> tuple[str, ...]:
    """Parts that a setting names."""
    return {"none": (), "both": ("encoder", "decoder")}.get(word, (word,))


def changed(base: SegmentationConfig, **values: Any) -> SegmentationConfig:
    """A condition with some settings replaced, checked anew."""
    return SegmentationConfig(**{**base.model_dump(), **values})
