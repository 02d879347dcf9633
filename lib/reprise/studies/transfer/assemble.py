"""Study 2, third stage: what was measured as the unit's dataset."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...engine.grams import fold, kept_states
from ...engine.study import Unit
from ...similarity.gram import Grams
from .config import TransferConfig
from .measure import Reference, View, of_stimuli
from .states import COUNTS, KEPT_EPOCHS, MEASURES, REFERENCES
from .subsets import Subsets
from .train import epochs_and_steps

_OUTCOMES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "true_test_accuracy")


@dataclass(frozen=True)
class Measured:
    """What looking at a unit's states gave.

    Attributes:
        names: Name of the reference of each compared state; a name may stand several times.
        reference: The compared states.
        similarity: (compared state, measure, layer, epoch).
        outcomes: Loss and accuracy on training images, then on test images, then accuracy by true labels:
            (epoch, 5).
        last: Layer → Gram of the probe at the end.
        common: Epoch → layer → Gram of the common stimuli.
        predicted: Classes predicted for the common stimuli, at the start and at the end, (2, stimuli).
    """

    names: Sequence[str]
    reference: Reference
    similarity: np.ndarray
    outcomes: np.ndarray
    last: Mapping[str, Grams]
    common: Mapping[int, Mapping[str, Grams]]
    predicted: np.ndarray


def assemble(
    unit: Unit[TransferConfig], subsets: Subsets, view: View, measured: Measured, history: dict
) -> xr.Dataset:
    """Put everything that was measured into one dataset.

    Args:
        unit: The unit.
        subsets: Its images.
        view: How it was looked at.
        measured: What was seen.
        history: What training returned.

    Returns:
        The dataset without provenance. References that a unit does not have are NaN.
    """
    config = unit.config
    epochs, layers = config.probe_epochs, list(view.layers)
    stimuli = len(subsets.probe)
    halves = [_at(measured, np.arange(part, stimuli, 2)) for part in (0, 1)]
    counts = [count for count in COUNTS if count <= stimuli]
    # Nested subsets: the first stimuli of the probe, which stand in the random order of the test split.
    by_count = [_at(measured, np.arange(count)) for count in counts]
    moments = (epochs[0], epochs[-1])
    per_layer = ("reference", "measure", "layer")
    dataset = unit.dataset(
        {
            "similarity": ((*per_layer, "epoch"), _by_reference(measured.names, measured.similarity)),
            # of the last state, on every other stimulus of the probe, and on the first few of them
            "half_similarity": (("half", *per_layer), np.stack(halves)),
            "count_similarity": (("stimuli", *per_layer), np.stack(by_count)),
            "epoch_loss": ("epoch", _since_last(history["loss"], epochs)),
            **{name: ("epoch", measured.outcomes[:, i]) for i, name in enumerate(_OUTCOMES)},
            "prediction": (("moment", "stimulus"), measured.predicted),
        },
        {
            "reference": list(REFERENCES),
            "measure": list(MEASURES),
            "layer": layers,
            "epoch": np.array(epochs, np.int32),
            "step": ("epoch", np.array(epochs, np.int64) * epochs_and_steps(config)[1]),
            "stimuli": np.array(counts, np.int32),
            "moment": ["start", "end"],
            "features": (
                "layer",
                np.array([int(measured.last[name].n_features) for name in layers], np.int32),
            ),
            "stimulus_class": ("stimulus", subsets.common_class.astype(np.int16)),
            "stimulus_index": ("stimulus", subsets.common_index.astype(np.int32)),
            "stimulus_dataset": subsets.probed,
            "stimulus_split": "test",
        },
    )
    dataset["tested"] = len(subsets.test)  # images that test accuracy is a share of
    dataset["probe_index"] = ("probed", subsets.probe_index.astype(np.int32))
    if config.explorer_seeds:
        dataset = dataset.assign(_common_grams(measured, layers, moments))
    if unit.seed in config.explorer_seeds:
        dataset = dataset.merge(_explorer_states(measured.common, layers, epochs))
    return dataset


def _common_grams(
    measured: Measured, layers: Sequence[str], moments: Sequence[int]
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Grams and means of the stimuli that all seeds share, at the start and the end."""
    grams = [[fold(measured.common[epoch][name].gram) for name in layers] for epoch in moments]
    means = [[measured.common[epoch][name].mean for name in layers] for epoch in moments]
    return {
        "common_gram": (("moment", "layer", "entry"), np.stack(grams)),
        "common_mean": (("moment", "layer", "stimulus"), np.stack(means).astype(np.float32)),
    }


def _at(measured: Measured, stimuli: np.ndarray) -> np.ndarray:
    """Similarity of the last state to the references on some stimuli: (reference, measure, layer)."""
    values = measured.reference.of(stimuli).similarity(of_stimuli(measured.last, stimuli))
    return _by_reference(measured.names, values)


def _by_reference(names: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Mean over the states of each reference, in the order of REFERENCES; NaN where there is none."""
    missing = np.full(values.shape[1:], np.nan)
    groups = [[i for i, name in enumerate(names) if name == wanted] for wanted in REFERENCES]
    return np.stack([values[group].mean(0) if group else missing for group in groups])


def _since_last(losses: Sequence[float], epochs: Sequence[int]) -> np.ndarray:
    """Mean of a per-epoch quantity since the probe before; NaN at the first."""
    return np.array([np.nan, *(np.mean(losses[a:b]) for a, b in itertools.pairwise(epochs))])


def _explorer_states(
    common: Mapping[int, Mapping[str, Grams]], layers: Sequence[str], epochs: Sequence[int]
) -> xr.Dataset:
    """Grams of the common stimuli at some epochs, along ``state``."""
    chosen = sorted({*(epoch for epoch in KEPT_EPOCHS if epoch in epochs), epochs[-1]})
    rows = [(name, epoch) for epoch in chosen for name in layers]
    return kept_states(
        [common[epoch][name] for name, epoch in rows],
        layer=np.array([name for name, _ in rows]),
        epoch=np.array([epoch for _, epoch in rows], np.int32),
    )
