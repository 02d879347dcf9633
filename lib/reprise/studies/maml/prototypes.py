"""Study 1, what the body's features are worth alone: nearest prototypes, and a head that has converged.

Neither asks the head as it was meta-learned: a class is the mean of its support images' features, or the
linear head adapts alone for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ...data.fewshot import Episodes
from ...models.conv4 import Conv4Maml
from ...training.maml import InnerLoop, support_loss
from ...training.metalearner import map_tasks
from .interventions import Values, adapt

if TYPE_CHECKING:
    import xarray as xr

HEAD_STEPS = 1000
"""Inner steps after which a head on frozen features has converged."""

MOMENTS = ("before adaptation", "after adaptation")


def features(model: nn.Module, values: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """What the head reads: the last block's output, averaged over positions or flattened as the network does.

    Args:
        model: The network, a ``Conv4Maml``; only its structure is used.
        values: Its parameters.
        images: (n, channels, height, width); batch norm takes the statistics of these.

    Returns:
        (n, features).
    """
    assert isinstance(model, Conv4Maml)
    own = {
        name.removeprefix("blocks."): value for name, value in values.items() if name.startswith("blocks.")
    }
    outputs = functional_call(model.blocks, own, (images,))
    return outputs.mean(dim=(2, 3)) if model.downsampling == "stride" else outputs.flatten(1)


def nearest_prototype(support: Tensor, labels: Tensor, query: Tensor, ways: int) -> Tensor:
    """Class of the nearest mean of support features, by Euclidean distance.

    Args:
        support: (n, features).
        labels: Their classes, int64 (n,); each of them is there.
        query: (m, features).
        ways: Number of classes.

    Returns:
        int64 (m,).

    >>> support, query = torch.tensor([[0.0], [2.0], [10.0]]), torch.tensor([[4.0], [7.0]])
    >>> nearest_prototype(support, torch.tensor([0, 0, 1]), query, 2).tolist()  # prototypes 1 and 10
    [0, 1]
    """
    member = (labels[:, None] == torch.arange(ways, device=labels.device)).to(support.dtype)
    prototypes = member.T @ support / member.sum(0)[:, None]
    return (query[:, None] - prototypes).square().sum(-1).argmin(-1)


def prototype_accuracy(model: nn.Module, values: Values, tasks: Episodes) -> Tensor:
    """Query accuracy of each task by nearest prototypes, with its own parameters: (tasks,), in [0, 1]."""
    assert isinstance(model, Conv4Maml)
    ways = model.head.out_features

    def one(
        values: dict[str, Tensor], support_x: Tensor, y: Tensor, query_x: Tensor, query_y: Tensor
    ) -> Tensor:
        support, query = (features(model, values, x) for x in (support_x, query_x))
        return (nearest_prototype(support, y, query, ways) == query_y).double().mean()

    return vmap(one)(dict(values), *tasks.tensors())


def converged_head(
    model: nn.Module, start: Values, tasks: Episodes, inner: InnerLoop, steps: int = HEAD_STEPS
) -> tuple[Tensor, Tensor]:
    """Let the head alone adapt until it has converged, on features that stay as they are.

    Args:
        model: The network, a ``Conv4Maml``.
        start: Its meta-learned parameters.
        tasks: The tasks.
        inner: Rate and loss of the inner loop.
        steps: Number of inner steps.

    Returns:
        Query accuracy, in [0, 1], and support loss of each task after them: two of (tasks,).
    """

    def one(support_x: Tensor, y: Tensor, query_x: Tensor, query_y: Tensor) -> tuple[Tensor, Tensor]:
        support, query = (features(model, start, x) for x in (support_x, query_x))

        def loss(weight: Tensor, bias: Tensor) -> Tensor:
            return support_loss(support @ weight.T + bias, y, inner.loss)

        weight, bias = start["head.weight"], start["head.bias"]
        for _ in range(steps):
            by_weight, by_bias = grad(loss, argnums=(0, 1))(weight, bias)
            weight, bias = weight - inner.rate * by_weight, bias - inner.rate * by_bias
        right = (query @ weight.T + bias).argmax(-1) == query_y
        return right.double().mean(), loss(weight, bias)

    return vmap(one)(*tasks.tensors())


def measure_prototypes(
    model: nn.Module, start: Values, tasks: Episodes, inner: InnerLoop, together: int
) -> xr.Dataset:
    """Both of a trained network, means over tasks.

    Args:
        model: The network.
        start: Its meta-learned parameters.
        tasks: The tasks.
        inner: How to adapt, for as many steps as in training.
        together: Tasks to run at once.

    Returns:
        ``prototype_accuracy`` (features_from) before and after adaptation; ``converged_accuracy`` and
        ``converged_loss``, of the head alone after :data:`HEAD_STEPS` steps.
    """
    import xarray as xr

    def work(model: nn.Module, some: Episodes) -> np.ndarray:
        count = len(some.support_x)
        shared = {name: value.expand(count, *value.shape) for name, value in start.items()}
        with torch.no_grad():
            after = adapt(model, shared, some, inner, inner.steps)
            rows = [prototype_accuracy(model, values, some) for values in (shared, after)]
            rows += converged_head(model, start, some, inner)
        return torch.stack([row.double() for row in rows]).cpu().numpy()

    before, after, accuracy, loss = np.concatenate(map_tasks(work, model, tasks, together), axis=-1).mean(-1)
    return xr.Dataset(
        {
            "prototype_accuracy": ("features_from", np.array([before, after])),
            "converged_accuracy": ((), accuracy),
            "converged_loss": ((), loss),
        },
        {"features_from": list(MOMENTS), "converged_steps": HEAD_STEPS},
    )
