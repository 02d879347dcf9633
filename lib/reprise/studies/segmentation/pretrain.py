"""Study 3, first stage: pre-training, and the network that fine-tuning starts from."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...engine.study import Context, Unit
from .config import PretextConfig, SegmentationConfig

if TYPE_CHECKING:
    from torch import Tensor

    from ...data.segmentation import SegmentationSet, SegmentationSplits
    from ...models.unet import EncoderDecoder
    from ...training.checkpoints import CheckpointFolder
    from ...training.pretext import Architecture, Pretext

# Random streams of a seed, so that no choice depends on how much chance another one has used up.
INITIAL, PRETRAIN_CROPS, PRETRAIN_CHANCE, PRETRAIN_DROPOUT, LABELS, CROPS, DROPOUT, PROBE, FRESH = range(9)
STATISTICS = 9

FINAL = "final"
"""Label of the weights at the end of a training."""


@dataclass(frozen=True)
class Pretrained:
    """Where fine-tuning starts.

    Attributes:
        state: Weights of the network, of which parts are transplanted; None for none.
        history: Losses and scores of the pre-training, if it was ours.
        seconds: Time that it took, now or earlier.
        origin: What the weights are called: an id, or a name of published ones.
        score_name: What the scores are.
        initial: ImageNet's weights, if every encoder starts from them.
    """

    state: Mapping[str, Tensor] | None = None
    history: Mapping[str, list[float]] | None = None
    seconds: float = 0.0
    origin: str = ""
    score_name: str = ""
    initial: Mapping[str, Tensor] | None = None


@functools.lru_cache(maxsize=2)
def load(name: str, root: Path) -> SegmentationSplits:
    """A data set, kept in memory for the units that follow."""
    from ...data import load_segmentation

    return load_segmentation(name, root)


def architecture(config: PretextConfig) -> Architecture:
    """Shape of a condition's networks."""
    from ...training.pretext import Architecture

    return Architecture(config.encoder, config.decoder, config.decoder_channels)


def pretext(config: PretextConfig, classes: int, seed: int) -> Pretext:
    """A condition's pre-training task with initial weights of a seed."""
    from ...training import pretext as tasks

    shape, key = architecture(config), (seed, INITIAL)
    contrast = config.projection, config.temperature
    return {
        "classification": lambda: tasks.Classification(shape, classes, key),
        "segmentation": lambda: tasks.Segmentation(shape, classes, key, config.at_once),
        "reconstruction": lambda: tasks.Reconstruction(shape, config.restores, key),
        "contrastive": lambda: tasks.Contrastive(shape, *contrast, key),
        "contrastive-reconstruction": lambda: tasks.ContrastiveReconstruction(
            shape, *contrast, config.weights, key
        ),
    }[config.pretext]()


def score_name(config: PretextConfig) -> str:
    """What the recorded scores of a pre-training are."""
    from ...training import pretext as tasks

    task: type[Pretext] = getattr(tasks, config.pretext.title().replace("-", ""))
    return task.score_name


def pretrain(config: SegmentationConfig, seed: int, context: Context) -> Pretrained:
    """Weights to start from: found in the cache, or trained now and announced.

    Raises:
        UserError: ImageNet's weights are wanted and cannot be had.
        Diverged: The loss is not finite.
    """
    from ...training.checkpoints import CheckpointFolder

    if config.pretext == "imagenet":
        state, name = _imagenet(architecture(config), context.data)
        return Pretrained(state, origin=name)
    if config.pretraining is None:
        return Pretrained()
    parent = Unit(config.pretraining, seed)
    folder = CheckpointFolder(context.weights / parent.weights_id)
    with folder.locked():
        last = folder.last()
        if last is None or last.step < config.pretraining.pretrain_steps:
            _announce(config, parent, context)
            _pretrain(parent, folder, context)
            last = folder.last()
            assert last is not None
        history, score = last.state["history"], score_name(config.pretraining)
        initial = imagenet(config, context) if config.initial == "imagenet" else None
        return Pretrained(folder.load(FINAL), history, last.seconds, parent.weights_id, score, initial)


