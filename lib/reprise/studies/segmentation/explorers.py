"""Explorers of study 3, each from the data that its static figure shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...claims.choices import Choices, Comparison, Scale
from ...engine.statistics import paired
from . import endpoints
from .rates import spelled

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["speed_by_level"]


def speed_by_level(both: xr.Dataset, encoder: xr.Dataset) -> Choices:
    """Claim S3 at every level: log (steps, both ÷ encoder alone) to a share of what the latter reaches.

    Args:
        both: Units along ``seed`` that started from encoder and decoder.
        encoder: Units that started from the encoder alone. Where runs keep several rates, both are taken at
            this one's.
    """
    rates = "rate_miou" in both and "rate_miou" in encoder
    first, second = endpoints.at_one_rate(both, encoder) if rates else paired(both, encoder)
    end = endpoints.scored_end(second)
    curves = [
        run["curve_miou"].transpose("seed", "curve_step").values.astype(float) for run in (first, second)
    ]

    def log_steps(_: str, percent: float) -> tuple[np.ndarray, int]:
        own, other, never = endpoints.timed(first, second, percent / 100 * end)
        return np.log(own / other), never

    config, seeds = json.loads(second.attrs["config"]), second.sizes["seed"]
    steps = first["curve_step"].values.astype(float)
    numbers = {"steps": steps, "own": curves[0], "other": curves[1], "end": end}
    comparison = Comparison("log (steps, both ÷ encoder)", "below", "steps", {"miou": numbers}, log_steps)
    return Choices(
        claim="S3",
        title="which level counts as having learned?",
        effect="log (steps, both ÷ encoder)",
        choice=Scale(
            "Level, in % of what the encoder-only network reaches in the end",
            tuple(map(float, range(50, 100))),
            tuple(round(100 * level, 6) for level in endpoints.LEVELS),
            (100 * endpoints.LEVEL,),
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
    own, other = spelled(both), spelled(encoder)
    if own == other:
        return ""
    return (
        f"The two were fine-tuned at different rates, at {own} and {other}: what is seen here is rate and "
        "decoder together, and decides nothing."
    )
