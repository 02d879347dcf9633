"""Study 1, first stage: meta-train one seed of one condition, keeping its parameters at every checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ...data import dataset_entry
from ...data.fewshot import EpisodeSampler, FewShotSplits, generator
from ...engine.study import Context, Unit
from ...models.conv4 import Conv4Maml
from ...training.captured import CapturedMetaLearner
from ...training.checkpoints import CheckpointFolder
from ...training.maml import InnerLoop
from ...training.metalearner import MetaLearner, TaskThreads
from ...training.session import Session
from .config import MamlConfig

# Random streams of a seed, so that no choice depends on how much chance another one has used up.
INITIAL, EPISODES, PROBE, TASKS, VALIDATION, EVALUATION, FRESH, NOISE = range(8)


def label(iteration: int) -> str:
    """Name of the parameters after some meta-iterations."""
    return f"iteration-{iteration:06d}"


def build_model(config: MamlConfig, seed: int, stream: int = INITIAL) -> nn.Module:
    """The network of a condition with initial values drawn from one stream of the seed."""
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
    return InnerLoop(
        config.algorithm, config.inner_rate, config.inner_steps, config.inner_loss, config.adapt_offset
    )


def train(unit: Unit[MamlConfig], splits: FewShotSplits, folder: CheckpointFolder, context: Context) -> dict:
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
    config = unit.config
    model = build_model(config, unit.seed).to(context.device)
    pool = splits.train.rotated() if config.rotates else splits.train
    sampler = EpisodeSampler(pool, config.ways, config.shots, config.queries, context.device)
    settings = model, inner_loop(config), config.outer_rate, config.clip or None, context.chunk
    if context.device.startswith("cuda"):
        learner = CapturedMetaLearner(*settings)
        return _go_on(MetaTraining(unit, learner, sampler), folder, context)
    if context.device != "cpu":
        return _go_on(MetaTraining(unit, MetaLearner(*settings), sampler), folder, context)
    with TaskThreads(model) as threads:
        return _go_on(MetaTraining(unit, MetaLearner(*settings, threads), sampler), folder, context)


class MetaTraining:
    """What a session of study 1 trains: a meta-learner on tasks that follow from seed and iteration alone.

    Args:
        unit: Its seed names the tasks; its config is a :class:`MamlConfig`.
        learner: What learns.
        sampler: Where tasks come from.

    Attributes:
        history: ``"loss"`` and ``"accuracy"`` of each meta-iteration.
    """

    def __init__(self, unit: Unit[MamlConfig], learner: MetaLearner, sampler: EpisodeSampler):
        self.unit, self.learner, self.sampler = unit, learner, sampler
        self.history: dict[str, list[float]] = {"loss": [], "accuracy": []}

    def advance(self, step: int) -> dict[str, str]:
        """One meta-iteration."""
        random = generator(self.unit.seed, EPISODES, step)
        loss, accuracy = self.learner.step(self.sampler.sample(self.unit.config.meta_batch, random))
        self.history["loss"].append(loss)
        self.history["accuracy"].append(accuracy)
        return {"accuracy": f"{accuracy:.2f}"}

    def states(self) -> list[dict[str, Any]]:
        """Learner and history."""
        return [{"learner": self.learner.state(), "history": self.history}]

    def restore(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from saved :meth:`states`."""
        (state,) = states
        self.learner.restore(state["learner"])
        self.history = state["history"]

    def snapshots(self) -> list[dict[str, Tensor]]:
        """The meta-learned parameters."""
        return [self.learner.snapshot()]


def _go_on(training: MetaTraining, folder: CheckpointFolder, context: Context) -> dict:
    """Train in a session of the condition's length; what :func:`train` returns."""
    config = training.unit.config
    session = Session(
        [folder],
        config.iterations,
        {iteration: label(iteration) for iteration in config.checkpoints},
        what=f"meta-training, seed {training.unit.seed}",
        unit="it",
        progress=context.progress,
    )
    session.run(training)
    return {**training.history, "seconds": session.seconds, "path": training.learner.path}
