"""Model-agnostic meta-learning (Finn et al. 2017) and its relatives, as functions of parameters.

One task is written as a function of one task; ``torch.func.vmap`` runs it for a batch. What tells the
algorithms apart is which parameters the inner loop moves and whether the outer gradient looks through it:

=========  ==============================  ====================
algorithm  inner loop moves                outer gradient
=========  ==============================  ====================
``maml``   convolutions and head           second order
``fomaml`` convolutions and head           first order
``anil``   head (Raghu et al. 2020)        second order
``boil``   convolutions (Oh et al. 2021)   second order
=========  ==============================  ====================

The offset of batch norm is meta-learned and never adapted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from ..data.fewshot import Episodes
from ..models.conv4 import BatchStatisticsNorm
from . import Diverged

Algorithm = Literal["maml", "fomaml", "anil", "boil"]
Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class InnerLoop:
    """How a task is adapted to.

    Attributes:
        algorithm: See the table above.
        rate: Step size of plain gradient descent, above 0.
        steps: Number of steps while training, at least 1.
        loss: ``"mean"`` cross-entropy over the support images, or ``"sum"`` over them divided by the shots,
            as the released code has it: ``ways`` times as large.
    """

    algorithm: Algorithm = "maml"
    rate: float = 0.4
    steps: int = 1
    loss: Literal["mean", "sum"] = "mean"

    def __post_init__(self):
        if self.algorithm not in get_args(Algorithm):
            raise ValueError(f"no algorithm {self.algorithm!r}; there are: {', '.join(get_args(Algorithm))}")


def adapted_names(model: nn.Module, algorithm: Algorithm) -> list[str]:
    """Names of the parameters that the inner loop moves.

    Args:
        model: A network whose last linear layer is called ``head``.
        algorithm: See the table above.

    Returns:
        Names as in ``model.named_parameters()``, in that order.
    """
    offsets = {
        f"{name}.bias" for name, module in model.named_modules() if isinstance(module, BatchStatisticsNorm)
    }
    adaptable = [name for name, _ in model.named_parameters() if name not in offsets]
    keeps: dict[str, Callable[[str], bool]] = {
        "anil": lambda name: name.startswith("head."),
        "boil": lambda name: not name.startswith("head."),
    }
    return [name for name in adaptable if keeps.get(algorithm, lambda _: True)(name)]


def support_loss(logits: Tensor, labels: Tensor, loss: Literal["mean", "sum"]) -> Tensor:
    """Loss of the inner loop.

    Args:
        logits: ``(ways·shots, ways)``.
        labels: int64 ``(ways·shots,)``.
        loss: ``"mean"`` or ``"sum"``, see :class:`InnerLoop`.

    Returns:
        A scalar.
    """
    mean = F.cross_entropy(logits, labels)
    return mean * logits.shape[-1] if loss == "sum" else mean


def inner_step(
    model: nn.Module, parameters: Mapping[str, Tensor], x: Tensor, y: Tensor, inner: InnerLoop
) -> Parameters:
    """One step of gradient descent on a task's support set.

    Args:
        model: The network; only its structure is used.
        parameters: All its parameters by name.
        x: Support images ``(ways·shots, channels, height, width)``.
        y: Their labels ``(ways·shots,)``.
        inner: How to adapt.

    Returns:
        All parameters after the step; those that are not adapted are the same tensors as before.
    """
    moving = {name: parameters[name] for name in adapted_names(model, inner.algorithm)}

    def loss(moving: Parameters) -> Tensor:
        logits = functional_call(model, {**parameters, **moving}, (x,))
        return support_loss(logits, y, inner.loss)

    gradients = grad(loss)(moving)
    if inner.algorithm == "fomaml":
        gradients = {name: gradient.detach() for name, gradient in gradients.items()}
    return {**parameters, **{name: value - inner.rate * gradients[name] for name, value in moving.items()}}


def task_outcome(
    model: nn.Module, parameters: Mapping[str, Tensor], task: tuple[Tensor, ...], inner: InnerLoop
) -> tuple[Tensor, Tensor]:
    """Adapt to one task and judge the result on its query set.

    Args:
        model: The network.
        parameters: Its meta-learned parameters.
        task: Support images and labels, query images and labels.
        inner: How to adapt.

    Returns:
        Mean query cross-entropy and query accuracy (in [0, 1]), scalars.
    """
    support_x, support_y, query_x, query_y = task
    fast: Mapping[str, Tensor] = parameters
    for _ in range(inner.steps):
        fast = inner_step(model, fast, support_x, support_y, inner)
    logits = functional_call(model, dict(fast), (query_x,))
    return F.cross_entropy(logits, query_y), (logits.argmax(-1) == query_y).float().mean()


def meta_gradients(
    model: nn.Module, parameters: Parameters, episodes: Episodes, inner: InnerLoop, chunk: int | None = None
) -> tuple[Tensor, Tensor, Parameters]:
    """Gradient of the mean query loss after adaptation with respect to the meta-learned parameters.

    Args:
        model: The network.
        parameters: Its meta-learned parameters, which must require gradients.
        episodes: A batch of tasks.
        inner: How to adapt.
        chunk: Tasks to run at once; all if None. Changes memory, not the result beyond rounding.

    Returns:
        Query loss and query accuracy averaged over tasks, and the gradient by parameter name. Parameters that
        do not matter (such as a convolution's bias under batch norm) have zero gradient up to rounding.
    """
    batch = episodes.support_x, episodes.support_y, episodes.query_x, episodes.query_y

    def outcome(*task: Tensor) -> tuple[Tensor, Tensor]:
        return task_outcome(model, parameters, task, inner)

    losses, accuracies = vmap(outcome, chunk_size=chunk)(*batch)
    loss = losses.mean()
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    return loss.detach(), accuracies.mean().detach(), dict(zip(parameters, gradients, strict=True))


class MetaLearner:
    """Meta-learned parameters and their optimiser.

    Args:
        model: The network; its present values are the start. It is not changed by training.
        inner: How to adapt.
        outer_rate: Learning rate of Adam.
        clip: Bound on the absolute value of each entry of the meta-gradient; None for no bound.
        chunk: Tasks to run at once, see :func:`meta_gradients`.
    """

    def __init__(
        self,
        model: nn.Module,
        inner: InnerLoop,
        outer_rate: float = 1e-3,
        clip: float | None = None,
        chunk: int | None = None,
    ):
        self.model, self.inner, self.clip, self.chunk = model, inner, clip, chunk
        self.parameters = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
        self.optimiser = torch.optim.Adam(list(self.parameters.values()), lr=outer_rate)
        self.iteration = 0

    def step(self, episodes: Episodes) -> tuple[float, float]:
        """One meta-iteration.

        Args:
            episodes: A batch of tasks.

        Returns:
            Query loss and accuracy before the update.

        Raises:
            Diverged: The loss is not finite; the parameters are those before the step.
        """
        loss, accuracy, gradients = meta_gradients(
            self.model, self.parameters, episodes, self.inner, self.chunk
        )
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
        """All that is needed to go on: iteration, parameters and the optimiser's moments."""
        return {
            "iteration": self.iteration,
            "parameters": self.snapshot(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict) -> None:
        """Go on from a saved :meth:`state`."""
        self.iteration = state["iteration"]
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["parameters"][name])
        self.optimiser.load_state_dict(state["optimiser"])
