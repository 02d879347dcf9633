"""Study 1, first stage: meta-train one seed of one condition, keeping its parameters at every checkpoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...engine.study import Context, Unit
from .config import MamlConfig

if TYPE_CHECKING:
    from torch import nn

    from ...data.fewshot import EpisodeSampler, FewShotSplits
    from ...training.checkpoints import CheckpointFolder
    from ...training.maml import InnerLoop
    from ...training.metalearner import MetaLearner

# Random streams of a seed, so that no choice depends on how much chance another one has used up.
INITIAL, EPISODES, PROBE, TASKS, VALIDATION, EVALUATION, FRESH, NOISE = range(8)

SAVE_EVERY = 20.0
"""Seconds between training checkpoints: what a killed run loses at most."""


def label(iteration: int) -> str:
    """Name of the parameters after some meta-iterations."""
    return f"iteration-{iteration:06d}"


def build_model(config: MamlConfig, seed: int, stream: int = INITIAL) -> nn.Module:
    """The network of a condition with initial values drawn from one stream of the seed."""
    from ...data import dataset_entry
    from ...data.fewshot import generator
    from ...models.conv4 import Conv4Maml

    entry = dataset_entry(config.dataset)
    return Conv4Maml(
        config.ways,
        entry.channels,
        config.filters,
        entry.size,
        config.downsampling,
        config.head_init,
        generator(seed, stream),
        config.blocks,
    )


def inner_loop(config: MamlConfig) -> InnerLoop:
    """How a condition adapts."""
    from ...training.maml import InnerLoop

    return InnerLoop(
        config.algorithm, config.inner_rate, config.inner_steps, config.inner_loss, config.adapt_offset
    )


def train(unit: Unit, splits: FewShotSplits, folder: CheckpointFolder, context: Context) -> dict:
    """Meta-train, or go on where an interrupted run was, until all checkpoints are in the folder.

    Args:
        unit: What to train; its config is a :class:`MamlConfig`.
        splits: Data.
        folder: Where parameters and progress are kept.
        context: Device and progress.

    Returns:
        ``"loss"`` and ``"accuracy"``: query loss and accuracy of each meta-iteration (lists);
        ``"seconds"``: time in training, over all sessions; ``"path"``: how meta-gradients were computed, see
        :class:`~reprise.training.metalearner.MetaLearner`.

    Raises:
        Diverged: The loss is not finite; the message names the iteration and the last good checkpoint.
    """
    from ...data.fewshot import EpisodeSampler
    from ...training.captured import CapturedMetaLearner
    from ...training.metalearner import MetaLearner, TaskThreads

    config = unit.config
    assert isinstance(config, MamlConfig)
    model = build_model(config, unit.seed).to(context.device)
    pool = splits.train.rotated() if config.rotates else splits.train
    sampler = EpisodeSampler(pool, config.ways, config.shots, config.queries, context.device)
    settings = model, inner_loop(config), config.outer_rate, config.clip or None, context.chunk
    if context.device.startswith("cuda"):
        learner = CapturedMetaLearner(*settings)
        return _go_on(unit, learner, sampler, folder, context.progress)
    if context.device != "cpu":
        return _go_on(unit, MetaLearner(*settings), sampler, folder, context.progress)
    with TaskThreads(model) as threads:
        learner = MetaLearner(*settings, threads)
        return _go_on(unit, learner, sampler, folder, context.progress)


def _go_on(
    unit: Unit, learner: MetaLearner, sampler: EpisodeSampler, folder: CheckpointFolder, progress: bool
) -> dict:
    """The loop of :func:`train`."""
    from tqdm.auto import tqdm

    from ...data.fewshot import generator
    from ...training import Diverged

    config = unit.config
    assert isinstance(config, MamlConfig)
    history: dict = {"loss": [], "accuracy": [], "seconds": 0.0}
    if state := folder.progress():
        learner.restore(state["learner"])
        history = state["history"]
    else:
        folder.save(label(0), learner.snapshot())
    history["path"] = learner.path
    wanted, saved = set(config.checkpoints), time.perf_counter()

    def save() -> None:
        nonlocal saved
        now = time.perf_counter()
        history["seconds"] += now - saved
        saved = now
        folder.save_progress({"learner": learner.state(), "history": history})

    bar = tqdm(
        total=config.iterations,
        initial=learner.iteration,
        desc=f"meta-training, seed {unit.seed}",
        unit="it",
        disable=not progress or learner.iteration >= config.iterations,
    )
    with bar:
        try:
            while learner.iteration < config.iterations:
                random = generator(unit.seed, EPISODES, learner.iteration)
                loss, accuracy = learner.step(sampler.sample(config.meta_batch, random))
                history["loss"].append(loss)
                history["accuracy"].append(accuracy)
                if learner.iteration in wanted:
                    folder.save(label(learner.iteration), learner.snapshot())
                if time.perf_counter() - saved > SAVE_EVERY or learner.iteration == config.iterations:
                    save()
                bar.update()
                bar.set_postfix(accuracy=f"{accuracy:.2f}", refresh=False)
        except Diverged as error:
            good = [name for name in folder.labels() if name <= label(learner.iteration)]
            raise Diverged(f"{error}; the last good checkpoint is {good[-1]} in {folder.path}") from None
        except KeyboardInterrupt:
            save()
            raise
    return history
