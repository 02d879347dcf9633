"""Study 2, first stage: train one seed of one condition, keeping its weights at every probe epoch."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...engine.study import Context, Unit
from ...engine.words import spell_seeds
from .config import TransferConfig
from .networks import moving, parted, starting
from .subsets import ORDER, TARGET_ORDER, Subsets, load_subsets

if TYPE_CHECKING:
    from torch import Tensor

    from ...models.architectures import Architecture
    from ...training.batched import BatchedLearner
    from ...training.checkpoints import CheckpointFolder
    from ...training.supervised import Batches, Learner, Sgd

SAVE_EVERY = 20.0
"""Seconds between training checkpoints, which are taken at the ends of epochs."""


def label(epoch: int) -> str:
    """Name of the weights after some epochs."""
    return f"epoch-{epoch:04d}"


def epochs_and_steps(config: TransferConfig) -> tuple[int, int]:
    """Number of epochs, and steps that count as one of them."""
    from ...training.supervised import Batches

    if config.finetuning:
        return config.target_epochs, Batches(config.target_images, config.batch, ()).per_pass
    return config.epochs, config.epoch_steps or Batches(config.images, config.batch, ()).per_pass


def folder_of(unit: Unit, context: Context) -> CheckpointFolder:
    """Where a unit's weights are: a folder named by what they depend on."""
    from ...training.checkpoints import CheckpointFolder

    return CheckpointFolder(context.weights / unit.weights_id)


def trained_weights(unit: Unit, context: Context, first: bool = False) -> dict[str, Tensor]:
    """Last weights of a unit; trained now, and announced, if they are not in the cache.

    Args:
        unit: A parent, or a twin.
        context: Data root, weights, device, progress.
        first: Its first weights instead.
    """
    config = unit.config
    assert isinstance(config, TransferConfig)
    folder, last = folder_of(unit, context), label(config.probe_epochs[-1])
    if last not in folder.labels():
        _announce(unit, context)
        with folder.locked():
            train(unit, load_subsets(config, unit.seed, context.data), folder, context)
    return folder.load(label(0) if first else last)


def train(unit: Unit, subsets: Subsets, folder: CheckpointFolder, context: Context) -> dict:
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
    from ...training.supervised import Learner

    config = unit.config
    assert isinstance(config, TransferConfig)
    architecture, sgd, batches = _ingredients(unit, subsets, context)
    learner = Learner(
        architecture.model, subsets.train, sgd, batches, moving(config, architecture),
        parted(config, architecture),
    )  # fmt: skip
    (history,) = _go_on([unit], learner, [folder], context.progress)
    return history


def train_together(units: Sequence[Unit], context: Context) -> None:
    """Train several seeds of a condition in one program, with the parents and twins that they need.

    Args:
        units: Units of one condition. Those that are trained already, or half trained to different epochs,
            are left to :func:`train`.
        context: Device and progress.
    """
    config = units[0].config
    assert isinstance(config, TransferConfig)
    if config.finetuning and config.start == "pretrained":
        if config.source == "trained":
            train_together([Unit(config.pretraining, unit.seed) for unit in units], context)
        train_together([Unit(config.twin, unit.seed) for unit in units], context)
    last = label(config.probe_epochs[-1])
    waiting = [unit for unit in units if last not in folder_of(unit, context).labels()]
    if len(waiting) < 2:
        return
    with contextlib.ExitStack() as stack:
        folders = [folder_of(unit, context) for unit in waiting]
        for folder in sorted(folders, key=lambda folder: folder.path):
            stack.enter_context(folder.locked())
        if len({_done(config, folder) for folder in folders}) == 1:
            _train_batched(waiting, folders, context)


def _train_batched(units: Sequence[Unit], folders: Sequence[CheckpointFolder], context: Context) -> None:
    from ...training.batched import BatchedLearner

    config = units[0].config
    assert isinstance(config, TransferConfig)
    found = [load_subsets(config, unit.seed, context.data) for unit in units]
    parts = [_ingredients(unit, subsets, context) for unit, subsets in zip(units, found, strict=True)]
    architectures, sgds, batches = zip(*parts, strict=True)
    learner = BatchedLearner(
        [architecture.model for architecture in architectures],
        [subsets.train for subsets in found],
        sgds[0],
        batches,
        moving(config, architectures[0]),
    )
    _go_on(units, learner, folders, context.progress)


