"""Study 2: what fine-tuning changes and what it keeps."""

from collections.abc import Sequence

from ...engine.study import Context, Study, Unit
from .config import TransferConfig
from .presets import FAMILIES, PRESETS

__all__ = ["FAMILIES", "PRESETS", "STUDY", "TransferConfig"]

_COST = {"conv4": 1.0, "resnet18": 3.0, "vgg16-bn": 12.0}
"""Time of an image relative to conv4's, roughly; networks of timm count as ResNet-18."""


class Transfer(Study[TransferConfig]):
    """Similarity to the pre-trained and to the initial network, layer by layer, over training."""

    name = "transfer"
    title = "What fine-tuning changes and what it keeps"
    learned_again = "Fine-tuning on new labels"
    paper = "goerttler2022"
    order = 3
    config = TransferConfig
    presets = PRESETS
    families = FAMILIES
    deciding = (("as_described",), ("laptop",))
    beside = (("as_released",), ("resnet18",), ("vgg16",))

    def work(self, config: TransferConfig) -> float:
        """Images passed forward, a backward pass counted as two, times the network's cost."""
        seen = config.target_images if config.finetuning else config.images
        epochs = config.target_epochs if config.finetuning else config.epochs
        steps = (0 if config.finetuning else config.epoch_steps) or -(-seen // config.batch)
        training = 3 * epochs * min(steps * config.batch, steps * seen)
        looking = len(config.probe_epochs) * (min(seen, 5000) + 5000 + 4 * config.probe_images)
        return (training + looking) * _COST.get(config.model, 3.0)

    def datasets(self, config: TransferConfig) -> list[str]:
        """The source where it is trained on, and the target of a fine-tuning."""
        wanted = [config.dataset] if config.source == "trained" else []
        return list(dict.fromkeys([*wanted, *([config.target] if config.finetuning else [])]))

    def unshown(self, config: TransferConfig) -> str:
        """Fine-tunings stand in the chapter of the pre-training that they start from."""
        if config.finetuning:
            return "the chapter shows a pre-training and the fine-tunings that its families make of it"
        return ""

    def together(self, units: Sequence[Unit[TransferConfig]], context: Context) -> None:
        """Several seeds of one condition in one program."""
        self.part("train").train_together(units, context)

    def landing(self, config: TransferConfig) -> dict[str, TransferConfig]:
        """Three targets that use more and less of what was learned."""
        targets = FAMILIES["targets"](config)
        return {name: targets[name] for name in ("true labels", "random labels", "other domain")}

    def landing_nulls(self, config: TransferConfig) -> dict[str, TransferConfig]:
        """Fresh networks trained on the same labels, which come to resemble the pre-trained one too."""
        return {name: tuned.twin for name, tuned in self.landing(config).items()}


STUDY = Transfer()
