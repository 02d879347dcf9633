"""Study 2, first stage: train one seed of one condition, keeping its weights at every probe epoch."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...data.fewshot import generator
from ...engine.runner import estimate
from ...engine.study import Context, Unit, study
from ...engine.words import spell_seeds
from ...models.architectures import Architecture
from ...training.batched import BatchedLearner
from ...training.checkpoints import CheckpointFolder
from ...training.session import Session
from ...training.supervised import Batches, Learner, Sgd
from .config import TransferConfig
from .networks import moving, parted, starting
from .subsets import CHANCE, ORDER, TARGET_ORDER, Subsets, load_subsets

PIECE = 50
"""Steps after which a training can be stopped, within an epoch too."""


def label(epoch: int) -> str:
    """Name of the weights after some epochs."""
    return f"epoch-{epoch:04d}"


def epochs_and_steps(config: TransferConfig) -> tuple[int, int]:
    """Number of epochs, and steps that count as one of them."""
    if config.finetuning:
        return config.target_epochs, Batches(config.target_images, config.batch, ()).per_pass
    return config.epochs, config.epoch_steps or Batches(config.images, config.batch, ()).per_pass


def folder_of(unit: Unit[TransferConfig], context: Context) -> CheckpointFolder:
    """Where a unit's weights are: a folder named by what they depend on."""
    return CheckpointFolder(context.weights / unit.weights_id)


def trained_weights(unit: Unit[TransferConfig], context: Context, first: bool = False) -> dict[str, Tensor]:
    """Last weights of a unit; trained now, and announced, if they are not in the cache.

    Args:
        unit: A parent, or a twin.
        context: Data root, weights, device, progress.
        first: Its first weights instead.
    """
    config = unit.config
    folder, last = folder_of(unit, context), label(config.probe_epochs[-1])
    if not all(folder.whole(name) for name in (label(0), last)):
        _announce(unit, context)
        with folder.locked():
            train(unit, load_subsets(config, unit.seed, context.data), folder, context)
    return folder.load(label(0) if first else last)


def train(unit: Unit[TransferConfig], subsets: Subsets, folder: CheckpointFolder, context: Context) -> dict:
    """Train, or go on where an interrupted run was, until all probe epochs are in the folder.

    Args:
        unit: What to train; its config is a :class:`TransferConfig`.
        subsets: Its images.
        folder: Where weights and progress are kept.
        context: Device and progress.

    Returns:
        ``"loss"``: mean loss of each epoch's batches, before their updates (list); ``"seconds"``: time in
        training, over all sessions.

    Raises:
        Diverged: A loss is not finite; the message names the step and the last good checkpoint.
    """
    config = unit.config
    architecture, sgd, batches = _ingredients(unit, subsets, context)
    learner = Learner(
        architecture.model, subsets.train, sgd, batches, moving(config, architecture),
        parted(config, architecture), config.still_statistics == "kept",
    )  # fmt: skip
    (history,) = _go_on([unit], learner, [folder], context.progress)
    return history


def train_together(units: Sequence[Unit[TransferConfig]], context: Context) -> None:
    """Train several seeds of a condition in one program, with the parents and twins that they need.

    Args:
        units: Units of one condition. Those that are trained already, or half trained to different epochs,
            are left to :func:`train`.
        context: Device and progress.
    """
    config = units[0].config
    if config.finetuning and config.start == "pretrained":
        if config.source == "trained":
            train_together([Unit(config.pretraining, unit.seed) for unit in units], context)
        train_together([Unit(config.twin, unit.seed) for unit in units], context)
    last = label(config.probe_epochs[-1])
    waiting = [unit for unit in units if not folder_of(unit, context).whole(last)]
    if len(waiting) < 2:
        return
    with contextlib.ExitStack() as stack:
        folders = [folder_of(unit, context) for unit in waiting]
        for folder in sorted(folders, key=lambda folder: folder.path):
            stack.enter_context(folder.locked())
        points = [folder.last() for folder in folders]
        if len({point.step if point else 0 for point in points}) == 1:
            _train_batched(waiting, folders, context)


def _train_batched(
    units: Sequence[Unit[TransferConfig]], folders: Sequence[CheckpointFolder], context: Context
) -> None:
    config = units[0].config
    found = [load_subsets(config, unit.seed, context.data) for unit in units]
    parts = [_ingredients(unit, subsets, context) for unit, subsets in zip(units, found, strict=True)]
    architectures, sgds, batches = zip(*parts, strict=True)
    learner = BatchedLearner(
        [architecture.model for architecture in architectures],
        [subsets.train for subsets in found],
        sgds[0],
        batches,
        moving(config, architectures[0]),
        config.still_statistics == "kept",
    )
    _go_on(units, learner, folders, context.progress)