def _ingredients(unit: Unit, subsets: Subsets, context: Context) -> tuple[Architecture, Sgd, Batches]:
    """The network that a unit starts from, on its device, and how it steps."""
    from ...training.supervised import Batches, Sgd

    config = unit.config
    assert isinstance(config, TransferConfig)
    pretrained = None
    if config.finetuning and config.start == "pretrained" and config.source == "trained":
        pretrained = trained_weights(Unit(config.pretraining, unit.seed), context)
    architecture = starting(config, unit.seed, pretrained, subsets.train.images)
    architecture.model.to(context.device)
    images = config.target_images if config.finetuning else config.images
    stream = TARGET_ORDER if config.finetuning else ORDER
    batches = Batches(images, config.batch, (unit.seed, stream))
    return architecture, Sgd(config.rate, config.momentum, config.batch), batches


def _done(config: TransferConfig, folder: CheckpointFolder) -> int:
    """Epochs that a training can go on from; 0 also where states were thrown away once measured."""
    state = folder.progress()
    epochs = len(state["history"]["loss"]) if state else 0
    wanted = {label(epoch) for epoch in config.probe_epochs if epoch <= epochs}
    return epochs if wanted <= set(folder.labels()) else 0


def _go_on(
    units: Sequence[Unit],
    learner: Learner | BatchedLearner,
    folders: Sequence[CheckpointFolder],
    progress: bool,
) -> list[dict]:
    """The loop of :func:`train`, for one seed or several."""
    from tqdm.auto import tqdm

    from ...training import Diverged

    config = units[0].config
    assert isinstance(config, TransferConfig)
    epochs, steps = epochs_and_steps(config)
    wanted = set(config.probe_epochs)
    histories: list[dict] = [{"loss": [], "seconds": 0.0} for _ in units]
    done = _done(config, folders[0])
    if done:
        saved_states = [folder.progress() or {} for folder in folders]
        learner.restore([state["learner"] for state in saved_states])
        histories = [state["history"] for state in saved_states]
    else:
        _keep(learner, folders, 0)
    saved = time.perf_counter()

    def save() -> None:
        nonlocal saved
        now = time.perf_counter()
        for state, history, folder in zip(learner.states(), histories, folders, strict=True):
            history["seconds"] += (now - saved) / len(folders)
            folder.save_progress({"learner": state, "history": history})
        saved = now

    what = "fine-tuning" if config.finetuning else "pre-training"
    bar = tqdm(
        total=epochs,
        initial=done,
        desc=f"{what}, seed {spell_seeds([unit.seed for unit in units])}",
        unit="epoch",
        disable=not progress or done >= epochs,
    )
    with bar:
        try:
            for epoch in range(done + 1, epochs + 1):
                means = learner.advance(steps).mean(0).tolist()
                for history, mean in zip(histories, means, strict=True):
                    history["loss"].append(mean)
                if epoch in wanted:
                    _keep(learner, folders, epoch)
                if time.perf_counter() - saved > SAVE_EVERY or epoch == epochs:
                    save()
                bar.update()
                bar.set_postfix(loss=f"{means[0]:.3f}", refresh=False)
        except Diverged as error:
            good = [name for name in folders[0].labels() if name <= label(len(histories[0]["loss"]))]
            raise Diverged(f"{error}; the last good checkpoint is {good[-1]} in {folders[0].path}") from None
    return histories


def _keep(learner: Learner | BatchedLearner, folders: Sequence[CheckpointFolder], epoch: int) -> None:
    for snapshot, folder in zip(learner.snapshots(), folders, strict=True):
        folder.save(label(epoch), snapshot)


def _announce(unit: Unit, context: Context) -> None:
    """Say that weights of another unit have to be trained first, and how long that takes."""
    from ...engine.runner import estimate
    from ...engine.study import study

    config = unit.config
    assert isinstance(config, TransferConfig)
    what = "the pre-trained network" if not config.finetuning else "a fresh network on the same labels"
    seconds = estimate(study("transfer"), [unit], context.store) if context.store else None
    time_needed = f"about {seconds / 60:.1f} min" if seconds else "no finished unit to estimate the time from"
    print(
        f"seed {unit.seed}: weights of {what} ({unit.weights_id}) are not in the cache; training it first, "
        f"{time_needed}",
        file=sys.stderr,
    )
