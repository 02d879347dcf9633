"""Study 3, second stage: the choice of a learning rate, and fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.study import Context, Unit
from ...places import UserError
from .config import SegmentationConfig
from .measure import middles
from .pretrain import CROPS, DROPOUT, LABELS, STATISTICS, Pretrained, pretrain, resident, start

if TYPE_CHECKING:
    from torch import Tensor

    from ...data.segmentation import SegmentationSplits
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
                tune(network, config, CHOICE_SEED, rate, config.choice_steps, target, context)
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


@dataclass(frozen=True)
class Trial:
    """A fine-tuning at one rate, to the end.

    Attributes:
        network: Fine-tuned, in evaluation mode.
        history: See :func:`tune`.
        seconds: In training.
    """

    network: EncoderDecoder
    history: dict[str, list[Any]]
    seconds: float

    @property
    def choice(self) -> float:
        """Mean IoU on validation pictures, averaged over the points that are scored."""
        return float(np.mean(self.history["validation"]))


def trials(
    config: SegmentationConfig, seed: int, found: Pretrained, target: SegmentationSplits, context: Context
) -> dict[float, Trial]:
    """A replicate at every rate, each to the end; what diverges is left out.

    Raises:
        UserError: All diverged.
    """
    from ...training import Diverged
    from ...training.checkpoints import CheckpointFolder

    done = {}
    for rate in config.rates:
        folder = CheckpointFolder(context.weights / f"{Unit(config, seed).weights_id}-{rate:g}")
        with folder.locked():
            network = start(config, seed, len(target.classes), found).to(context.device)
            try:
                history, seconds = tune(
                    network, config, seed, rate, config.steps, target, context, folder, True
                )
            except Diverged:
                continue
        done[rate] = Trial(network.eval(), history, seconds)
    if not done:
        raise UserError(
            f"fine-tuning diverged with every one of rates={list(config.rates)}: try smaller ones"
        )
    return done


def tune(
    network: EncoderDecoder,
    config: SegmentationConfig,
    seed: int,
    rate: float,
    steps: int,
    target: SegmentationSplits,
    context: Context,
    folder: CheckpointFolder | None = None,
    judged: bool = False,
) -> tuple[dict[str, list[Any]], float]:
    """Fine-tune a network in place.

    Args:
        network: On the device.
        config: The condition.
        seed: Names which part of the labels is used, the order of crops and their changes.
        rate: Highest learning rate.
        steps: Number of steps, after which the rate has fallen to 0.
        target: All of the target's pictures.
        context: Device and progress.
        folder: Where progress is kept; nowhere if None.
        judged: Follow a learning curve on test pictures and, if replicates choose their rates, score the last
            points of it.

    Returns:
        The history, see :class:`reprise.training.steps.Steps`, and seconds in training. It has ``"miou"`` of
        every point of the curve; ``"validation"``, mean IoU, and ``"iou"``, ``"dice"``, ``"boundary"`` of
        every class on all test pictures, of each point that is scored.
    """
    from ...data.fewshot import generator
    from ...training.augmentation import Augmentation, draw, normalise
    from ...training.pixel_loss import pixel_loss, pixel_loss_at_once
    from ...training.pixels import evaluate, reestimate
    from ...training.session import Session
    from ...training.steps import Schedule, Steps

    part = resident(target.train.fraction(config.fraction, generator(seed, LABELS)), config, context)
    turns = config.dataset in ("nuclei", "shapes")  # pictures without an up and down
    augmentation = Augmentation(config.crop, turns=turns, jitter=config.jitter)
    measure = pixel_loss_at_once if config.at_once else pixel_loss
    crops = [
        draw(part, config.batch, i, augmentation, (seed, STATISTICS), config.at_once)[0].to(context.device)
        for i in range(config.statistics_batches if judged else 0)
    ]
    curve = middles(target.test.spread(config.curve_images), config.curve_crop)
    choosing = target.validation.spread(config.choice_images)
    kinds = counted(target, config.least_share)

    def loss(step: int) -> tuple[Tensor, float]:
        images, masks = draw(part, config.batch, step, augmentation, (seed, CROPS), config.at_once)
        value = measure(network(normalise(images.to(context.device))), masks.to(context.device))
        return value, float("nan")

    def judge() -> dict[str, Any]:
        step = len(learner.history["loss"])
        if crops:
            reestimate(network, crops)
        values: dict[str, Any] = {"miou": evaluate(network, curve, False, context.device).over(kinds)}
        if config.choice == "replicate" and step in config.curve_steps[-config.scored :]:
            values["validation"] = evaluate(network, choosing, False, context.device).over(kinds)
            quality = evaluate(network, target.test, device=context.device)
            values |= {name: getattr(quality, name).tolist() for name in ("iou", "dice", "boundary")}
        return values

    learner = Steps(
        network,
        loss,
        Schedule(steps, rate),
        (seed, DROPOUT),
        judge if judged else None,
        config.curve_steps,
        fused=config.at_once,
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


def counted(target: SegmentationSplits, least_share: float) -> np.ndarray:
    """Which classes count in means: those with so large a share of the training pixels, bool (classes,)."""
    return target.train.frequencies() >= least_share
