"""Study 3: which pre-training, and which part of the network, helps segmentation."""

from typing import Any

from ...engine.study import Study
from .config import PretextConfig, SegmentationConfig
from .families import FAMILIES, family_seeds
from .presets import PRESETS

__all__ = ["FAMILIES", "PRESETS", "STUDY", "PretextConfig", "SegmentationConfig", "family_seeds"]

_COST = {"classification": 0.35, "contrastive": 0.7, "contrastive-reconstruction": 1.6}
"""Time of a crop relative to that of fine-tuning, roughly: encoders alone are cheap, views come in pairs."""


def pretraining_work(config: Any) -> float:
    """Pixels passed through, forwards and backwards, in pre-training."""
    share = _COST.get(config.pretext, 1.0)
    return 3.0 * config.pretrain_steps * config.batch * config.pretrain_crop**2 * share


class Segmentation(Study[SegmentationConfig]):
    """Quality and speed of segmentation from transferred encoders and decoders."""

    name = "segmentation"
    title = "Choose the encoder, skip the decoder"
    learned_again = "Fine-tuning for segmentation"
    paper = "dippel2022"
    order = 4
    config = SegmentationConfig
    presets = PRESETS
    families = FAMILIES
    # Version 1's presets stand beside: their rates were chosen for conditions, and many pairs have two.
    deciding = (("full",), ("street",), ("street-imagenet",))
    beside = (
        ("street-camvid",),
        ("street-clothing",),
        ("street-nuclei",),
        ("laptop",),
        ("camvid",),
        ("shapes",),
    )

    def work(self, config: SegmentationConfig) -> float:
        """Pixels passed through in fine-tuning and judging; a backward pass counts as two.

        Pre-training and the choice of a rate are left out: other conditions and seeds share them.
        """
        judged = 256.0**2  # about the pixels of a whole picture
        learning = 3.0 * config.steps * config.batch * config.crop**2
        if config.choice == "condition":
            return learning + judged * (config.curve_images * (1 + config.steps / config.curve_every) + 150)
        settling = config.statistics_batches * config.batch * config.crop**2
        point = config.curve_images * (config.curve_crop**2 or judged) + settling
        scoring = config.scored * (200 + config.choice_images) * judged
        return len(config.rates) * (learning + len(config.curve_steps) * point + scoring)

    def datasets(self, config: SegmentationConfig) -> list[str]:
        """The source where it is trained on, and the target."""
        return [*([config.source] if config.trains else []), config.dataset]

    def family_seeds(self, family: str, seeds: tuple[int, ...]) -> tuple[int, ...]:
        """Equivalence takes twice as many, what is only shown three."""
        return family_seeds(family, seeds)

    def landing(self, config: SegmentationConfig) -> dict[str, SegmentationConfig]:
        """The decoder transferred, and the encoder too: of version 1 these two ran at one rate."""
        modes = FAMILIES["modes"](config)
        return {
            "decoder transferred": modes["segmentation, decoder"],
            "both transferred": modes["segmentation, both"],
        }


STUDY = Segmentation()