def _ingredients(
    unit: Unit[TransferConfig], subsets: Subsets, context: Context
) -> tuple[Architecture, Sgd, Batches]:
    """The network that a unit starts from, on its device, and how it steps."""
    config = unit.config
    pretrained = None
    if config.finetuning and config.start == "pretrained" and config.source == "trained":
        pretrained = trained_weights(Unit(config.pretraining, unit.seed), context)
    architecture = starting(config, unit.seed, pretrained, subsets.train.images)
    architecture.model.to(context.device)
    images = config.target_images if config.finetuning else config.images
    stream = TARGET_ORDER if config.finetuning else ORDER
    batches = Batches(images, config.batch, (unit.seed, stream))
    return architecture, Sgd(config.rate, config.momentum, config.batch), batches


class Training:
    """What a session of study 2 trains: one seed of a condition, or several in one program.

    An epoch is taken in pieces of at most :data:`PIECE` steps, between which a training can be stopped.

    Args:
        learner: What learns.
        steps: Steps that count as an epoch.
        seeds: Number of networks.

    Attributes:
        pieces: Number of pieces of an epoch: the steps of the session.
        losses: Of each seed, the mean loss of each epoch's batches before their updates.
    """

    def __init__(self, learner: Learner | BatchedLearner, steps: int, seeds: int = 1):
        self.learner, self.steps = learner, steps
        self.pieces = max(1, -(-steps // PIECE))
        self.losses: list[list[float]] = [[] for _ in range(seeds)]
        self.begun: list[Tensor] = []

    def advance(self, step: int) -> dict[str, str]:
        """Take a piece of an epoch."""
        piece = step % self.pieces
        first, last = (self.steps * part // self.pieces for part in (piece, piece + 1))
        self.begun.append(self.learner.advance(last - first))
        if piece + 1 == self.pieces:
            for losses, mean in zip(self.losses, torch.cat(self.begun).mean(0).tolist(), strict=True):
                losses.append(mean)
            self.begun = []
        return {"loss": f"{self.losses[0][-1]:.3f}"} if self.losses[0] else {}

    def states(self) -> list[dict[str, Any]]:
        """Of each seed: learner, losses of whole epochs and of the one that has begun."""
        return [
            {"learner": state, "losses": losses, "begun": [part[:, i : i + 1].cpu() for part in self.begun]}
            for i, (state, losses) in enumerate(zip(self.learner.states(), self.losses, strict=True))
        ]

    def restore(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from saved :meth:`states`."""
        self.learner.restore([state["learner"] for state in states])
        self.losses = [state["losses"] for state in states]
        device = self.learner.labels.device
        parts = zip(*(state["begun"] for state in states), strict=True)
        self.begun = [torch.cat(part, 1).to(device) for part in parts]

    def snapshots(self) -> list[dict[str, Tensor]]:
        """Parameters and running statistics of each seed."""
        return self.learner.snapshots()


def _go_on(
    units: Sequence[Unit[TransferConfig]],
    learner: Learner | BatchedLearner,
    folders: Sequence[CheckpointFolder],
    progress: bool,
) -> list[dict]:
    """Train in a session of the condition's length; what :func:`train` returns, of each unit."""
    config = units[0].config
    epochs, steps = epochs_and_steps(config)
    # Dropout draws from the process's own stream, which must not depend on what was computed before.
    torch.manual_seed(generator(units[0].seed, CHANCE, config.finetuning).initial_seed() % 2**63)
    training = Training(learner, steps, len(units))
    session = Session(
        folders,
        epochs * training.pieces,
        {epoch * training.pieces: label(epoch) for epoch in config.probe_epochs},
        what=f"{'fine-tuning' if config.finetuning else 'pre-training'}, "
        f"seed {spell_seeds([unit.seed for unit in units])}",
        unit="epoch",
        per=training.pieces,
        progress=progress,
    )
    session.run(training)
    return [{"loss": losses, "seconds": session.seconds} for losses in training.losses]


def _announce(unit: Unit[TransferConfig], context: Context) -> None:
    """Say that weights of another unit have to be trained first, and how long that takes."""
    config = unit.config
    what = "the pre-trained network" if not config.finetuning else "a fresh network on the same labels"
    seconds = estimate(study("transfer"), [unit], context.store) if context.store else None
    time_needed = f"about {seconds / 60:.1f} min" if seconds else "no finished unit to estimate the time from"
    print(
        f"seed {unit.seed}: weights of {what} ({unit.weights_id}) are not in the cache; training it first, "
        f"{time_needed}",
        file=sys.stderr,
    )
