"""Model-agnostic meta-learning (Finn et al. 2017) and its relatives, as functions of parameters.

One task is written as a function of one task; ``torch.func.vmap`` runs it for a chunk of tasks, and on a CPU
chunks are shared out over threads (:mod:`reprise.training.metalearner`). What tells the algorithms apart is
which parameters the inner loop moves and whether the outer gradient looks through it:

=========  ==============================  ====================
algorithm  inner loop moves                outer gradient
=========  ==============================  ====================
``maml``   convolutions and head           second order
``fomaml`` convolutions and head           first order
``anil``   head (Raghu et al. 2020)        second order
``boil``   convolutions (Oh et al. 2021)   second order
=========  ==============================  ====================

The offset of batch norm is meta-learned and, unless asked for, not adapted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from ..data.fewshot import Episodes
from ..models.conv4 import BatchStatisticsNorm, native_norm

Algorithm = Literal["maml", "fomaml", "anil", "boil"]
Loss = Literal["mean", "sum", "squared"]
Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class InnerLoop:
    """How a task is adapted to.

    Attributes:
        algorithm: See the table above.
        rate: Step size of plain gradient descent, above 0.
        steps: Number of steps while training. 0 leaves the outer loop alone: ordinary training on the query
            sets of all tasks together.
        loss: ``"mean"`` cross-entropy over the support images, or ``"sum"`` over them divided by the shots,
            as the released code has it: ``ways`` times as large; ``"squared"``: mean squared error, for
            regression.
        adapt_offset: Let the inner loop move batch norm's offsets too, wherever it moves convolutions.
        only: Move nothing but parameters whose names start with one of these, such as ``"head."``; empty for
            no such limit.
    """

    algorithm: Algorithm = "maml"
    rate: float = 0.4
    steps: int = 1
    loss: Loss = "mean"
    adapt_offset: bool = False
    only: tuple[str, ...] = ()

    def __post_init__(self):
        if self.algorithm not in get_args(Algorithm):
            raise ValueError(f"no algorithm {self.algorithm!r}; there are: {', '.join(get_args(Algorithm))}")


def adapted_names(model: nn.Module, inner: InnerLoop) -> list[str]:
    """Names of the parameters that the inner loop moves.

    Args:
        model: A network whose last linear layer is called ``head``.
        inner: How to adapt.

    Returns:
        Names as in ``model.named_parameters()``, in that order.

    Raises:
        ValueError: ``inner.only`` names something that the algorithm does not move; the message lists what
            it does.

    >>> from reprise.models.conv4 import Conv4Maml
    >>> adapted_names(Conv4Maml(5, filters=4), InnerLoop("anil"))
    ['head.weight', 'head.bias']
    """
    offsets = {
        f"{name}.bias" for name, module in model.named_modules() if isinstance(module, BatchStatisticsNorm)
    }
    names = [name for name, _ in model.named_parameters() if inner.adapt_offset or name not in offsets]
    keeps: dict[str, Callable[[str], bool]] = {
        "anil": lambda name: name.startswith("head."),
        "boil": lambda name: not name.startswith("head."),
    }
    names = [name for name in names if keeps.get(inner.algorithm, lambda _: True)(name)]
    for prefix in inner.only:
        if not any(name.startswith(prefix) for name in names):
            raise ValueError(f"{inner.algorithm} moves no {prefix!r}; it moves {', '.join(names)}")
    return [name for name in names if not inner.only or name.startswith(inner.only)]


def support_loss(outputs: Tensor, targets: Tensor, loss: Loss) -> Tensor:
    """Loss of the inner loop.

    Args:
        outputs: Logits ``(ways·shots, ways)``; predictions ``(shots, 1)`` for ``"squared"``.
        targets: int64 labels ``(ways·shots,)``; values ``(shots, 1)`` for ``"squared"``.
        loss: See :class:`InnerLoop`.

    Returns:
        A scalar.

    >>> logits, labels = torch.zeros(10, 5), torch.arange(5).repeat(2)  # 5 ways, 2 shots
    >>> [round(support_loss(logits, labels, loss).item(), 3) for loss in ("mean", "sum")]  # ln 5, 5 ln 5
    [1.609, 8.047]
    """
    mean = query_loss(outputs, targets, loss)
    return mean * outputs.shape[-1] if loss == "sum" else mean


def query_loss(outputs: Tensor, targets: Tensor, loss: Loss) -> Tensor:
    """Loss of the outer loop: as :func:`support_loss`, but always a mean."""
    return F.mse_loss(outputs, targets) if loss == "squared" else F.cross_entropy(outputs, targets)


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

    >>> line = nn.Sequential()
    >>> line.add_module("head", nn.Linear(1, 1, bias=False))
    >>> x, y = torch.ones(4, 1), torch.zeros(4, 1)
    >>> after = inner_step(line, {"head.weight": torch.ones(1, 1)}, x, y, InnerLoop(rate=0.1, loss="squared"))
    >>> round(after["head.weight"].item(), 6)  # w − 0.1 · 2 w, as the loss is w²
    0.8
    """
    moving = {name: parameters[name] for name in adapted_names(model, inner)}

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
        Mean query loss and query accuracy (in [0, 1]; 0 for regression), scalars.
    """
    support_x, support_y, query_x, query_y = task
    fast: Mapping[str, Tensor] = parameters
    for _ in range(inner.steps):
        fast = inner_step(model, fast, support_x, support_y, inner)
    logits = functional_call(model, dict(fast), (query_x,))
    loss = query_loss(logits, query_y, inner.loss)
    if inner.loss == "squared":
        return loss, torch.zeros_like(loss)
    return loss, (logits.argmax(-1) == query_y).float().mean()


CHUNK_PIXELS = 2**17
"""Pixels of a chunk's images on a CPU, about: with more, what is passed between layers leaves the cache."""


