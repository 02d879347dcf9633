"""Study 1, what the functional test does to a network: layers kept from adapting, put back, or exchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ...data.fewshot import Episodes
from ...models.conv4 import Conv4Maml, maml_layers
from ...training.maml import InnerLoop, adapted_names, inner_step

KINDS = ("freeze", "only", "reset-before", "reset-after", "swap-before", "swap-after")
"""What is done to a part of the network: it does not adapt; nothing else adapts; it is put back to its value
before meta-training, or to that before adaptation, or exchanged for that of a network adapted to another
task, before or after adaptation."""

Values = Mapping[str, "Tensor"]


def interventions(layers: Sequence[str]) -> list[tuple[str, str]]:
    """All interventions as (kind, part): none, full adaptation, every kind for each layer and the body."""
    return [("none", ""), ("full", ""), *((kind, part) for kind in KINDS for part in (*layers, "body"))]


def adapt(model: nn.Module, start: Values, tasks: Episodes, inner: InnerLoop, steps: int) -> Values:
    """Adapt to each of some tasks.

    Args:
        model: The network; only its structure is used.
        start: Parameters of each task, (tasks, …).
        tasks: The tasks.
        inner: How to adapt.
        steps: Number of inner steps; 0 for none.

    Returns:
        Parameters of each task after adaptation, (tasks, …).
    """

    def one(values: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        for _ in range(steps):
            values = inner_step(model, values, x, y, inner)
        return values

    return vmap(one)(dict(start), tasks.support_x, tasks.support_y)


def accuracy(model: nn.Module, values: Values, tasks: Episodes) -> Tensor:
    """Query accuracy of each task with its own parameters, (tasks,), in [0, 1]."""

    def one(values: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return (functional_call(model, values, (x,)).argmax(-1) == y).double().mean()

    return vmap(one)(dict(values), tasks.query_x, tasks.query_y)


def intervene(
    model: nn.Module, start: Values, untrained: Values, tasks: Episodes, inner: InnerLoop, more_steps: int
) -> np.ndarray:
    """Accuracy under every intervention.

    Args:
        model: The network, a ``Conv4Maml``.
        start: Its meta-learned parameters.
        untrained: Its parameters before meta-training.
        tasks: At least two tasks; a task's partner in swaps is the one before it.
        inner: How to adapt.
        more_steps: A second, larger number of inner steps, for no intervention and for body or head frozen
            (the sensitivity of claim M1b); the others are NaN there.

    Returns:
        (intervention, 2, tasks), in [0, 1]: after the trained number of steps, and after ``more_steps``.
    """
    parts = part_prefixes(model)
    moved = moved_layers(model, inner)
    count = len(tasks.support_x)

    def each_task(values: Values) -> dict[str, Tensor]:
        return {name: value.expand(count, *value.shape) for name, value in values.items()}

    def exchanged(values: Values, part: str, others: Values) -> dict[str, Tensor]:
        return {n: others[n] if n.startswith(parts[part]) else value for n, value in values.items()}

    shared, fresh = each_task(start), each_task(untrained)
    full = adapt(model, shared, tasks, inner, inner.steps)
    partner = {name: value.roll(1, 0) for name, value in full.items()}
    nothing = accuracy(model, shared, tasks)
    missing = torch.full_like(nothing, torch.nan)

    def during(adapting: Sequence[str], longer: bool) -> tuple[Tensor, Tensor]:
        """Accuracy if only these layers adapt, after the trained number of steps and, if asked, more."""
        if not adapting:
            return nothing, nothing if longer else missing
        limited = replace(inner, only=tuple(prefix for layer in adapting for prefix in parts[layer]))
        first = adapt(model, shared, tasks, limited, inner.steps)
        if not longer:
            return accuracy(model, first, tasks), missing
        then = adapt(model, first, tasks, limited, more_steps - inner.steps)
        return accuracy(model, first, tasks), accuracy(model, then, tasks)

    def again(values: Values) -> tuple[Tensor, Tensor]:
        return accuracy(model, adapt(model, values, tasks, inner, inner.steps), tasks), missing

    def inside(part: str) -> set[str]:
        return {layer for layer in moved if all(prefix in parts[part] for prefix in parts[layer])}

    outcome: dict[str, Callable[[str], tuple[Tensor, Tensor]]] = {
        "none": lambda _: (nothing, nothing),
        "full": lambda _: during(moved, True),
        "freeze": lambda part: during(
            [layer for layer in moved if layer not in inside(part)], part in ("body", "logits")
        ),
        "only": lambda part: during([layer for layer in moved if layer in inside(part)], False),
        "reset-before": lambda part: again(exchanged(shared, part, fresh)),
        "reset-after": lambda part: (accuracy(model, exchanged(full, part, shared), tasks), missing),
        "swap-before": lambda part: again(exchanged(shared, part, partner)),
        "swap-after": lambda part: (accuracy(model, exchanged(full, part, partner), tasks), missing),
    }
    layers = [name for name in parts if name != "body"]
    return np.array(
        [[value.cpu().numpy() for value in outcome[kind](part)] for kind, part in interventions(layers)]
    )


def part_prefixes(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """Layers of a ``Conv4Maml``, and the body (all blocks) → prefixes of the names of their parameters."""
    assert isinstance(model, Conv4Maml)
    parts = {name: (f"{path}.",) for name, path in maml_layers(len(model.blocks)).items()}
    return {**parts, "body": tuple(prefix for name, (prefix,) in parts.items() if name != "logits")}


def moved_layers(model: nn.Module, inner: InnerLoop) -> list[str]:
    """Layers that the inner loop moves, in order of depth."""
    names, parts = adapted_names(model, inner), part_prefixes(model)
    return [layer for layer in parts if layer != "body" and any(n.startswith(parts[layer]) for n in names)]
