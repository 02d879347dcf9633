"""Blocks of a :class:`~reprise.models.conv4.Conv4Maml` with explicit first and second derivatives.

A block is convolution → batch norm → ReLU → perhaps 2×2 max-pooling. Each has four passes for a chunk of tasks
with weights of their own: forward, backward, and the tangents of both in a direction of parameter space (``d…``),
which give a Hessian product, forward over reverse. With y the convolution's output, M its number of positions and
⟨·⟩ their mean, batch norm is x̂ = r·(y − ⟨y⟩) with r = (⟨(y − ⟨y⟩)²⟩ + ε)^−½, and

    backward            g_y = r·(g − ⟨g⟩ − x̂·⟨g x̂⟩)
    tangent, forward    ρ = ṙ/r = −r·⟨x̂ ẏ⟩,    x̂̇ = r·(ẏ − ⟨ẏ⟩) + ρ·x̂
    tangent, backward   ġ_y = ρ·g_y + r·(ġ − ⟨ġ⟩ − x̂̇·⟨g x̂⟩ − x̂·⟨ġ x̂ + g x̂̇⟩)

A convolution's bias has no effect under batch norm: it is left out, and its gradient is zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from ..models.conv4 import SameConv2d, same_padding
from .conv4_maps import Buffers, Columns, Convolutions

Gradients = tuple[Tensor, Tensor]
"""Of weights ``(tasks, depth, filters)`` and offset ``(tasks, 1, filters)``."""


class Switch:
    """ReLU and, if asked for, 2×2 max-pooling: linear maps that the forward pass chooses.

    Tensors are ``(tasks, images, side, side, filters)``.
    """

    def __init__(self, side: int, pool: bool):
        self.pool, self.side, self.out_side = pool, side, side // 2 if pool else side

    def mask(self, buffers: Buffers, key: tuple, z: Tensor, into: Tensor) -> Tensor:
        """Where :meth:`choose` is to note what passes: without pooling, the output itself says so."""
        return buffers((*key, "mask"), z.shape, z) if self.pool else into

    def choose(self, z: Tensor, mask: Tensor, into: Tensor) -> None:
        """The forward pass."""
        if not self.pool:
            torch.clamp_min(z, 0, out=into)
            return
        a, b, c, d = self._corners(z)
        # Of equal values the first one passes, as in torch's pooling.
        right, lower_right = b > a, d > c
        above, below = torch.maximum(a, b), torch.maximum(c, d)
        low = below > above
        top = torch.maximum(above, below, out=above)
        torch.clamp_min(top, 0, out=into)
        alive = top > 0
        high, low = alive & ~low, alive & low
        for corner, passes in zip(
            self._corners(mask),
            (high & ~right, high & right, low & ~lower_right, low & lower_right),
            strict=True,
        ):
            corner.copy_(passes)

    def spread(self, gradient: Tensor, mask: Tensor, into: Tensor) -> Tensor:
        """The backward pass: from the output's shape to that of the input."""
        if not self.pool:
            return torch.ops.aten.threshold_backward.grad_input(gradient, mask, 0, grad_input=into)
        for corner, passes in zip(self._corners(into), self._corners(mask), strict=True):
            torch.mul(gradient, passes, out=corner)
        if self.side % 2:  # pooling leaves the last row and column out
            into[:, :, -1] = 0
            into[:, :, :, -1] = 0
        return into

    def gather(self, z: Tensor, mask: Tensor, into: Tensor) -> None:
        """The tangent's forward pass."""
        if not self.pool:
            torch.ops.aten.threshold_backward.grad_input(z, mask, 0, grad_input=into)
            return
        first, *rest = zip(self._corners(z), self._corners(mask), strict=True)
        torch.mul(*first, out=into)
        for corner, passes in rest:
            into.addcmul_(corner, passes)

    def _corners(self, z: Tensor) -> list[Tensor]:
        end = 2 * self.out_side
        return [z[:, :, i:end:2, j:end:2] for i in (0, 1) for j in (0, 1)]


@dataclass
class Pixels:
    """Columns of the images that a first block reads, and their moments, on which its batch norm depends."""

    columns: Tensor  # (tasks, depth + 1, images, side, side), the last row ones
    mean: Tensor  # (tasks, depth, 1)
    covariance: Tensor  # (tasks, depth, depth)


@dataclass
class Trace:
    """What the passes of one block leave to those that follow; (tasks, …) each."""

    x: Tensor | Pixels
    weights: Tensor
    rate: Tensor  # r
    mask: Tensor
    normal: Tensor  # x̂; of a first block, covariance · weights
    later: dict[str, Tensor] = field(default_factory=dict)  # named as in the formulas


