"""Study 1: one unit from settings to dataset."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from tqdm.auto import tqdm

from ...data import dataset_entry, load_few_shot
from ...data.fewshot import EpisodeSampler, FewShotSplits, Probe, generator
from ...data.mini_imagenet import pixel_digest
from ...engine.grams import between
from ...engine.study import Context, Unit
from ...similarity.gram import Grams
from ...training.checkpoints import CheckpointFolder
from . import function, measure
from .config import MamlConfig
from .measure import draw_tasks
from .states import FIRST_COUNTED, MEASURES, Adapted, kept_states
from .train import FRESH, VALIDATION, build_model, label, train


def compute(unit: Unit[MamlConfig], context: Context) -> xr.Dataset:
    """Train and measure one seed of one condition.

    Args:
        unit: What to compute; its config is a :class:`MamlConfig`.
        context: Data root, weights, device, progress.

    Returns:
        The unit's dataset. Similarities are stored as measured, larger = more similar.
    """
    config = unit.config
    splits = load_few_shot(config.dataset, context.data)
    folder = CheckpointFolder(context.weights / unit.weights_id)
    with folder.locked():
        history = train(unit, splits, folder, context)
        started = time.perf_counter()
        if config.analysis == "similarity":
            dataset = measure_unit(unit, splits, folder, history, context)
        elif config.analysis == "function":
            dataset = function.measure_unit(unit, splits, folder, context)
        else:
            dataset = function.measure_within_alphabet(unit, splits, folder, context)
        seconds = {"training": history["seconds"], "measuring": time.perf_counter() - started}
    fingerprint = dataset_entry(config.dataset).fingerprint
    # A set known by its lists alone: they say which classes, not which pixels.
    pixels = {"pixels": pixel_digest(splits)} if config.dataset == "mini-imagenet" else {}
    more = {"weights": unit.weights_id, "meta_gradient": history["path"], **pixels}
    return unit.finished(dataset, context.device, seconds, fingerprint, **more)


def measure_unit(
    unit: Unit[MamlConfig], splits: FewShotSplits, folder: CheckpointFolder, history: dict, context: Context
) -> xr.Dataset:
    """Measure a trained unit from its checkpoints alone.

    Args:
        unit: The unit.
        splits: Data.
        folder: Its checkpoints, all of them.
        history: What :func:`train` returned.
        context: Device and progress.

    Returns:
        The dataset without provenance.
    """
    config, seed, device = unit.config, unit.seed, context.device
    shape = config.ways, config.shots, config.analysis_queries, device
    probe, tasks, judged = draw_tasks(unit, splits, device)
    # A validation split of fewer classes than ways has nothing to say.
    validation = (
        EpisodeSampler(splits.validation, *shape).sample(config.analysis_tasks, generator(seed, VALIDATION))
        if config.ways <= len(splits.validation)
        else None
    )
    model, images = build_model(config, seed).to(device), probe.images.to(device)
    adapted: list[Adapted] = []
    validated, evaluated = [], {}
    bar = tqdm(
        config.checkpoints, desc=f"measuring, seed {seed}", unit="checkpoint", disable=not context.progress
    )
    for iteration in bar:
        parameters = {name: value.to(device) for name, value in folder.load(label(iteration)).items()}
        adapted.append(measure.adapt_and_probe(model, parameters, tasks, images, config, context.chunk))
        if validation is not None:
            validated.append(measure.evaluate(model, parameters, validation, config).mean())
        if iteration in (0, config.iterations):
            evaluated[iteration] = measure.evaluate(model, parameters, judged, config)
    fresh = build_model(config, seed, FRESH).to(device)
    fresh_state = _fresh_state(config.layers, fresh, images)
    if validation is None:
        validated = [np.nan] * len(adapted)
    evaluation = np.stack([evaluated[0], evaluated[config.iterations]])
    return _assemble(unit, probe, adapted, fresh_state, np.array(validated), evaluation, history)


def _fresh_state(layers: Sequence[str], model: nn.Module, images: Tensor) -> dict[str, Grams]:
    with torch.no_grad():
        return measure.by_layer(layers, *measure.probe_grams(model, dict(model.named_parameters()), images))


def _assemble(
    unit: Unit[MamlConfig],
    probe: Probe,
    adapted: list[Adapted],
    fresh: dict,
    validated: np.ndarray,
    evaluation: np.ndarray,
    history: dict,
) -> xr.Dataset:
    """Put everything that was measured into one dataset."""
    config = unit.config
    checkpoints, spacing = config.checkpoints, config.spacing
    sixtieths = [i // spacing if i % spacing == 0 else -1 for i in checkpoints]
    equal = [i for i, position in enumerate(sixtieths) if position >= 0]
    initial = [checkpoint.before for checkpoint in adapted]
    inner = np.stack([measure.inner_similarity(checkpoint) for checkpoint in adapted], axis=2)
    halves = [measure.inner_similarity(adapted[-1], half) for half in _halves(config)]
    pairs = between(initial, initial, MEASURES)
    spaced = pairs[..., equal, :][..., equal]
    neighbour = np.full(pairs.shape[:3], np.nan)
    neighbour[..., equal[1:]] = np.diagonal(spaced, 1, -2, -1)

    per_checkpoint = ("measure", "layer", "checkpoint")
    dataset = unit.dataset(
        {
            # mean and spread over tasks, for each kept inner step
            "inner_similarity": ((*per_checkpoint, "inner_step"), inner.mean(-1)),
            "inner_similarity_sd": ((*per_checkpoint, "inner_step"), inner.std(-1, ddof=1)),
            "half_similarity": (("half", "measure", "layer", "inner_step"), np.stack(halves).mean(-1)),
            "neighbour_similarity": (per_checkpoint, neighbour),
            "start_similarity": (per_checkpoint, pairs[..., 0]),
            "fresh_similarity": (per_checkpoint, between(initial, [fresh], MEASURES)[..., 0]),
            "lag_similarity": (("measure", "layer", "lag"), measure.lag_similarity(spaced, FIRST_COUNTED)),
            # of each analysis task, before adaptation and after the kept inner steps
            "accuracy": (
                ("checkpoint", "accuracy_step", "analysed"),
                np.stack([a.accuracy for a in adapted]),
            ),
            "validation_accuracy": ("checkpoint", validated),
            "evaluation_accuracy": (("moment", "task"), evaluation),
            "training_loss": ("checkpoint", _between_checkpoints(history["loss"], checkpoints)),
            "training_accuracy": ("checkpoint", _between_checkpoints(history["accuracy"], checkpoints)),
        },
        {
            "measure": list(MEASURES),
            "layer": list(config.layers),
            "checkpoint": np.array(checkpoints, np.int32),
            "inner_step": np.array(config.kept_steps, np.int16),
            "accuracy_step": np.array([0, *config.kept_steps], np.int16),
            "lag": np.arange(1, 61 - FIRST_COUNTED, dtype=np.int16),
            "moment": ["untrained", "trained"],
            "stimulus_class": ("stimulus", probe.classes.astype(np.int16)),
            "stimulus_drawing": ("stimulus", probe.drawings.astype(np.int16)),
            "stimulus_split": "test",
            "stimulus_name": ("stimulus", np.array(probe.names)),
        },
    )
    if unit.seed in config.explorer_seeds:
        dataset = dataset.merge(kept_states(sixtieths, adapted, config.kept_steps))
    return dataset


def _halves(config: MamlConfig) -> tuple[np.ndarray, np.ndarray]:
    """Two halves of the probe: half the images of every class (the middle one left out if odd)."""
    classes, drawings = config.stimuli_by_class
    index = np.arange(classes * drawings).reshape(classes, -1)
    if drawings < 2:  # no two images of any class: the classes themselves are halved
        return index[: classes // 2].ravel(), index[classes // 2 :].ravel()
    half = drawings // 2
    return index[:, :half].ravel(), index[:, -half:].ravel()


def _between_checkpoints(values: list[float], checkpoints: list[int]) -> np.ndarray:
    """Mean of a per-iteration quantity since the checkpoint before; NaN at the first."""
    means = [np.mean(values[a:b]) for a, b in itertools.pairwise(checkpoints)]
    return np.array([np.nan, *means])
