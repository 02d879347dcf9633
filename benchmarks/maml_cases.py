"""What `maml.py` times: tasks, networks and inner loops of study 1's two data sets, images random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

    from reprise.data.fewshot import Episodes
    from reprise.training.maml import InnerLoop


@dataclass(frozen=True)
class Case:
    """Tasks, network and inner loop.

    `targets` are the least ratio of the best peer's time to ours, by device and threads.
    """

    title: str
    ways: int
    queries: int
    tasks: int
    rate: float
    steps: int
    targets: dict[tuple[str, int], float]
    size: int = 28
    channels: int = 1
    filters: int = 64
    downsampling: Literal["stride", "pool"] = "stride"

    def inner(self) -> InnerLoop:
        from reprise.training.maml import InnerLoop

        return InnerLoop("maml", self.rate, self.steps)

    def model(self) -> nn.Module:
        from reprise.data.fewshot import generator
        from reprise.models.conv4 import Conv4Maml

        return Conv4Maml(
            self.ways, self.channels, self.filters, self.size, self.downsampling, "xavier", generator(0)
        )

    def operations(self) -> float:
        """Floating-point operations of the convolutions in one meta-iteration.

        A support image costs 9 forward passes a step (forward 1, backward 2, Hessian product 6), a query
        image 3; a multiplication and an addition count as two.
        """
        support, query = 9 * self.steps * self.ways, 3 * self.ways * self.queries
        side, channels, forward = self.size, self.channels, 0
        for _ in range(4):
            out = -(-side // 2) if self.downsampling == "stride" else side
            forward += 2 * 9 * channels * self.filters * out**2
            side, channels = out if self.downsampling == "stride" else side // 2, self.filters
        return float(self.tasks * (support + query) * forward)

    def episodes(self) -> Episodes:
        """Random images: time does not depend on what is in them."""
        import torch

        from reprise.data.fewshot import Episodes, generator

        draw, labels = generator(1), torch.arange(self.ways)
        shape = (self.channels, self.size, self.size)
        return Episodes(
            torch.rand(self.tasks, self.ways, *shape, generator=draw),
            labels.repeat(self.tasks, 1),
            torch.rand(self.tasks, self.ways * self.queries, *shape, generator=draw),
            labels.repeat_interleave(self.queries).repeat(self.tasks, 1),
            labels.repeat(self.tasks, 1),
        )


TARGETS = {("cpu", 1): 1.3, ("cpu", 2): 2.0}

CASES = {
    "A": Case("A: 28×28, 5-way 1-shot, 1 step, 32 tasks", 5, 5, 32, 0.4, 1, TARGETS | {("cuda", 1): 20.0}),
    "B": Case("B: 28×28, 20-way 1-shot, 5 steps, 16 tasks", 20, 1, 16, 0.1, 5, TARGETS),
    "C": Case(
        "C: 84×84×3, pooling, 5-way 1-shot, 5 steps, 4 tasks",
        *(5, 15, 4, 0.01, 5),
        TARGETS | {("cpu", 2): 1.5},
        size=84,
        channels=3,
        filters=32,
        downsampling="pool",
    ),
}


def moved(episodes: Episodes, device: str, double: bool) -> Episodes:
    """Episodes on a device, images in float64 if asked for."""
    import torch

    from reprise.data.fewshot import Episodes

    kind = torch.float64 if double else torch.float32
    x, y, query_x, query_y = (t.to(device) for t in episodes.tensors())
    return Episodes(x.to(kind), y, query_x.to(kind), query_y, episodes.classes)