def tasks_at_once(episodes: Episodes) -> int:
    """How many tasks a chunk holds on a CPU: at least 1, as many as :data:`CHUNK_PIXELS` allows."""
    pixels = sum(images[0, :, 0].numel() for images in (episodes.support_x, episodes.query_x))
    return max(1, CHUNK_PIXELS // pixels)


def meta_gradients(
    model: nn.Module, parameters: Parameters, episodes: Episodes, inner: InnerLoop, chunk: int | None = None
) -> tuple[Tensor, Tensor, Parameters]:
    """Gradient of the mean query loss after adaptation with respect to the meta-learned parameters.

    Args:
        model: The network.
        parameters: Its meta-learned parameters, which must require gradients.
        episodes: A batch of tasks.
        inner: How to adapt.
        chunk: Tasks to run at once; if None, all on a GPU and :func:`tasks_at_once` on a CPU. Changes memory
            and speed, not the result beyond rounding.

    Returns:
        Query loss and query accuracy averaged over tasks, and the gradient by parameter name. Parameters that
        do not matter (such as a convolution's bias under batch norm) have zero gradient up to rounding.

    >>> line = nn.Sequential()  # y = w x
    >>> line.add_module("head", nn.Linear(1, 1, bias=False))
    >>> x, y = torch.ones(1, 4, 1), torch.zeros(1, 4, 1)
    >>> task = Episodes(x, y, x, y, torch.zeros(1, 1))
    >>> for algorithm in ("maml", "fomaml"):  # one step makes of w 0.8 w, and of the loss (0.8 w)²
    ...     inner = InnerLoop(algorithm, rate=0.1, loss="squared")
    ...     weights = {"head.weight": torch.ones(1, 1, requires_grad=True)}
    ...     loss, _, gradient = meta_gradients(line, weights, task, inner)
    ...     print(algorithm, round(loss.item(), 4), round(gradient["head.weight"].item(), 4))
    maml 0.64 1.28
    fomaml 0.64 1.6
    """
    tasks = len(episodes.support_x)
    if chunk is None:
        chunk = tasks if episodes.support_x.is_cuda else tasks_at_once(episodes)

    def outcome(*task: Tensor) -> tuple[Tensor, Tensor]:
        return task_outcome(model, parameters, task, inner)

    values = list(parameters.values())
    loss, accuracy = values[0].new_zeros(()), values[0].new_zeros(())
    gradients: list[Tensor] = []
    # Chunk by chunk to the end, so that only one chunk's graph is ever in memory.
    for start in range(0, tasks, chunk):
        batch = [x[start : start + chunk] for x in episodes.tensors()]
        if len(batch[0]) == 1:  # a batch of one task costs vmap's overhead and gains nothing
            with native_norm(model):
                losses, accuracies = outcome(*(x[0] for x in batch))
        else:
            losses, accuracies = vmap(outcome)(*batch)
        part = losses.sum() / tasks
        new = torch.autograd.grad(part, values)
        gradients = [a + b for a, b in zip(gradients, new, strict=True)] if gradients else list(new)
        loss, accuracy = loss + part.detach(), accuracy + accuracies.detach().sum() / tasks
    return loss, accuracy, dict(zip(parameters, gradients, strict=True))
