"""The meta-gradient of a :class:`~reprise.models.conv4.Conv4Maml` with every derivative written out.

What :func:`~reprise.training.maml.meta_gradients` leaves to autograd is spelled out here for one network, and
costs a fraction of the time. With λ the gradient of the query loss with respect to the weights after the inner
loop, the meta-gradient is λ taken back over the inner steps, λ ← λ − rate·H·λ, where H is the Hessian of the
step's support loss and only what the inner loop moves is multiplied by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.fewshot import Episodes
from ..models.conv4 import BatchStatisticsNorm, Conv4Maml, SameConv2d
from .conv4_blocks import FirstBlock, LaterBlock, Pixels, Trace
from .conv4_maps import Buffers, Columns, Convolutions
from .maml import InnerLoop, Parameters, adapted_names, tasks_at_once

Values = dict[str, Tensor]
"""Parameters by name as the blocks read them, each with tasks first."""


def supports(model: nn.Module, inner: InnerLoop) -> bool:
    """Whether :class:`Conv4Step` can stand in for autograd: an unchanged conv4, cross-entropy, no ``only``."""
    if type(model) is not Conv4Maml or inner.loss == "squared" or inner.only:
        return False
    parts: list[type] = [SameConv2d, BatchStatisticsNorm, nn.ReLU]
    parts += [nn.MaxPool2d] if model.downsampling == "pool" else []
    return type(model.head) is nn.Linear and all(
        [type(part) for part in block] == parts for block in model.blocks
    )


@dataclass
class Pass:
    """One pass of a batch of images through the network."""

    traces: list[Trace]
    features: Tensor  # what the head reads, (tasks, images, features)
    logarithms: Tensor  # of the probabilities, (tasks, images, ways)
    weight: float  # of each image in the loss
    errors: Tensor  # gradient of the loss with respect to the logits


class Conv4Step:
    """Meta-gradients of one network; holds the memory that it works in, so that no two threads may share one.

    Args:
        model: The network; only its structure is used.
        inner: How to adapt.

    Raises:
        ValueError: See :func:`supports`.
    """

    def __init__(self, model: nn.Module, inner: InnerLoop):
        if not (isinstance(model, Conv4Maml) and supports(model, inner)):
            raise ValueError(
                f"{type(model).__name__} with {inner}: derivatives are written out for conv4 alone"
            )
        self.inner, self.names = inner, [name for name, _ in model.named_parameters()]
        self.moving = [name for name in adapted_names(model, inner) if not name.endswith(".0.bias")]
        self.pool, self.buffers = model.downsampling == "pool", Buffers()
        self.body_moves = any(name.startswith("blocks.") for name in self.moving)
        self.layers = [part for part in model.modules() if isinstance(part, SameConv2d)]
        self.eps = next(part.eps for part in model.modules() if isinstance(part, BatchStatisticsNorm))
        self.first: FirstBlock
        self.later: list[LaterBlock] = []
        self.filters, self.side, self.last = self.layers[0].out_channels, 0, 0

    def __call__(
        self, parameters: Parameters, episodes: Episodes, chunk: int | None = None
    ) -> tuple[Tensor, Tensor, Parameters]:
        """As :func:`~reprise.training.maml.meta_gradients`: loss, accuracy, gradients."""
        tasks, cuda = len(episodes.support_x), episodes.support_x.is_cuda
        height, width = episodes.support_x.shape[-2:]
        if height != width:
            raise ValueError(f"images of {height}×{width} pixels: conv4 takes square ones")
        self._build(width, cuda)
        if chunk is None:
            chunk = tasks if cuda else tasks_at_once(episodes)
        with torch.no_grad():
            packed = {name: self._pack(name, parameters[name].detach()) for name in self._used()}
            total: list[Tensor] = []
            for start in range(0, tasks, chunk):
                some = episodes[start : start + chunk]
                share = len(some.support_x) / tasks
                loss, accuracy, gradients = self._chunk(packed, some, share)
                new = [share * loss, share * accuracy, *(gradients[name].sum(0) for name in packed)]
                total = [a.add_(b) for a, b in zip(total, new, strict=True)] if total else new
            loss, accuracy, *sums = total
            unpacked = {
                name: self._unpack(name, value, parameters[name])
                for name, value in zip(packed, sums, strict=True)
            }
            gradients = {
                name: unpacked[name] if name in unpacked else torch.zeros_like(parameters[name])
                for name in self.names
            }
        return loss, accuracy, gradients

    def _build(self, size: int, cuda: bool) -> None:
        """Blocks for images of a size."""
        if size == self.side:
            return
        self.side, side = size, size
        first, *later = self.layers
        # A strided layer's columns are few. Without stride they leave a CPU's cache, and torch's own is faster.
        maps = Convolutions if self.pool and not cuda else Columns
        self.first, self.later = FirstBlock(first, side, self.pool, self.eps), []
        side = self.first.switch.out_side
        for layer in later:
            self.later.append(LaterBlock(layer, side, self.pool, self.eps, maps))
            side = self.later[-1].switch.out_side
        self.last = side

    def _used(self) -> list[str]:
        """Parameters that matter: all but convolutions' biases."""
        return [name for name in self.names if not name.endswith(".0.bias")]

    def _pack(self, name: str, value: Tensor) -> Tensor:
        """As the passes read it, with a first axis for tasks."""
        if name.endswith(".0.weight"):
            return self._block(name).pack(value[None]).contiguous()
        if name == "head.weight":
            pixels = value.unflatten(1, (-1, *self._pooled())).movedim(1, -1).flatten(1)
            return pixels.mT.contiguous()[None]
        return value.view(1, 1, -1)

    def _unpack(self, name: str, value: Tensor, like: Tensor) -> Tensor:
        if name.endswith(".0.weight"):
            return self._block(name).unpack(value).contiguous()
        if name == "head.weight":
            return value.mT.unflatten(1, (*self._pooled(), -1)).movedim(-1, 1).flatten(1).contiguous()
        return value.reshape(like.shape)

    def _pooled(self) -> tuple[int, int]:
        """Height and width of what the head reads."""
        return (self.last, self.last) if self.pool else (1, 1)

    def _block(self, name: str) -> FirstBlock | LaterBlock:
        return [self.first, *self.later][int(name.split(".")[1])]

    def _chunk(self, packed: Values, some: Episodes, share: float) -> tuple[Tensor, Tensor, Values]:
        """Loss and accuracy of some tasks, and the gradient of their part of the whole loss, by task."""
        inner, tasks = self.inner, len(some.support_x)
        values = {name: value.expand(tasks, *value.shape[1:]) for name, value in packed.items()}
        ways = values["head.bias"].shape[-1]
        weight = (ways if inner.loss == "sum" else 1) / some.support_y.shape[1]
        steps: list[tuple[Values, Pass]] = []
        for step in range(inner.steps):
            if step == 0:
                pixels = self.first.read(self.buffers, ("support",), some.support_x)
            if step == 0 or self.body_moves:
                traces, features = self._body(values, ("support", step), pixels)
            now = self._head(values, traces, features, some.support_y, weight)
            steps.append((values, now))
            gradients, entering = self._head_gradients(values, now)
            if self.body_moves:
                gradients |= self._body_gradients(("support", step), traces, entering)
            moved = {name: values[name] - inner.rate * gradients[name] for name in self.moving}
            values = {**values, **moved}
        pixels = self.first.read(self.buffers, ("query",), some.query_x)
        traces, features = self._body(values, ("query",), pixels)
        query = self._head(values, traces, features, some.query_y, share / (tasks * some.query_y.shape[1]))
        loss = -query.logarithms.gather(2, some.query_y[..., None]).mean()
        accuracy = (query.logarithms.argmax(-1) == some.query_y).to(loss.dtype).mean()
        outer, entering = self._head_gradients(values, query)
        outer |= self._body_gradients(("query",), traces, entering)
        if inner.algorithm != "fomaml" and steps:
            self._back(outer, steps)
        return loss, accuracy, outer

    def _back(self, outer: Values, steps: list[tuple[Values, Pass]]) -> None:
        """Take the query loss's gradient back over the inner steps, in place."""
        rate, waiting = self.inner.rate, None
        for values, now in reversed(steps):
            direction = {name: outer[name] for name in self.moving}
            if self.body_moves:
                dfeatures = self._push(now.traces, direction)
            else:
                dfeatures = None
            products, entering = self._head_product(values, now, direction, dfeatures)
            if self.body_moves:
                products |= self._pull(now.traces, entering)
            else:  # the same pass in every step, so that its backward pass can wait for all of them
                waiting = entering if waiting is None else waiting + entering
            for name, product in products.items():
                outer[name] = outer[name] - rate * product
        if waiting is not None:
            for name, product in self._body_gradients(("support", 0), steps[0][1].traces, waiting).items():
                outer[name] = outer[name] - rate * product

    def _body(self, values: Values, key: tuple, pixels: Pixels) -> tuple[list[Trace], Tensor]:
        """Forward through all blocks: their traces, and what the head reads."""
        tasks, images = len(pixels.columns), pixels.columns.shape[2]
        traces: list[Trace] = []
        x = pixels
        for i, block in enumerate([self.first, *self.later]):
            place, inside = self._place((*key, i), i, pixels.mean, tasks, images)
            weights, offset = values[f"blocks.{i}.0.weight"], values[f"blocks.{i}.1.bias"]
            traces.append(block.forward(self.buffers, (*key, i), x, weights, offset, inside))
            x = place
        return traces, self._pooled_features(x)

    def _place(self, key: tuple, i: int, like: Tensor, tasks: int, images: int) -> tuple[Tensor, Tensor]:
        """Where a block writes: the next one's input with its padding, and without."""
        if i < len(self.later):
            place = self.later[i].map.input(self.buffers, (*key, "out"), like, tasks, images)
            return place, self.later[i].map.inside(place)
        last = self.buffers((*key, "out"), (tasks, images, self.last, self.last, self.filters), like)
        return last, last

    def _pooled_features(self, x: Tensor) -> Tensor:
        return x.flatten(2) if self.pool else x.mean((2, 3))

    def _unpooled(self, features: Tensor) -> Tensor:
        """Gradient of the features → that of the last block's activations."""
        n = self.last
        if self.pool:
            return features.unflatten(2, (n, n, -1))
        return (features / n**2)[:, :, None, None].expand(-1, -1, n, n, -1)

    def _body_gradients(self, key: tuple, traces: list[Trace], features: Tensor) -> Values:
        """Backward through all blocks: gradients of their weights and offsets."""
        gradient, gradients = self._unpooled(features), {}
        for i in range(len(self.later), 0, -1):
            own, gradient = self.later[i - 1].backward(self.buffers, (*key, i), traces[i], gradient)
            gradients |= _named(i, own)
        return gradients | _named(0, self.first.backward(self.buffers, traces[0], gradient))

    def _push(self, traces: list[Trace], direction: Values) -> Tensor:
        """Tangent of :meth:`_body`: of what the head reads."""
        tasks, images = traces[0].x.columns.shape[0], traces[0].x.columns.shape[2]
        x = None
        for i, block in enumerate([self.first, *self.later]):
            place, inside = self._place(("tangent", i), i, traces[0].rate, tasks, images)
            dweights, doffset = direction[f"blocks.{i}.0.weight"], direction.get(f"blocks.{i}.1.bias")
            block.push(self.buffers, traces[i], x, dweights, doffset, inside)
            x = place
        assert x is not None
        return self._pooled_features(x)

    def _pull(self, traces: list[Trace], features: Tensor) -> Values:
        """Tangent of :meth:`_body_gradients`."""
        gradient, products = self._unpooled(features), {}
        for i in range(len(self.later), 0, -1):
            own, gradient = self.later[i - 1].pull(self.buffers, traces[i], gradient)
            products |= _named(i, own)
        return products | _named(0, self.first.pull(self.buffers, traces[0], gradient))

    def _head(
        self, values: Values, traces: list[Trace], features: Tensor, labels: Tensor, weight: float
    ) -> Pass:
        logits = torch.baddbmm(values["head.bias"], features, values["head.weight"])
        logarithms = logits.log_softmax(-1)
        errors = weight * (logarithms.exp() - F.one_hot(labels, logits.shape[-1]))
        return Pass(traces, features, logarithms, weight, errors)

    def _head_gradients(self, values: Values, now: Pass) -> tuple[Values, Tensor]:
        """Gradients of the head's weights and bias, and of what it reads."""
        gradients = {
            "head.weight": torch.bmm(now.features.mT, now.errors),
            "head.bias": now.errors.sum(1, keepdim=True),
        }
        return gradients, torch.bmm(now.errors, values["head.weight"].mT)

    def _head_product(
        self, values: Values, now: Pass, direction: Values, dfeatures: Tensor | None
    ) -> tuple[Values, Tensor]:
        """Tangent of :meth:`_head_gradients`; None where what the head reads does not change."""
        dweight, dbias = direction.get("head.weight"), direction.get("head.bias")
        dlogits = torch.zeros_like(now.errors)
        if dfeatures is not None:
            dlogits.baddbmm_(dfeatures, values["head.weight"])
        if dweight is not None and dbias is not None:
            dlogits.baddbmm_(now.features, dweight).add_(dbias)
        p = now.logarithms.exp()
        derrors = now.weight * p * (dlogits - (p * dlogits).sum(-1, keepdim=True))
        products = {
            "head.weight": torch.bmm(now.features.mT, derrors),
            "head.bias": derrors.sum(1, keepdim=True),
        }
        entering = torch.bmm(derrors, values["head.weight"].mT)
        if dfeatures is not None:
            products["head.weight"].baddbmm_(dfeatures.mT, now.errors)
        if dweight is not None:
            entering.baddbmm_(now.errors, dweight.mT)
        return products, entering


def _named(i: int, gradients: tuple[Tensor, Tensor]) -> Values:
    return {f"blocks.{i}.0.weight": gradients[0], f"blocks.{i}.1.bias": gradients[1]}
