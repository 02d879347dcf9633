"""Study 2: one unit from settings to dataset."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import xarray as xr
from torch import Tensor
from tqdm.auto import tqdm

from ...data import dataset_entry
from ...engine.study import Context, Unit
from ...models.architectures import Architecture
from ...training.checkpoints import CheckpointFolder
from ...training.frozen import features
from . import networks
from .assemble import Measured, assemble
from .config import TransferConfig
from .measure import Reference, View, grams, outcome, predictions
from .subsets import Subsets, load_subsets
from .train import folder_of, label, train, trained_weights

KEEP_BELOW = 5e6
"""Bytes of a state below which all of them stay in the cache; of larger networks, the first and the last."""

MEASURED_TRAINING = 5000
"""Training images, from the first, on which loss and accuracy are measured."""


def compute(unit: Unit[TransferConfig], context: Context) -> xr.Dataset:
    """Train and measure one seed of one condition.

    Args:
        unit: What to compute; its config is a :class:`TransferConfig`.
        context: Data root, weights, device, progress.

    Returns:
        The unit's dataset. Similarities are stored as measured, larger = more similar.
    """
    config = unit.config
    subsets = load_subsets(config, unit.seed, context.data)
    view = _view(config, unit.seed)  # names of layers are checked before anything is trained
    folder = folder_of(unit, context)
    with folder.locked():
        history = train(unit, subsets, folder, context)
    started = time.perf_counter()
    references, parents = _references(unit, subsets, view, context)
    preparing = time.perf_counter() - started
    started = time.perf_counter()
    dataset = measure_unit(unit, subsets, view, references, folder, history, context)
    seconds = {
        "training": history["seconds"],
        "references": preparing,
        "measuring": time.perf_counter() - started,
    }
    _thin_out(folder, config)
    names = {config.dataset, config.target} - {"none"} if config.source == "trained" else {config.target}
    fingerprint = " ".join(dataset_entry(name).fingerprint for name in sorted(names))
    return unit.finished(
        dataset, context.device, seconds, fingerprint, weights=unit.weights_id, parents=parents
    )


def _view(config: TransferConfig, seed: int) -> View:
    layers = networks.build(config, seed, 0).chosen(config.layers)
    training_mode = config.batch if config.probe_statistics == "batch" else None
    return View(layers, training_mode, config.channels_cut)


def _references(
    unit: Unit[TransferConfig], subsets: Subsets, view: View, context: Context
) -> tuple[dict[str, list[dict]], dict[str, str]]:
    """Grams of the probe in what a unit is compared with, by name; and the ids of its parents."""
    config, seed = unit.config, unit.seed
    parents: dict[str, str] = {}

    def look(architecture: Architecture, weights: dict[str, Tensor] | None = None) -> dict:
        if weights is not None:
            architecture.model.load_state_dict(weights)
        return grams(architecture.model.to(context.device), subsets.probe, view)

    def network(source: bool = False) -> Architecture:
        return networks.build(config, seed, 0, source=source)

    images = subsets.train.images
    fresh = [look(networks.fresh(config, seed, number, images)) for number in range(config.fresh_networks)]
    found = {"fresh": fresh}
    if not config.finetuning:
        return found, parents
    if config.source == "imagenet":
        found["pretrained"] = [look(networks.starting(config, seed, None, images))]
    else:
        parent = Unit(config.pretraining, seed)
        parents["pretrained"] = parent.id
        found["pretrained"] = [look(network(source=True), trained_weights(parent, context))]
        found["pre-initialised"] = [look(network(source=True), trained_weights(parent, context, first=True))]
    if config.preinitialised == "fresh":
        found["pre-initialised"] = fresh[:1]
    if config.start == "pretrained":
        twin = Unit(config.twin, seed)
        parents["trained fresh"] = twin.id
        found["trained fresh"] = [look(network(), trained_weights(twin, context))]
    return found, parents


def measure_unit(
    unit: Unit[TransferConfig],
    subsets: Subsets,
    view: View,
    references: dict[str, list[dict]],
    folder: CheckpointFolder,
    history: dict,
    context: Context,
) -> xr.Dataset:
    """Measure a trained unit from its states at the probe epochs.

    Args:
        unit: The unit.
        subsets: Its images.
        view: How to look.
        references: Name → Grams of the states to compare with; several are averaged over.
        folder: Its states, all of them.
        history: What :func:`train` returned.
        context: Device and progress.

    Returns:
        The dataset without provenance.
    """
    config = unit.config
    architecture = networks.build(config, unit.seed, 0)
    model = architecture.model.to(context.device)
    seen, tested, classifier = subsets.train[:MEASURED_TRAINING], subsets.test, model
    states, common, figures, predicted = {}, {}, [], {}
    epochs = config.probe_epochs
    bar = tqdm(epochs, desc=f"measuring, seed {unit.seed}", unit="state", disable=not context.progress)
    reference = None
    similarities = []
    for epoch in bar:
        model.load_state_dict(folder.load(label(epoch)))
        state = grams(model, subsets.probe, view)
        if reference is None:
            names = ["start", *(name for name, group in references.items() for _ in group)]
            reference = Reference([state, *(one for group in references.values() for one in group)])
            if view.training_mode is None and (parts := networks.parted(config, architecture)):
                # What never moves makes the same of the images in every state.
                front, classifier = parts
                seen, tested = (replace(one, images=features(front, one.images)) for one in (seen, tested))
        similarities.append(reference.similarity(state))
        figures.append((*outcome(classifier, seen, view), *outcome(classifier, tested, view, subsets.truth)))
        common[epoch] = grams(model, subsets.common, view)
        if epoch in (0, epochs[-1]):
            states[epoch] = state
            predicted[epoch] = predictions(model, subsets.common, view)
    assert reference is not None
    measured = Measured(
        names, reference, np.stack(similarities, -1), np.array(figures), states[epochs[-1]], common,
        np.stack([predicted[epoch] for epoch in (0, epochs[-1])]),
    )  # fmt: skip
    return assemble(unit, subsets, view, measured, history)


def _thin_out(folder: CheckpointFolder, config: TransferConfig) -> None:
    """Throw away large states that were only there to be measured; training again would bring them back."""
    first, *between, last = config.probe_epochs
    size = (folder.path / f"{label(first)}.safetensors").stat().st_size
    if between and size > KEEP_BELOW:
        folder.thin_out({label(first), label(last)})
