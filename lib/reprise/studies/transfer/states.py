"""Study 2: what is compared with what, by name, and the Grams that a unit keeps of some states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...engine.grams import between_states, unfold
from ...similarity.gram import Grams
from ...similarity.measures import measure as look_up

if TYPE_CHECKING:
    import xarray as xr

MEASURES = ("cka-linear", "cka-linear-debiased", "rsa-correlation", "rsa-euclidean", "rsa-cosine", "cka-rbf")
"""Measures kept in a unit; the first is the paper's."""

REFERENCES = ("start", "pretrained", "pre-initialised", "fresh", "trained fresh")
"""What a state is compared with, layer by layer.

- start: the unit's own state before its first step;
- pretrained: the pre-trained network (in fine-tuning);
- pre-initialised: what that was before pre-training (own), or what the released code calls so (fresh);
- fresh: random networks that were never trained, mean over several: the null level;
- trained fresh: a fresh network after fine-tuning on the same labels: as similar as two trainings are.
"""

REFERENCE_WORDS = {
    "start": "the state before the first step",
    "pretrained": "the pre-trained network",
    "pre-initialised": "the pre-initialised network",
    "fresh": "fresh random networks",
    "trained fresh": "a fresh network trained on the same labels",
}
"""References as captions and menus call them."""

COUNTS = (10, 20, 50, 100, 200, 500)
"""Numbers of probe stimuli at which the last state is compared too: how measures depend on them."""

FROZEN = {
    "all": "all",
    "after-1": "all but 1 block",
    "after-2": "all but 2 blocks",
    "after-3": "all but 3 blocks",
    "head": "head",
    "first-2": "first 2 blocks",
}
"""What may move, in the sweep over frozen blocks, and what axes and tables call it."""

KEPT_EPOCHS = (0, 1, 5, 25, 75)
"""Epochs whose Grams are kept for the explorers, beside the last."""


def kept_grams(run: xr.Dataset, layer: str, moment: str = "end") -> list[Grams]:
    """Grams of the stimuli that all seeds share, one a unit, of which similarity between seeds follows.

    Args:
        run: Units along ``seed``.
        layer: Name of a layer.
        moment: ``"start"`` or ``"end"``.

    Raises:
        ValueError: No such layer or moment, or these units keep no Grams.
    """
    if "common_gram" not in run:
        raise ValueError("these units keep no Grams; see the config's explorer_seeds")
    for name, value in (("layer", layer), ("moment", moment)):
        if value not in run[name]:
            raise ValueError(f"no {name} {value!r}; there are: {', '.join(map(str, run[name].values))}")
    chosen = run.sel(layer=layer, moment=moment)
    features = int(chosen["features"].values.flat[0])
    triangles = chosen["common_gram"].transpose("seed", "entry").values
    means = chosen["common_mean"].transpose("seed", "stimulus").values
    return [Grams(unfold(g), m.astype(np.float64), features) for g, m in zip(triangles, means, strict=True)]


def kept_similarities(unit: xr.Dataset, measures: Sequence[str]) -> dict[str, xr.DataArray]:
    """What of a unit's similarities follows from the Grams that it keeps, under any measures that do.

    Args:
        unit: A unit with its Grams.
        measures: Ids of measures.

    Returns:
        ``similarity`` (measure, reference, layer, epoch) to the start, at the kept epochs, on the stimuli
        that all seeds share.
    """
    pairs = between_states(unit, measures)
    since = pairs.isel(other=int(np.flatnonzero(pairs["epoch"] == 0)[0])).swap_dims(state="epoch")
    return {"similarity": since.expand_dims(reference=["start"])}


def between_seeds(run: xr.Dataset, measure: str) -> xr.DataArray:
    """How similar the trained network of each seed is to those of the other seeds, on the stimuli they share.

    Args:
        run: Units along ``seed``.
        measure: Id of a measure.

    Returns:
        Mean over the other seeds, (seed, layer); NaN for a single seed.

    Raises:
        ValueError: These units keep no Grams.
    """
    import xarray as xr

    count = run.sizes["seed"]
    values = np.full((count, run.sizes["layer"]), np.nan)
    for i, layer in enumerate(run["layer"].values if count > 1 else ()):
        pairs = look_up(measure).pairwise(Grams.stack(kept_grams(run, str(layer))))
        values[:, i] = np.where(np.eye(count, dtype=bool), 0.0, pairs).sum(1) / (count - 1)
    return xr.DataArray(values, dims=("seed", "layer"), coords={"layer": run["layer"].values})
