"""The supervised control: from what was seen of a network to the unit's dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ...data.images import ImageSet
from ...engine.grams import between, kept_states
from ...engine.study import Unit
from ...similarity.gram import Grams
from ..maml.states import LAYERS, MEASURES
from .config import ControlConfig

State = Mapping[str, Grams]
"""Grams of the probe, layer by layer."""

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


def assemble(
    unit: Unit[ControlConfig],
    probe: ImageSet,
    split: str,
    course: Course,
    moved: list[State],
    single: list[State],
    fresh: State,
    matched: xr.Dataset | None = None,
) -> xr.Dataset:
    """Put everything that was measured into one dataset.

    Args:
        unit: The unit.
        probe: The probe's images.
        split: Split of the data set that they are from.
        course: What was seen during training.
        moved: The initial network randomly perturbed, kind by kind and draw by draw.
        single: The initial network with the trained parameters of one layer, in order of depth.
        fresh: A network with other initial values.
        matched: What was measured of perturbations that change as much as training; None if nothing was.

    Returns:
        The dataset without provenance.
    """
    config = unit.config
    start = course.states[0]
    shape = len(MEASURES), len(LAYERS), len(NULLS), config.draws
    half = len(probe) // 2
    halves = [slice(half), slice(len(probe) - half, len(probe))]
    per_look = ("measure", "layer", "step")
    dataset = unit.dataset(
        {
            "start_similarity": (per_look, between(course.states, [start], MEASURES)[..., 0]),
            "fresh_similarity": (per_look, between(course.states, [fresh], MEASURES)[..., 0]),
            # of the initial state to the trained one, by either half of the probe alone
            "half_similarity": (
                ("half", "measure", "layer"),
                np.stack([_by_part(start, course.states[-1], part) for part in halves]),
            ),
            # of the initial state to randomly perturbed ones
            "null_similarity": (
                ("measure", "layer", "null", "draw"),
                between([start], moved, MEASURES)[..., 0, :].reshape(shape),
            ),
            # of the initial state to that with one layer's trained parameters
            "alone_similarity": (
                ("measure", "layer", "moved"),
                between([start], single, MEASURES)[..., 0, :],
            ),
            "update_norm": (("step", "layer"), np.array(course.norms)),
            "network_update_norm": ("step", np.array(course.network)),
            "training_loss": ("step", np.array(course.losses)),
            "accuracy": ("step", np.array(course.accuracies)),
        },
        {
            "measure": list(MEASURES),
            "layer": list(LAYERS),
            "step": np.array(config.probed, np.int32),
            "null": list(NULLS),
            "moved": list(LAYERS),
            "stimulus_class": ("stimulus", probe.labels.numpy().astype(np.int16)),
            "stimulus_index": ("stimulus", probe.index.numpy().astype(np.int32)),
            "stimulus_split": split,
            "stimulus_name": ("stimulus", np.array([probe.classes[i] for i in probe.labels])),
        },
    )
    if matched is not None:
        dataset = dataset.merge(matched)
    if unit.seed in config.explorer_seeds:
        dataset = dataset.merge(_kept_states(config, course.states))
    return dataset


def _by_part(first: State, second: State, part: slice) -> np.ndarray:
    """Similarity of two states by some of the stimuli, (measure, layer)."""
    first, second = ({name: grams.only(part) for name, grams in state.items()} for state in (first, second))
    return between([first], [second], MEASURES)[..., 0, 0]


def _kept_states(config: ControlConfig, states: Sequence[State]) -> xr.Dataset:
    """Grams of a few looks along ``state``, labelled as in study 1 (see ``studies.maml.states``)."""
    rows = [
        (layer, step, states[config.probed.index(step)][layer]) for step in config.kept for layer in LAYERS
    ]
    return kept_states(
        [grams for *_, grams in rows],
        layer=np.array([layer for layer, *_ in rows]),
        step=np.array([step for _, step, _ in rows], np.int32),
    )
