"""Blocks of a :class:`~reprise.models.conv4.Conv4Maml` with explicit first and second derivatives.

A block is convolution → batch norm → ReLU → perhaps 2×2 max-pooling. Each has four passes for a chunk of
tasks with weights of their own: forward, backward, and the tangents of both in a direction of parameter space
(``d…``), which give a Hessian product, forward over reverse. With y the convolution's output and ⟨·⟩ the mean
over positions, batch norm is x̂ = r·(y − ⟨y⟩) with r = (⟨(y − ⟨y⟩)²⟩ + ε)^−½, and

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

from ..models.conv4 import SameConv2d
from .conv4_maps import Buffers, Columns, Convolutions

Gradients = tuple[Tensor, Tensor]
"""Of weights ``(tasks, depth, filters)`` and offset ``(tasks, 1, filters)``."""


class Switch:
    """ReLU and, if asked for, 2×2 max-pooling: a linear map that the forward pass chooses.

    Tensors are ``(tasks, images, side, side, filters)``. What is chosen is known from the activations, which
    are above 0 where ReLU lets a value pass, and the indices that pooling returns.
    """

    def __init__(self, side: int, pool: bool):
        self.pool, self.side, self.out_side = pool, side, side // 2 if pool else side

    def choose(self, z: Tensor, offset: Tensor | float, into: Tensor) -> Tensor:
        """The forward pass of z + offset: activations to `into`; returns pooling's indices, if any."""
        indices = z[:0]
        if self.pool:  # adding a constant may as well come after the maximum
            z, indices = F.max_pool2d(self._planes(z), 2, return_indices=True)
            z = z.movedim(1, -1).view(into.shape)
        torch.add(z, offset, out=into).clamp_min_(0)
        return indices

    def spread(self, gradient: Tensor, active: Tensor, indices: Tensor, into: Tensor) -> Tensor:
        """The backward pass: from the output's shape to that of the input."""
        if not self.pool:
            return torch.ops.aten.threshold_backward.grad_input(gradient, active, 0, grad_input=into)
        planes = self._planes(into)
        gradient = self._planes(torch.ops.aten.threshold_backward(gradient, active, 0).contiguous())
        pairs = [2, 2], [2, 2], [0, 0], [1, 1]
        pooling = torch.ops.aten.max_pool2d_with_indices_backward.grad_input
        pooling(gradient, planes, *pairs, False, indices, grad_input=planes)
        return into

    def gather(self, z: Tensor, active: Tensor, indices: Tensor, into: Tensor) -> None:
        """The tangent's forward pass."""
        if self.pool:
            positions = indices.movedim(1, -1).flatten(1, 2)
            z = z.flatten(0, 1).flatten(1, 2).gather(1, positions).view(into.shape)
        torch.ops.aten.threshold_backward.grad_input(z, active, 0, grad_input=into)

    def _planes(self, z: Tensor) -> Tensor:
        return z.flatten(0, 1).movedim(-1, 1)


@dataclass
class Trace:
    """What the passes of one block leave to those that follow; (tasks, …) each."""

    x: Tensor  # what the convolution reads
    weights: Tensor
    rate: Tensor  # r
    normal: Tensor  # x̂
    active: Tensor  # activations
    chosen: Tensor  # indices of pooling
    later: dict[str, Tensor] = field(default_factory=dict)  # named as in the formulas


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
        mean = y.mean(1, keepdim=True)
        work = torch.sub(y, mean, out=buffers((id(self), "work"), shape, x))
        rate = torch.rsqrt(work.mul_(work).mean(1, keepdim=True) + self.eps)
        torch.addcmul(-rate * mean, y, rate, out=y)
        normal = y.view(tasks, images, side, side, self.filters)
        chosen = self.switch.choose(normal, offset[:, :, None, None], into)
        return Trace(columns, weights, rate, y, into, chosen)

    def backward(
        self, buffers: Buffers, key: tuple, trace: Trace, gradient: Tensor
    ) -> tuple[Gradients, Tensor]:
        """Gradient of the activations → those of weights and offset, and of the activations before."""
        normal, rate = trace.normal, trace.rate
        g = self._spread(trace, gradient, buffers((*key, "g"), normal.shape, normal))
        mean = g.mean(1, keepdim=True)
        work = buffers((id(self), "work"), normal.shape, normal)
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
        dy = self.map.output(columns, trace.weights, dy)
        self.map.output(trace.x, dweights, dy, add=True)
        mean = dy.mean(1, keepdim=True)
        work = buffers((id(self), "work"), normal.shape, normal)
        tilt = -rate * torch.mul(dy, normal, out=work).mean(1, keepdim=True)
        tangent = torch.addcmul(-rate * mean, dy, rate, out=dy).addcmul_(normal, tilt)
        later |= {"dx": columns, "dweights": dweights, "tilt": tilt, "tangent": tangent}
        dz = tangent if doffset is None else torch.add(tangent, doffset, out=work)
        side = self.map.out_side
        self.switch.gather(dz.view(*into.shape[:2], side, side, -1), trace.active, trace.chosen, into)

    def pull(self, buffers: Buffers, trace: Trace, dgradient: Tensor) -> tuple[Gradients, Tensor]:
        """Tangent of the backward pass, after :meth:`push`."""
        normal, rate, later = trace.normal, trace.rate, trace.later
        dg = self._spread(trace, dgradient, buffers((id(self), "dg"), normal.shape, normal))
        mean = dg.mean(1, keepdim=True)
        work = buffers((id(self), "work"), normal.shape, normal)
        torch.mul(dg, normal, out=work).addcmul_(later["g"], later["tangent"])
        dproduct = work.mean(1, keepdim=True)
        dinner = torch.addcmul(-rate * mean, dg, rate, out=dg).addcmul_(later["g_y"], later["tilt"])
        dinner.addcmul_(later["tangent"], -rate * later["product"]).addcmul_(normal, -rate * dproduct)
        weights = self.map.weight_gradient([(later["dx"], later["g_y"]), (trace.x, dinner)])
        pairs = [(dinner, trace.weights), (later["g_y"], later["dweights"])]
        return (weights, mean * normal.shape[1]), self.map.input_gradient(buffers, pairs, dgradient.shape[1])

    def _spread(self, trace: Trace, gradient: Tensor, into: Tensor) -> Tensor:
        side = self.map.out_side
        place = into.view(*gradient.shape[:2], side, side, -1)
        self.switch.spread(gradient, trace.active, trace.chosen, place)
        return into
