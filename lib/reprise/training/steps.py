"""A training of a fixed number of steps: the one loop of study 3, for pre-training and fine-tuning alike.

What a step sees follows from its number alone, so an interrupted training goes on with the very same steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..data.fewshot import generator
from . import Diverged
from .checkpoints import CheckpointFolder

SAVE_EVERY = 20.0
"""Seconds between training checkpoints: what a killed run loses at most."""


@dataclass(frozen=True)
class Schedule:
    """AdamW with a linear rise and a cosine fall of the learning rate.

    Attributes:
        steps: Number of steps, after which the rate has fallen to 0.
        rate: Highest learning rate.
        warmup: Share of the steps in which the rate rises.
        decay: Weight decay.

    >>> schedule = Schedule(steps=100, rate=1e-3, warmup=0.1)
    >>> [round(1e3 * schedule.rate_at(step), 3) for step in (0, 9, 50, 99)]
    [0.1, 0.98, 0.5, 0.0]
    """

    steps: int
    rate: float
    warmup: float = 0.05
    decay: float = 0.01

    def rate_at(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        rise = min(1.0, (step + 1) / max(1.0, self.warmup * self.steps))
        return self.rate * rise * 0.5 * (1 + math.cos(math.pi * step / self.steps))


Loss = Callable[[int], tuple[Tensor, float]]
"""Number of the step, from 0 → its loss with a graph, and a score that is only recorded."""


class Steps:
    """A module that learns, step by step.

    Args:
        module: Holds every parameter that the loss depends on; those without gradient stay as they are.
        loss: What is minimised.
        schedule: How many steps of which size.
        key: Integers that name the random stream of dropout and the like.
    """

    def __init__(self, module: nn.Module, loss: Loss, schedule: Schedule, key: tuple[int, ...]):
        self.module, self.loss, self.schedule, self.key = module, loss, schedule, key
        self.step = 0
        self.seconds = 0.0
        self.history: dict[str, list[float]] = {"loss": [], "score": []}
        parameters = [p for p in module.parameters() if p.requires_grad]
        if not parameters:
            raise ValueError("nothing moves: every part of the network is frozen")
        self.optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.decay)

    def run(
        self,
        folder: CheckpointFolder | None = None,
        evaluate: Callable[[], dict[str, float]] | None = None,
        every: int = 0,
        after: Callable[[], object] | None = None,
    ) -> dict[str, list[float]]:
        """Take all steps that are left.

        Args:
            folder: Where progress is kept and, if there is some, gone on from.
            evaluate: Called before the first step, then every so many steps and after the last one, with the
                module in evaluation mode; what it returns is added to the history.
            every: Steps between evaluations; 0 for none but the first and the last.
            after: Called after each step, for progress bars.

        Returns:
            ``"loss"`` and ``"score"`` of each step; ``"evaluated"``, the steps of evaluations, and each name
            that they return.

        Raises:
            Diverged: The loss is not finite; the message names the step.
        """
        if folder and (state := folder.progress()):
            self.restore(state)
        started, saved = time.perf_counter(), time.perf_counter()
        try:
            while True:
                done = self.step >= self.schedule.steps
                if evaluate and (done or self.step == 0 or (every and self.step % every == 0)):
                    self._evaluate(evaluate)
                if done:
                    break
                self._advance()
                now = time.perf_counter()
                if folder and now - saved > SAVE_EVERY:
                    self.seconds, started, saved = self.seconds + now - started, now, now
                    folder.save_progress(self.state())
                if after:
                    after()
        except KeyboardInterrupt:
            if folder:
                folder.save_progress(self.state())
            raise
        self.seconds += time.perf_counter() - started
        if folder:
            folder.save_progress(self.state())
        return self.history

    def _advance(self) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(self.step)
        self.module.train()
        devices = {p.device for p in self.module.parameters() if p.device.type == "cuda"}
        with torch.random.fork_rng(devices=list(devices)):
            torch.manual_seed(generator(*self.key, self.step).initial_seed() % 2**63)
            loss, score = self.loss(self.step)
        if not torch.isfinite(loss):
            raise Diverged(
                f"the loss is {float(loss.detach())} at step {self.step + 1}, rate {self.schedule.rate:g}"
            )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.history["loss"].append(float(loss.detach()))
        self.history["score"].append(score)
        self.step += 1

    def _evaluate(self, evaluate: Callable[[], dict[str, float]]) -> None:
        if self.step in self.history.get("evaluated", []):  # gone on from a checkpoint taken just after it
            return
        self.module.eval()
        for name, value in {"evaluated": float(self.step), **evaluate()}.items():
            self.history.setdefault(name, []).append(value)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on; of a finished training without the optimiser's part, the largest."""
        finished = self.step >= self.schedule.steps
        return {
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "module": {name: value.detach().cpu() for name, value in self.module.state_dict().items()},
            **({} if finished else {"optimiser": self.optimiser.state_dict()}),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved :meth:`state`."""
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]
        self.module.load_state_dict(state["module"])
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])
