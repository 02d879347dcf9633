"""The meta-gradient of a :class:`~reprise.models.conv4.Conv4Maml` with every derivative written out.

What :func:`~reprise.training.maml.meta_gradients` leaves to autograd is spelled out here for one network,
and costs a fraction of the time. With λ the gradient of the query loss with respect to the weights after the
inner loop, the meta-gradient is λ taken back over the inner steps, λ ← λ − rate·H·λ, where H is the Hessian
of the step's support loss, and only what the inner loop moves is multiplied by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.fewshot import Episodes
from ..models.conv4 import BatchStatisticsNorm, Conv4Maml, SameConv2d
from .conv4_body import Body, Traces, Values
from .conv4_maps import Buffers
from .maml import InnerLoop, Parameters, adapted_names, tasks_at_once


def supports(model: nn.Module, inner: InnerLoop) -> bool:
    """Whether :class:`Conv4Step` can stand in: for an unchanged conv4, cross-entropy, no ``inner.only``."""
    if type(model) is not Conv4Maml or inner.loss == "squared" or inner.only:
        return False
    parts: list[type] = [SameConv2d, BatchStatisticsNorm, nn.ReLU]
    parts += [nn.MaxPool2d] if model.downsampling == "pool" else []
    whole = all([type(part) for part in block.children()] == parts for block in model.blocks)
    return whole and type(model.head) is nn.Linear


@dataclass
class Pass:
    """One pass of a batch of images through the network."""

    traces: Traces
    features: Tensor  # what the head reads, (tasks, images, features)
    logarithms: Tensor  # of the probabilities, (tasks, images, ways)
    weight: float  # of each image in the loss
    errors: Tensor  # gradient of the loss with respect to the logits


class Conv4Step:
    """Meta-gradients of one network; holds the memory that it works in, so that no two threads may share it.

    Args:
        model: The network; only its structure is used.
        inner: How to adapt.

    Raises:
        ValueError: See :func:`supports`.
    """

    def __init__(self, model: nn.Module, inner: InnerLoop):
        if not (isinstance(model, Conv4Maml) and supports(model, inner)):
            raise ValueError(
                f"derivatives are written out for conv4 alone, not for {type(model).__name__} with {inner}"
            )
        self.model, self.inner, self.buffers = model, inner, Buffers()
        # Under batch norm a convolution's bias has no effect: it is left alone, and its gradient is zero.
        self.used = [name for name, _ in model.named_parameters() if not name.endswith(".0.bias")]
        self.moving = [name for name in adapted_names(model, inner) if name in self.used]
        self.body_moves = any(name.startswith("blocks.") for name in self.moving)
        self.body: Body | None = None

    def __call__(
        self, parameters: Parameters, episodes: Episodes, chunk: int | None = None
    ) -> tuple[Tensor, Tensor, Parameters]:
        """As :func:`~reprise.training.maml.meta_gradients`: loss, accuracy, gradients.

        Raises:
            ValueError: Images are not square.
        """
        tasks, cuda = len(episodes.support_x), episodes.support_x.is_cuda
        height, width = episodes.support_x.shape[-2:]
        if height != width:
            raise ValueError(f"images of {height}×{width} pixels: conv4 takes square ones")
        if self.body is None or self.body.size != width:
            self.buffers = Buffers()
            self.body = Body(self.model, width, cuda, self.buffers)
        if chunk is None:
            chunk = tasks if cuda else tasks_at_once(episodes)
        with torch.no_grad():
            packed = {name: self.body.pack(name, parameters[name].detach()) for name in self.used}
            total: list[Tensor] = []
            for start in range(0, tasks, chunk):
                some = episodes[start : start + chunk]
                share = len(some.support_x) / tasks
                loss, accuracy, gradients = self._chunk(self.body, packed, some, share)
                new = [share * loss, share * accuracy, *(gradients[name].sum(0) for name in packed)]
                total = [a.add_(b) for a, b in zip(total, new, strict=True)] if total else new
            loss, accuracy, *sums = total
            by_name = {name: torch.zeros_like(value) for name, value in parameters.items()}
            for name, value in zip(packed, sums, strict=True):
                by_name[name] = self.body.unpack(name, value)
        return loss, accuracy, by_name

    def _chunk(
        self, body: Body, packed: Values, some: Episodes, share: float
    ) -> tuple[Tensor, Tensor, Values]:
        """Loss and accuracy of some tasks, and the gradient of their part of the whole loss, by task."""
        inner, tasks = self.inner, len(some.support_x)
        values = {name: value.expand(tasks, *value.shape[1:]) for name, value in packed.items()}
        ways = values["head.bias"].shape[-1]
        weight = (ways if inner.loss == "sum" else 1) / some.support_y.shape[1]
        steps: list[tuple[Values, Pass]] = []
        if inner.steps:
            pixels = body.first.read(self.buffers, ("support",), some.support_x)
            traces, features = body.forward(values, ("support", 0), pixels)
            for step in range(inner.steps):
                if step and self.body_moves:
                    traces, features = body.forward(values, ("support", step), pixels)
                now = _judge(values, traces, features, some.support_y, weight)
                steps.append((values, now))
                gradients, entering = _head_gradients(values, now)
                if self.body_moves:
                    gradients |= body.backward(("support", step), traces, entering)
                moved = {name: values[name] - inner.rate * gradients[name] for name in self.moving}
                values = {**values, **moved}
        pixels = body.first.read(self.buffers, ("query",), some.query_x)
        traces, features = body.forward(values, ("query",), pixels)
        labels = some.query_y
        query = _judge(values, traces, features, labels, share / (tasks * labels.shape[1]))
        loss = -query.logarithms.gather(2, labels[..., None]).mean()
        accuracy = (query.logarithms.argmax(-1) == labels).to(loss.dtype).mean()
        outer, entering = _head_gradients(values, query)
        outer |= body.backward(("query",), traces, entering)
        if inner.algorithm != "fomaml" and steps:
            self._take_back(body, outer, steps)
        return loss, accuracy, outer

    def _take_back(self, body: Body, outer: Values, steps: list[tuple[Values, Pass]]) -> None:
        """Take the query loss's gradient back over the inner steps, in place."""

        def subtract(products: Values) -> None:
            for name, product in products.items():
                outer[name] = outer[name].sub(product, alpha=self.inner.rate)

        waiting: Tensor | None = None
        for values, now in reversed(steps):
            direction = {name: outer[name] for name in self.moving}
            dfeatures = body.push(now.traces, direction) if self.body_moves else None
            products, entering = _head_product(values, now, direction, dfeatures)
            if self.body_moves:
                products |= body.pull(now.traces, entering)
            else:  # the same pass at every step, so that its backward pass can wait for all of them
                waiting = entering if waiting is None else waiting + entering
            subtract(products)
        if waiting is not None:
            subtract(body.backward(("support", 0), steps[0][1].traces, waiting))


def _judge(values: Values, traces: Traces, features: Tensor, labels: Tensor, weight: float) -> Pass:
    """The head and the loss."""
    logits = torch.baddbmm(values["head.bias"], features, values["head.weight"])
    logarithms = logits.log_softmax(-1)
    errors = weight * (logarithms.exp() - F.one_hot(labels, logits.shape[-1]))
    return Pass(traces, features, logarithms, weight, errors)


def _head_gradients(values: Values, now: Pass) -> tuple[Values, Tensor]:
    """Gradients of the head's weights and bias, and of what it reads."""
    gradients = {
        "head.weight": torch.bmm(now.features.mT, now.errors),
        "head.bias": now.errors.sum(1, keepdim=True),
    }
    return gradients, torch.bmm(now.errors, values["head.weight"].mT)


def _head_product(
    values: Values, now: Pass, direction: Values, dfeatures: Tensor | None
) -> tuple[Values, Tensor]:
    """Tangent of :func:`_head_gradients`; what does not move is None, or not in `direction`."""
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
