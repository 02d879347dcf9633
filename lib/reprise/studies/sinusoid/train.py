"""Train on sinusoids: with an inner loop, which is MAML, or without one, which is ordinary training."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .settings import SinusoidSettings

if TYPE_CHECKING:
    from ...models.mlp import MLP
    from ...training.maml import InnerLoop, Parameters

# Random streams of a seed, so that no choice depends on how much chance another one has used up.
INITIAL, TRAINING, TASKS, FRESH = range(4)


@dataclass(frozen=True)
class Trained:
    """Parameters from which adaptation starts, and how they came about.

    Attributes:
        parameters: All parameters by name.
        loss: Query loss of each meta-iteration before its update, (meta-iterations,); empty if untrained.
        seconds: Time in training.
    """

    parameters: Parameters
    loss: np.ndarray
    seconds: float


def build_model(settings: SinusoidSettings, stream: int = INITIAL) -> MLP:
    """The network, its initial values drawn from one stream of the seed."""
    from ...data.fewshot import generator
    from ...models.mlp import MLP

    return MLP(weight_scale=settings.weight_scale, generator=generator(settings.seed, stream))


def inner_loop(settings: SinusoidSettings, steps: int) -> InnerLoop:
    """Gradient descent on a task's squared error, at the rate of the settings."""
    from ...training.maml import InnerLoop

    return InnerLoop(rate=settings.inner_rate, steps=steps, loss="squared")


def train(settings: SinusoidSettings, inner_steps: int) -> Trained:
    """Train on new tasks in every meta-iteration.

    Args:
        settings: What to do.
        inner_steps: Steps of adaptation to a task's support set before its query set is looked at. With 0
            the outer loop alone is left: one network is fitted to the query points of all tasks together.

    Returns:
        The parameters and their history. Equal settings give equal numbers on one machine.

    Raises:
        Diverged: The loss is not finite; the message names the meta-iteration.
    """
    from ...data.fewshot import generator
    from ...data.sinusoid import draw_sinusoids
    from ...training.metalearner import MetaLearner

    learner = MetaLearner(build_model(settings), inner_loop(settings, inner_steps), settings.outer_rate)
    losses, started = [], time.perf_counter()
    with one_thread():
        for iteration in range(settings.meta_iterations):
            random = generator(settings.seed, TRAINING, iteration)
            tasks = draw_sinusoids(settings.meta_batch, random)
            loss, _ = learner.step(tasks.episodes(settings.shots, settings.shots, random))
            losses.append(loss)
    return Trained(learner.snapshot(), np.array(losses), time.perf_counter() - started)


def untrained(settings: SinusoidSettings) -> Trained:
    """The initial values from which both trainings start."""
    parameters = {name: value.detach() for name, value in build_model(settings).named_parameters()}
    return Trained(parameters, np.empty(0), 0.0)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread inside operators: matrices of 40 × 40 gain nothing from more, and sums keep their order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
