"""The supervised control: one unit from settings to dataset."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from tqdm.auto import tqdm

from ...data import dataset_entry
from ...data.fewshot import generator
from ...data.images import ImageSplits, load_characters
from ...engine.grams import between
from ...engine.study import Context, Unit
from ...places import UserError
from ..maml.measure import by_layer, probe_grams
from ..maml.states import LAYERS
from . import nulls
from .assemble import NULLS, Course, State, assemble
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
    with_labels,
)


def compute(unit: Unit[ControlConfig], context: Context) -> xr.Dataset:
    """Train and measure one seed of one condition.

    Args:
        unit: What to compute; its config is a :class:`ControlConfig`.
        context: Data root, device, progress. No weights are kept: training takes seconds.

    Returns:
        The unit's dataset. Similarities are stored as measured, larger = more similar.

    Raises:
        UserError: There are too few test images for the probe.
    """
    config = unit.config
    splits = load_characters(config.dataset, context.data, config.drawings)
    started = time.perf_counter()
    dataset = measure_unit(unit, choose_classes(splits, config, unit.seed), context)
    seconds = {"training and measuring": time.perf_counter() - started}
    fingerprint = dataset_entry(config.dataset).fingerprint
    return unit.finished(dataset, context.device, seconds, fingerprint)


def measure_unit(unit: Unit[ControlConfig], splits: ImageSplits, context: Context) -> xr.Dataset:
    """Train one seed and measure it.

    Args:
        unit: The unit.
        splits: Images of its classes.
        context: Device and progress.

    Returns:
        The dataset without provenance.
    """
    config, seed, device = unit.config, unit.seed, context.device
    if len(splits.test) < config.probe_images:
        raise UserError(f"probe_images={config.probe_images}: there are {len(splits.test)} images to test on")
    probe = draw(splits.test, config.probe_images, seed, PROBE)
    images = as_input(probe.images).to(device)
    model = build_model(config, seed).to(device)
    before = _copy(model)
    course = _train(unit, model, with_labels(splits, config, seed), images, context)
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
        matched = _match(unit, model, before, whole, course, images) if config.nulls == "matched" else None
        single = [look(model, nulls.alone(before, after, layer), images) for layer in LAYERS]
        fresh = look(model, _copy(build_model(config, seed, FRESH).to(device)), images)
    return assemble(unit, probe, splits.tested, course, moved, single, fresh, matched)


def _match(
    unit: Unit[ControlConfig],
    model: nn.Module,
    before: Mapping[str, Tensor],
    whole: float,
    course: Course,
    images: Tensor,
) -> xr.Dataset:
    """Perturbations of equal relative norm once more, each scaled until it changes as much as training did.

    Args:
        unit: The unit.
        model: The network; only its structure is used.
        before: Its initial parameters.
        whole: Relative length of training's update of the whole network.
        course: What was seen during training.
        images: The probe.

    Returns:
        ``matched_similarity`` (matched_measure, draw, layer): similarity of the initial state to the
        perturbed one, by the measure whose mean change over layers was matched. ``matched_scale``
        (matched_measure, draw): relative length of the move. NaN where no scale matches.
    """
    config, seed, start = unit.config, unit.seed, course.states[0]
    shape = len(nulls.MATCHED), config.draws
    similarity, scales = np.full((*shape, len(LAYERS)), np.nan), np.full(shape, np.nan)

    def by_layers(state: State, measure: str) -> np.ndarray:
        return between([start], [state], (measure,))[0, :, 0, 0]

    for m, measure in enumerate(nulls.MATCHED):
        target, guess = float(np.mean(1 - by_layers(course.states[-1], measure))), whole
        for i in range(config.draws):

            def seen(scale: float, measure=measure, i=i) -> np.ndarray:
                random = generator(seed, NOISE, NULLS.index("equal norm"), i)
                moved = nulls.perturbed(before, dict.fromkeys(LAYERS, scale), random)
                return by_layers(look(model, moved, images), measure)

            scales[m, i] = nulls.matching_scale(
                lambda scale, seen=seen: float(np.mean(1 - seen(scale))), target, guess
            )
            if np.isfinite(scales[m, i]):
                similarity[m, i], guess = seen(scales[m, i]), scales[m, i]
    per_draw = ("matched_measure", "draw")
    return xr.Dataset(
        {"matched_similarity": ((*per_draw, "layer"), similarity), "matched_scale": (per_draw, scales)},
        {"matched_measure": list(nulls.MATCHED)},
    )


def _train(
    unit: Unit[ControlConfig], model: nn.Module, splits: ImageSplits, images: Tensor, context: Context
) -> Course:
    """Train the model in place and look at it on the way."""
    config, device = unit.config, context.device
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
    return by_layer(LAYERS, *probe_grams(model, parameters, images))


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
