"""Study 1, the functional test: accuracy with layers frozen, reset and swapped, and what a null would change.

Similarity says whether a representation changed, not whether the change was needed: the query accuracy under
``interventions`` does. Beside it stand the levels that similarity must be held against: random perturbations
of the weights as large as adaptation's, and each layer's own update alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from ...data import load_within_alphabet
from ...data.fewshot import Episodes, FewShotSplits, generator
from ...engine.study import Context, Unit
from ...training.checkpoints import CheckpointFolder
from ...training.maml import InnerLoop
from ...training.metalearner import map_tasks
from .config import MamlConfig
from .interventions import Values, adapt, intervene, interventions, part_prefixes
from .measure import by_layer, draw_tasks, evaluate, inner_similarity, probe_grams
from .prototypes import measure_prototypes
from .states import MEASURES, Adapted
from .train import NOISE, build_model, inner_loop, label

TOGETHER = 20
"""Tasks that swap among themselves: fixed, unlike chunks for memory, as it decides who swaps with whom."""


def perturbed(start: Values, sizes: Mapping[str, Tensor], random: torch.Generator) -> dict[str, Tensor]:
    """Weights moved in random directions.

    Args:
        start: Parameters.
        sizes: Length of the move of some of them, relative to their own length; the rest stay.
        random: Source of chance, on the CPU.
    """
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
        relative, whole = list(moves / norms), moves.norm() / norms.norm()
        lengths.append(torch.stack([*relative, whole]).cpu().numpy())
        add("adaptation", own)
        names: list[str] = list(weights.values())
        add("perturbation, equal", perturbed(start, dict.fromkeys(names, whole), random))
        add("perturbation, own", perturbed(start, dict(zip(names, relative, strict=True)), random))
        for layer in layers:
            part = parts[layer]
            add(f"only {layer}", {n: own[n] if n.startswith(part) else v for n, v in start.items()})
    return states, np.array(lengths).T


def measure_unit(
    unit: Unit[MamlConfig], splits: FewShotSplits, folder: CheckpointFolder, context: Context
) -> xr.Dataset:
    """Measure the function of a trained unit, and the nulls of its similarities.

    Args:
        unit: The unit.
        splits: Data.
        folder: Its checkpoints.
        context: Device.

    Returns:
        The dataset without provenance.
    """
    config, seed, device = unit.config, unit.seed, context.device
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
    dataset = unit.dataset(
        {
            "function_accuracy": (("intervention", "adapted"), accuracies.mean(-1)),
            "function_accuracy_sd": (("intervention", "adapted"), accuracies.std(-1, ddof=1)),
            # mean and spread over tasks
            "null_similarity": (("null", "measure", "layer"), similarities.mean(-1)),
            "null_similarity_sd": (("null", "measure", "layer"), similarities.std(-1, ddof=1)),
            "relative_update": ("weights", lengths.mean(-1)),
        },
        {
            "intervention_kind": ("intervention", list(kinds)),
            "intervention_part": ("intervention", list(parts)),
            "adapted": ["as trained", "longer"],
            "adapted_steps": ("adapted", np.array([config.inner_steps, steps], np.int16)),
            "null": list(states),
            "measure": list(MEASURES),
            "layer": list(config.layers),
            "weights": [*config.layers, "all"],
        },
    )
    if config.prototypes:
        dataset = dataset.merge(measure_prototypes(model, start, judged, inner, TOGETHER))
    return dataset


def measure_within_alphabet(
    unit: Unit[MamlConfig], splits: FewShotSplits, folder: CheckpointFolder, context: Context
) -> xr.Dataset:
    """Accuracy on the twenty official runs, each 20-way 1-shot with characters of one alphabet.

    Args:
        unit: The unit.
        splits: Data that it was trained on; the runs' alphabets are not among them.
        folder: Its checkpoints.
        context: Data root and device.

    Returns:
        The dataset without provenance: accuracy of each run after the trained number of inner steps, before
        and after meta-training.
    """
    config, device = unit.config, context.device
    runs = load_within_alphabet(context.data, device=device)
    model = build_model(config, unit.seed).to(device)
    accuracies = []
    for iteration in (0, config.iterations):
        parameters = {name: value.to(device) for name, value in folder.load(label(iteration)).items()}
        accuracies.append(evaluate(model, parameters, runs, config))
    return unit.dataset(
        {"external_accuracy": (("moment", "run"), np.stack(accuracies))},
        {"moment": ["untrained", "trained"], "run": np.arange(len(accuracies[0]), dtype=np.int16)},
    )