class FirstBlock:
    """The block that reads images.

    The moments of its output follow from those of the images' columns, of which there are few, and so does the
    whole of batch norm: output, and gradients from ``columns · g``, without a pass over all positions.

    Args:
        layer: Its convolution.
        side: Height and width of the images.
        pool: Whether it pools.
        eps: ε of batch norm.
    """

    def __init__(self, layer: SameConv2d, side: int, pool: bool, eps: float):
        self.stride, self.eps, self.depth, self.filters = (
            layer.stride[0],
            eps,
            9 * layer.in_channels,
            layer.out_channels,
        )
        self.pads, self.side = same_padding(side, self.stride), -(-side // self.stride)
        self.switch = Switch(self.side, pool)
        self.group = 4 if pool else 10**9

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
        self, buffers: Buffers, key: tuple, x: Pixels, weights: Tensor, offset: Tensor, into: Tensor
    ) -> Trace:
        """Images → activations, written to `into`, ``(tasks, images, side, side, filters)``."""
        image = torch.bmm(x.covariance, weights)
        rate = torch.rsqrt((weights * image).sum(1, keepdim=True) + self.eps)
        affine = self._affine(x, rate * weights, offset)
        tasks, _, images, n, _ = x.columns.shape
        like = into.new_empty(()).expand(tasks, images, n, n, self.filters)
        mask = self.switch.mask(buffers, key, like, into)
        for some, z in self._outputs(buffers, x, affine):
            self.switch.choose(z, mask[:, some], into[:, some])
        return Trace(x, weights, rate, mask, image)

    def backward(self, buffers: Buffers, trace: Trace, gradient: Tensor) -> Gradients:
        """Gradient of the activations → those of weights and offset."""
        products, sums = self._products(buffers, trace, gradient)
        product = trace.rate * (trace.weights * products).sum(1, keepdim=True)
        count = trace.x.columns[0, 0].numel()
        weights = count * trace.rate * (products - trace.rate * product * trace.normal)
        trace.later = {"products": products, "product": product, "weights": weights}
        return weights, sums

    def push(
        self, buffers: Buffers, trace: Trace, _: None, dweights: Tensor, doffset: Tensor | None, into: Tensor
    ) -> None:
        """Tangent of the forward pass; images do not move."""
        later, weights, rate = trace.later, trace.weights, trace.rate
        later["dimage"] = torch.bmm(trace.x.covariance, dweights)
        later["tilt"] = -rate * rate * (weights * later["dimage"]).sum(1, keepdim=True)
        affine = self._affine(trace.x, rate * (dweights + later["tilt"] * weights), doffset)
        later["dweights"] = dweights
        for some, dz in self._outputs(buffers, trace.x, affine):
            self.switch.gather(dz, trace.mask[:, some], into[:, some])

    def pull(self, buffers: Buffers, trace: Trace, dgradient: Tensor) -> Gradients:
        """Tangent of the backward pass, after :meth:`push`."""
        later, weights, rate, tilt = trace.later, trace.weights, trace.rate, trace.later["tilt"]
        dproducts, dsums = self._products(buffers, trace, dgradient)
        change = (later["dweights"] * later["products"] + weights * dproducts).sum(1, keepdim=True)
        dproduct = tilt * later["product"] + rate * change
        turned = (tilt * later["product"] + dproduct) * trace.normal + later["product"] * later["dimage"]
        count = trace.x.columns[0, 0].numel()
        return tilt * later["weights"] + count * rate * (dproducts - rate * turned), dsums

    def _affine(self, x: Pixels, weights: Tensor, offset: Tensor | None) -> Tensor:
        constant = -(x.mean * weights).sum(1, keepdim=True)
        return torch.cat([weights, constant if offset is None else constant + offset], 1)

    def _groups(self, x: Pixels) -> list[slice]:
        images = x.columns.shape[2]
        return [slice(i, min(i + self.group, images)) for i in range(0, images, self.group)]

    def _outputs(self, buffers: Buffers, x: Pixels, affine: Tensor):
        """Normalised output of a few images at a time, so that it need not leave the cache."""
        for some in self._groups(x):
            columns = x.columns[:, :, some]
            z = buffers(
                (id(self), columns.shape), (len(columns), columns[0, 0].numel(), self.filters), affine
            )
            torch.bmm(columns.flatten(2).mT, affine, out=z)
            yield some, z.view(len(z), -1, self.side, self.side, self.filters)

    def _products(self, buffers: Buffers, trace: Trace, gradient: Tensor) -> Gradients:
        """⟨(columns − ⟨columns⟩) g⟩, and the sum of g, over positions."""
        total = gradient.new_zeros(len(gradient), self.depth + 1, self.filters)
        for some in self._groups(trace.x):
            columns = trace.x.columns[:, :, some]
            shape = *gradient[:, some].shape[:2], self.side, self.side, self.filters
            g = buffers((id(self), "spread", columns.shape), shape, gradient)
            self.switch.spread(gradient[:, some], trace.mask[:, some], g)
            total.baddbmm_(columns.flatten(2), g.flatten(1, 3))
        sums = total[:, -1:]
        return (total[:, :-1] - trace.x.mean * sums) / trace.x.columns[0, 0].numel(), sums


