"""The supervised control: one unit from settings to dataset."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...places import UserError
from ...provenance import dumps, record
from ...similarity.gram import Grams
from ..base import Context, Unit
from ..maml.analysis import between
from ..maml.states import LAYERS, MEASURES
from . import nulls
from .config import ControlConfig
from .train import (
    FRESH,
    NOISE,
    PROBE,
    TESTED,
    accuracy,
    as_input,
    build_model,
    choose_classes,
    draw,
    train,
)

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor, nn

    from ...data.characters import Characters, CharacterSplits

State = Mapping[str, Grams]

NULLS = ("equal norm", "own norm")
"""Random perturbations: by the network's relative update norm in every layer, or by each layer's own."""


@dataclass
class Course:
    """What was seen at the looks of one training, in order.

    Attributes:
        states: Grams of the probe.
        losses: Mean training loss since the look before.
        accuracies: Accuracy on test images.
        norms: Relative update norm of each layer since the start, (5,).
        network: That of the whole network.
    """

    states: list[State] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    norms: list[list[float]] = field(default_factory=list)
    network: list[float] = field(default_factory=list)


def compute(unit: Unit, context: Context) -> xr.Dataset:
    """Train and measure one seed of one condition.

    Args:
        unit: What to compute; its config is a :class:`ControlConfig`.
        context: Data root, device, progress. No weights are kept: training takes seconds.

    Returns:
        The unit's dataset. Similarities are stored as measured, larger = more similar.

    Raises:
        UserError: There are too few test images for the probe.
    """
    from ...data import dataset_entry
    from ...data.characters import load_characters

    config = unit.config
    assert isinstance(config, ControlConfig)
    splits = load_characters(config.dataset, context.data, config.drawings)
    started = time.perf_counter()
    dataset = measure_unit(unit, choose_classes(splits, config, unit.seed), context)
    seconds = {"training and measuring": time.perf_counter() - started}
    fingerprint = dataset_entry(config.dataset).fingerprint
    return dataset.assign_attrs(
        config=config.model_dump_json(),
        provenance=dumps(record(context.device, seconds, fingerprint, unit=unit.id)),
    )


def measure_unit(unit: Unit, splits: CharacterSplits, context: Context) -> xr.Dataset:
    """Train one seed and measure it.

    Args:
        unit: The unit.
        splits: Images of its classes.
        context: Device and progress.

    Returns:
        The dataset without provenance.
    """
    import torch

    from ...data.fewshot import generator

    config, seed, device = unit.config, unit.seed, context.device
    assert isinstance(config, ControlConfig)
    if len(splits.test) < config.probe_images:
        raise UserError(f"probe_images={config.probe_images}: there are {len(splits.test)} images to test on")
    probe = draw(splits.test, config.probe_images, seed, PROBE)
    images = as_input(probe.images).to(device)
    model = build_model(config, seed).to(device)
    before = _copy(model)
    course = _train(unit, model, splits, images, context)
    after = _copy(model)

    own, whole = nulls.update_norms(before, after)
    equal: dict[str, float] = dict.fromkeys(LAYERS, whole)
    lengths = dict(zip(NULLS, (equal, own), strict=True))
    with torch.no_grad():
        moved = [
            look(model, nulls.perturbed(before, lengths[kind], generator(seed, NOISE, k, i)), images)
            for k, kind in enumerate(NULLS)
            for i in range(config.draws)
        ]
        single = [look(model, nulls.alone(before, after, layer), images) for layer in LAYERS]
        fresh = look(model, _copy(build_model(config, seed, FRESH).to(device)), images)
    return _assemble(unit, probe, course, moved, single, fresh)


def _train(unit: Unit, model: nn.Module, splits: CharacterSplits, images: Tensor, context: Context) -> Course:
    """Train the model in place and look at it on the way."""
    import torch
    from tqdm.auto import tqdm

    config, device = unit.config, context.device
    assert isinstance(config, ControlConfig)
    tested = draw(splits.test, config.test_images, unit.seed, TESTED)
    before, course = _copy(model), Course()
    looks = tqdm(
        train(model, splits.train, config, unit.seed, device),
        total=len(config.probed),
        desc=f"training, seed {unit.seed}",
        unit="look",
        disable=not context.progress,
    )
    for _, loss in looks:
        with torch.no_grad():
            now = _copy(model)
            course.states.append(look(model, now, images))
        norms, network = nulls.update_norms(before, now)
        course.norms.append(list(norms.values()))
        course.network.append(network)
        course.losses.append(loss)
        course.accuracies.append(accuracy(model, tested, config.batch, device))
    return course


def look(model: nn.Module, parameters: Mapping[str, Tensor], images: Tensor) -> State:
    """Grams of the probe in every layer, under given parameters."""
    from ..maml.measure import probe_grams

    grams, means, features = probe_grams(model, parameters, images)
    return {
        name: Grams(grams[i].cpu().numpy(), means[i].cpu().numpy(), features[i])
        for i, name in enumerate(LAYERS)
    }


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def _assemble(
    unit: Unit, probe: Characters, course: Course, moved: list[State], single: list[State], fresh: State
) -> xr.Dataset:
    """Put everything that was measured into one dataset."""
    import xarray as xr

    config = unit.config
    assert isinstance(config, ControlConfig)
    start = course.states[0]
    shape = len(MEASURES), len(LAYERS), len(NULLS), config.draws
    half = len(probe) // 2
    halves = [slice(half), slice(len(probe) - half, len(probe))]
    per_look = ("measure", "layer", "step")
    dataset = xr.Dataset(
        {
            "start_similarity": (per_look, between(course.states, [start])[..., 0]),
            "fresh_similarity": (per_look, between(course.states, [fresh])[..., 0]),
            # of the initial state to the trained one, by either half of the probe alone
            "half_similarity": (
                ("half", "measure", "layer"),
                np.stack([_by_part(start, course.states[-1], part) for part in halves]),
            ),
            # of the initial state to randomly perturbed ones
            "null_similarity": (
                ("measure", "layer", "null", "draw"),
                between([start], moved)[..., 0, :].reshape(shape),
            ),
            # of the initial state to that with one layer's trained parameters
            "alone_similarity": (("measure", "layer", "moved"), between([start], single)[..., 0, :]),
            "update_norm": (("step", "layer"), np.array(course.norms)),
            "network_update_norm": ("step", np.array(course.network)),
            "training_loss": ("step", np.array(course.losses)),
            "accuracy": ("step", np.array(course.accuracies)),
        },
        coords={
            "measure": list(MEASURES),
            "layer": list(LAYERS),
            "step": np.array(config.probed, np.int32),
            "null": list(NULLS),
            "moved": list(LAYERS),
            "stimulus_class": ("stimulus", probe.labels.astype(np.int16)),
            "stimulus_index": ("stimulus", probe.index.astype(np.int32)),
            "stimulus_split": probe.split,
            "stimulus_name": ("stimulus", np.array([probe.names[i] for i in probe.labels])),
            "seed": unit.seed,
            **{name: getattr(config, name) for name in type(config).model_fields if name != "explorer_seeds"},
        },
    )
    dataset = dataset.assign({name: values.astype(np.float32) for name, values in dataset.data_vars.items()})
    if unit.seed in config.explorer_seeds:
        dataset = dataset.merge(_kept_states(config, course.states))
    return dataset


def _by_part(first: State, second: State, part: slice) -> np.ndarray:
    """Similarity of two states by some of the stimuli, (measure, layer)."""

    def cut(state: State) -> State:
        return {name: Grams(g.gram[part, part], g.mean[part], g.n_features) for name, g in state.items()}

    return between([cut(first)], [cut(second)])[..., 0, 0]


def _kept_states(config: ControlConfig, states: Sequence[State]) -> xr.Dataset:
    """Grams of a few looks along ``state``, in the layout of study 1 (see ``studies.maml.states``)."""
    import xarray as xr

    rows = [
        (layer, step, states[config.probed.index(step)][layer]) for step in config.kept for layer in LAYERS
    ]
    upper = np.triu_indices(config.probe_images)
    return xr.Dataset(
        {
            "gram": (("state", "entry"), np.array([g.gram[upper] for *_, g in rows], np.float32)),
            "feature_mean": (("state", "stimulus"), np.array([g.mean for *_, g in rows], np.float32)),
        },
        coords={
            "state_layer": ("state", np.array([layer for layer, *_ in rows])),
            "state_step": ("state", np.array([step for _, step, _ in rows], np.int32)),
            "state_features": ("state", np.array([g.n_features for *_, g in rows], np.int32)),
        },
    )
