"""Grams that a unit keeps, so that explorers and chapters can compute any similarity of its states later.

A Gram is symmetric and a unit keeps many, so the upper triangle is stored, in single precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..similarity.gram import Grams
from ..similarity.measures import measure

if TYPE_CHECKING:
    import xarray as xr


def fold(gram: np.ndarray) -> np.ndarray:
    """Symmetric (…, n, n) → upper triangle with diagonal, row by row (…, n(n+1)/2), float32."""
    rows, columns = np.triu_indices(gram.shape[-1])
    return gram[..., rows, columns].astype(np.float32)


def unfold(triangle: np.ndarray) -> np.ndarray:
    """Upper triangle with diagonal, row by row (…, n(n+1)/2) → symmetric float64 (…, n, n).

    Raises:
        ValueError: The last axis is not n(n+1)/2 long for any n.
    """
    length = triangle.shape[-1]
    n = int((np.sqrt(8 * length + 1) - 1) / 2)
    if n * (n + 1) // 2 != length:
        raise ValueError(f"{length} is not the length of an upper triangle with its diagonal: n(n+1)/2")
    rows, columns = np.triu_indices(n)
    full = np.zeros((*triangle.shape[:-1], n, n))
    full[..., rows, columns] = full[..., columns, rows] = triangle
    return full


def between(
    states: Sequence[Mapping[str, Grams]], others: Sequence[Mapping[str, Grams]], measures: Sequence[str]
) -> np.ndarray:
    """Similarity of all pairs of two sequences of states, layer by layer.

    Args:
        states: Layer → Gram of each state.
        others: The same of what they are compared with.
        measures: Ids of measures.

    Returns:
        (measure, layer, state, other).
    """
    values = []
    for layer in states[0]:
        a, b = (Grams.stack([state[layer] for state in group]) for group in (states, others))
        values.append([measure(name).pairwise(a, b) for name in measures])
    return np.moveaxis(np.array(values), 1, 0)


def kept_states(grams: Sequence[Grams], **labels: np.ndarray) -> xr.Dataset:
    """Grams of some states as a unit keeps them.

    Args:
        grams: One a state, each (n, n), of the same stimuli.
        labels: What tells states apart, one entry a state each: ``layer`` becomes the coordinate
            ``state_layer``.

    Returns:
        Along ``state``: ``gram`` (state, entry) and ``feature_mean`` (state, stimulus), float32; the labels;
        ``state_features``, the number of features.
    """
    import xarray as xr

    return xr.Dataset(
        {
            "gram": (("state", "entry"), np.array([fold(g.gram) for g in grams])),
            "feature_mean": (("state", "stimulus"), np.array([g.mean for g in grams], np.float32)),
        },
        coords={
            **{f"state_{name}": ("state", values) for name, values in labels.items()},
            "state_features": ("state", np.array([g.n_features for g in grams], np.int32)),
        },
    )
