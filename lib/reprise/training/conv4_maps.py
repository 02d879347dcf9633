"""Convolutions of many tasks, each with weights of its own, as explicit bilinear maps.

A convolution is linear in its input and in its weights, so a forward pass, both first derivatives and all
that a Hessian product asks for are made of three maps: the output from input and weights, the gradient of the
weights from input and output gradient, and the gradient of the input from output gradient and weights.

Tensors hold channels last: inputs ``(tasks, images, side, side, channels)``, outputs ``(tasks, positions,
filters)`` with images × side × side positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..models.conv4 import SameConv2d, same_padding


class Buffers:
    """Tensors that are allocated once and written to again at every meta-iteration.

    Large tensors would otherwise be fetched from the operating system and given back at every operator.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple, Tensor] = {}

    def __call__(self, key: tuple, shape: Sequence[int], like: Tensor) -> Tensor:
        """The tensor of that key: zeros when it is new, and whatever was last written to it afterwards."""
        key = (*key, tuple(shape), like.dtype)
        if key not in self.kept:
            self.kept[key] = torch.zeros(tuple(shape), dtype=like.dtype, device=like.device)
        return self.kept[key]


class Columns:
    """A 3×3 convolution as a batched matrix product with the columns of its input (im2col).

    Args:
        layer: The convolution whose shape it has.
        side: Height and width of the input in pixels.
    """

    def __init__(self, layer: SameConv2d, side: int):
        self.stride, self.channels, self.filters = layer.stride[0], layer.in_channels, layer.out_channels
        self.side, self.out_side = side, -(-side // self.stride)
        self.before, after = same_padding(side, self.stride)
        self.padded = self.before + side + after
        self.depth = 9 * self.channels

    def pack(self, weight: Tensor) -> Tensor:
        """Weights ``(…, filters, channels, 3, 3)`` as matrices ``(…, 9·channels, filters)``."""
        return weight.movedim((-2, -1, -3), (-4, -3, -2)).flatten(-4, -2)

    def unpack(self, matrix: Tensor) -> Tensor:
        """The inverse of :meth:`pack`."""
        return matrix.unflatten(-2, (3, 3, self.channels)).movedim((-4, -3, -2), (-2, -1, -3))

    def input(self, buffers: Buffers, key: tuple, like: Tensor, tasks: int, images: int) -> Tensor:
        """A place for the input with its padding around it, which is zero and stays so."""
        return buffers(key, (tasks, images, self.padded, self.padded, self.channels), like)

    def inside(self, x: Tensor) -> Tensor:
        """What is not padding of an :meth:`input`: ``(tasks, images, side, side, channels)``, a view."""
        end = self.before + self.side
        return x[:, :, self.before : end, self.before : end]

    def read(self, buffers: Buffers, key: tuple, x: Tensor) -> Tensor:
        """The columns of an :meth:`input`, which all three maps read: ``(tasks, positions, 9·channels)``."""
        tasks, images = x.shape[:2]
        n = self.out_side
        _, per_image, row, pixel, _ = x.stride()
        windows = x.as_strided(
            (tasks * images, n, n, 3, 3, self.channels),
            (per_image, self.stride * row, self.stride * pixel, row, pixel, 1),
        )
        columns = buffers(key, (tasks, images * n * n, self.depth), x)
        columns.view(windows.shape).copy_(windows)
        return columns

    def output(self, columns: Tensor, weights: Tensor, into: Tensor, add: bool = False) -> Tensor:
        """Output ``(tasks, positions, filters)``, added to what is there if asked for."""
        return torch.baddbmm(into, columns, weights, beta=1 if add else 0, out=into)

    def weight_gradient(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Sum of the weights' gradients over pairs of columns and output gradients."""
        (columns, gradient), *rest = pairs
        total = torch.bmm(columns.mT, gradient)
        for columns, gradient in rest:
            total.baddbmm_(columns.mT, gradient)
        return total

    def input_gradient(self, buffers: Buffers, pairs: Sequence[tuple[Tensor, Tensor]], images: int) -> Tensor:
        """Sum of the input's gradients over pairs of output gradients and weights, shaped as the input.

        It stands in a buffer that the next call overwrites.
        """
        (gradient, weights), *rest = pairs
        tasks, n = len(gradient), self.out_side
        columns = buffers((id(self), "columns"), (tasks, images * n * n, self.depth), gradient)
        torch.bmm(gradient, weights.mT, out=columns)
        for gradient, weights in rest:
            columns.baddbmm_(gradient, weights.mT)
        x = self.input(buffers, (id(self), "gradient"), gradient, tasks, images)
        windows = columns.view(tasks * images, n, n, 3, 3, self.channels)
        (self._spread if self.stride == 2 else self._spread_densely)(windows, x.flatten(0, 1))
        return self.inside(x)

    def _spread(self, windows: Tensor, x: Tensor) -> None:
        """Add windows of stride 2 up: the first 2×2 taps of all windows lie beside each other."""
        n = self.out_side
        blocks = x[:, : 2 * n, : 2 * n].unflatten(2, (n, 2)).unflatten(1, (n, 2))
        blocks.copy_(windows[..., :2, :2, :].transpose(2, 3))
        if n > 1:
            # The last row and column of windows reach into the padding with their third taps.
            blocks[:, 1:, 0].add_(windows[:, :-1, :, 2, :2])
            blocks[:, :, :, 1:, 0].add_(windows[:, :, :-1, :2, 2].transpose(2, 3))
            blocks[:, 1:, 0, 1:, 0].add_(windows[:, :-1, :-1, 2, 2])

    def _spread_densely(self, windows: Tensor, x: Tensor) -> None:
        n = self.out_side
        x.zero_()
        for i in range(3):
            for j in range(3):
                x[:, i : i + n, j : j + n].add_(windows[:, :, :, i, j])


class Convolutions:
    """The same maps by torch's own convolution, task by task: where columns would not fit the cache.

    Args:
        layer: The convolution whose shape it has, of stride 1.
        side: Height and width of the input in pixels.
    """

    def __init__(self, layer: SameConv2d, side: int):
        self.channels, self.filters, self.side, self.out_side = (
            layer.in_channels,
            layer.out_channels,
            side,
            side,
        )

    def pack(self, weight: Tensor) -> Tensor:
        """Weights ``(…, filters, channels, 3, 3)`` as they are."""
        return weight

    def unpack(self, matrix: Tensor) -> Tensor:
        """The inverse of :meth:`pack`."""
        return matrix

    def input(self, buffers: Buffers, key: tuple, like: Tensor, tasks: int, images: int) -> Tensor:
        """A place for the input; torch adds the padding."""
        return buffers(key, (tasks, images, self.side, self.side, self.channels), like)

    def inside(self, x: Tensor) -> Tensor:
        """All of an input."""
        return x

    def read(self, buffers: Buffers, key: tuple, x: Tensor) -> Tensor:
        """The input itself."""
        return x

    def output(self, x: Tensor, weights: Tensor, into: Tensor, add: bool = False) -> Tensor:
        """As :meth:`Columns.output`; it may stand in another place than `into`."""
        if len(x) == 1 and not add:  # spares copying
            return self._convolved(x[0], weights[0]).reshape(into.shape)
        for own, weight, place in zip(x, weights, into, strict=True):
            y = self._convolved(own, weight).reshape(place.shape)
            place.add_(y) if add else place.copy_(y)
        return into

    def weight_gradient(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Sum of the weights' gradients over pairs of inputs and output gradients."""
        total: list[Tensor] = []
        for x, gradient in pairs:
            new = [self._correlated(own, g) for own, g in zip(x, gradient, strict=True)]
            total = [a.add_(b) for a, b in zip(total, new, strict=True)] if total else new
        return torch.stack(total)

    def input_gradient(self, buffers: Buffers, pairs: Sequence[tuple[Tensor, Tensor]], images: int) -> Tensor:
        """Sum of the input's gradients over pairs of output gradients and weights, shaped as the input."""
        total: list[Tensor] = []
        for gradient, weights in pairs:
            turned = weights.flip(-1, -2).transpose(1, 2)
            new = [self._convolved(self._image(g), w) for g, w in zip(gradient, turned, strict=True)]
            total = [a.add_(b) for a, b in zip(total, new, strict=True)] if total else new
        return total[0][None] if len(total) == 1 else torch.stack(total)

    def _image(self, positions: Tensor) -> Tensor:
        return positions.view(-1, self.side, self.side, positions.shape[-1])

    def _convolved(self, x: Tensor, weight: Tensor) -> Tensor:
        weight = weight.contiguous(memory_format=torch.channels_last)
        return torch.conv2d(x.movedim(-1, 1), weight, padding=1).movedim(1, -1)

    def _correlated(self, x: Tensor, gradient: Tensor) -> Tensor:
        shape = torch.empty((self.filters, self.channels, 3, 3), dtype=x.dtype, device=x.device)
        like, ones, wanted = shape.contiguous(memory_format=torch.channels_last), [1, 1], [False, True, False]
        arguments = self._image(gradient).movedim(-1, 1), x.movedim(-1, 1), like
        return torch.ops.aten.convolution_backward(
            *arguments, None, ones, ones, ones, False, [0, 0], 1, wanted
        )[1]
