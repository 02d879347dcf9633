"""Study 1, the functional test: accuracy with layers frozen, reset and swapped, and what a null would change.

Similarity says whether a representation changed, not whether the change was needed. Here layers are kept
from adapting, put back or exchanged between tasks, before adaptation or after it, and the query accuracy
tells what that costs. Beside it stand the levels that similarity must be held against: random perturbations
of the weights as large as adaptation's, and each layer's own update alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..base import Context, Unit
from .analysis import inner_similarity
from .config import MamlConfig
from .measure import by_layer, probe_grams
from .states import MEASURES, Adapted
from .tasks import conditions, draw_tasks
from .train import NOISE, build_model, inner_loop, label

if TYPE_CHECKING:
    import torch
    import xarray as xr
    from torch import Tensor, nn

    from ...data.fewshot import Episodes, FewShotSplits
    from ...training.checkpoints import CheckpointFolder
    from ...training.maml import InnerLoop

KINDS = ("freeze", "only", "reset-before", "reset-after", "swap-before", "swap-after")
"""What is done to a part of the network: it does not adapt; nothing else adapts; it is put back to its value
before meta-training, or to that before adaptation, or exchanged for that of a network adapted to another
task, before or after adaptation."""

TOGETHER = 20
"""Tasks that swap among themselves: fixed, unlike chunks for memory, as it decides who swaps with whom."""

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
    from torch.func import vmap

    from ...training.maml import inner_step

    def one(values: dict[str, Tensor], x: Tensor, y: Tensor) -> dict[str, Tensor]:
        for _ in range(steps):
            values = inner_step(model, values, x, y, inner)
        return values

    return vmap(one)(dict(start), tasks.support_x, tasks.support_y)


def accuracy(model: nn.Module, values: Values, tasks: Episodes) -> Tensor:
    """Query accuracy of each task with its own parameters, (tasks,), in [0, 1]."""
    from torch.func import functional_call, vmap

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
    import torch

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
        """Accuracy if only these layers adapt, after the trained number of steps and, if asked, after more."""
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
    from ...models.conv4 import Conv4Maml, maml_layers

    assert isinstance(model, Conv4Maml)
    parts = {name: (f"{path}.",) for name, path in maml_layers(len(model.blocks)).items()}
    return {**parts, "body": tuple(prefix for name, (prefix,) in parts.items() if name != "logits")}


def moved_layers(model: nn.Module, inner: InnerLoop) -> list[str]:
    """Layers that the inner loop moves, in order of depth."""
    from ...training.maml import adapted_names

    names, parts = adapted_names(model, inner), part_prefixes(model)
    return [layer for layer in parts if layer != "body" and any(n.startswith(parts[layer]) for n in names)]


def perturbed(start: Values, sizes: Mapping[str, Tensor], random: torch.Generator) -> dict[str, Tensor]:
    """Weights moved in random directions.

    Args:
        start: Parameters.
        sizes: Length of the move of some of them, relative to their own length; the rest stay.
        random: Source of chance, on the CPU.
    """
    import torch

    moved = dict(start)
    for name, size in sizes.items():
        noise = torch.randn(start[name].shape, generator=random).to(start[name].device)
        moved[name] = start[name] + noise * (size * start[name].norm() / noise.norm())
    return moved


def null_states(
    model: nn.Module, start: Values, tasks: Episodes, inner: InnerLoop, random: torch.Generator
) -> tuple[dict[str, list[dict[str, Tensor]]], np.ndarray]:
    """What adaptation is held against: parameters of each null state and task.

    Returns:
        State → one set of parameters a task: ``"adaptation"``; ``"perturbation, equal"`` (every layer's
        weights moved at random by the relative length of the whole update), ``"perturbation, own"`` (each by
        that of its own update), and ``"only <layer>"`` (that layer's update alone). Relative length of the
        update of each layer's weights and, last, of all weights together, (layers + 1, tasks).
    """
    import torch

    parts = part_prefixes(model)
    layers = [name for name in parts if name != "body"]
    weights = {
        layer: next(n for n in start if n.startswith(parts[layer]) and n.endswith("weight"))
        for layer in layers
    }
    count = len(tasks.support_x)
    shared = {name: value.expand(count, *value.shape) for name, value in start.items()}
    after = adapt(model, shared, tasks, inner, inner.steps)
    states: dict[str, list[dict[str, Tensor]]] = {}
    lengths = []

    def add(name: str, values: dict[str, Tensor]) -> None:
        states.setdefault(name, []).append(values)

    for task in range(count):
        own = {name: value[task] for name, value in after.items()}
        moves = torch.stack([(own[name] - start[name]).norm() for name in weights.values()])
        norms = torch.stack([start[name].norm() for name in weights.values()])
        relative = [*(moves / norms), moves.norm() / norms.norm()]
        lengths.append(torch.stack(relative).cpu().numpy())
        add("adaptation", own)
        names: list[str] = list(weights.values())
        add("perturbation, equal", perturbed(start, dict.fromkeys(names, relative[-1]), random))
        add("perturbation, own", perturbed(start, dict(zip(names, relative[:-1], strict=True)), random))
        for layer in layers:
            part = parts[layer]
            add(f"only {layer}", {n: own[n] if n.startswith(part) else v for n, v in start.items()})
    return states, np.array(lengths).T


def measure_unit(unit: Unit, splits: FewShotSplits, folder: CheckpointFolder, context: Context) -> xr.Dataset:
    """Measure the function of a trained unit, and the nulls of its similarities.

    Args:
        unit: The unit.
        splits: Data.
        folder: Its checkpoints.
        context: Device.

    Returns:
        The dataset without provenance.
    """
    import torch
    import xarray as xr

    from ...data.fewshot import generator
    from ...training.metalearner import map_tasks

    config, seed, device = unit.config, unit.seed, context.device
    assert isinstance(config, MamlConfig)
    model, inner = build_model(config, seed).to(device), inner_loop(config)
    untrained, start = (
        {name: value.to(device) for name, value in folder.load(label(at)).items()}
        for at in (0, config.iterations)
    )
    probe, tasks, judged = draw_tasks(unit, splits, device)
    steps = max(config.analysis_steps, config.inner_steps)

    def work(model: nn.Module, some: Episodes) -> np.ndarray:
        with torch.no_grad():
            return intervene(model, start, untrained, some, inner, steps)

    accuracies = np.concatenate(map_tasks(work, model, judged, TOGETHER), axis=-1)
    images = probe.images.to(device)
    with torch.no_grad():
        states, lengths = null_states(model, start, tasks, inner, generator(seed, NOISE))
        before = by_layer(config.layers, *probe_grams(model, start, images))
        similarity = []
        for values in states.values():
            grams, means, features = zip(*(probe_grams(model, v, images) for v in values), strict=True)
            after = by_layer(config.layers, torch.stack(grams)[None], torch.stack(means)[None], features[0])
            similarity.append(inner_similarity(Adapted(before, after, np.empty(0)))[..., 0, :])
    kinds, parts = zip(*interventions(config.layers), strict=True)
    similarities = np.stack(similarity)
    return xr.Dataset(
        {
            "function_accuracy": (("intervention", "adapted"), accuracies.mean(-1).astype(np.float32)),
            "function_accuracy_sd": (
                ("intervention", "adapted"), accuracies.std(-1, ddof=1).astype(np.float32),
            ),
            # mean and spread over tasks
            "null_similarity": (("null", "measure", "layer"), similarities.mean(-1).astype(np.float32)),
            "null_similarity_sd": (
                ("null", "measure", "layer"), similarities.std(-1, ddof=1).astype(np.float32),
            ),
            "relative_update": ("weights", lengths.mean(-1).astype(np.float32)),
        },
        coords={
            "intervention_kind": ("intervention", list(kinds)),
            "intervention_part": ("intervention", list(parts)),
            "adapted": ["as trained", "longer"],
            "adapted_steps": ("adapted", np.array([config.inner_steps, steps], np.int16)),
            "null": list(states),
            "measure": list(MEASURES),
            "layer": list(config.layers),
            "weights": [*config.layers, "all"],
            **conditions(unit),
        },
    )  # fmt: skip
