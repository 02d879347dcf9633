"""Study 3, second stage: the choice of a learning rate, and fine-tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.study import Context, Unit
from ...places import UserError
from .config import SegmentationConfig
from .pretrain import CROPS, DROPOUT, LABELS, pretrain, start

if TYPE_CHECKING:
    from torch import Tensor

    from ...data.segmentation import SegmentationSet, SegmentationSplits
    from ...models.unet import EncoderDecoder
    from ...training.checkpoints import CheckpointFolder

CHOICE_SEED = 0
"""Seed whose pre-trained network and labels a condition's learning rate is chosen with."""


def choose_rate(
    config: SegmentationConfig, target: SegmentationSplits, context: Context
) -> tuple[float, dict[float, float]]:
    """The learning rate of a condition: best mean IoU on validation pictures after a few steps of one seed.

    Args:
        config: The condition; the choice is made once for all its seeds.
        target: Its data.
        context: Where weights are.

    Returns:
        The rate, and the mean IoU of each candidate (NaN where training diverged); with one candidate there
        is nothing to choose and nothing is trained.

    Raises:
        UserError: Training diverged with every rate.
    """
    import math

    from ...training import Diverged
    from ...training.checkpoints import CheckpointFolder, Progress
    from ...training.pixels import evaluate

    if len(config.rates) == 1:
        return config.rates[0], {config.rates[0]: math.nan}
    folder = CheckpointFolder(context.weights / f"{Unit(config, CHOICE_SEED).weights_id}-rates")
    with folder.locked():
        last = folder.last()
        scores: dict[float, float] = last.state["scores"] if last else {}
        judges = target.validation.spread(config.choice_images)
        for rate in config.rates:
            if rate in scores:
                continue
            found = pretrain(config, CHOICE_SEED, context)
            network = start(config, CHOICE_SEED, len(target.classes), found).to(context.device)
            try:
                tune(network, config, CHOICE_SEED, rate, config.choice_steps, target.train, context)
                scores[rate] = evaluate(network, judges, False, context.device).miou
            except Diverged:
                scores[rate] = math.nan
            folder.save_progress(Progress(len(scores), state={"scores": scores}))
    finite = {rate: score for rate, score in scores.items() if math.isfinite(score)}
    if not finite:
        raise UserError(
            f"fine-tuning diverged with every one of rates={list(config.rates)}: try smaller ones"
        )
    return max(finite, key=lambda rate: finite[rate]), scores


def tune(
    network: EncoderDecoder,
    config: SegmentationConfig,
    seed: int,
    rate: float,
    steps: int,
    train: SegmentationSet,
    context: Context,
    folder: CheckpointFolder | None = None,
    judges: SegmentationSet | None = None,
) -> tuple[dict[str, list[float]], float]:
    """Fine-tune a network in place.

    Args:
        network: On the device.
        config: The condition.
        seed: Names which part of the labels is used, the order of crops and their changes.
        rate: Highest learning rate.
        steps: Number of steps, after which the rate has fallen to 0.
        train: All of the target's training pictures.
        context: Device and progress.
        folder: Where progress is kept; nowhere if None.
        judges: Pictures of the learning curve; none if None.

    Returns:
        The history, see :class:`reprise.training.steps.Steps`, and seconds in training.
    """
    from ...data.fewshot import generator
    from ...training.augmentation import Augmentation, draw, normalise
    from ...training.pixels import evaluate, pixel_loss
    from ...training.session import Session
    from ...training.steps import Schedule, Steps

    part = train.fraction(config.fraction, generator(seed, LABELS))
    turns = config.dataset in ("nuclei", "shapes")  # pictures without an up and down
    augmentation = Augmentation(config.crop, turns=turns, jitter=config.jitter)

    def loss(step: int) -> tuple[Tensor, float]:
        images, masks = draw(part, config.batch, step, augmentation, (seed, CROPS))
        value = pixel_loss(network(normalise(images.to(context.device))), masks.to(context.device))
        return value, float("nan")

    def judge() -> dict[str, float]:
        assert judges is not None
        return {"miou": evaluate(network, judges, False, context.device).miou}

    learner = Steps(
        network, loss, Schedule(steps, rate), (seed, DROPOUT), judge if judges else None, config.curve_every
    )
    session = Session(
        [folder] if folder else [],
        steps,
        what=f"fine-tuning ({config.pretext}, {config.transfer}), seed {seed}, rate {rate:g}",
        progress=context.progress,
        leave=False,
    )
    session.run(learner)
    return learner.history, session.seconds
