"""Several seeds of one condition in one program: every step is taken for all of them at once.

On a GPU a small network at batch 32 leaves most of the machine idle, and a step costs what launching its
kernels costs. ``vmap`` over stacked parameters gives all seeds their step for the launches of one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F

from ..data.images import ImageSet
from .frozen import scaled, still_norms
from .supervised import Batches, Sgd, check_finite, get_chance, set_chance


class BatchedLearner:
    """Networks of one architecture that learn side by side, each from its own images in its own order.

    Args:
        models: One network a seed, on the device to train on; their values are the start, and they are not
            changed: see :meth:`snapshots`.
        data: Images and labels of each seed, equally many; seeds may share images.
        sgd: How to step.
        batches: Which images each step of each seed sees.
        moving: Names of the parameters that move; all if None.
        still_statistics: As for :class:`~reprise.training.supervised.Learner`.

    Raises:
        ValueError: Different numbers of networks, data and orders, or of images.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        data: Sequence[ImageSet],
        sgd: Sgd,
        batches: Sequence[Batches],
        moving: Collection[str] | None = None,
        still_statistics: bool = True,
    ):
        if not len(models) == len(data) == len(batches):
            raise ValueError(f"{len(models)} networks, {len(data)} image sets and {len(batches)} orders")
        if len({len(own) for own in data}) != 1:
            raise ValueError(f"seeds need equally many images, not {[len(own) for own in data]}")
        self.sgd, self.batches, self.step = sgd, list(batches), 0
        device = next(models[0].parameters()).device
        first = data[0].images
        shared = all(own.images.data_ptr() == first.data_ptr() for own in data)
        self.pixels = (first[None] if shared else torch.stack([own.images for own in data])).to(device)
        self.labels = torch.stack([own.labels for own in data]).to(device)
        self.owner = torch.arange(len(models), device=device)[:, None] * (not shared)
        self.rows = torch.arange(len(models), device=device)[:, None]
        for model in models:
            model.requires_grad_(True)  # stacking asks for the same of all
        values, buffers = stack_module_state(list(models))
        chosen = set(values) if moving is None else set(moving)
        self.values = {name: value.detach().clone() for name, value in values.items()}
        self.buffers = {name: value.detach().clone() for name, value in buffers.items()}
        self.moving = [name for name in self.values if name in chosen]
        for name in self.moving:
            self.values[name].requires_grad_()
        self.velocity = {name: torch.zeros_like(self.values[name]) for name in self.moving}
        # The template only lends its structure; what stands still is normalised by running statistics.
        self.template = models[0]
        for name, parameter in self.template.named_parameters():
            parameter.requires_grad_(name in chosen)
        self.still = still_norms(self.template) if still_statistics else []

    def advance(self, steps: int) -> Tensor:
        """Take steps.

        Args:
            steps: How many.

        Returns:
            Loss of each batch before its update, (steps, seeds), on the networks' device.

        Raises:
            Diverged: A loss is not finite.
        """
        self.template.train()
        for module in self.still:
            module.eval()

        def loss_of(values: dict, buffers: dict, images: Tensor, labels: Tensor) -> Tensor:
            return F.cross_entropy(functional_call(self.template, (values, buffers), (images,)), labels)

        together = vmap(loss_of, randomness="different")
        orders = [batches(self.step, steps) for batches in self.batches]
        losses = []
        for step in range(steps):
            index = torch.stack([order[step] for order in orders]).to(self.labels.device)
            images = scaled(self.pixels[self.owner, index])
            loss = together(self.values, self.buffers, images, self.labels[self.rows, index])
            gradients = torch.autograd.grad(loss.sum(), [self.values[name] for name in self.moving])
            self._update(gradients)
            losses.append(loss.detach())
        together = torch.stack(losses)
        check_finite(together, self.step)
        self.step += steps
        return together

    @torch.no_grad()
    def _update(self, gradients: Sequence[Tensor]) -> None:
        """SGD with momentum, as ``torch.optim.SGD`` has it."""
        velocity = [self.velocity[name] for name in self.moving]
        values = [self.values[name] for name in self.moving]
        # All tensors in a few kernels; torch's own optimisers call the same.
        torch._foreach_mul_(velocity, self.sgd.momentum)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_add_(velocity, list(gradients))  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_add_(values, velocity, alpha=-self.sgd.rate)  # pyright: ignore[reportPrivateImportUsage]

    def snapshots(self) -> list[dict[str, Tensor]]:
        """A copy of each seed's parameters and running statistics on the CPU."""
        names = list(self.template.state_dict())
        both = {**self.values, **self.buffers}
        whole = {name: both[name].detach().to("cpu", copy=True) for name in names}
        return [{name: value[i].clone() for name, value in whole.items()} for i in range(len(self.labels))]

    def states(self) -> list[dict]:
        """All that each seed needs to go on, in the form of :meth:`Learner.states`: also alone."""
        chance = get_chance(self.labels.device)
        moved = (
            {name: value.to("cpu", copy=True) for name, value in self.velocity.items()} if self.step else {}
        )
        return [
            {
                "step": self.step,
                "model": model,
                "velocity": {name: value[i].clone() for name, value in moved.items()},
                "chance": chance,
            }
            for i, model in enumerate(self.snapshots())
        ]

    def restore(self, states: Sequence[dict]) -> None:
        """Go on from saved states, one a seed, all at the same step."""
        self.step = states[0]["step"]
        with torch.no_grad():
            for name, value in {**self.values, **self.buffers}.items():
                value.copy_(torch.stack([state["model"][name] for state in states]))
            for name, value in self.velocity.items():
                if self.step:
                    value.copy_(torch.stack([state["velocity"][name] for state in states]))
        set_chance(states[0]["chance"], self.labels.device)
