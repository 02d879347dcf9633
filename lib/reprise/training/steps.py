"""Steps of AdamW on a schedule: how study 3 learns, in pre-training and fine-tuning alike.

What a step sees follows from its number alone, so an interrupted training goes on with the very same steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..data.fewshot import generator
from . import Diverged


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
    """A module that learns, step by step: what a session of study 3 trains.

    Args:
        module: Holds every parameter that the loss depends on; those without gradient stay as they are.
        loss: What is minimised.
        schedule: How many steps of which size.
        key: Integers that name the random stream of dropout and the like.
        evaluate: Called before the first step, then every so many steps and after the last one, with the
            module in evaluation mode; what it returns is added to the history.
        every: Steps between evaluations, or after which there is one; 0 for none but the first and the last.
        product: The parameters that are wanted in the end, where that is not the whole module: a finished
            training then keeps them alone.
        fused: Update all parameters in one operation: the same up to rounding, in less time.

    Attributes:
        history: ``"loss"`` and ``"score"`` of each step; ``"evaluated"``, the steps of evaluations, and each
            name that they return.

    Raises:
        ValueError: Nothing moves.
    """

    def __init__(
        self,
        module: nn.Module,
        loss: Loss,
        schedule: Schedule,
        key: tuple[int, ...],
        evaluate: Callable[[], dict[str, Any]] | None = None,
        every: int | Collection[int] = 0,
        product: Callable[[], dict[str, Tensor]] | None = None,
        fused: bool = False,
    ):
        self.module, self.loss, self.schedule, self.key = module, loss, schedule, key
        self.evaluate, self.every, self.product = evaluate, every, product
        self.history: dict[str, list[Any]] = {"loss": [], "score": []}
        parameters = [p for p in module.parameters() if p.requires_grad]
        if not parameters:
            raise ValueError("nothing moves: every part of the network is frozen")
        self.optimiser = torch.optim.AdamW(
            parameters, lr=schedule.rate, weight_decay=schedule.decay, fused=fused or None
        )

    def advance(self, step: int) -> dict[str, str]:
        """Take a step, counted from 0, with the evaluation that is due after it, or before the first.

        Raises:
            Diverged: The loss is not finite; the message names the step.
        """
        if step == 0:
            self._evaluate(0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate_at(step)
        self.module.train()
        devices = {p.device for p in self.module.parameters() if p.device.type == "cuda"}
        with torch.random.fork_rng(devices=list(devices)):
            torch.manual_seed(generator(*self.key, step).initial_seed() % 2**63)
            loss, score = self.loss(step)
        if not torch.isfinite(loss):
            raise Diverged(
                f"the loss is {float(loss.detach())} at step {step + 1}, rate {self.schedule.rate:g}"
            )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.history["loss"].append(float(loss.detach()))
        self.history["score"].append(score)
        done = step + 1
        if done == self.schedule.steps or self._due(done):
            self._evaluate(done)
        return {}

    def _due(self, done: int) -> bool:
        if isinstance(self.every, int):
            return bool(self.every) and done % self.every == 0
        return done in self.every

    def _evaluate(self, step: int) -> None:
        if self.evaluate is None:
            return
        self.module.eval()
        for name, value in {"evaluated": float(step), **self.evaluate()}.items():
            self.history.setdefault(name, []).append(value)

    def states(self) -> list[dict[str, Any]]:
        """All that is needed to go on; of a finished training without the optimiser's part, the largest."""
        if len(self.history["loss"]) < self.schedule.steps:
            return [{"history": self.history, **self._module(), "optimiser": self.optimiser.state_dict()}]
        return [{"history": self.history, **({} if self.product else self._module())}]

    def _module(self) -> dict[str, Any]:
        return {"module": {name: value.detach().cpu() for name, value in self.module.state_dict().items()}}

    def restore(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from saved :meth:`states`."""
        (state,) = states
        self.history = state["history"]
        if "module" in state:
            self.module.load_state_dict(state["module"])
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])

    def snapshots(self) -> list[dict[str, Tensor]]:
        """The product, or the whole module, on the CPU."""
        values = self.product() if self.product else self.module.state_dict()
        return [{name: value.detach().to("cpu", copy=True) for name, value in values.items()}]