def _pretrain(parent: Unit, folder: CheckpointFolder, context: Context) -> None:
    """The pre-training itself, from where an interrupted one was."""
    from ...data.fewshot import generator
    from ...models.parts import transplant
    from ...training.augmentation import Augmentation, draw
    from ...training.session import Session
    from ...training.steps import Schedule, Steps

    config, seed = parent.config, parent.seed
    assert isinstance(config, PretextConfig)
    source = load(config.source, context.data).train
    task = pretext(config, len(source.classes), seed)
    if config.initial == "imagenet":
        transplant(imagenet(config, context), task.network, ("encoder",))
    task = task.to(context.device)
    source = resident(source, config, context)
    augmentation = Augmentation(config.pretrain_crop, jitter=config.pretrain_jitter)

    def loss(step: int) -> tuple[Tensor, float]:
        images, masks = draw(source, config.batch, step, augmentation, (seed, PRETRAIN_CROPS), config.at_once)
        random = generator(seed, PRETRAIN_CHANCE, step)
        return task.loss(images.to(context.device), masks.to(context.device), random)

    def product() -> dict[str, Tensor]:
        network = task.network.state_dict()
        return {name: value for name, value in network.items() if name.startswith((*task.trained, "head"))}

    schedule = Schedule(config.pretrain_steps, config.pretrain_rate)
    session = Session(
        [folder],
        schedule.steps,
        {schedule.steps: FINAL},
        what=f"pre-training ({config.pretext}), seed {seed}",
        progress=context.progress,
        leave=False,
    )
    learner = Steps(task, loss, schedule, (seed, PRETRAIN_DROPOUT), product=product, fused=config.at_once)
    session.run(learner)


def imagenet(config: PretextConfig, context: Context) -> Mapping[str, Tensor]:
    """A network with ImageNet's weights in its encoder; its decoder and head are not to be used.

    Raises:
        UserError: They cannot be had.
    """
    return _imagenet(architecture(config), context.data)[0]


@functools.lru_cache(maxsize=1)
def _imagenet(shape: Architecture, root: Path) -> tuple[Mapping[str, Tensor], str]:
    from ...models import imagenet

    network = shape.build(2, (0, INITIAL))
    name = imagenet.load(network.get_submodule("encoder.model"), shape.encoder, root)
    return network.state_dict(), name


def start(config: SegmentationConfig, seed: int, classes: int, found: Pretrained) -> EncoderDecoder:
    """The network that fine-tuning starts from; those of one seed differ only in what is transplanted.

    With ``initial=imagenet`` an encoder that is not transplanted has ImageNet's weights.
    """
    from ...models.parts import transplant

    network = architecture(config).build(classes, (seed, INITIAL))
    if found.initial is not None:
        transplant(found.initial, network, ("encoder",))
    if found.state is not None:
        transplant(found.state, network, config.transferred)
    return network.freeze(config.still)


def resident(data: SegmentationSet, config: PretextConfig, context: Context) -> SegmentationSet:
    """Pictures where crops are made of them: on the device if that is done at once."""
    if not config.at_once or context.device == "cpu":
        return data
    images, masks = (tuple(x.to(context.device) for x in parts) for parts in (data.images, data.masks))
    return dataclasses.replace(data, images=images, masks=masks)


def _announce(config: SegmentationConfig, parent: Unit, context: Context) -> None:
    """Say that weights have to be trained first, and how long that takes."""
    from ...engine.runner import estimate
    from . import STUDY, pretraining_work

    fine_tuning = estimate(STUDY, [Unit(config, parent.seed)], context.store) if context.store else None
    share = pretraining_work(parent.config) / STUDY.work(config)
    time_needed = f"about {fine_tuning * share / 60:.1f} min" if fine_tuning else "time not known yet"
    print(
        f"seed {parent.seed}: weights of pre-training by {config.pretext} ({parent.weights_id}) are not in "
        f"the cache; training them first, {time_needed}",
        file=sys.stderr,
    )
