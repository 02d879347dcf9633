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
    """Tasks, network and inner loop; `targets` are the least ratio of a peer's time to ours, by device."""

    title: str
    ways: int
    queries: int
    tasks: int
    rate: float
    steps: int
    targets: dict[str, float]
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


CASES = {
    "A": Case("A: 28×28, 5-way 1-shot, 1 step, 32 tasks", 5, 5, 32, 0.4, 1, {"cpu": 1.5, "cuda": 20.0}),
    "B": Case("B: 28×28, 20-way 1-shot, 5 steps, 16 tasks", 20, 1, 16, 0.1, 5, {"cpu": 1.5}),
    "C": Case(
        "C: 84×84×3, pooling, 5-way 1-shot, 5 steps, 4 tasks",
        *(5, 15, 4, 0.01, 5),
        {"cpu": 1.0},
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
