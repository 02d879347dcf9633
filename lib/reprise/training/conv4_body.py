"""All blocks of a :class:`~reprise.models.conv4.Conv4Maml`, from images to what the head reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from ..models.conv4 import BatchStatisticsNorm, Conv4Maml, SameConv2d
from .conv4_blocks import Gradients, LaterBlock, Trace
from .conv4_first import FirstBlock, FirstTrace, Pixels
from .conv4_maps import Buffers, Columns, Convolutions

Values = dict[str, Tensor]
"""By name of a parameter, shaped as the passes read it, with a first axis of tasks."""


class Traces(NamedTuple):
    """Those of all blocks."""

    first: FirstTrace
    later: list[Trace]


class Body:
    """The blocks of a network for images of one size.

    Args:
        model: The network; only its structure is used.
        size: Height and width of the images in pixels.
        cuda: Whether it is to run on a GPU.
        buffers: Memory to work in. A pass keeps what it leaves under the key that it is called with: two
            passes that are needed at the same time have different keys.
    """

    def __init__(self, model: Conv4Maml, size: int, cuda: bool, buffers: Buffers):
        self.size, self.buffers, self.pool = size, buffers, model.downsampling == "pool"
        layers = [part for part in model.modules() if isinstance(part, SameConv2d)]
        epsilons = [part.eps for part in model.modules() if isinstance(part, BatchStatisticsNorm)]
        self.first = FirstBlock(layers[0], size, self.pool, epsilons[0])
        self.later: list[LaterBlock] = []
        self.side, self.filters = self.first.switch.out_side, layers[0].out_channels
        # Columns of a layer without stride leave a CPU's cache; torch's own convolution makes none.
        maps = Convolutions if self.pool and not cuda else Columns
        for layer, eps in zip(layers[1:], epsilons[1:], strict=True):
            self.later.append(LaterBlock(layer, self.side, self.pool, eps, maps))
            self.side = self.later[-1].switch.out_side

    def pack(self, name: str, value: Tensor) -> Tensor:
        """A parameter as the passes read it; its first axis is for tasks, of length 1."""
        if name.endswith(".0.weight"):
            return self._block(name).pack(value[None]).contiguous()
        if name == "head.weight":
            return value.unflatten(1, (-1, *self._pixels())).movedim(1, -1).flatten(1).mT.contiguous()[None]
        return value.view(1, 1, -1)

    def unpack(self, name: str, value: Tensor) -> Tensor:
        """The inverse of :meth:`pack`, of a tensor without that first axis."""
        if name.endswith(".0.weight"):
            return self._block(name).unpack(value).contiguous()
        if name == "head.weight":
            return value.mT.unflatten(1, (*self._pixels(), -1)).movedim(-1, 1).flatten(1).contiguous()
        return value.flatten()

    def forward(self, values: Values, key: tuple, pixels: Pixels) -> tuple[Traces, Tensor]:
        """Through all blocks: their traces, and what the head reads, ``(tasks, images, features)``."""
        tasks, _, images = pixels.columns.shape[:3]
        x, inside = self._place((*key, 0), 0, pixels.mean, tasks, images)
        weights, offset = values["blocks.0.0.weight"], values["blocks.0.1.bias"]
        first = self.first.forward(self.buffers, pixels, weights, offset, inside)
        later: list[Trace] = []
        for i, block in enumerate(self.later, 1):
            place, inside = self._place((*key, i), i, pixels.mean, tasks, images)
            weights, offset = values[f"blocks.{i}.0.weight"], values[f"blocks.{i}.1.bias"]
            later.append(block.forward(self.buffers, (*key, i), x, weights, offset, inside))
            x = place
        return Traces(first, later), self._features(x)

    def backward(self, key: tuple, traces: Traces, features: Tensor) -> Values:
        """From the gradient of what the head reads to those of all weights and offsets."""
        gradient, gradients = self._unpooled(features), {}
        for i, block, trace in self._reversed(traces):
            own, gradient = block.backward(self.buffers, (*key, i), trace, gradient)
            gradients |= _named(i, own)
        return gradients | _named(0, self.first.backward(self.buffers, traces.first, gradient))

    def push(self, traces: Traces, direction: Values) -> Tensor:
        """Tangent of :meth:`forward`: of what the head reads. Offsets not in `direction` stand still."""
        tasks, _, images = traces.first.x.columns.shape[:3]
        like, offset = traces.first.rate, "blocks.{}.1.bias".format
        x, inside = self._place(("tangent", 0), 0, like, tasks, images)
        dweights = direction["blocks.0.0.weight"]
        self.first.push(self.buffers, traces.first, dweights, direction.get(offset(0)), inside)
        for i, (block, trace) in enumerate(zip(self.later, traces.later, strict=True), 1):
            place, inside = self._place(("tangent", i), i, like, tasks, images)
            dweights = direction[f"blocks.{i}.0.weight"]
            block.push(self.buffers, trace, x, dweights, direction.get(offset(i)), inside)
            x = place
        return self._features(x)

    def pull(self, traces: Traces, features: Tensor) -> Values:
        """Tangent of :meth:`backward`, after both it and :meth:`push`."""
        gradient, products = self._unpooled(features), {}
        for i, block, trace in self._reversed(traces):
            own, gradient = block.pull(self.buffers, trace, gradient)
            products |= _named(i, own)
        return products | _named(0, self.first.pull(self.buffers, traces.first, gradient))

    def _reversed(self, traces: Traces) -> Iterator[tuple[int, LaterBlock, Trace]]:
        """Number, block and trace of all but the first, from the last one on."""
        for i in range(len(self.later), 0, -1):
            yield i, self.later[i - 1], traces.later[i - 1]

    def _place(self, key: tuple, i: int, like: Tensor, tasks: int, images: int) -> tuple[Tensor, Tensor]:
        """Where block i writes: the next one's input with its padding, and without."""
        if i < len(self.later):
            place = self.later[i].map.input(self.buffers, (*key, "out"), like, tasks, images)
            return place, self.later[i].map.inside(place)
        shape = tasks, images, self.side, self.side, self.filters
        last = self.buffers((*key, "out"), shape, like)
        return last, last

    def _features(self, x: Tensor) -> Tensor:
        """Activations of the last block → what the head reads."""
        return x.flatten(2) if self.pool else x.mean((2, 3))

    def _unpooled(self, features: Tensor) -> Tensor:
        """Gradient of the features → that of the last block's activations."""
        n = self.side
        if self.pool:
            return features.unflatten(2, (n, n, -1))
        return (features / n**2)[:, :, None, None].expand(-1, -1, n, n, -1)

    def _pixels(self) -> tuple[int, int]:
        """Height and width of what the head reads."""
        return (self.side, self.side) if self.pool else (1, 1)

    def _block(self, name: str) -> FirstBlock | LaterBlock:
        return [self.first, *self.later][int(name.split(".")[1])]


def _named(i: int, gradients: Gradients) -> Values:
    return {f"blocks.{i}.0.weight": gradients[0], f"blocks.{i}.1.bias": gradients[1]}
