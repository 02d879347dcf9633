"""Study 3: the quantities that claims and comparisons are about, one value a unit (seed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.changes import changes_from
from ...engine.statistics import paired
from .rates import at_one_rate

if TYPE_CHECKING:
    import xarray as xr

PRIMARY = "rsa-correlation"
"""Measure of similarity that figures show unless another one is asked for."""

BASELINES = ("majority", "threshold", "otsu")
"""Without a network: the commonest class everywhere; one brightness threshold for all pictures, fitted in
training; and, as a reference, Otsu's threshold of each picture with the smaller side as foreground. The last
two are for two classes."""

TRIVIAL = ("majority", "threshold")
"""Those that claims hold runs against."""

LEVEL = 0.9
"""Share of the encoder-only condition's final quality whose reaching is timed (claim S3)."""

LEVELS = (0.8, 0.9, 0.95)
"""The same of version 2, whose endpoint is the mean over them: the sign at one level alone is chance."""


def gain(run: xr.Dataset, other: xr.Dataset, quality: str = "miou") -> np.ndarray:
    """Quality of a run minus that of another, seed by seed: (seeds,) float64.

    Args:
        run: Units along ``seed``.
        other: The run that it is held against.
        quality: ``"miou"``, ``"dice"`` or ``"boundary"``.
    """
    first, second = paired(run, other)
    return first[quality].values.astype(float) - second[quality].values.astype(float)


def trivial_level(run: xr.Dataset) -> xr.DataArray:
    """Mean IoU of the better of the trivial baselines, (units,)."""
    return run["baseline"].sel(baseline_name=list(TRIVIAL)).max("baseline_name")


def above_trivial(run: xr.Dataset) -> np.ndarray:
    """Mean IoU above the better of the trivial baselines, (units,)."""
    return (run["miou"] - trivial_level(run)).values.astype(float)


def steps_to(run: xr.Dataset, levels: np.ndarray) -> np.ndarray:
    """Steps of fine-tuning until a level of quality is first reached, between evaluations interpolated.

    Args:
        run: Units along ``seed``.
        levels: Mean IoU on the pictures of the learning curve, one a unit.

    Returns:
        (units,); infinite for a unit that never reaches it (censored at the end of fine-tuning).
    """
    steps = run["curve_step"].values.astype(float)
    found = []
    for curve, level in zip(run["curve_miou"].transpose("seed", "curve_step").values, levels, strict=True):
        reached = np.flatnonzero(curve >= level)
        if not reached.size:
            found.append(np.inf)
        elif reached[0] == 0:
            found.append(steps[0])
        else:
            k = reached[0]
            share = (level - curve[k - 1]) / (curve[k] - curve[k - 1])
            found.append(steps[k - 1] + share * (steps[k] - steps[k - 1]))
    return np.array(found)


def times_to_level(run: xr.Dataset, encoder: xr.Dataset) -> tuple[np.ndarray, np.ndarray, int]:
    """Claim S3: steps of both runs to 90 % of what the encoder-only run reaches in the end, seed by seed.

    Args:
        run: Units along ``seed``.
        encoder: The encoder-only run.

    Returns:
        Steps of the run and of the encoder-only run, (seeds,), a run that never gets there counted with all
        its steps; and how many these are. At least one step counts, as logarithms are taken.
    """
    first, second = paired(run, encoder)
    levels = LEVEL * second["curve_miou"].isel(curve_step=-1).values.astype(float)
    return timed(first, second, levels)


def log_steps(run: xr.Dataset, encoder: xr.Dataset) -> tuple[np.ndarray, int]:
    """Claim S3 of version 2: log (steps of a run ÷ steps of the encoder-only run), mean over :data:`LEVELS`.

    Levels are shares of what the encoder-only run reaches at the end of its curve, averaged over the points
    that are scored. Both run at that run's rate.

    Args:
        run: Units along ``seed``.
        encoder: The encoder-only run.

    Returns:
        (seeds,), below 0 where the run is faster; and how many levels, over all seeds, it never reaches: then
        all its steps are counted. At least one step counts.
    """
    first, second = at_one_rate(run, encoder)
    found = [timed(first, second, share * scored_end(second)) for share in LEVELS]
    gaps = [np.log(own / other) for own, other, _ in found]
    return np.mean(gaps, axis=0), sum(never for *_, never in found)


def scored_end(run: xr.Dataset) -> np.ndarray:
    """What a run reaches at the end of its learning curve, mean over the points that are scored: (seeds,)."""
    points = int(np.ravel(run["scored"].values)[0]) if "scored" in run else 1
    return run["curve_miou"].isel(curve_step=slice(-points, None)).mean("curve_step").values.astype(float)


def timed(run: xr.Dataset, other: xr.Dataset, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Steps of two runs, seed by seed, to levels of their learning curves.

    Args:
        run: Units along ``seed``.
        other: Units of the same seeds.
        levels: One a seed.

    Returns:
        Steps of either, (seeds,), all of them where a level is never reached, and at least one; and how many
        seeds of the first never reach theirs.
    """
    budget = float(run["curve_step"][-1])
    times = steps_to(run, levels), steps_to(other, levels)
    own, others = (np.clip(np.where(np.isinf(one), budget, one), 1.0, None) for one in times)
    return own, others, int(np.isinf(times[0]).sum())


def change(run: xr.Dataset, measure: str = PRIMARY, against: str = "start") -> xr.DataArray:
    """1 − similarity of every layer after fine-tuning to what it was before: (seed, layer).

    Args:
        run: Units along ``seed``.
        measure: Id of a measure.
        against: ``"start"``; or ``"fresh"`` for the null, another network that never learned.
    """
    return 1 - run[{"start": "similarity", "fresh": "fresh_similarity"}[against]].sel(measure=measure)


def part_change(run: xr.Dataset, part: str, measure: str = PRIMARY, against: str = "start") -> xr.DataArray:
    """Mean of :func:`change` over the layers of ``"encoder"`` or ``"decoder"``: (seed,)."""
    layers = [name for name in run["layer"].values.tolist() if name.startswith(part)]
    return change(run, measure, against).sel(layer=layers).mean("layer")


def changes(run: xr.Dataset) -> xr.DataArray:
    """Change of every layer by fine-tuning: see :func:`reprise.engine.changes.changes_from`.

    From the network before fine-tuning; and, the null, from another one that never learned. One position, the
    end.
    """
    similarities = {"the start": run["similarity"], "an unrelated network": run["fresh_similarity"]}
    return changes_from(similarities, "step", "steps", "the start", ["an unrelated network"])


def endpoints(run: xr.Dataset) -> xr.Dataset:
    """Quantities by which two runs are compared, one value a unit each."""
    import xarray as xr

    own = LEVEL * run["curve_miou"].isel(curve_step=-1).values
    values = {
        "mean IoU": run["miou"].values,
        "mean Dice score": run["dice"].values,
        "mean boundary IoU": run["boundary"].values,
        "mean IoU above the trivial baseline": above_trivial(run),
        "steps to 90 % of its own final quality": steps_to(run, own),
        "change by fine-tuning, encoder": part_change(run, "encoder").values,
        "change by fine-tuning, decoder": part_change(run, "decoder").values,
    }
    return xr.Dataset({name: ("seed", value) for name, value in values.items()})
