"""Meta-training: the meta-learned parameters, their optimiser, and how a meta-step uses a CPU's cores."""

import copy
import itertools
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..data.fewshot import Episodes
from . import Diverged
from .conv4_step import Conv4Step, supports
from .maml import InnerLoop, Parameters, meta_gradients

Outcome = tuple[Tensor, Tensor, Parameters]
"""Loss, accuracy and gradients of a batch of tasks."""


EXPLICIT, AUTOGRAD = "explicit", "autograd"


class TaskThreads:
    """Shares the tasks of a meta-step out over threads, each with one thread inside its operators.

    Operators on the small tensors of one task gain little from several threads, and wait for each other at
    every one of them; whole tasks do not wait. Tasks are dealt in order and gradients added in order, so the
    result depends on the number of threads (by rounding) but not on their timing. While one of these is open,
    torch computes with one thread elsewhere too; closing it restores what was.

    Args:
        model: The network; every thread gets a copy, as calling a module with other parameters is not safe
            to do from two threads at once.
        threads: How many; as many as torch uses inside an operator if None.
    """

    def __init__(self, model: nn.Module, threads: int | None = None):
        self.before = torch.get_num_threads()
        self.models = [copy.deepcopy(model) for _ in range(threads or self.before)]
        self.pool = ThreadPoolExecutor(len(self.models), initializer=torch.set_num_threads, initargs=(1,))

    def meta_gradients(
        self, parameters: Parameters, episodes: Episodes, inner: InnerLoop, chunk: int | None = None
    ) -> Outcome:
        """As the function of that name: loss, accuracy and gradients of a batch of tasks."""

        def work(i: int, some: Episodes) -> Outcome:
            own = {name: value.detach().requires_grad_() for name, value in parameters.items()}
            return meta_gradients(self.models[i], own, some, inner, chunk)

        return self.mean(work, episodes)

    def mean(self, work: Callable[[int, Episodes], Outcome], episodes: Episodes) -> Outcome:
        """Mean over tasks of what is computed for a share of them.

        Args:
            work: Takes the number of its thread, from 0, and the share; returns means over the share.
            episodes: The tasks.
        """
        tasks, threads = len(episodes.support_x), len(self.models)
        shares = [slice(tasks * i // threads, tasks * (i + 1) // threads) for i in range(threads)]
        busy = [i for i, share in enumerate(shares) if share.start < share.stop]
        outcomes = list(self.pool.map(lambda i: work(i, episodes[shares[i]]), busy))
        weights = [(shares[i].stop - shares[i].start) / tasks for i in busy]

        def total(values: Sequence[Tensor]) -> Tensor:
            return torch.stack([weight * value for weight, value in zip(weights, values, strict=True)]).sum(0)

        losses, accuracies, gradients = zip(*outcomes, strict=True)
        by_name = {name: total([gradient[name] for gradient in gradients]) for name in gradients[0]}
        return total(losses), total(accuracies), by_name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()
        torch.set_num_threads(self.before)


def map_tasks(
    work: Callable[[nn.Module, Episodes], Any], model: nn.Module, episodes: Episodes, chunk: int
) -> list[Any]:
    """Do something with a batch of tasks chunk by chunk; on a CPU on several chunks at a time.

    Args:
        work: Takes a network, which it must not share with other threads, and some of the tasks.
        model: The network.
        episodes: The tasks.
        chunk: Tasks of a chunk, at least 1; the last one may hold fewer, but never a single one if there is
            another to join it.

    Returns:
        What ``work`` returned, in order of the tasks.
    """
    tasks = len(episodes.support_x)
    starts = list(range(0, max(tasks - 1, 1), chunk))
    chunks = [episodes[a:b] for a, b in itertools.pairwise([*starts, tasks])]
    if episodes.support_x.is_cuda:
        return [work(model, some) for some in chunks]
    with TaskThreads(model) as threads:
        idle = queue.SimpleQueue()
        for own in threads.models:
            idle.put(own)

        def run(some: Episodes) -> Any:
            own = idle.get()
            try:
                return work(own, some)
            finally:
                idle.put(own)

        return list(threads.pool.map(run, chunks))


class MetaLearner:
    """Meta-learned parameters and their optimiser.

    Attributes:
        path: How meta-gradients are computed: ``"explicit"`` with every derivative written out
            (:class:`~reprise.training.conv4_step.Conv4Step`), chosen where network and inner loop allow it,
            or ``"autograd"`` (:func:`~reprise.training.maml.meta_gradients`). They agree but for rounding; a
            training that is gone on with keeps to the path that it began with.

    Args:
        model: The network; its present values are the start. It is not changed by training.
        inner: How to adapt.
        outer_rate: Learning rate of Adam.
        clip: Bound on the absolute value of each entry of the meta-gradient; None for no bound.
        chunk: Tasks to run at once, see :func:`~reprise.training.maml.meta_gradients`.
        threads: To share tasks out over; None for none.
    """

    def __init__(
        self,
        model: nn.Module,
        inner: InnerLoop,
        outer_rate: float = 1e-3,
        clip: float | None = None,
        chunk: int | None = None,
        threads: TaskThreads | None = None,
    ):
        self.model, self.inner, self.clip, self.chunk, self.threads = model, inner, clip, chunk, threads
        self.parameters = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
        self.optimiser = torch.optim.Adam(list(self.parameters.values()), lr=outer_rate)
        self.iteration = 0
        self.path = EXPLICIT if supports(model, inner) else AUTOGRAD
        self.explicit: list[Conv4Step] = []  # one a thread, made when there is something to do

    def gradients(self, parameters: Parameters, episodes: Episodes) -> Outcome:
        """Meta-gradients of a batch of tasks, over threads if there are some."""
        if self.path == AUTOGRAD:
            if self.threads is None:
                return meta_gradients(self.model, parameters, episodes, self.inner, self.chunk)
            return self.threads.meta_gradients(parameters, episodes, self.inner, self.chunk)
        if not self.explicit:
            count = 1 if self.threads is None else len(self.threads.models)
            self.explicit = [Conv4Step(self.model, self.inner) for _ in range(count)]
        if self.threads is None:
            return self.explicit[0](parameters, episodes, self.chunk)
        return self.threads.mean(lambda i, some: self.explicit[i](parameters, some, self.chunk), episodes)

    def step(self, episodes: Episodes) -> tuple[float, float]:
        """One meta-iteration.

        Args:
            episodes: A batch of tasks.

        Returns:
            Query loss and accuracy before the update.

        Raises:
            Diverged: The loss is not finite; the parameters are those before the step.
        """
        loss, accuracy, gradients = self.gradients(self.parameters, episodes)
        if not torch.isfinite(loss):
            raise Diverged(f"the query loss is {loss.item()} at meta-iteration {self.iteration}")
        for name, parameter in self.parameters.items():
            gradient = gradients[name]
            parameter.grad = gradient if self.clip is None else gradient.clamp_(-self.clip, self.clip)
        self.optimiser.step()
        self.iteration += 1
        return loss.item(), accuracy.item()

    def snapshot(self) -> Parameters:
        """A copy of the parameters on the CPU, without graph."""
        return {name: parameter.detach().to("cpu", copy=True) for name, parameter in self.parameters.items()}

    def state(self) -> dict:
        """All that is needed to go on: iteration, path, parameters and the optimiser's moments."""
        return {
            "iteration": self.iteration,
            "path": self.path,
            "parameters": self.snapshot(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict) -> None:
        """Go on from a saved :meth:`state`."""
        self.iteration = state["iteration"]
        self.path = state.get("path", AUTOGRAD)  # the only one when states did not name it
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["parameters"][name])
        self.optimiser.load_state_dict(state["optimiser"])
