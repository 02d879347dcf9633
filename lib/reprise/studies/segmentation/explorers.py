"""Explorers of study 3, each from the data that its static figure shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...claims.choices import Choices, Comparison, Scale
from ...engine.statistics import paired
from . import endpoints

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["speed_by_level"]

ONCE = 90.0
"""Percentage of the encoder-only end at which version 1 of claim S3 timed both."""


def speed_by_level(both: xr.Dataset, encoder: xr.Dataset) -> Choices:
    """Claim S3 at every level: log (steps, both ÷ encoder alone) to a share of what the latter reaches.

    Args:
        both: Units along ``seed`` that started from encoder and decoder.
        encoder: Units that started from the encoder alone. Where runs keep several rates, both are taken at
            this one's.
    """
    rates = "rate_miou" in both and "rate_miou" in encoder
    first, second = endpoints.at_one_rate(both, encoder) if rates else paired(both, encoder)
    curves = [run["curve_miou"].transpose("seed", "curve_step").astype(float) for run in (first, second)]
    scored = int(np.ravel(second["scored"].values)[0]) if "scored" in second else 1
    end = curves[1].isel(curve_step=slice(-scored, None)).mean("curve_step").values
    steps = curves[0]["curve_step"].values.astype(float)

    def log_steps(_: str, percent: float) -> tuple[np.ndarray, int]:
        times = [endpoints.steps_to(c.to_dataset(name="curve_miou"), percent / 100 * end) for c in curves]
        own, other = (np.clip(np.minimum(time, steps[-1]), 1.0, None) for time in times)
        return np.log(own / other), int(np.isinf(times[0]).sum())

    config, seeds = json.loads(second.attrs["config"]), second.sizes["seed"]
    numbers = {"steps": steps, "own": curves[0].values, "other": curves[1].values, "end": end}
    comparison = Comparison("log (steps, both ÷ encoder)", "below", "steps", {"miou": numbers}, log_steps)
    return Choices(
        claim="S3",
        title="which level counts as having learned?",
        effect="log (steps, both ÷ encoder)",
        choice=Scale(
            "Level, in % of what the encoder-only network reaches in the end",
            tuple(map(float, range(50, 100))),
            tuple(round(100 * level, 6) for level in endpoints.LEVELS),
            (ONCE,),
            "%",
        ),
        comparisons=(comparison,),
        options={"miou": "mean IoU"},
        registered=("miou",),
        unit=f"{config['source']} → {config['dataset']}, {seeds} seeds",
        withheld=_two_rates(first, second),
    )


def _two_rates(both: xr.Dataset, encoder: xr.Dataset) -> str:
    """Says so where two runs were fine-tuned at different rates, as units themselves tell."""
    if "rate" not in both or "rate" not in encoder:
        return ""
    pairs = zip(*(np.ravel(run["rate"].values).tolist() for run in (both, encoder)), strict=True)
    unequal = {(f"{own:.3g}", f"{other:.3g}") for own, other in pairs if abs(np.log(own / other)) > 1e-4}
    if not unequal:
        return ""
    words = " and ".join(f"at {own} and {other}" for own, other in sorted(unequal))
    return (
        f"The two were fine-tuned at different rates, {words}: what is seen here is rate and decoder "
        "together, and decides nothing."
    )
