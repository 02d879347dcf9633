"""Study 3: the rates that runs were trained at, and what makes two of them comparable.

Version 1 chose one rate for a condition, on one seed; of version 2 each replicate ran at every rate to the
end, and keeps them all.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...engine.statistics import paired
from .config import SegmentationConfig

if TYPE_CHECKING:
    import xarray as xr

FREE = {
    "source", "pretext", "pretrain_crop", "pretrain_steps", "pretrain_rate", "pretrain_jitter", "restores",
    "projection", "temperature", "contrast_weight", "mask_weight", "noise_weight", "colour_weight",
    "shuffle_weight", "initial", "transfer", "explorer_seeds", "shown_images", "probe_images",
}  # fmt: skip
"""Settings in which two conditions that are held against each other may differ: where they come from."""

CHOOSING = {"rates", "choice_steps", "choice_images"}
"""Settings that only say how a condition's rate was chosen."""


def at_rate(run: xr.Dataset, rate: float | np.ndarray) -> xr.Dataset:
    """A run of version 2 with the qualities and curves that it reaches at given rates.

    Args:
        run: Units along ``seed`` that keep every rate.
        rate: One for all seeds, or one a seed.

    Raises:
        ValueError: The run knows no such rate, or keeps one rate alone.
    """
    import xarray as xr

    if "rate_miou" not in run:
        raise ValueError("the run keeps one rate alone (choice=condition)")
    rates = np.broadcast_to(np.asarray(rate, float), run.sizes["seed"])
    known = run["candidate_rate"].values.astype(float)
    gaps = np.abs(np.log(known[None] / rates[:, None]))  # a unit keeps its rate in single precision
    if gaps.min(1).max() > 1e-4:
        missing = rates[gaps.min(1) > 1e-4][0]
        raise ValueError(f"no run at rate {missing:g}; there are: {', '.join(f'{one:g}' for one in known)}")
    index = xr.DataArray(gaps.argmin(1), dims="seed")
    names = [str(name) for name in run.data_vars if str(name).startswith("rate_")]
    values = {name.removeprefix("rate_"): run[name].isel(candidate_rate=index) for name in names}
    return run.drop_vars(names).assign(values).assign(rate=("seed", rates))


def at_one_rate(run: xr.Dataset, reference: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Both runs, seed by seed, at the rate that the reference's own validation pictures choose (S2, S3).

    Raises:
        ValueError: The runs keep one rate alone, and not the same.
    """
    first, second = paired(run, reference)
    if "rate_miou" not in first and trained_at(first) == trained_at(second):
        return first, second
    return at_rate(first, second["rate"].values), second


def by_rate(run: xr.Dataset, other: xr.Dataset) -> dict[float, tuple[xr.Dataset, xr.Dataset]]:
    """Both runs at each rate that both were run at: rate → the two; empty if they keep one rate alone."""
    if "rate_miou" not in run or "rate_miou" not in other:
        return {}
    common = [one for one in run["candidate_rate"].values if one in other["candidate_rate"].values]
    return {float(one): (at_rate(run, one), at_rate(other, one)) for one in common}


def trained_at(run: xr.Dataset) -> list[float]:
    """Rates that the units of a run were trained at, from the units themselves, sorted, to six digits."""
    return sorted({float(f"{rate:.6g}") for rate in np.ravel(run["rate"].values).tolist()})


def spelled(run: xr.Dataset) -> str:
    """Rates that the units of a run were trained at, in words: ``0.001 or 0.003``."""
    return " or ".join(f"{rate:g}" for rate in trained_at(run))


def unequal(run: xr.Dataset, other: xr.Dataset) -> list[str]:
    """Settings, beside :data:`FREE` ones, in which two runs differ, sorted: their contrast would mix them.

    Where a rate was chosen for a condition as a whole, what counts is not what it was chosen from but what
    both ran at (``"rate"``). Where each replicate chooses its own, the choice is part of the condition, and
    what it is made from must be the same.

    Args:
        run: A run, its configuration in the attribute ``config``.
        other: The run that it is held against.
    """
    # Parsed, as units of version 1 say nothing of settings that version 2 added.
    first, second = (
        SegmentationConfig(**json.loads(one.attrs["config"])).model_dump() for one in (run, other)
    )
    differ = {name for name in first if name not in FREE and first[name] != second[name]}
    if first["choice"] == second["choice"] == "condition":
        differ -= CHOOSING
        if trained_at(run) != trained_at(other):
            differ |= {"rate"}
    return sorted(differ)
