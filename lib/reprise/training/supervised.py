"""Ordinary supervised learning on images that stay in memory: no loader, no copies, chance by name.

Which images a step sees follows from the seed and the number of the step alone, so that an interrupted
training needs no generator's state to go on with the very same batches.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.fewshot import generator
from ..data.images import ImageSet
from ..places import UserError
from . import Diverged
from .frozen import features, inputs, scaled, still_norms


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent with momentum, without decay or schedule.

    Attributes:
        rate: Learning rate.
        momentum: Share of the last step that is kept, in [0, 1).
        batch: Images of a step.
    """

    rate: float = 1e-3
    momentum: float = 0.9
    batch: int = 32


@dataclass(frozen=True)
class Batches:
    """Batches of one pass after another, each pass in a new random order.

    Attributes:
        images: Number of images.
        batch: Images of a batch; the last of a pass may have fewer, and is left out if it had only one, which
            batch norm has no statistics of.
        key: Integers that name the random stream.
    """

    images: int
    batch: int
    key: tuple[int, ...]

    def __post_init__(self):
        if self.images < 2:
            raise UserError(f"{self.images} images to train on: at least 2 are needed")

    @property
    def per_pass(self) -> int:
        """Batches of a pass."""
        return math.ceil(self.images / self.batch) - (self.images % self.batch == 1 and self.images > 1)

    def order(self, number: int) -> Tensor:
        """All images in the order of a pass, int64 (images,)."""
        return torch.randperm(self.images, generator=generator(*self.key, number))

    def __call__(self, step: int, count: int) -> list[Tensor]:
        """Indices of the images of some steps in a row.

        Args:
            step: The first step.
            count: How many.
        """
        batches: list[Tensor] = []
        while len(batches) < count:
            number, position = divmod(step + len(batches), self.per_pass)
            whole = self.order(number).split(self.batch)[: self.per_pass]
            batches += whole[position : position + count - len(batches)]
        return batches


class Learner:
    """A network that learns to classify, step by step.

    Args:
        model: The network, on the device to train on; it is trained in place.
        data: Images and labels; they are brought to the network's device once.
        sgd: How to step.
        batches: Which images each step sees.
        moving: Names of the parameters that move; all if None.
        parts: The network's first stages, of which nothing moves, and the rest, sharing its weights: what
            the first make of an image is then computed once, not at every step.
        still_statistics: Whether batch norm that does not move keeps its running statistics too, and
            normalises by them; else it normalises by each batch's own, which the running ones follow.

    Raises:
        UserError: Nothing moves.
    """

    def __init__(
        self,
        model: nn.Module,
        data: ImageSet,
        sgd: Sgd,
        batches: Batches,
        moving: Collection[str] | None = None,
        parts: tuple[nn.Module, nn.Module] | None = None,
        still_statistics: bool = True,
    ):
        self.model, self.batches, self.step = model, batches, 0
        device = next(model.parameters()).device
        # Channels last: on a CPU, pooling and batch norm of this layout take a fraction of the time.
        model.to(memory_format=torch.channels_last)
        seen = data.images.to(device) if parts is None else features(parts[0], data.images)
        self.rest = model if parts is None else parts[1]
        self.pixels = seen.permute(0, 2, 3, 1).contiguous()
        self.labels = data.labels.to(device)
        named = dict(model.named_parameters())
        chosen = set(named) if moving is None else set(moving)
        if not chosen & set(named):
            raise UserError("nothing moves: every parameter of the network is frozen")
        for name, parameter in named.items():
            parameter.requires_grad_(name in chosen)
        self.still = still_norms(model) if still_statistics else []
        self.moving = {name: p for name, p in named.items() if p.requires_grad}
        parameters = list(self.moving.values())
        self.optimiser = torch.optim.SGD(parameters, lr=sgd.rate, momentum=sgd.momentum)

    def advance(self, steps: int) -> Tensor:
        """Take steps.

        Args:
            steps: How many.

        Returns:
            The loss of each batch before its update, (steps, 1), on the network's device.

        Raises:
            Diverged: A loss is not finite.
        """
        self.model.train()
        for module in self.still:
            module.eval()
        losses = []
        for index in self.batches(self.step, steps):
            index = index.to(self.labels.device)
            images = self.pixels[index].permute(0, 3, 1, 2)
            images = scaled(images) if self.rest is self.model else images
            loss = F.cross_entropy(self.rest(images), self.labels[index])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            losses.append(loss.detach())
        together = torch.stack(losses)[:, None]
        check_finite(together, self.step)
        self.step += steps
        return together

    def snapshots(self) -> list[dict[str, Tensor]]:
        """A copy of parameters and running statistics on the CPU, as the one entry of a list."""
        state = self.model.state_dict()
        return [{name: value.detach().to("cpu", copy=True) for name, value in state.items()}]

    def states(self) -> list[dict]:
        """All that is needed to go on: step, network, momentum, and chance where dropout uses it."""
        velocity = {
            name: self.optimiser.state[p]["momentum_buffer"].to("cpu", copy=True)
            for name, p in self.moving.items()
            if "momentum_buffer" in self.optimiser.state[p]
        }
        (model,) = self.snapshots()
        chance = get_chance(self.labels.device)
        return [{"step": self.step, "model": model, "velocity": velocity, "chance": chance}]

    def restore(self, states: Sequence[dict]) -> None:
        """Go on from saved :meth:`states`."""
        (state,) = states
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        for name, value in state["velocity"].items():
            parameter = self.moving[name]
            buffer = torch.empty_like(parameter).copy_(value)
            self.optimiser.state[parameter]["momentum_buffer"] = buffer
        set_chance(state["chance"], self.labels.device)


def get_chance(device: torch.device) -> Tensor:
    """State of the generator that dropout draws from on a device."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_chance(state: Tensor, device: torch.device) -> None:
    """Bring that generator back to a state."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


def check_finite(losses: Tensor, step: int) -> None:
    """Refuse losses that are not finite.

    Args:
        losses: (steps, seeds).
        step: Number of steps before them.

    Raises:
        Diverged: One is not; the message names its step.
    """
    bad = (~torch.isfinite(losses)).nonzero()
    if len(bad):
        first, seed = (int(i) for i in bad[0])
        raise Diverged(f"the loss is {float(losses[first, seed])} at step {step + first + 1}")


@torch.no_grad()
def calibrate_norms(model: nn.Module, images: Tensor, batch: int) -> None:
    """Set the running statistics of batch norm to those of some images, as the network is now.

    A network's first running statistics (mean 0, variance 1) describe nothing that it has seen: in evaluation
    mode it is then another network than the one that training starts from.

    Args:
        model: The network, changed in place; everything but its running statistics stays.
        images: uint8 (n, 3, h, w).
        batch: Images of a forward pass, as in training; statistics are averaged over the passes.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    usual = [norm.momentum for norm in norms]
    model.eval()  # no dropout
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average
        norm.train()
    for part in inputs(images, next(model.parameters()).device, batch):
        if len(part) > 1:
            model(part)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
