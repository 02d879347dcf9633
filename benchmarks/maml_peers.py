"""One second-order meta-iteration of MAML in four ways: ours, a plain loop, `higher` and `torchopt`.

Every way has the same network, adapts the same parameters and steps the same Adam. What a way leaves open
(how the library is called, which batch norm) are settings; `maml.py` tries them all and times the fastest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from reprise.data.fewshot import Episodes
from reprise.models.conv4 import BatchStatisticsNorm
from reprise.training.captured import CapturedMetaLearner
from reprise.training.maml import InnerLoop, adapted_names
from reprise.training.metalearner import MetaLearner, TaskThreads


class LibraryNorm(BatchStatisticsNorm):
    """Batch norm by torch's own operator, whose double backward needs a scale: ones, not learned."""

    def __init__(self, norm: BatchStatisticsNorm) -> None:
        super().__init__(len(norm.bias), norm.eps)
        self.bias = norm.bias
        self.register_buffer("ones", torch.ones_like(norm.bias))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, self.ones, self.bias, training=True, eps=self.eps)


def with_library_norm(model: nn.Module) -> nn.Module:
    """Change every batch norm of a network to torch's operator, in place."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is BatchStatisticsNorm:
                setattr(module, name, LibraryNorm(child))
    return model


class Ours:
    """The library's learner: tasks over threads on a CPU, one CUDA graph on a GPU."""

    def __init__(self, model: nn.Module, inner: InnerLoop, threads: int) -> None:
        if next(model.parameters()).is_cuda:
            self.learner: MetaLearner = CapturedMetaLearner(model, inner)
        else:
            self.learner = MetaLearner(model, inner, threads=TaskThreads(model, threads))

    def step(self, episodes: Episodes) -> float:
        return self.learner.step(episodes)[0]

    def gradients(self) -> list[Tensor]:
        """Of the last step, in the order of the network's parameters."""
        return [p.grad for p in self.learner.parameters.values() if p.grad is not None]


class Peer:
    """Tasks one after the other, each task's graph freed before the next one's is made."""

    forms: tuple[str, ...] = ("",)

    def __init__(self, model: nn.Module, inner: InnerLoop, form: str = "") -> None:
        self.model, self.inner, self.form = model, inner, form
        self.parameters = dict(model.named_parameters())
        self.adapted = adapted_names(model, inner)
        self.optimiser = torch.optim.Adam(self.parameters.values(), lr=1e-3)

    def query_loss(self, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor) -> Tensor:
        """Loss after adaptation to one task."""
        raise NotImplementedError

    def step(self, episodes: Episodes) -> float:
        values, tasks = list(self.parameters.values()), len(episodes.support_x)
        loss: Tensor = torch.zeros((), device=values[0].device)
        total: list[Tensor] = []
        for task in zip(*episodes.tensors(), strict=True):
            part = self.query_loss(*task) / tasks
            gradients = torch.autograd.grad(part, values)
            if total:
                torch._foreach_add_(total, gradients)
            else:
                total = list(gradients)
            loss = loss + part.detach()
        for value, gradient in zip(values, total, strict=True):
            value.grad = gradient
        self.optimiser.step()
        return loss.item()

    def gradients(self) -> list[Tensor]:
        """Of the last step, in the order of the network's parameters."""
        return [p.grad for p in self.parameters.values() if p.grad is not None]


class PlainLoop(Peer):
    """`torch.autograd.grad` with a graph of the gradient, and `functional_call`."""

    def query_loss(self, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor) -> Tensor:
        fast = self.parameters
        for _ in range(self.inner.steps):
            loss = F.cross_entropy(functional_call(self.model, fast, (support_x,)), support_y)
            gradients = torch.autograd.grad(loss, [fast[name] for name in self.adapted], create_graph=True)
            moved = {n: fast[n] - self.inner.rate * g for n, g in zip(self.adapted, gradients, strict=True)}
            fast = {**fast, **moved}
        return F.cross_entropy(functional_call(self.model, fast, (query_x,)), query_y)


class Higher(Peer):
    """`higher`, as its documentation has it (a context per task), or with the network patched only once."""

    forms = ("innerloop_ctx", "patched once")

    def __init__(self, model: nn.Module, inner: InnerLoop, form: str) -> None:
        import higher

        super().__init__(model, inner, form)
        self.sgd = torch.optim.SGD([self.parameters[name] for name in self.adapted], lr=inner.rate)
        self.context = higher.innerloop_ctx
        # Asked not to track, the patched network keeps no list of all that it was ever called with.
        self.patched = higher.monkeypatch(model, copy_initial_weights=False, track_higher_grads=False)
        self.descent = higher.get_diff_optim(self.sgd, model.parameters(), track_higher_grads=True)

    def query_loss(self, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor) -> Tensor:
        if self.form == "innerloop_ctx":
            with self.context(self.model, self.sgd, copy_initial_weights=False) as (network, descent):
                for _ in range(self.inner.steps):
                    descent.step(F.cross_entropy(network(support_x), support_y))
                return F.cross_entropy(network(query_x), query_y)
        fast: Any = list(self.parameters.values())
        for _ in range(self.inner.steps):
            loss = F.cross_entropy(self.patched(support_x, params=fast), support_y)
            fast = self.descent.step(loss, params=fast)
        return F.cross_entropy(self.patched(query_x, params=fast), query_y)


class TorchOpt(Peer):
    """`torchopt`: its `MetaSGD` on the network itself, or its functional SGD with `functional_call`."""

    forms = ("MetaSGD", "FuncOptimizer")

    def __init__(self, model: nn.Module, inner: InnerLoop, form: str) -> None:
        import torchopt

        super().__init__(model, inner, form)
        self.library = torchopt
        # MetaSGD moves all parameters of what it is given: the layers without batch norm, whose offsets stay.
        self.moving = nn.ModuleList(m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        if form == "MetaSGD" and len(list(self.moving.parameters())) != len(self.adapted):
            raise ValueError(f"MetaSGD cannot be limited to {', '.join(self.adapted)}")

    def query_loss(self, support_x: Tensor, support_y: Tensor, query_x: Tensor, query_y: Tensor) -> Tensor:
        library, rate = self.library, self.inner.rate
        if self.form == "MetaSGD":
            start = library.extract_state_dict(self.moving, by="reference")
            descent = library.MetaSGD(self.moving, lr=rate)
            for _ in range(self.inner.steps):
                descent.step(F.cross_entropy(self.model(support_x), support_y))
            loss = F.cross_entropy(self.model(query_x), query_y)
            library.recover_state_dict(self.moving, start)
            return loss
        functional = library.FuncOptimizer(library.sgd(lr=rate))
        fast = tuple(self.parameters[name] for name in self.adapted)

        def network(x: Tensor) -> Tensor:
            return functional_call(self.model, dict(zip(self.adapted, fast, strict=True)), (x,))

        for _ in range(self.inner.steps):
            fast = functional.step(F.cross_entropy(network(support_x), support_y), fast)
        return F.cross_entropy(network(query_x), query_y)


PEERS: dict[str, type[Peer]] = {"plain loop": PlainLoop, "higher": Higher, "torchopt": TorchOpt}


def settings(name: str) -> Iterator[tuple[str, bool]]:
    """Forms of a peer, each with batch norm written out (False) and by torch's operator (True)."""
    for form in PEERS[name].forms:
        yield from ((form, False), (form, True))
