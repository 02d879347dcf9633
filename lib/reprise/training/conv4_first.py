"""The first block of a conv4, which reads images, with explicit first and second derivatives.

See :mod:`reprise.training.conv4_blocks` for the four passes. An image has few channels, and so its columns
few rows. The moments of the convolution's output follow from theirs, and batch norm becomes part of the
weights: the normalised output is one product of weights and columns, and its gradients follow from the
product of columns and g. No pass over all positions is left but these products, ReLU and pooling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from ..models.conv4 import SameConv2d, same_padding
from .conv4_blocks import Gradients, Switch
from .conv4_maps import Buffers


@dataclass
class Pixels:
    """Columns of the images that a first block reads, and their moments, on which its batch norm depends."""

    columns: Tensor  # (tasks, depth + 1, images, side, side), the last row ones
    mean: Tensor  # (tasks, depth, 1)
    covariance: Tensor  # (tasks, depth, depth)


@dataclass
class FirstTrace:
    """As :class:`~reprise.training.conv4_blocks.Trace`."""

    x: Pixels
    weights: Tensor
    rate: Tensor  # r
    image: Tensor  # covariance · weights
    active: Tensor  # activations
    chosen: list[Tensor]  # indices of pooling, by group of images
    later: dict[str, Tensor] = field(default_factory=dict)


class FirstBlock:
    """The block that reads images.

    Args:
        layer: Its convolution.
        side: Height and width of the images.
        pool: Whether it pools.
        eps: ε of batch norm.
    """

    def __init__(self, layer: SameConv2d, side: int, pool: bool, eps: float):
        self.stride, self.eps = layer.stride[0], eps
        self.depth, self.filters = 9 * layer.in_channels, layer.out_channels
        self.pads, self.side = same_padding(side, self.stride), -(-side // self.stride)
        self.switch = Switch(self.side, pool)
        # Where images are large, no more of them at a time than leave their output in the cache.
        self.group = 4 if pool else 2**30

    def pack(self, weight: Tensor) -> Tensor:
        """Weights ``(…, filters, channels, 3, 3)`` as matrices ``(…, 9·channels, filters)``."""
        return weight.flatten(-3).mT

    def unpack(self, matrix: Tensor) -> Tensor:
        """The inverse of :meth:`pack`."""
        return matrix.mT.unflatten(-1, (-1, 3, 3))

    def read(self, buffers: Buffers, key: tuple, images: Tensor) -> Pixels:
        """Prepare images ``(tasks, images, channels, height, width)`` for all passes."""
        images = F.pad(images, [*self.pads, *self.pads])
        tasks, count, channels, n, s = *images.shape[:3], self.side, self.stride
        task, image, channel, row, pixel = images.stride()
        columns = buffers((*key, "columns"), (tasks, self.depth + 1, count, n, n), images)
        columns[:, :-1].unflatten(1, (channels, 3, 3)).copy_(
            images.as_strided(
                (tasks, channels, 3, 3, count, n, n), (task, channel, row, pixel, image, s * row, s * pixel)
            )
        )
        columns[:, -1] = 1
        flat = columns.flatten(2)
        moments = torch.bmm(flat, flat.mT) / flat.shape[-1]
        mean = moments[:, :-1, -1:]
        return Pixels(columns, mean, moments[:, :-1, :-1] - mean * mean.mT)

    def forward(
        self, buffers: Buffers, x: Pixels, weights: Tensor, offset: Tensor, into: Tensor
    ) -> FirstTrace:
        """Images → activations, written to `into`, ``(tasks, images, side, side, filters)``."""
        image = torch.bmm(x.covariance, weights)
        rate = torch.rsqrt((weights * image).sum(1, keepdim=True) + self.eps)
        affine = self._affine(x, rate * weights, offset)
        outputs = self._outputs(buffers, x, affine)
        chosen = [self.switch.choose(z, 0.0, into[:, some]) for some, z in outputs]
        return FirstTrace(x, weights, rate, image, into, chosen)

    def backward(self, buffers: Buffers, trace: FirstTrace, gradient: Tensor) -> Gradients:
        """Gradient of the activations → those of weights and offset."""
        products, sums = self._products(buffers, trace, gradient)
        product = trace.rate * (trace.weights * products).sum(1, keepdim=True)
        count = trace.x.columns[0, 0].numel()
        weights = count * trace.rate * (products - trace.rate * product * trace.image)
        trace.later = {"products": products, "product": product, "weights": weights}
        return weights, sums

    def push(
        self, buffers: Buffers, trace: FirstTrace, dweights: Tensor, doffset: Tensor | None, into: Tensor
    ) -> None:
        """Tangent of the forward pass; images do not move."""
        later, weights, rate = trace.later, trace.weights, trace.rate
        later["dimage"] = torch.bmm(trace.x.covariance, dweights)
        later["tilt"] = -rate * rate * (weights * later["dimage"]).sum(1, keepdim=True)
        affine = self._affine(trace.x, rate * (dweights + later["tilt"] * weights), doffset)
        later["dweights"] = dweights
        outputs = self._outputs(buffers, trace.x, affine)
        for (some, dz), chosen in zip(outputs, trace.chosen, strict=True):
            self.switch.gather(dz, trace.active[:, some], chosen, into[:, some])

    def pull(self, buffers: Buffers, trace: FirstTrace, dgradient: Tensor) -> Gradients:
        """Tangent of the backward pass, after :meth:`push`."""
        later, weights, rate, tilt = trace.later, trace.weights, trace.rate, trace.later["tilt"]
        dproducts, dsums = self._products(buffers, trace, dgradient)
        change = (later["dweights"] * later["products"] + weights * dproducts).sum(1, keepdim=True)
        dproduct = tilt * later["product"] + rate * change
        turned = (tilt * later["product"] + dproduct) * trace.image + later["product"] * later["dimage"]
        count = trace.x.columns[0, 0].numel()
        return tilt * later["weights"] + count * rate * (dproducts - rate * turned), dsums

    def _affine(self, x: Pixels, weights: Tensor, offset: Tensor | None) -> Tensor:
        constant = -(x.mean * weights).sum(1, keepdim=True)
        return torch.cat([weights, constant if offset is None else constant + offset], 1)

    def _groups(self, x: Pixels) -> list[slice]:
        images = x.columns.shape[2]
        return [slice(i, min(i + self.group, images)) for i in range(0, images, self.group)]

    def _outputs(self, buffers: Buffers, x: Pixels, affine: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Normalised output of a few images at a time, so that it need not leave the cache."""
        for some in self._groups(x):
            columns = x.columns[:, :, some]
            z = buffers(
                (id(self), columns.shape), (len(columns), columns[0, 0].numel(), self.filters), affine
            )
            torch.bmm(columns.flatten(2).mT, affine, out=z)
            yield some, z.view(len(z), -1, self.side, self.side, self.filters)

    def _products(self, buffers: Buffers, trace: FirstTrace, gradient: Tensor) -> Gradients:
        """⟨(columns − ⟨columns⟩) g⟩, and the sum of g, over positions."""
        total = gradient.new_zeros(len(gradient), self.depth + 1, self.filters)
        for some, chosen in zip(self._groups(trace.x), trace.chosen, strict=True):
            columns = trace.x.columns[:, :, some]
            shape = *gradient[:, some].shape[:2], self.side, self.side, self.filters
            g = buffers((id(self), "spread", columns.shape), shape, gradient)
            self.switch.spread(gradient[:, some], trace.active[:, some], chosen, g)
            total.baddbmm_(columns.flatten(2), g.flatten(1, 3))
        sums = total[:, -1:]
        return (total[:, :-1] - trace.x.mean * sums) / trace.x.columns[0, 0].numel(), sums
