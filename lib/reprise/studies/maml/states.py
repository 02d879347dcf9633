"""Study 1: the states that it looks at, by name, and the Grams that a unit keeps of some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.grams import between_states, unfold
from ...engine.grams import kept_states as kept_along_state
from ...similarity.gram import Grams

if TYPE_CHECKING:
    import xarray as xr

LAYERS = ("block1", "block2", "block3", "block4", "logits")
"""Layers of the paper's network, in order of depth; all but the last are convolutional blocks."""


def layer_names(blocks: int) -> tuple[str, ...]:
    """Layers of a network of so many blocks, in order of depth."""
    return (*(f"block{i + 1}" for i in range(blocks)), "logits")


MEASURES = ("rsa-correlation", "rsa-euclidean", "rsa-cosine", "cka-linear", "cka-linear-debiased", "cka-rbf")
"""Measures kept in a unit: the paper's five, and CKA without its bias."""

MATRIX_SIXTIETHS = (0, 15, 30, 45, 60)
"""Checkpoints of the second-order matrix, in sixtieths of meta-training."""

TRAJECTORY_SIXTIETHS = tuple(range(4, 60, 4))
"""Further checkpoints whose meta-initialisation is kept for the explorers."""

MATRIX_TASKS = 4
"""Tasks of the second-order matrix."""

FIRST_COUNTED = 6
"""Sixtieths of meta-training that claims about its course leave out: the first tenth."""


@dataclass(frozen=True)
class Adapted:
    """One checkpoint, before and after adaptation to each of some tasks.

    Attributes:
        before: Layer → Gram of the probe before adaptation, (n, n) and (n,).
        after: Layer → Grams after the kept inner steps, (kept steps, tasks, n, n).
        accuracy: Query accuracy of each task before adaptation and after the kept inner steps,
            (1 + kept steps, tasks), in [0, 1].
    """

    before: Mapping[str, Grams]
    after: Mapping[str, Grams]
    accuracy: np.ndarray


def kept_similarities(unit: xr.Dataset, measures: Sequence[str]) -> dict[str, xr.DataArray]:
    """What of a unit's similarities follows from the Grams that it keeps, under any measures that do.

    Args:
        unit: A unit with its Grams.
        measures: Ids of measures.

    Returns:
        ``start_similarity`` (measure, layer, checkpoint) and ``inner_similarity`` (measure, layer,
        checkpoint, inner_step), the mean over the kept tasks, at the kept checkpoints.
    """
    import xarray as xr

    pairs = between_states(unit, measures)
    spacing = int(unit["checkpoint"][-1]) // 60
    sixtieth, step = pairs["sixtieth"].values, pairs["step"].values
    before = np.flatnonzero(step == 0)
    start = int(before[sixtieth[before] == 0][0])
    since = pairs.isel(other=start, state=before).rename(state="checkpoint")
    inner = []
    for checkpoint in before:
        own = pairs.isel(other=checkpoint).isel(state=np.flatnonzero(sixtieth == sixtieth[checkpoint]))
        inner.append(own.groupby("step").mean("state").rename(step="inner_step"))
    at = {"checkpoint": sixtieth[before].astype(int) * spacing}
    joined = xr.concat(inner, "checkpoint", join="outer").assign_coords(at)
    return {
        "start_similarity": since.reset_coords(drop=True).assign_coords(at),
        "inner_similarity": joined.sel(inner_step=joined["inner_step"] > 0),
    }


def state_grams(unit: xr.Dataset, layer: str) -> tuple[Grams, xr.Dataset]:
    """Grams that a unit keeps of one layer.

    Args:
        unit: A unit's dataset with the dimension ``state``.
        layer: Name of a layer.

    Returns:
        The Grams, stacked along states (m, n, n), and the unit restricted to these states.

    Raises:
        ValueError: The unit keeps no Grams, or not of that layer.
    """
    if "gram" not in unit:
        raise ValueError("this unit keeps no Grams; see the config's explorer_seeds")
    chosen = unit.isel(state=np.flatnonzero(unit["state_layer"].values == layer))
    if not chosen.sizes["state"]:
        there = ", ".join(dict.fromkeys(unit["state_layer"].values.tolist()))
        raise ValueError(f"no layer {layer!r}; there are: {there}")
    means = chosen["feature_mean"].values.astype(np.float64)
    return Grams(unfold(chosen["gram"].values), means, int(chosen["state_features"][0])), chosen


def kept_states(sixtieths: Sequence[int], adapted: Sequence[Adapted], steps: Sequence[int]) -> xr.Dataset:
    """Choose the states whose Grams are kept for explorers and the second-order matrix.

    Args:
        sixtieths: Position of each entry of ``adapted`` in meta-training; −1 for one that is not kept.
        adapted: All checkpoints.
        steps: Kept inner steps, in the order of ``Adapted.after``.

    Returns:
        Dataset along ``state`` (see :mod:`reprise.engine.grams`), labelled by layer, sixtieth, inner step and
        task (−1 before adaptation).
    """
    rows: list[tuple[str, int, int, int]] = []
    grams: list[Grams] = []
    for position, checkpoint in zip(sixtieths, adapted, strict=True):
        if position not in (*MATRIX_SIXTIETHS, *TRAJECTORY_SIXTIETHS):
            continue
        for name in checkpoint.before:
            rows.append((name, position, 0, -1))
            grams.append(checkpoint.before[name])
            if position not in MATRIX_SIXTIETHS:
                continue
            after = checkpoint.after[name]
            for task in range(min(MATRIX_TASKS, after.gram.shape[1])):
                for i, step in enumerate(steps):
                    rows.append((name, position, step, task))
                    grams.append(Grams(after.gram[i, task], after.mean[i, task], after.n_features))
    layer, sixtieth, step, task = zip(*rows, strict=True)
    return kept_along_state(
        grams,
        layer=np.array(layer),
        sixtieth=np.array(sixtieth, np.int16),
        step=np.array(step, np.int16),
        task=np.array(task, np.int16),
    )
