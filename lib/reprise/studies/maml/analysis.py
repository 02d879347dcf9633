"""Study 1, third stage: from Grams to similarities, and the unit's dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine import grams as kept
from ...similarity.gram import Grams
from ...similarity.measures import measure
from .states import MATRIX_SIXTIETHS, MATRIX_TASKS, MEASURES, TRAJECTORY_SIXTIETHS, Adapted

if TYPE_CHECKING:
    import xarray as xr


def inner_similarity(adapted: Adapted, subset: np.ndarray | None = None) -> np.ndarray:
    """Similarity of the probe's representation before adaptation to that after it.

    Args:
        adapted: One checkpoint.
        subset: Indices of the stimuli to use; all if None.

    Returns:
        (measure, layer, kept step, task).
    """
    values = []
    for name in adapted.before:
        before, after = (grams[name].only(subset) for grams in (adapted.before, adapted.after))
        shape = after.gram.shape[:-2]
        values.append([measure(m).pairwise(before, after).reshape(shape) for m in MEASURES])
    return np.moveaxis(np.array(values), 1, 0)


def between(states: Sequence[Mapping[str, Grams]], others: Sequence[Mapping[str, Grams]]) -> np.ndarray:
    """Similarity of all pairs of two sequences of states, layer by layer: (measure, layer, state, other)."""
    values = []
    for name in states[0]:
        a, b = (Grams.stack([state[name] for state in group]) for group in (states, others))
        values.append([measure(m).pairwise(a, b) for m in MEASURES])
    return np.moveaxis(np.array(values), 1, 0)


def lag_similarity(pairs: np.ndarray, first: int) -> np.ndarray:
    """Mean similarity of checkpoints some sixtieths of meta-training apart.

    Args:
        pairs: Similarity of all pairs of the 61 equally spaced checkpoints, (…, 61, 61).
        first: Index of the first checkpoint that counts (the first tenth of training is left out).

    Returns:
        (…, 60 − first): entry k is the mean over pairs k + 1 sixtieths apart.
    """
    later = pairs[..., first:, first:]
    lags = range(1, later.shape[-1])
    return np.stack([np.diagonal(later, lag, -2, -1).mean(-1) for lag in lags], axis=-1)


def kept_states(sixtieths: Sequence[int], adapted: Sequence[Adapted], steps: Sequence[int]) -> xr.Dataset:
    """Choose the states whose Grams are kept for explorers and the second-order matrix.

    Args:
        sixtieths: Position of each entry of ``adapted`` in meta-training; −1 for one that is not kept.
        adapted: All checkpoints.
        steps: Kept inner steps, in the order of ``Adapted.after``.

    Returns:
        Dataset along ``state`` (see `studies.kept`), labelled by layer, sixtieth, inner step and task (−1
        before adaptation).
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
    return kept.kept_states(
        grams,
        layer=np.array(layer),
        sixtieth=np.array(sixtieth, np.int16),
        step=np.array(step, np.int16),
        task=np.array(task, np.int16),
    )