class LaterBlock:
    """A block that reads the activations of another.

    Args:
        layer: Its convolution.
        side: Height and width of what it reads.
        pool: Whether it pools.
        eps: ε of batch norm.
        maps: How its convolution is computed.
    """

    def __init__(
        self, layer: SameConv2d, side: int, pool: bool, eps: float, maps: type[Columns | Convolutions]
    ):
        self.map = maps(layer, side)
        self.eps, self.filters = eps, layer.out_channels
        self.switch = Switch(self.map.out_side, pool)
        self.pack, self.unpack = self.map.pack, self.map.unpack

    def forward(
        self, buffers: Buffers, key: tuple, x: Tensor, weights: Tensor, offset: Tensor, into: Tensor
    ) -> Trace:
        """Activations before, in their padding → activations, written to `into`."""
        tasks, images, side = *x.shape[:2], self.map.out_side
        shape = tasks, images * side * side, self.filters
        columns = self.map.read(buffers, (*key, "columns"), x)
        y = self.map.output(columns, weights, buffers((*key, "y"), shape, x))
        y.sub_(y.mean(1, keepdim=True))
        work = buffers((id(self), "work", shape), shape, x)
        rate = torch.rsqrt(torch.mul(y, y, out=work).mean(1, keepdim=True) + self.eps)
        y.mul_(rate)
        z = torch.add(y, offset, out=work).view(tasks, images, side, side, self.filters)
        mask = self.switch.mask(buffers, key, z, into)
        self.switch.choose(z, mask, into)
        return Trace(columns, weights, rate, mask, y)

    def backward(
        self, buffers: Buffers, key: tuple, trace: Trace, gradient: Tensor
    ) -> tuple[Gradients, Tensor]:
        """Gradient of the activations → those of weights and offset, and of the activations before."""
        normal, rate = trace.normal, trace.rate
        g = self._spread(trace, gradient, buffers((*key, "g"), normal.shape, normal))
        mean = g.mean(1, keepdim=True)
        work = buffers((id(self), "work", normal.shape), normal.shape, normal)
        product = torch.mul(g, normal, out=work).mean(1, keepdim=True)
        inner = torch.addcmul(-rate * mean, g, rate, out=buffers((*key, "g_y"), normal.shape, normal))
        inner.addcmul_(normal, -rate * product)
        trace.later = {"g": g, "g_y": inner, "product": product}
        weights = self.map.weight_gradient([(trace.x, inner)])
        before = self.map.input_gradient(buffers, [(inner, trace.weights)], gradient.shape[1])
        return (weights, mean * normal.shape[1]), before

    def push(
        self,
        buffers: Buffers,
        trace: Trace,
        dx: Tensor,
        dweights: Tensor,
        doffset: Tensor | None,
        into: Tensor,
    ) -> None:
        """Tangent of the forward pass; `dx` is in its padding."""
        normal, rate, later = trace.normal, trace.rate, trace.later
        columns = self.map.read(buffers, (id(self), "dcolumns"), dx)
        dy = buffers((id(self), "dy"), normal.shape, normal)
        self.map.output(columns, trace.weights, dy)
        self.map.output(trace.x, dweights, dy, add=True)
        mean = dy.mean(1, keepdim=True)
        work = buffers((id(self), "work", normal.shape), normal.shape, normal)
        tilt = -rate * torch.mul(dy, normal, out=work).mean(1, keepdim=True)
        tangent = torch.addcmul(-rate * mean, dy, rate, out=dy).addcmul_(normal, tilt)
        later |= {"dx": columns, "dweights": dweights, "tilt": tilt, "tangent": tangent}
        dz = tangent if doffset is None else torch.add(tangent, doffset, out=work)
        side = self.map.out_side
        self.switch.gather(dz.view(*into.shape[:2], side, side, -1), trace.mask, into)

    def pull(self, buffers: Buffers, trace: Trace, dgradient: Tensor) -> tuple[Gradients, Tensor]:
        """Tangent of the backward pass, after :meth:`push`."""
        normal, rate, later = trace.normal, trace.rate, trace.later
        dg = self._spread(trace, dgradient, buffers((id(self), "dg"), normal.shape, normal))
        mean = dg.mean(1, keepdim=True)
        work = buffers((id(self), "work", normal.shape), normal.shape, normal)
        torch.mul(dg, normal, out=work).addcmul_(later["g"], later["tangent"])
        dproduct = work.mean(1, keepdim=True)
        dinner = torch.addcmul(-rate * mean, dg, rate, out=dg).addcmul_(later["g_y"], later["tilt"])
        dinner.addcmul_(later["tangent"], -rate * later["product"]).addcmul_(normal, -rate * dproduct)
        weights = self.map.weight_gradient([(later["dx"], later["g_y"]), (trace.x, dinner)])
        pairs = [(dinner, trace.weights), (later["g_y"], later["dweights"])]
        return (weights, mean * normal.shape[1]), self.map.input_gradient(buffers, pairs, dgradient.shape[1])

    def _spread(self, trace: Trace, gradient: Tensor, into: Tensor) -> Tensor:
        side = self.map.out_side
        self.switch.spread(gradient, trace.mask, into.view(*gradient.shape[:2], side, side, -1))
        return into
